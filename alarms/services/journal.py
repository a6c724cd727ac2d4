"""What every change of an alarm leaves behind: a row in its log, news for whoever watches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from alarms import live
from alarms.models import Alarm, AlarmLog
from alarms.signals import alarm_moved
from alarms.states import HANDLING, Entry, Handling, Move
from core.errors import Changed
from core.time import local_day
from core.transitions import Edge
from sites.models import User

Row = tuple[int, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who moves an alarm, through which door, when, and which handling he saw ('': any).

    `by` is None for the system.
    """

    by: User | None
    door: str
    now: datetime
    seen: str = ""


def entry_of(  # noqa: PLR0913 - the columns of a row
    *,
    alarm_id: int,
    entry: Entry,
    act: Act,
    edge: Edge | None = None,
    note: str = "",
    facts: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> AlarmLog:
    """An unsaved log row; `at` is the moment of the event when it is not the act's."""
    return AlarmLog(
        alarm_id=alarm_id,
        at=at or act.now,
        entry=entry,
        move=edge.move.value if edge else "",
        source=edge.source.value if edge else "",
        target=edge.target.value if edge else "",
        by=act.by,
        door=act.door,
        note=note,
        facts=facts or {},
    )


def first_entry(*, alarm_id: int, act: Act, at: datetime, facts: dict[str, Any]) -> AlarmLog:
    """The unsaved first row of an alarm's log: it comes from nowhere."""
    row = entry_of(alarm_id=alarm_id, entry=Entry.HANDLING, act=act, at=at, facts=facts)
    row.move, row.target = Move.RAISE, HANDLING.initial.value
    return row


def write(*, rows: Iterable[AlarmLog]) -> None:
    """Store log rows, all in one statement."""
    AlarmLog.objects.bulk_create(rows)


def announce(*, rows: Sequence[Row], event: live.Event) -> None:
    """Once committed, tell browsers and higher apps about (alarm id, site id, severity) rows."""
    if rows:
        transaction.on_commit(partial(live.publish, rows, event), robust=True)
        ids = [alarm_id for alarm_id, _site, _severity in rows]
        transaction.on_commit(
            lambda: alarm_moved.send_robust(sender=Alarm, alarm_ids=ids), robust=True
        )


def changed(*, alarm_id: int, now: datetime) -> Changed:
    """The refusal for whoever came second: the fresh handling, by whom and when.

    Facts: handling, handling_label, by (a name), at (ISO 8601).
    """
    alarm = Alarm.objects.select_related("site").get(pk=alarm_id)
    last = (
        AlarmLog.objects.filter(alarm_id=alarm_id, entry=Entry.HANDLING)
        .select_related("by")
        .order_by("-id")
        .first()
    )
    facts: dict[str, Any] = {
        "handling": alarm.handling,
        "handling_label": str(Handling(alarm.handling).label),
    }
    if last is None:
        return Changed(**facts)
    name = str(last.by) if last.by else _("系统")
    sentence = _sentences().get(last.move, _("%(name)s 已于 %(time)s 更新。"))
    message = sentence % {"name": name, "time": _clock(last.at, now, alarm.site.timezone)}
    return Changed(message, **facts, by=name, at=last.at.isoformat())


def _sentences() -> dict[str, str]:
    return {
        Move.RAISE: _("%(name)s 已于 %(time)s 触发。"),
        Move.VERIFY: _("%(name)s 已于 %(time)s 查核。"),
        Move.IGNORE: _("%(name)s 已于 %(time)s 忽略。"),
        Move.UNIGNORE: _("忽略已于 %(time)s 到期。"),
        Move.CREATE_ORDER: _("%(name)s 已于 %(time)s 创建工单。"),
        Move.ORDER_CANCELLED: _("%(name)s 已于 %(time)s 取消工单。"),
        Move.ARCHIVE: _("%(name)s 已于 %(time)s 归档。"),
    }


def _clock(at: datetime, now: datetime, zone: str) -> str:
    """The time of day at the site, with its date unless that is today's."""
    at_site = at.astimezone(ZoneInfo(zone))
    is_today = local_day(at, zone) == local_day(now, zone)
    return f"{at_site:%H:%M}" if is_today else f"{at_site:%m-%d %H:%M}"
