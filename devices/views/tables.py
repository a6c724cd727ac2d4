"""The live table of one device: every point that the person may see, by group."""

from dataclasses import dataclass, field
from datetime import datetime

from devices import live
from devices.models import Device, PointCode, PointOverride
from devices.services.schedule import DAILY_S, SLOW_S
from devices.states import Quality
from devices.templatetags.points import group_labels
from sites import selectors as site_selectors
from sites.models import User

STALE_PERIODS = 2
GONE_PERIODS = 10


@dataclass(frozen=True, slots=True)
class PointRow:
    """One point with its newest value. `period_s`: how often it is usually read."""

    device_id: int
    point: PointCode
    label: str
    value: float | None
    at: datetime | None
    at_s: float
    is_good: bool
    is_stale: bool
    period_s: float

    @property
    def id(self) -> str:
        return f"{self.device_id}:{self.point.code}"


@dataclass(slots=True)
class Group:
    """Points of one kind."""

    key: str
    label: str
    rows: list[PointRow] = field(default_factory=list)


def table_of(*, user: User, device: Device, now: datetime) -> list[Group]:
    """Groups in the dictionary's order; points that are not connected are left out."""
    layout = device.template_version.layout
    codes = {*layout.value_codes, *layout.counter_codes}
    classes = site_selectors.data_classes_for(user=user, site=device.site)
    points = PointCode.objects.filter(code__in=codes, data_class__in=classes)
    overrides = {row.point_id: row for row in PointOverride.objects.filter(device=device)}
    newest = {p.code: p for p in live.latest_points(device_ids=[device.pk]).get(device.pk, [])}
    periods = _periods(device)
    groups = {key: Group(key, label) for key, label in group_labels().items()}
    for point in points:
        override = overrides.get(point.pk)
        if override is not None and not override.is_enabled:
            continue
        group = groups.setdefault(point.group, Group(point.group, point.group))
        label = _label(point, override)
        row = _row(device, point, label, newest.get(point.code), periods.get(point.code), now)
        group.rows.append(row)
    return [group for group in groups.values() if group.rows]


def _label(point: PointCode, override: PointOverride | None) -> str:
    if override is None or not override.name:
        return point.label
    is_english = point.label == point.name_en and point.name_en != point.name
    return override.name_en or override.name if is_english else override.name


def _periods(device: Device) -> dict[str, float]:
    """Seconds between two readings of each point."""
    fast = float(device.bus.gateway.period_s) if device.bus else 60.0
    often = {"fast": fast, "slow": max(fast, SLOW_S), "daily": max(fast, DAILY_S)}
    registers = device.template_version.registers.values_list("point__code", "poll_class")
    return {code: often.get(poll_class, fast) for code, poll_class in registers}


def _row(  # noqa: PLR0913 - a row of the table
    device: Device,
    point: PointCode,
    label: str,
    newest: live.LatestPoint | None,
    period_s: float | None,
    now: datetime,
) -> PointRow:
    period_s = period_s or (float(device.bus.gateway.period_s) if device.bus else 60.0)
    if newest is None or (newest.value is None and newest.quality == Quality.GOOD):
        return PointRow(
            device.pk,
            point,
            label,
            None,
            None,
            0.0,
            is_good=False,
            is_stale=True,
            period_s=period_s,
        )
    age_s = now.timestamp() - newest.at
    is_good = newest.quality == Quality.GOOD and age_s <= GONE_PERIODS * period_s
    return PointRow(
        device_id=device.pk,
        point=point,
        label=label,
        value=newest.value if is_good else None,
        at=datetime.fromtimestamp(newest.at, tz=now.tzinfo),
        at_s=newest.at,
        is_good=is_good,
        is_stale=age_s > STALE_PERIODS * period_s,
        period_s=period_s,
    )
