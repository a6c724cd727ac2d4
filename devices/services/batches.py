"""Many equal meters behind one gateway, in one go."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.errors import Changed, Invalid
from devices.models import Bus, Device, TemplateVersion
from devices.services import equipment
from sites.models import Circuit, Room

MOST_METERS = 247
LAST_ADDRESS = 247
_MARKS = re.compile(r"#+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is wanted. In `name` and `code` a run of # is the number, padded to its length.

    first_circuit: from it on, the circuits of its room that have no device yet, by code.
    ct, pt: ratios in force from the start; None for direct measurement.
    """

    bus: Bus
    template_version: TemplateVersion
    first_address: int
    count: int
    name: str
    code: str = ""
    first_number: int = 1
    room: Room | None = None
    first_circuit: Circuit | None = None
    ct: float | None = None
    pt: float | None = None


@dataclass(slots=True)
class Planned:
    """One device as it would be made, and why it cannot."""

    device: Device
    problems: list[str] = field(default_factory=list)


def numbered(pattern: str, number: int) -> str:
    """The pattern with the number in its place: 'N-##' and 7 make 'N-07'."""
    return _MARKS.sub(lambda found: str(number).zfill(len(found.group())), pattern)


def plan_meters(*, batch: Batch) -> list[Planned]:
    """The devices of a batch with every collision named; nothing is written.

    Raises Invalid, by field, when the batch as such makes no sense.
    """
    _require_sense(batch)
    circuits = _circuits(batch)
    taken = {device.unit_id: device for device in batch.bus.devices.all()}
    planned = []
    for step in range(batch.count):
        number = batch.first_number + step
        circuit = circuits[step] if circuits else None
        device = Device(
            site=batch.bus.gateway.site,
            bus=batch.bus,
            room=circuit.room if circuit else batch.room,
            circuit=circuit,
            unit_id=batch.first_address + step,
            template_version=batch.template_version,
            name=numbered(batch.name, number),
            code=numbered(batch.code, number),
            is_simulated=batch.bus.gateway.is_simulated,
        )
        planned.append(Planned(device, _problems(device, taken)))
    return planned


@transaction.atomic
def add_meters(*, batch: Batch, now: datetime) -> list[Device]:
    """Make all devices of a batch, or none.

    Raises Invalid when one of them cannot be made, Changed when somebody else was first.
    """
    planned = plan_meters(batch=batch)
    bad = sum(bool(one.problems) for one in planned)
    if bad:
        raise Invalid(_("有 %(count)d 台不能添加，没有保存任何内容。") % {"count": bad})
    try:
        with transaction.atomic():
            devices = Device.objects.bulk_create(one.device for one in planned)
    except IntegrityError:
        raise Changed(_("刚刚有人在此总线上添加了设备，没有保存任何内容。请重新预览。")) from None
    if batch.ct is not None or batch.pt is not None:
        for device in devices:
            equipment.set_ratio(device=device, ct=batch.ct or 1, pt=batch.pt or 1, valid_from=now)
    return devices


def _require_sense(batch: Batch) -> None:
    wrong: dict[str, list[str]] = {}
    if not 1 <= batch.count <= MOST_METERS:
        wrong["count"] = [_("数量须为 1 至 %(limit)d。") % {"limit": MOST_METERS}]
    elif not 1 <= batch.first_address <= LAST_ADDRESS - batch.count + 1:
        text = _("通信地址须在 1 至 %(limit)d 之间，从此地址起放不下这么多台。")
        wrong["first_address"] = [text % {"limit": LAST_ADDRESS}]
    if batch.count > 1 and not _MARKS.search(batch.name):
        wrong["name"] = [_("请用 # 标出序号的位置，如“3AP-##”。")]
    if batch.count > 1 and batch.code and not _MARKS.search(batch.code):
        wrong["code"] = [_("请用 # 标出序号的位置，如“3AP-##”。")]
    if wrong:
        raise Invalid(fields=wrong)


def _circuits(batch: Batch) -> Sequence[Circuit]:
    """As many free circuits as meters, from the first one on. Raises Invalid when there are fewer."""
    first = batch.first_circuit
    if first is None:
        return ()
    free = Circuit.objects.filter(room=first.room_id, devices__isnull=True).select_related(
        "room__site"
    )
    ordered = sorted(free, key=lambda circuit: (_natural(circuit.code), circuit.name))
    start = (_natural(first.code), first.name)
    found = [c for c in ordered if (_natural(c.code), c.name) >= start][: batch.count]
    if len(found) < batch.count:
        text = _("从该回路起只有 %(found)d 个没有设备的回路，少于 %(count)d 台。")
        facts = {"found": len(found), "count": batch.count}
        raise Invalid(fields={"first_circuit": [text % facts]})
    return found


def _natural(code: str) -> list[tuple[int, str]]:
    """N2 before N10."""
    return [(int(p), "") if p.isdigit() else (-1, p) for p in re.split(r"(\d+)", code) if p]


def _problems(device: Device, taken: dict[int, Device]) -> list[str]:
    found = []
    if (other := taken.get(device.unit_id)) is not None:
        text = _("通信地址 %(address)d 已被“%(name)s”使用。")
        found.append(text % {"address": device.unit_id, "name": other.label})
    try:
        device.clean_fields(exclude={"site", "bus", "room", "circuit", "template_version"})
        device.clean()
    except ValidationError as refusal:
        found += refusal.messages
    return found
