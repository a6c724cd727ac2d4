"""Remote control by two people: select and read back, confirm as guardian, execute in time.

Nothing here writes to a device: that is done once, by the process that owns the bus
(`control_running`). No device and no Redis is asked inside a transaction.
"""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import redis
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.errors import Changed, DomainError, Forbidden, Invalid, MoveRefused, NotFound
from core.time import local_day
from devices.models import ControlOperation, Device, Lockout, TemplateOutput
from devices.selectors.control import why_not
from devices.services import control_journal as journal
from devices.services import on_demand
from devices.services.plan import line_of
from devices.states import (
    CONTROL,
    CONTROL_WAITING,
    ControlMove,
    ControlResult,
    control_words,
)
from sites import selectors as site_selectors
from sites import services as site_services
from sites.models import Site, User, access_for, forget_access
from sites.rules import Ability

logger = logging.getLogger(__name__)

PREFIX = "YK"
# From selection to execution (DOMAIN.md §9.2).
WINDOW = timedelta(seconds=30)
# What was written so lately and has no result may still be acted on, somewhere on its way.
JUST_WRITTEN = timedelta(seconds=60)
REASON_LENGTH, PERMIT_LENGTH = 400, 40
READ_PATIENCE_S = 8.0
EXECUTE_PATIENCE_S = 20.0


class ControlRefused(DomainError):
    """The operation is not allowed, or not now; `facts["reason"]` is the word for why."""

    code = "control_refused"

    def __init__(self, reason: str, **facts: Any) -> None:
        words = control_words(reason)
        message = gettext_lazy("不能遥控：%(reason)s。")
        super().__init__(str(message) % {"reason": words}, reason=reason, **facts)


class Request(NamedTuple):
    """What an operator asks for. wanted: on or off."""

    output: TemplateOutput
    wanted: bool
    reason: str
    permit_number: str


def select(
    *, device: Device, request: Request, by: User, door: str, now: datetime
) -> ControlOperation:
    """Read the output's state back and open an operation that is good for 30 s from `now`.

    device: with its site and bus. Raises Forbidden without the ability on the site, Invalid
    without a reason and a permit, ControlRefused when it is not allowed (switch, lock-out, other
    operation, state already as wanted) or the state cannot be read.
    """
    site_selectors.require(user=by, ability=Ability.CONTROL, site=device.site)
    reason, permit = _texts(request)
    refuse_unless_allowed(device=device, output=request.output, now=now)
    line = line_of(device)
    present, read_at = read_state(device=device, output=request.output, now=now)
    if present == request.wanted:
        raise ControlRefused(ControlResult.ALREADY)
    try:
        with transaction.atomic():
            lock_site(device.site_id)
            fresh = _fresh(device)
            refuse_unless_allowed(device=fresh, output=request.output, now=now)
            expire_due(now=now, device=fresh)
            operation = ControlOperation.objects.create(
                number=_number(fresh.site, now),
                site=fresh.site,
                device=fresh,
                output=request.output,
                output_code=request.output.code,
                line=line,
                wanted=request.wanted,
                present=present,
                present_at=read_at,
                reason=reason,
                permit_number=permit,
                operator=by,
                state=CONTROL.initial,
                selected_at=now,
                due_at=now + WINDOW,
                updated_at=now,
            )
            journal.opened(operation, by=by, door=door, now=now)
    except IntegrityError as clash:
        raise ControlRefused(ControlResult.BUSY) from clash
    logger.info("control.selected number=%s by=%s", operation.number, by.pk)
    return operation


def read_state(*, device: Device, output: TemplateOutput, now: datetime) -> tuple[bool, datetime]:
    """Whether the output is on, as the device says now, and when. Raises ControlRefused."""
    state = output.state
    question = {
        "kind": "state",
        "device": device.pk,
        "block": [state.function_code, state.address],
        "until": (now + timedelta(seconds=READ_PATIENCE_S)).timestamp(),
    }
    answer = _ask(device, question, READ_PATIENCE_S)
    if answer.get("error"):
        raise ControlRefused(answer["error"])
    is_on = state.decode(answer["words"])
    if is_on is None:
        raise ControlRefused(ControlResult.UNCLEAR)
    return is_on, datetime.fromtimestamp(answer["at"], UTC)


def confirm(
    *, operation_id: int, seen: str, by: User, door: str, now: datetime
) -> ControlOperation:
    """The guardian's yes to what he has seen; another person than the operator.

    Raises NotFound, Forbidden (no ability, or the operator himself), MoveRefused, Changed, and
    ControlRefused when the time is over or a lock-out came.
    """
    operation = _for(operation_id, by)
    if by.pk == operation.operator_id:
        raise Forbidden(_("监护人不能是操作人本人。"))
    if seen and seen != operation.seen:
        raise Changed(state=operation.state, seen=operation.seen)
    with transaction.atomic():
        lock_site(operation.site_id)
        _refuse_when_over(operation, now)
        refuse_unless_allowed(device=operation.device, output=operation.output, now=now)
        journal.move(
            operation,
            ControlMove.CONFIRM,
            by=by,
            door=door,
            now=now,
            guardian=by,
            confirmed_at=now,
        )
    return operation


def refuse(*, operation_id: int, note: str, by: User, door: str, now: datetime) -> ControlOperation:
    """A guardian's no, before or after his yes. Raises as `confirm` does, Invalid without a reason."""
    operation = _for(operation_id, by)
    if by.pk == operation.operator_id:
        raise Forbidden(_("监护人不能是操作人本人。"))
    text = _text(note, "note", REASON_LENGTH)
    journal.move(
        operation, ControlMove.REFUSE, by=by, door=door, now=now, note=text, finished_at=now
    )
    return operation


def cancel(*, operation_id: int, by: User, door: str, now: datetime) -> ControlOperation:
    """The operator gives up, as long as nothing is being executed."""
    operation = _for(operation_id, by)
    if by.pk != operation.operator_id:
        raise Forbidden(_("只有操作人可以撤销。"))
    journal.move(operation, ControlMove.CANCEL, by=by, door=door, now=now, finished_at=now)
    return operation


def execute(*, operation_id: int, by: User, door: str, now: datetime) -> ControlOperation:
    """Have the owner of the bus write it, once, and return what became of it.

    The operation that comes back may be unknown, or executing when the answer took too long: the
    sweep finds out. Raises Forbidden for anybody but the operator, MoveRefused without the
    guardian's yes, ControlRefused when it was not begun.
    """
    operation = _for(operation_id, by)
    if by.pk != operation.operator_id:
        raise Forbidden(_("只有操作人可以执行。"))
    CONTROL.edge(operation.state, ControlMove.EXECUTE)
    _refuse_when_over(operation, now)
    question = {
        "kind": "execute",
        "operation": operation.pk,
        "by": by.pk,
        "door": door,
        "until": operation.due_at.timestamp(),
    }
    answer = _ask(operation.device, question, EXECUTE_PATIENCE_S)
    error = answer.get("error", "")
    if error == "moved_on":
        raise MoveRefused
    if error and error != "late":
        raise ControlRefused(error)
    return _for(operation_id, by)


def allow(*, site: Site, is_allowed: bool, by: User, now: datetime) -> None:
    """Open a site for remote control or close it; what waits there is blocked on closing.

    Raises Forbidden unless the person manages the site.
    """
    site_selectors.require(user=by, ability=Ability.MANAGE_SITE, site=site)
    with transaction.atomic():
        locked = lock_site(site.pk)
        locked.is_control_allowed = is_allowed
        locked.save(update_fields=["is_control_allowed", "updated_at"])
        if not is_allowed:
            waiting = ControlOperation.objects.filter(site=site, state__in=CONTROL_WAITING)
            journal.block(waiting, result=ControlResult.OFF, by=by, now=now)
    logger.info("control.allowed site=%s is_allowed=%s by=%s", site.pk, is_allowed, by.pk)


def refuse_unless_allowed(*, device: Device, output: TemplateOutput, now: datetime) -> None:
    """Raises ControlRefused for whatever forbids switching this output now."""
    is_locked = Lockout.objects.in_force(now).over(device).exists()
    if reason := why_not(device=device, output=output, is_locked=is_locked):
        raise ControlRefused(reason)


def rights_are_kept(operation: ControlOperation) -> bool:
    """Whether both people still may: a grant can end within the 30 s."""
    people = [operation.operator, operation.guardian]
    for person in people:
        if person is None:
            return False
        forget_access(person)
        if not access_for(person).can(Ability.CONTROL, operation.site):
            return False
    return True


def expire_due(*, now: datetime, device: Device | None = None) -> int:
    """Close what nobody executed in time; how many that were."""
    waiting = ControlOperation.objects.filter(state__in=CONTROL_WAITING, due_at__lte=now)
    if device is not None:
        waiting = waiting.filter(device=device)
    return journal.each(
        waiting, ControlMove.EXPIRE, now=now, result=ControlResult.OVERDUE, finished_at=now
    )


def lock_site(pk: int) -> Site:
    """The site's row until the transaction ends: selections, lock-outs and claims take turns."""
    return Site.objects.select_for_update(no_key=True).get(pk=pk)


def _for(operation_id: int, by: User) -> ControlOperation:
    """The operation, for somebody with the ability on its site. Raises NotFound, Forbidden."""
    rows = ControlOperation.objects.visible_to(by).with_place()
    operation = (
        rows.select_related("device__bus__gateway", "device__site").filter(pk=operation_id).first()
    )
    if operation is None:
        raise NotFound
    site_selectors.require(user=by, ability=Ability.CONTROL, site=operation.site)
    return operation


def _fresh(device: Device) -> Device:
    return Device.objects.select_related("site__team", "site__enterprise", "bus__gateway").get(
        pk=device.pk
    )


def _refuse_when_over(operation: ControlOperation, now: datetime) -> None:
    if operation.state in CONTROL_WAITING and now >= operation.due_at:
        raise ControlRefused(ControlResult.OVERDUE)


def _ask(device: Device, question: dict[str, Any], timeout_s: float) -> on_demand.Answer:
    if device.bus is None:
        raise ControlRefused(ControlResult.NOT_POLLED)
    try:
        return on_demand.ask(device.bus.gateway.poll_shard, question, timeout_s)
    except redis.RedisError as reason:
        raise ControlRefused(ControlResult.NO_WORKER) from reason


def _texts(request: Request) -> tuple[str, str]:
    return (
        _text(request.reason, "reason", REASON_LENGTH),
        _text(request.permit_number, "permit_number", PERMIT_LENGTH),
    )


def _text(given: str, field: str, limit: int) -> str:
    text = " ".join(given.split()) if "\0" not in given else ""
    if not text:
        raise Invalid(fields={field: [_("请填写此项。")]})
    if len(text) > limit:
        raise Invalid(fields={field: [_("最多 %(limit)d 个字符。") % {"limit": limit}]})
    return text


def _number(site: Site, now: datetime) -> str:
    return site_services.take_numbers(prefix=PREFIX, day=local_day(now, site.timezone))[0]
