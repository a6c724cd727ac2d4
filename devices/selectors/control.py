"""Reads of remote control: operations and what one may do with them, outputs, lock-outs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from core.errors import NotFound
from core.quick import address
from core.search import matching, words_of
from devices.models import ControlLog, ControlOperation, Device, Lockout, TemplateOutput
from devices.states import (
    CONTROL_WAITING,
    ControlMove,
    ControlResult,
    ControlState,
    control_words,
)
from sites import selectors as site_selectors
from sites.models import Site, User, access_for
from sites.rules import Ability

LOCKOUTS_SHOWN = 200
OUTPUTS_SHOWN = 500


@dataclass(slots=True)
class ControlLine:
    """One operation in a list."""

    row: ControlOperation
    now: datetime

    @property
    def pk(self) -> int:
        return self.row.pk

    @property
    def label(self) -> str:
        return f"{self.row.number} {self.row.device.label}"

    @property
    def url(self) -> str:
        return address("devices:control-detail", self.row.pk)

    @property
    def is_over_due(self) -> bool:
        """Waiting, with its time over: the sweep has not come by yet."""
        return self.row.state in CONTROL_WAITING and self.row.due_at <= self.now

    @property
    def css(self) -> str:
        return "" if self.row.is_open else "is-over"


@dataclass(frozen=True, slots=True)
class OutputLine:
    """One output of a device: what forbids switching it now, '' for nothing, and what is open."""

    device: Device
    output: TemplateOutput
    reason: str
    operation: ControlOperation | None

    @property
    def words(self) -> str:
        """The reason for people."""
        return control_words(self.reason)


def control_lines(rows: Sequence[Any], *, now: datetime) -> list[ControlLine]:
    """Lines of operations read with their place."""
    return [ControlLine(row, now) for row in rows]


def operation_for(*, user: User, pk: int) -> ControlOperation:
    """The operation with its place. Raises NotFound when the person cannot see its site."""
    operation = ControlOperation.objects.visible_to(user).with_place().filter(pk=pk).first()
    if operation is None:
        raise NotFound
    return operation


def log_of(operation: ControlOperation) -> QuerySet[ControlLog]:
    """What happened to it, oldest first."""
    return operation.log.select_related("by")


def control_moves(*, user: User, operation: ControlOperation, now: datetime) -> list[ControlMove]:
    """What the person may do with it now, the usual next thing first."""
    if operation.state not in CONTROL_WAITING or now >= operation.due_at:
        return []
    if not site_selectors.may(user=user, ability=Ability.CONTROL, site=operation.site):
        return []
    is_confirmed = operation.state == ControlState.CONFIRMED
    if user.pk == operation.operator_id:
        return [ControlMove.EXECUTE, ControlMove.CANCEL] if is_confirmed else [ControlMove.CANCEL]
    return [ControlMove.REFUSE] if is_confirmed else [ControlMove.CONFIRM, ControlMove.REFUSE]


def outputs_of(*, user: User, device: Device, now: datetime) -> list[OutputLine]:
    """The outputs that the person may switch, while the site allows it; else none."""
    if not device.site.is_control_allowed:
        return []
    if not site_selectors.may(user=user, ability=Ability.CONTROL, site=device.site):
        return []
    return output_lines(devices=[device], now=now)


def output_lines(*, devices: Sequence[Device], now: datetime) -> list[OutputLine]:
    """Every output of devices of one site, in a fixed number of queries."""
    versions = {device.template_version_id for device in devices}
    outputs: dict[int, list[TemplateOutput]] = {}
    for output in TemplateOutput.objects.filter(version__in=versions).order_by("code"):
        outputs.setdefault(output.version_id, []).append(output)
    if not outputs:
        return []
    open_ones = {
        (operation.device_id, operation.output_code): operation
        for operation in ControlOperation.objects.open().filter(device__in=devices)
    }
    lockouts = list(Lockout.objects.in_force(now).filter(site=devices[0].site_id))
    return [
        OutputLine(
            device=device,
            output=output,
            reason=why_not(device=device, output=output, is_locked=_is_locked(device, lockouts)),
            operation=open_ones.get((device.pk, output.code)),
        )
        for device in devices
        for output in outputs.get(device.template_version_id, ())
    ]


def _is_locked(device: Device, lockouts: Sequence[Lockout]) -> bool:
    return any(lockout.covers(device) for lockout in lockouts)


def why_not(*, device: Device, output: TemplateOutput, is_locked: bool) -> str:
    """What forbids switching this output; '' when nothing does. Reads site and bus."""
    if not device.site.is_control_allowed:
        return ControlResult.OFF
    if is_locked:
        return ControlResult.LOCKED
    if device.bus is None or not device.is_enabled or not device.bus.gateway.is_enabled:
        return ControlResult.NOT_POLLED
    if output.version_id != device.template_version_id:
        return ControlResult.MOVED
    if not output.is_proven:
        return ControlResult.UNPROVEN
    return ControlResult.BROADCAST if device.unit_id == 0 else ""


def devices_with_outputs(site: Site) -> list[Device]:
    """Devices of a site whose template has outputs."""
    devices = Device.objects.filter(site=site, template_version__outputs__isnull=False)
    rows = devices.select_related("site", "room", "bus__gateway").order_by("code", "pk")
    return list(rows.distinct()[:OUTPUTS_SHOWN])


def output_for(*, user: User, device_id: int, code: str) -> tuple[Device, TemplateOutput]:
    """A device and its output, for somebody who may switch there. Raises NotFound, Forbidden."""
    devices = Device.objects.visible_to(user).with_place().select_related("bus__gateway")
    device = devices.filter(pk=device_id).first()
    if device is None:
        raise NotFound
    # Compared here: PostgreSQL takes no NUL, and whoever types one is told that there is no such output.
    outputs = TemplateOutput.objects.filter(version=device.template_version_id)
    output = next((one for one in outputs if one.code == code), None)
    if output is None:
        raise NotFound
    site_selectors.require(user=user, ability=Ability.CONTROL, site=device.site)
    return device, output


def lockouts_for(*, user: User) -> QuerySet[Lockout]:
    """Lock-outs of the sites that the person sees, with what a row prints."""
    rows = Lockout.objects.visible_to(user)
    return rows.select_related("site__enterprise", "site__team", "room", "device", "by", "ended_by")


def sites_to_lock(*, user: User, words: str) -> list[Site]:
    """Sites at which the person may set a lock-out."""
    sites = Site.objects.visible_to(user, ability=Ability.LOCK_OUT).with_owner()
    for word in words_of(words):
        sites = sites.filter(matching(word, ["search_text"]))
    return list(sites.order_by("number")[:LOCKOUTS_SHOWN])


def may_anywhere(user: User) -> bool:
    """Whether remote control is any of the person's business; for showing an entry."""
    access = access_for(user)
    return access.has_anywhere(Ability.CONTROL) or access.has_anywhere(Ability.LOCK_OUT)
