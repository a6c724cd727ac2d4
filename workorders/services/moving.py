"""Move an order along its life: one function, driven by the table."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from alarms import services as alarm_services
from alarms.models import Alarm
from alarms.rules.texts import text
from alarms.states import Condition, Handling
from alarms.states import Move as AlarmMove
from core.errors import Forbidden, Invalid, MoveRefused
from core.transitions import Edge
from sites.models import User
from workorders import selectors
from workorders.models import WorkOrder
from workorders.services import journal
from workorders.states import LIFE, NEEDS, Move, State

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move led to.

    `is_alarm_active`: the order was closed although its alarm still is active.
    """

    order: WorkOrder
    is_alarm_active: bool = False


@dataclass(frozen=True, slots=True)
class _Given:
    """What the person gave along with the move."""

    note: str
    finding: str
    measures: str
    assignee: User | None


@transaction.atomic
def move(  # noqa: PLR0913
    *,
    order_id: int,
    move: str,
    by: User,
    door: str,
    now: datetime,
    seen: str = "",
    note: str = "",
    assignee: User | None = None,
    finding: str = "",
    measures: str = "",
) -> Moved:
    """Take one edge of the table: check, write, record, take the alarm along, announce.

    `seen`: what the person saw, `order.seen` or the bare state; '' when he does not care.
    Raises NotFound or Forbidden (not visible, not his to do), MoveRefused (no such edge), Changed
    (somebody else was first; facts: state, seen, assignee, by, at) and Invalid (what
    `states.NEEDS` asks for is missing, or the assignee cannot work on the site).
    """
    order = selectors.order_for(user=by, pk=order_id)
    if seen and seen not in {order.seen, order.state}:
        raise journal.changed(order)
    edge = _edge(order, move)
    if not selectors.may_move(user=by, order=order, edge=edge):
        raise Forbidden
    given = _checked(
        order, edge, _Given(note=note, finding=finding, measures=measures, assignee=assignee)
    )
    source, worker = order.state, order.assignee_id
    columns = {"state": edge.target.value, "updated_at": now, **_columns(edge, order, given, now)}
    untouched = WorkOrder.objects.filter(pk=order_id, state=source, assignee_id=worker)
    if not untouched.update(**columns):
        raise journal.changed(order)
    is_alarm_active = _follow_with_alarm(order, edge, by=by, door=door, now=now)
    journal.write(
        order,
        "move",
        by=by,
        door=door,
        now=now,
        move=edge.move.value,
        source=source,
        target=edge.target.value,
        note=given.note,
        facts=_facts(order, edge, given, is_alarm_active=is_alarm_active),
    )
    order = selectors.order_for(user=by, pk=order_id)
    journal.announce(order, "moved")
    logger.info(
        "order.moved number=%s move=%s target=%s by=%s", order.number, edge.move, order.state, by.pk
    )
    return Moved(order=order, is_alarm_active=is_alarm_active)


def _edge(order: WorkOrder, move: str) -> Edge:
    """Raises MoveRefused with a sentence that says what stands in the way."""
    try:
        return LIFE.edge(order.state, move)
    except MoveRefused as refusal:
        label = Move(move).label if move in Move.values else move
        names = {"state": State(order.state).label, "move": label}
        sentence = _("“%(state)s”的工单不能执行“%(move)s”。") % names
        raise MoveRefused(sentence, **refusal.facts) from None


def _checked(order: WorkOrder, edge: Edge, given: _Given) -> _Given:
    """The texts, stripped and complete. Raises Invalid."""
    needs = NEEDS.get(Move(edge.move), ())
    texts = {
        field: text(getattr(given, field), field=field, is_required=field in needs)
        for field in ("note", "finding", "measures")
    }
    if "assignee" in needs:
        _check_assignee(order, given.assignee)
    return _Given(**texts, assignee=given.assignee)


def _check_assignee(order: WorkOrder, assignee: User | None) -> None:
    if assignee is None:
        raise Invalid(fields={"assignee": [_("请选择处理人。")]})
    if not selectors.assignees_for(site=order.site).filter(pk=assignee.pk).exists():
        raise Invalid(fields={"assignee": [_("此人不能处理该站点的工单。")]})
    if order.state == State.ASSIGNED and order.assignee_id == assignee.pk:
        raise Invalid(fields={"assignee": [_("工单已派给此人。")]})


def _columns(edge: Edge, order: WorkOrder, given: _Given, now: datetime) -> dict[str, Any]:
    """What the edge writes besides the state."""
    if edge.move == Move.ASSIGN:
        return {"assignee": given.assignee}
    if edge.move == Move.START:
        return {"started_at": order.started_at or now}
    if edge.move == Move.FINISH:
        return {"finding": given.finding, "measures": given.measures, "finished_at": now}
    if edge.move == Move.ACCEPT:
        return {"closed_at": now}
    if edge.move == Move.SEND_BACK:
        # Back to the desk: nobody's work. Back from acceptance: the same person goes on.
        return {"assignee": None} if edge.target == State.NEW else {"finished_at": None}
    return {}


def _facts(order: WorkOrder, edge: Edge, given: _Given, *, is_alarm_active: bool) -> dict[str, Any]:
    """What the log row keeps so that it can be read without the order."""
    if edge.move == Move.ASSIGN and given.assignee is not None:
        return journal.handed_over(order, given.assignee)
    if edge.move == Move.FINISH:
        return {"finding": given.finding, "measures": given.measures}
    return {"is_alarm_active": True} if is_alarm_active else {}


def _follow_with_alarm(order: WorkOrder, edge: Edge, *, by: User, door: str, now: datetime) -> bool:
    """Give the alarm back when the order is cancelled; true when it is closed over an active one."""
    if order.alarm_id is None or edge.target not in {State.CANCELLED, State.CLOSED}:
        return False
    alarm = Alarm.objects.get(pk=order.alarm_id)
    if edge.target == State.CANCELLED:
        # Somebody may have archived a recovered alarm while the order was open: then it stays.
        if alarm.handling == Handling.IN_ORDER:
            alarm_services.move_for_order(
                alarm_id=alarm.pk,
                move=AlarmMove.ORDER_CANCELLED,
                order_number=order.number,
                by=by,
                door=door,
                now=now,
            )
        return False
    if alarm.condition != Condition.ACTIVE:
        return False
    alarm_services.note_order_closed(
        alarm_id=alarm.pk, order_number=order.number, by=by, door=door, now=now
    )
    return True
