"""One move of many alarms: each for itself, each with its verdict."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from alarms.models import Alarm
from alarms.services import handling, journal
from alarms.states import HANDLING, Handling, Move
from core.errors import DomainError, Invalid, MoveRefused
from sites.models import User

# More would keep the person waiting, and nobody reads so many verdicts.
ALARMS_AT_ONCE = 500

# Ends of sentences, which no count in brackets needs.
PUNCTUATION = "\u3002."  # not translated: no words

_SERVICES: dict[str, Callable[..., Alarm]] = {
    Move.VERIFY.value: handling.verify,
    Move.IGNORE.value: handling.ignore,
    Move.ARCHIVE.value: handling.archive,
}
MOVES = frozenset(_SERVICES)


@dataclass(frozen=True, slots=True)
class Skipped:
    """An alarm that was left as it is, and why: a sentence, and a word or two to count by."""

    alarm_id: int
    number: str
    reason: str
    brief: str


@dataclass(slots=True)
class Outcome:
    """What became of each alarm, in the order given."""

    done: list[int] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """成功 45，跳过 2（已归档）."""
        if not self.skipped:
            return _("成功 %(done)d") % {"done": len(self.done)}
        reasons = Counter(row.brief for row in self.skipped)
        words = pgettext("between items", "、").join(reasons)
        facts = {"done": len(self.done), "skipped": len(self.skipped), "reasons": words}
        return _("成功 %(done)d，跳过 %(skipped)d（%(reasons)s）") % facts


def move_many(
    *,
    move: str,
    alarm_ids: Sequence[int],
    by: User,
    door: str,
    now: datetime,
    **facts: Any,
) -> Outcome:
    """Verify, ignore or archive alarms one after the other; `facts` are the move's own arguments.

    What one may not see, may not move, or what somebody else has moved is skipped with its reason.
    Raises Invalid for wrong facts, before anything is moved, and for too many alarms.
    """
    check_number(count=len(alarm_ids))
    service = _SERVICES[move]
    outcome = Outcome()
    for alarm_id in dict.fromkeys(alarm_ids):
        try:
            service(alarm_id=alarm_id, by=by, door=door, now=now, **facts)
        except Invalid:
            raise
        except DomainError as refusal:
            outcome.skipped.append(_skipped(alarm_id, move, refusal, by, now))
        else:
            outcome.done.append(alarm_id)
    return outcome


def undo_many(*, alarm_ids: Sequence[int], by: User, door: str, now: datetime) -> Outcome:
    """Take one's own last moves of alarms back; what cannot be is skipped with its reason.

    Raises Invalid for too many alarms.
    """
    check_number(count=len(alarm_ids))
    outcome = Outcome()
    for alarm_id in dict.fromkeys(alarm_ids):
        try:
            handling.undo(alarm_id=alarm_id, by=by, door=door, now=now)
        except DomainError as refusal:
            outcome.skipped.append(_skipped(alarm_id, "", refusal, by, now))
        else:
            outcome.done.append(alarm_id)
    return outcome


def check_number(*, count: int) -> None:
    """Raises Invalid when there are too many alarms for one act."""
    if count > ALARMS_AT_ONCE:
        words = _("一次最多处理 %(limit)d 条，已选 %(count)d 条。请用筛选缩小范围。")
        raise Invalid(words % {"limit": ALARMS_AT_ONCE, "count": count})


def _skipped(alarm_id: int, move: str, refusal: DomainError, by: User, now: datetime) -> Skipped:
    """Of somebody who was first the name is told; of what is not visible nothing."""
    alarm = Alarm.objects.visible_to(by).filter(pk=alarm_id).first()
    if alarm is None:
        return Skipped(alarm_id, "", str(refusal), _("找不到"))
    reason, brief = str(refusal), str(refusal).strip(PUNCTUATION)
    if isinstance(refusal, MoveRefused) and move:
        if alarm.handling in _targets(move):
            reason = str(journal.changed(alarm_id=alarm_id, now=now))
            brief = str(Handling(alarm.handling).label)
        elif "condition" not in refusal.facts:
            brief = str(Handling(alarm.handling).label)
    return Skipped(alarm_id, alarm.number, reason, brief)


def _targets(move: str) -> set[str]:
    return {edge.target.value for edge in HANDLING.edges if edge.move.value == move}
