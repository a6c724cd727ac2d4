"""Commissioning a device: read on trial, judged, accepted, and taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.errors import Changed, Invalid
from devices import live
from devices.drivers import orders, ranges, wiring
from devices.drivers.codec import Read
from devices.models import Acceptance, Bus, Device, TemplateVersion, TrialRead
from devices.services import equipment, on_demand
from devices.services.plan import PlannedVersion, planned_version
from devices.states import Check, FindingCode, LinkError
from sites.models import User
from sites.models.places import phase_nominal_v

# Facts of a trial that an acceptance takes over.
_SEEN = (
    *("template_version_id", "bus_id", "unit_id", "ct", "pt", "clamp_a"),
    *("read_at", "points", "checks"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What to try. clamp_a: the largest phase current of a clamp meter at the primary side.

    bus: None for a device whose samples a source sends.
    """

    bus: Bus | None
    unit_id: int
    template_version: TemplateVersion
    clamp_a: float | None = None


def setting_of(device: Device) -> Setting | None:
    """As the device is now; None when it is on no bus."""
    if device.bus is None:
        return None
    return Setting(bus=device.bus, unit_id=device.unit_id, template_version=device.template_version)


def try_read(
    *,
    device: Device,
    setting: Setting,
    by: User | None,
    now: datetime,
    timeout_s: float = on_demand.PATIENCE_S,
) -> TrialRead:
    """Read a device on trial, also at another address or with another version; nothing is stored of it.

    A device that does not answer is a result, too. Raises Invalid when the bus is of another site.
    """
    if setting.bus is None or setting.bus.gateway.site_id != device.site_id:
        raise Invalid(fields={"bus": [_("所选项不属于该站点。")]})
    version = planned_version(setting.template_version)
    blocks = version.asks[-1].blocks
    address = on_demand.Address(bus=setting.bus, unit_id=setting.unit_id)
    try:
        read = on_demand.read_raw(
            address=address, blocks=blocks, by=by, now=now, timeout_s=timeout_s
        )
    except on_demand.NoAnswer as reason:
        facts: dict[str, Any] = {"error": str(reason.facts["error"])[:40], "read_at": now}
        return _keep(device, setting, by, facts)
    return record_read(
        device=device, setting=setting, words=read.blocks, by=by, at=read.at, error=read.error
    )


def record_read(
    *,
    device: Device,
    setting: Setting,
    words: Read,
    by: User | None,
    at: datetime,
    error: str = "",
) -> TrialRead:
    """Keep the words of a read, block by block, as they were judged."""
    version = planned_version(setting.template_version)
    place = _place(device, setting, version, at)
    blocks = version.asks[-1].blocks
    looks = orders.looks(version.profile, blocks, words)
    factors = _factors(version, place)
    spans = _spans(looks, place)
    found = [_answer(words, error), *wiring.findings(looks, factors, spans, place)]
    return _keep(device, setting, by, _judged(at, looks, factors, spans, found))


def look_at_latest(*, device: Device, by: User | None, now: datetime) -> TrialRead:
    """Judge the newest sample of a device that a source sends: it has values and no words."""
    setting = Setting(bus=None, unit_id=device.unit_id, template_version=device.template_version)
    points = live.latest_points(device_ids=[device.pk]).get(device.pk, [])
    good = {point.code: point for point in points if point.value is not None}
    if not good:
        return _keep(device, setting, by, {"error": LinkError.SILENT.value, "read_at": now})
    version = planned_version(device.template_version)
    place = replace(_place(device, setting, version, now), is_secondary=False)
    looks = [
        orders.Look(
            code=register.code,
            unit=register.unit,
            words=[],
            values={"ABCD": good[register.code].value},
            used="ABCD",
        )
        for register in version.profile.registers
        if register.code in good
    ]
    factors = dict.fromkeys((look.code for look in looks), 1.0)
    spans = _spans(looks, place)
    at = datetime.fromtimestamp(max(point.at for point in good.values()), UTC)
    found = wiring.findings(looks, factors, spans, place)
    return _keep(device, setting, by, _judged(at, looks, factors, spans, found))


def _spans(looks: Sequence[orders.Look], place: ranges.Place) -> dict[str, ranges.Range]:
    return {
        look.code: span
        for look in looks
        if (span := ranges.plausible(look.code, look.unit, place)) is not None
    }


def _judged(
    at: datetime,
    looks: Sequence[orders.Look],
    factors: Mapping[str, float],
    spans: Mapping[str, ranges.Range],
    found: Sequence[wiring.Finding],
) -> dict[str, Any]:
    return {
        "read_at": at,
        "error": "",
        "points": [_point(look, factors[look.code], spans.get(look.code)) for look in looks],
        "checks": [asdict(one) for one in found],
    }


@transaction.atomic
def accept(
    *, device: Device, seen_at: datetime, by: User | None, now: datetime, note: str = ""
) -> Acceptance:
    """Accept a device as its latest trial showed it; it takes over the trial's address and version.

    seen_at: when the trial was read that the person saw. Raises Changed when there is another by
    now or the device stands accepted, Invalid when nothing was read, the checks object and no note
    says why it is accepted all the same, or the address is taken.
    """
    device = Device.objects.select_for_update().get(pk=device.pk)
    trial = TrialRead.objects.filter(device=device).first()
    if trial is None or trial.error:
        raise Invalid(_("设备尚未读到数据，不能验收。"))
    if trial.read_at != seen_at:
        raise Changed(_("设备刚刚又被读取过，请按最新结果验收。"))
    if trial.objections and not note.strip():
        raise Invalid(fields={"note": [_("核对有异议，验收须说明理由。")]})
    _take_over(device, trial)
    facts = {name: getattr(trial, name) for name in _SEEN}
    try:
        with transaction.atomic():
            return Acceptance.objects.create(
                device=device, accepted_by=by, accepted_at=now, note=note.strip(), **facts
            )
    except IntegrityError:
        raise Changed(_("该设备已验收。")) from None


def accept_all(
    *, devices: Sequence[Device], seen_at: dict[int, datetime], by: User, now: datetime
) -> tuple[list[Acceptance], list[Device]]:
    """Accept those whose trial the checks do not object to; the others come back as the second.

    seen_at: by device, when the trial was read that the person saw.
    """
    made, left = [], []
    for device in devices:
        try:
            made.append(accept(device=device, seen_at=seen_at[device.pk], by=by, now=now))
        except (Invalid, Changed):
            left.append(device)
    return made, left


@transaction.atomic
def withdraw(*, acceptance: Acceptance, reason: str, by: User, now: datetime) -> Acceptance:
    """Take an acceptance back; the row stays. Raises Invalid without a reason, Changed when it was."""
    if not reason.strip():
        raise Invalid(fields={"reason": [_("请填写撤销原因。")]})
    facts = {"withdrawn_at": now, "withdrawn_by": by, "withdrawn_reason": reason.strip()}
    if not Acceptance.objects.standing().filter(pk=acceptance.pk).update(**facts):
        raise Changed(_("该验收已被撤销。"))
    acceptance.refresh_from_db()
    return acceptance


def take_proposed(
    *, device: Device, seen_at: datetime, by: User | None, now: datetime
) -> TrialRead:
    """Put the ratio in force that the checks of the latest trial propose, and read again.

    Samples from now on are multiplied by it. Raises Changed when there is another trial by now,
    Invalid when nothing is proposed.
    """
    trial = TrialRead.objects.filter(device=device).select_related("template_version").first()
    if trial is None or trial.read_at != seen_at:
        raise Changed(_("设备刚刚又被读取过，请按最新结果操作。"))
    wanted = {one["check"]: one["proposed"] for one in trial.checks}
    ct, pt = wanted.get(Check.CURRENT) or trial.ct, wanted.get(Check.VOLTAGE) or trial.pt
    if (ct, pt) == (trial.ct, trial.pt):
        raise Invalid(_("核对没有建议新的变比。"))
    equipment.set_ratio(device=device, ct=ct, pt=pt, valid_from=now)
    setting = Setting(
        bus=trial.bus,
        unit_id=trial.unit_id,
        template_version=trial.template_version,
        clamp_a=trial.clamp_a,
    )
    return try_read(device=device, setting=setting, by=by, now=now)


def _keep(device: Device, setting: Setting, by: User | None, facts: dict[str, Any]) -> TrialRead:
    blank = {"points": [], "checks": [], "ct": 1.0, "pt": 1.0}
    ratio = ratio_at(device, facts["read_at"])
    given = {
        "template_version": setting.template_version,
        "bus": setting.bus,
        "unit_id": setting.unit_id,
        "clamp_a": setting.clamp_a,
        "ct": ratio[0],
        "pt": ratio[1],
        "by": by,
    }
    row, _made = TrialRead.objects.update_or_create(device=device, defaults=blank | given | facts)
    return row


def ratio_at(device: Device, at: datetime) -> tuple[float, float]:
    """CT and PT ratio of a device at a moment; 1 without a row."""
    rows = device.ratios.filter(valid_from__lte=at).order_by("-valid_from")
    row = rows.first()
    if row is None or (row.valid_to is not None and row.valid_to <= at):
        return 1.0, 1.0
    return row.ct, row.pt


def _place(device: Device, setting: Setting, version: PlannedVersion, at: datetime) -> ranges.Place:
    circuit = device.circuit
    nominal = (circuit and circuit.nominal_voltage_v) or device.site.nominal_voltage_v
    ct, pt = ratio_at(device, at)
    return ranges.Place(
        phase_nominal_v=phase_nominal_v(nominal),
        rated_current_a=circuit.rated_current_a if circuit else None,
        ct=ct,
        pt=pt,
        is_secondary=version.profile.values_are == "secondary",
        clamp_a=setting.clamp_a,
    )


def _factors(version: PlannedVersion, place: ranges.Place) -> dict[str, float]:
    """What brings each point to the primary side."""
    profile = version.profile
    codes = (*profile.value_codes, *profile.counter_codes)
    return {
        code: (place.ct if by_ct else 1.0) * (place.pt if by_pt else 1.0)
        for code, by_ct, by_pt in zip(
            codes, version.by_ct.tolist(), version.by_pt.tolist(), strict=True
        )
    }


def _answer(words: Read, error: str) -> wiring.Finding:
    missing = sum(block is None for block in words)
    if missing:
        facts: dict[str, str | float] = {"count": missing, "error": error}
        return wiring.Finding(Check.ANSWER.value, "failed", FindingCode.ANSWER_PARTIAL.value, facts)
    return wiring.Finding(Check.ANSWER.value, "passed", FindingCode.ANSWER_WHOLE.value)


def _point(look: orders.Look, factor: float, span: ranges.Range | None) -> dict[str, Any]:
    value = None if look.value is None else look.value * factor
    return {
        "code": look.code,
        "unit": look.unit,
        "words": look.words,
        "values": {name: None if x is None else x * factor for name, x in look.values.items()},
        "used": look.used,
        "value": value,
        "range": span,
        "fits": None if span is None or value is None else wiring.within(value, span),
    }


def _take_over(device: Device, trial: TrialRead) -> None:
    """The address and the version that were seen become the device's own."""
    facts = {
        "template_version_id": trial.template_version_id,
        "bus_id": trial.bus_id,
        "unit_id": trial.unit_id,
    }
    changed = [name for name, value in facts.items() if getattr(device, name) != value]
    if not changed:
        return
    for name in changed:
        setattr(device, name, facts[name])
    names = [name.removesuffix("_id") if name != "unit_id" else name for name in changed]
    try:
        with transaction.atomic():
            device.save(update_fields=[*names, "updated_at"])
    except IntegrityError:
        raise Invalid(fields={"unit_id": [_("该总线上已有设备使用此通信地址。")]}) from None
