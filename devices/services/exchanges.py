"""Exchanging the meter of a measuring position: looked at first, done as a whole, undone as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isnan
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from core.errors import Changed, Invalid
from core.time import local_day, month_bounds
from devices import history, selectors
from devices.drivers.counters import UNKNOWN, Counter, steps
from devices.models import (
    CounterReading,
    Device,
    Meter,
    MeterExchange,
    PointCode,
    Ratio,
    TemplateVersion,
)
from devices.selectors.counters import Planned
from devices.services import equipment
from devices.services.commissioning import ratio_at
from sites.models import User

IMPORT = "EPI"
_HOUR = timedelta(hours=1)
# Whose meter nobody ever entered.
UNKNOWN_SERIAL = "—"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What is wanted. last, first: displays of the old and the new meter by point code.

    ct, pt, template_version: None where they stay. rolls_at: of the new meter.
    """

    at: datetime
    serial: str
    reason: str
    last: Mapping[str, float] = field(default_factory=dict)
    first: Mapping[str, float] = field(default_factory=dict)
    rolls_at: float | None = None
    template_version: TemplateVersion | None = None
    ct: float | None = None
    pt: float | None = None


@dataclass(frozen=True, slots=True)
class MonthEnergy:
    """Imported energy of the month of the exchange, as it is counted and as it would be.

    None where there are not two readings. is_whole: nothing of it stays unknown.
    """

    before_kwh: float | None
    after_kwh: float | None
    is_whole: bool


def initial(*, device: Device, now: datetime) -> dict[str, object]:
    """What the form begins with: now in the site's zone, and what the old meter's displays showed last."""
    local = now.astimezone(ZoneInfo(device.site.timezone)).replace(tzinfo=None)
    found: dict[str, object] = {"at": local}
    for code in ("EPI", "EPE", "EQI", "EQE"):
        if code not in device.template_version.layout.counter_codes:
            continue
        ids = [device.pk]
        rows = history.counters_at(device_ids=ids, code=code, moments=[now], within=_HOUR)
        stored = float(rows[device.pk][0])
        factor = selectors.counters(device_ids=ids, code=code)[device.pk].segments[-1].factor
        if not isnan(stored):
            found[f"last_{code}"] = round(stored / factor, 3)
    return found


def preview(*, device: Device, exchange: Exchange, now: datetime) -> MonthEnergy:
    """Energy of the month, in the site's zone, without and with the exchange. Raises Invalid."""
    _require_sense(device, exchange, now)
    start, end = month_bounds(local_day(exchange.at, device.site.timezone), device.site.timezone)
    end = min(end, now)
    moments = [start + _HOUR * hour for hour in range(int((end - start) / _HOUR) + 1)]
    ids = [device.pk]
    rows = history.counters_at(device_ids=ids, code=IMPORT, moments=moments, within=_HOUR)
    readings = rows[device.pk].tolist()
    planned = Planned(
        at=exchange.at, first=exchange.first.get(IMPORT), last=exchange.last.get(IMPORT)
    )
    found = []
    for extra in (None, {device.pk: planned}):
        counter = selectors.counters(device_ids=ids, code=IMPORT, extra=extra)[device.pk]
        found.append(_sum(moments, readings, counter))
    (before, _is_whole), (after, is_whole) = found
    return MonthEnergy(before, after, is_whole)


def _sum(
    moments: list[datetime], readings: list[float], counter: Counter
) -> tuple[float | None, bool]:
    at_s = [moment.timestamp() for moment in moments]
    some = steps(at_s, readings, counter, slack_s=_HOUR.total_seconds())
    is_whole = not any(step.odd in UNKNOWN for step in some)
    return (sum(step.kwh for step in some) if some else None), is_whole


@transaction.atomic
def exchange_meter(
    *, device: Device, exchange: Exchange, by: User | None, now: datetime
) -> MeterExchange:
    """Close the old meter's counters, open the new one's; the device keeps id, history and alarms.

    Ratio and template version apply from now on: what was sampled before stays as it was. Raises
    Invalid when the moment lies before the installation of the present meter or in the future.
    """
    device = Device.objects.select_for_update().select_related("site").get(pk=device.pk)
    _require_sense(device, exchange, now)
    old = _present(device, exchange.at)
    new = equipment.replace_meter(device=device, serial=exchange.serial, at=exchange.at)
    if exchange.rolls_at is not None:
        new.rolls_at = exchange.rolls_at
        new.save(update_fields=["rolls_at"])
    _write(old, exchange.last, "last")
    _write(new, exchange.first, "first")
    ratio_before, ratio_after = _change_ratio(device, exchange, now)
    version_before = _change_version(device, exchange.template_version)
    row = MeterExchange.objects.create(
        device=device,
        at=exchange.at,
        removed=old,
        installed=new,
        serial=exchange.serial,
        reason=exchange.reason,
        version_before=version_before,
        version_after=device.template_version if version_before else None,
        ratio_before=ratio_before,
        ratio_after=ratio_after,
        by=by,
        recorded_at=now,
    )
    return row


@transaction.atomic
def undo_exchange(*, exchange: MeterExchange, by: User, now: datetime) -> MeterExchange:
    """Put everything back that an exchange changed; its row stays.

    Raises Changed when it was undone, or the meter, ratio or version changed again since.
    """
    device = Device.objects.select_for_update().get(pk=exchange.device_id)
    row = MeterExchange.objects.select_for_update().get(pk=exchange.pk)
    present = device.meters.filter(removed_at__isnull=True).first()
    if row.undone_at is not None or present is None or present.pk != row.installed_id:
        raise Changed(_("该次换表已撤销，或此后又换过表，不能撤销。"))
    row.undone_at, row.undone_by, row.installed = now, by, None
    row.save(update_fields=["undone_at", "undone_by", "installed"])
    present.delete()
    old = row.removed
    old.removed_at = None
    old.save(update_fields=["removed_at"])
    old.readings.update(last=None)
    _restore_ratio(device, row)
    _restore_version(device, row)
    return row


def _require_sense(device: Device, exchange: Exchange, now: datetime) -> None:
    wrong: dict[str, list[str]] = {}
    present = device.meters.filter(removed_at__isnull=True).first()
    if present and (present.installed_at, present.serial) == (exchange.at, exchange.serial):
        raise Changed(_("这次换表已经登记，没有重复登记。"))
    if exchange.at > now:
        wrong["at"] = [_("换表时间不能晚于现在。")]
    elif present and exchange.at <= present.installed_at:
        wrong["at"] = [_("更换时间必须晚于现有表计的安装时间。")]
    if not exchange.serial.strip():
        wrong["serial"] = [_("请填写新表号。")]
    if not exchange.reason.strip():
        wrong["reason"] = [_("请填写换表原因。")]
    wrong |= _odd_figures(device, exchange)
    if wrong:
        raise Invalid(fields=wrong)


def _odd_figures(device: Device, exchange: Exchange) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = {}
    known = device.template_version.layout.counter_codes
    for end, shown in (("last", exchange.last), ("first", exchange.first)):
        if odd := [code for code in shown if code not in known]:
            wrong[end] = [_("设备没有累计量“%(code)s”。") % {"code": odd[0]}]
    if exchange.rolls_at is not None and exchange.rolls_at <= exchange.first.get(IMPORT, 0):
        wrong["rolls_at"] = [_("满度必须大于新表的起始读数。")]
    return wrong


def _present(device: Device, at: datetime) -> Meter:
    """The meter in place; made now when nobody ever entered it."""
    found = device.meters.filter(removed_at__isnull=True).first()
    installed_at = min(device.created_at, at - _HOUR)
    return found or Meter.objects.create(
        device=device, serial=UNKNOWN_SERIAL, installed_at=installed_at
    )


def _write(meter: Meter, readings: Mapping[str, float], end: str) -> None:
    points = PointCode.objects.in_bulk(list(readings), field_name="code")
    for code, reading in readings.items():
        CounterReading.objects.update_or_create(
            meter=meter, point=points[code], defaults={end: reading}
        )


def _change_ratio(
    device: Device, exchange: Exchange, now: datetime
) -> tuple[Ratio | None, Ratio | None]:
    if exchange.ct is None and exchange.pt is None:
        return None, None
    before = ratio_at(device, now)
    ct, pt = exchange.ct or before[0], exchange.pt or before[1]
    if (ct, pt) == before:
        return None, None
    old = device.ratios.filter(valid_to__isnull=True).first()
    return old, equipment.set_ratio(device=device, ct=ct, pt=pt, valid_from=now)


def _restore_ratio(device: Device, row: MeterExchange) -> None:
    after = row.ratio_after
    if after is None:
        return
    if after.valid_to is not None:
        raise Changed(_("此后又改过变比，不能撤销。"))
    after.delete()
    if row.ratio_before is not None:
        row.ratio_before.valid_to = None
        row.ratio_before.save(update_fields=["valid_to", "updated_at"])


def _restore_version(device: Device, row: MeterExchange) -> None:
    if row.version_before_id is None:
        return
    if device.template_version_id != row.version_after_id:
        raise Changed(_("此后又换过模板版本，不能撤销。"))
    device.template_version_id = row.version_before_id
    device.save(update_fields=["template_version", "updated_at"])


def _change_version(device: Device, version: TemplateVersion | None) -> TemplateVersion | None:
    if version is None or version.pk == device.template_version_id:
        return None
    before = device.template_version
    device.template_version = version
    device.save(update_fields=["template_version", "updated_at"])
    return before
