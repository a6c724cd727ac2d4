"""Ignored alarms come back when their time is over."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from alarms.models import Alarm
from alarms.services import journal
from alarms.services.journal import Act
from alarms.states import HANDLING, Condition, Entry, Handling, Move


@transaction.atomic
def end_over(*, now: datetime, alarm_ids: Sequence[int] | None = None) -> list[int]:
    """Return ignored alarms whose time is over and that are still active to `unverified`.

    One that has recovered stays ignored: nothing is left to be seen, until it is raised again.
    Among `alarm_ids` when given, otherwise all; ids of those that came back.
    """
    if alarm_ids is not None and not alarm_ids:
        return []
    over = Alarm.objects.due_again(now).filter(condition=Condition.ACTIVE)
    if alarm_ids is not None:
        over = over.filter(pk__in=alarm_ids)
    rows = list(
        over.select_for_update(skip_locked=True)
        .order_by("pk")
        .values_list("pk", "site_id", "severity")
    )
    if not rows:
        return []
    edge = HANDLING.edge(Handling.IGNORED, Move.UNIGNORE)
    ids = [pk for pk, _site, _severity in rows]
    # The verdict of before stays in the log; the person who looks now gives his own.
    Alarm.objects.filter(pk__in=ids, handling=Handling.IGNORED).update(
        handling=edge.target,
        ignored_until=None,
        verdict="",
        cause="",
        verified_at=None,
        verified_by=None,
        updated_at=now,
    )
    act = Act(by=None, door="system", now=now)
    journal.write(
        rows=[journal.entry_of(alarm_id=pk, entry=Entry.HANDLING, act=act, edge=edge) for pk in ids]
    )
    journal.announce(rows=rows, event="moved")
    return ids
