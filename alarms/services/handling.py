"""What people do about an alarm: verify, ignore, archive, undo; orders move it too."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from alarms import selectors
from alarms.models import Alarm, AlarmLog
from alarms.rules.texts import CAUSE_LENGTH, text
from alarms.services import journal
from alarms.services.journal import Act
from alarms.states import (
    HANDLING,
    UNDO,
    UNDOABLE,
    Condition,
    Entry,
    Handling,
    Move,
    Verdict,
)
from core.errors import Invalid, MoveRefused
from core.transitions import Edge
from sites.models import User
from sites.rules import Ability

logger = logging.getLogger(__name__)

# Longer than this nobody remembers; what is known to stay wrong belongs into a work order.
IGNORE_AT_MOST = timedelta(days=30)

# Long enough to see what one did, too short to rewrite a shift.
UNDO_WITHIN = timedelta(minutes=2)
# What the columns of a move held before it, unless its log row says otherwise.
_NOTHING_YET: dict[Move, dict[str, Any]] = {
    Move.VERIFY: {"verdict": "", "cause": "", "verified_at": None, "verified_by_id": None},
    Move.IGNORE: {"ignored_until": None},
    Move.ARCHIVE: {"archived_at": None},
}

_ABILITIES = {edge.move.value: Ability(edge.ability or Ability.VIEW) for edge in HANDLING.edges}


@transaction.atomic
def verify(  # noqa: PLR0913 - what a verdict consists of
    *,
    alarm_id: int,
    verdict: str,
    by: User | None,
    door: str,
    now: datetime,
    cause: str = "",
    note: str = "",
    seen: str = "",
) -> Alarm:
    """Record whether the alarm is real (查核), with its cause and a note.

    Raises NotFound, Forbidden, Invalid, MoveRefused, and Changed when somebody was first.
    """
    if verdict not in Verdict.values:
        raise Invalid(fields={"verdict": [_("请选择查核结论。")]})
    cause = text(cause, field="cause", limit=CAUSE_LENGTH)
    return _move(
        alarm_id,
        Move.VERIFY,
        Act(by=by, door=door, now=now, seen=seen),
        note=text(note, field="note"),
        facts={"verdict": str(verdict), "cause": cause},
        columns={
            "verdict": verdict,
            "cause": cause,
            "verified_at": now,
            "verified_by_id": by.pk if by else None,
            "ignored_until": None,
        },
    )


@transaction.atomic
def ignore(  # noqa: PLR0913
    *,
    alarm_id: int,
    until: datetime,
    note: str,
    by: User | None,
    door: str,
    now: datetime,
    seen: str = "",
) -> Alarm:
    """Put the alarm aside (忽略) until a moment at most IGNORE_AT_MOST away, for a reason.

    Raises NotFound, Forbidden, Invalid, MoveRefused, and Changed when somebody was first.
    """
    if until <= now:
        raise Invalid(fields={"until": [_("忽略截止时间必须晚于现在。")]})
    if until > now + IGNORE_AT_MOST:
        days = _("最多可忽略 %(days)d 天。") % {"days": IGNORE_AT_MOST.days}
        raise Invalid(fields={"until": [days]})
    return _move(
        alarm_id,
        Move.IGNORE,
        Act(by=by, door=door, now=now, seen=seen),
        note=text(note, field="note", is_required=True),
        facts={"until": until.isoformat()},
        columns={"ignored_until": until},
    )


@transaction.atomic
def archive(  # noqa: PLR0913
    *,
    alarm_id: int,
    by: User | None,
    door: str,
    now: datetime,
    note: str = "",
    seen: str = "",
) -> Alarm:
    """Close the alarm for good (归档); refused while its condition is active.

    Raises NotFound, Forbidden, Invalid, MoveRefused, and Changed when somebody was first.
    """
    return _move(
        alarm_id,
        Move.ARCHIVE,
        Act(by=by, door=door, now=now, seen=seen),
        note=text(note, field="note"),
        columns={"archived_at": now, "ignored_until": None},
    )


@transaction.atomic
def move_for_order(  # noqa: PLR0913
    *,
    alarm_id: int,
    move: str,
    order_number: str,
    by: User | None,
    door: str,
    now: datetime,
    seen: str = "",
) -> Alarm:
    """Follow a work order: CREATE_ORDER when it is made, ORDER_CANCELLED when it is cancelled.

    For the services of work orders, inside their transaction.
    Raises NotFound, Forbidden, MoveRefused, and Changed when somebody was first.
    """
    if move not in {Move.CREATE_ORDER, Move.ORDER_CANCELLED}:
        raise MoveRefused(move=str(move))
    return _move(
        alarm_id,
        Move(move),
        Act(by=by, door=door, now=now, seen=seen),
        facts={"order": order_number},
    )


@transaction.atomic
def note_order_closed(
    *, alarm_id: int, order_number: str, by: User | None, door: str, now: datetime
) -> None:
    """The alarm's order was closed while the alarm still is active: on record, and back to
    verified, so that a second order can follow.
    """
    act = Act(by=by, door=door, now=now)
    facts = {"event": "order_closed_while_active", "order": order_number}
    if Alarm.objects.filter(pk=alarm_id, handling=Handling.IN_ORDER).exists():
        _move(alarm_id, Move.ORDER_CLOSED, act, facts=facts)
    else:
        row = journal.entry_of(alarm_id=alarm_id, entry=Entry.NOTICE, act=act, facts=facts)
        write_down(row, now=now)


@transaction.atomic
def undo(*, alarm_id: int, by: User, door: str, now: datetime) -> Alarm:
    """Take one's own last move of the alarm back, within UNDO_WITHIN, as a move of its own.

    Raises NotFound, Forbidden, and MoveRefused when the last move was somebody else's, is too old,
    cannot be taken back, or when a new alarm stands at the archived one's spot.
    """
    alarm = selectors.alarm_for(user=by, pk=alarm_id, ability=Ability.HANDLE_ALARM)
    last = alarm.log.filter(entry=Entry.HANDLING).order_by("-pk").first()
    if last is None or last.by_id != by.pk or last.move not in UNDOABLE:
        raise MoveRefused(_("没有可以撤销的操作。"), state=alarm.handling)
    if now - last.at > UNDO_WITHIN:
        raise MoveRefused(_("已超过可撤销的时间。"), state=alarm.handling)
    columns = _NOTHING_YET[Move(last.move)] | last.facts.get("before", {})
    act = Act(by=by, door=door, now=now, seen=alarm.handling)
    try:
        with transaction.atomic():
            return _move(alarm_id, UNDO[last.source], act, columns=columns)
    except IntegrityError:
        words = _("同一测点已有新的告警，不能撤销归档。")
        raise MoveRefused(words, state=alarm.handling) from None


def write_down(row: AlarmLog, *, now: datetime) -> Alarm:
    """Keep a log row that moves nothing, and tell whoever watches."""
    journal.write(rows=[row])
    Alarm.objects.filter(pk=row.alarm_id).update(updated_at=now)
    alarm = Alarm.objects.with_place().get(pk=row.alarm_id)
    journal.announce(rows=[(alarm.pk, alarm.site_id, alarm.severity)], event="moved")
    return alarm


def _move(  # noqa: PLR0913
    alarm_id: int,
    move: Move,
    act: Act,
    *,
    note: str = "",
    facts: dict[str, Any] | None = None,
    columns: dict[str, Any] | None = None,
) -> Alarm:
    """Gate, table, compare-and-swap, log, news: the one way of changing the handling."""
    alarm = _gated(alarm_id, move, act)
    if act.seen and act.seen != alarm.handling:
        raise journal.changed(alarm_id=alarm_id, now=act.now)
    edge = _edge(alarm, move)
    rows = Alarm.objects.filter(pk=alarm_id, handling=edge.source)
    if edge.target == Handling.ARCHIVED:
        rows = rows.filter(condition=Condition.RECOVERED)
    if not rows.update(handling=edge.target, updated_at=act.now, **columns or {}):
        _refuse(alarm_id, edge, act)
    kept = dict(facts or {})
    if edge.move in UNDOABLE and (before := _before(alarm, columns or {})):
        kept["before"] = before
    entry = journal.entry_of(
        alarm_id=alarm_id, entry=Entry.HANDLING, act=act, edge=edge, note=note, facts=kept
    )
    journal.write(rows=[entry])
    journal.announce(rows=[(alarm_id, alarm.site_id, alarm.severity)], event="moved")
    logger.info(
        "alarm.moved number=%s move=%s target=%s by=%s",
        alarm.number,
        edge.move,
        edge.target,
        act.by.pk if act.by else "system",
    )
    return Alarm.objects.with_place().get(pk=alarm_id)


def _before(alarm: Alarm, columns: dict[str, Any]) -> dict[str, Any]:
    """What a move overwrites, so that it can be taken back: only what was filled."""
    found = {name: getattr(alarm, name) for name in columns}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in found.items()
        if value not in (None, "")
    }


def _gated(alarm_id: int, move: Move, act: Act) -> Alarm:
    if act.by is None:
        return Alarm.objects.get(pk=alarm_id)
    return selectors.alarm_for(user=act.by, pk=alarm_id, ability=_ABILITIES[move])


def _edge(alarm: Alarm, move: Move) -> Edge:
    """Raises MoveRefused with a sentence that says what stands in the way."""
    try:
        edge = HANDLING.edge(alarm.handling, move)
    except MoveRefused as refusal:
        names = {"handling": Handling(alarm.handling).label, "move": move.label}
        sentence = _("“%(handling)s”的告警不能执行“%(move)s”。") % names
        raise MoveRefused(sentence, **refusal.facts) from None
    if edge.target == Handling.ARCHIVED and alarm.condition == Condition.ACTIVE:
        raise _still_active(alarm)
    return edge


def _still_active(alarm: Alarm) -> MoveRefused:
    return MoveRefused(
        _("告警尚未恢复，不能归档。"),
        state=alarm.handling,
        move=Move.ARCHIVE.value,
        condition=alarm.condition,
    )


def _refuse(alarm_id: int, edge: Edge, act: Act) -> None:
    """Somebody, or the plant, was faster than the compare-and-swap."""
    fresh = Alarm.objects.get(pk=alarm_id)
    if fresh.handling == edge.source:
        raise _still_active(fresh)
    raise journal.changed(alarm_id=alarm_id, now=act.now)
