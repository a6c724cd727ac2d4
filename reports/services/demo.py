"""The demo: a fictional district with a day of history and what people did about it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from alarms import services as alarm_services
from alarms.models import Alarm
from alarms.states import Condition, Handling, Verdict
from reports.services import demo_history, demo_places
from reports.services.demo_places import Demo
from sites.models import Enterprise
from workorders import services as order_services
from workorders.states import Kind, Move, Priority

HANDLED = 4


def load(*, now: datetime, progress: Callable[[str], None]) -> bool:
    """Make the demo in an empty database; False when there is an enterprise already."""
    if Enterprise.objects.exists():
        return False
    progress("places, people, equipment")
    demo = demo_places.build(now=now)
    demo_history.fill(devices=demo.devices, now=now, progress=progress)
    progress("alarms and work orders of the past day")
    _handle(demo=demo, now=now)
    demo_places.go_live(now=now)
    return True


def _handle(*, demo: Demo, now: datetime) -> None:
    """The oldest alarms of the first crew went all the way, the later ones less far."""
    alarms = Alarm.objects.filter(site__team=demo.teams["east"], handling=Handling.UNVERIFIED)
    for position, alarm in enumerate(alarms.order_by("raised_at")[:HANDLED]):
        _verify(demo=demo, alarm=alarm)
        if position < HANDLED - 1:
            _order(demo=demo, alarm=alarm, is_done=position < HANDLED - 2, now=now)


def _verify(*, demo: Demo, alarm: Alarm) -> None:
    alarm_services.verify(
        alarm_id=alarm.pk,
        verdict=Verdict.REAL,
        cause=alarm.rule.cause[:200],
        note="",
        by=demo.users["dispatcher"],
        door="web",
        now=alarm.raised_at + timedelta(minutes=2),
        seen=Handling.UNVERIFIED,
    )


def _order(*, demo: Demo, alarm: Alarm, is_done: bool, now: datetime) -> None:
    dispatcher, technician = demo.users["dispatcher"], demo.users["technician"]
    begun = alarm.raised_at + timedelta(minutes=4)
    order = order_services.create(
        site=alarm.site,
        kind=Kind.REPAIR,
        priority=Priority.HIGH,
        title=f"{alarm.rule.name} · {alarm.site.name}",
        description=alarm.rule.advice,
        due_at=begun + timedelta(hours=8),
        by=dispatcher,
        door="web",
        now=begun,
        alarm_id=alarm.pk,
    )
    moves: list[tuple[Move, dict[str, Any]]] = [
        (Move.ASSIGN, {"by": dispatcher, "assignee": technician}),
        (Move.START, {"by": technician}),
    ]
    if is_done:
        result = {
            "finding": "接线端子松动。",
            "measures": "停电紧固端子，测温正常。",
        }  # not translated
        moves += [
            (Move.FINISH, {"by": technician, **result}),
            (Move.ACCEPT, {"by": dispatcher}),
        ]
    for step, (move, facts) in enumerate(moves, 1):
        order_services.move(
            order_id=order.pk,
            move=move,
            door="web",
            now=min(begun + timedelta(minutes=9 * step), now),
            seen="",
            **facts,
        )
    alarm.refresh_from_db()
    if is_done and alarm.condition == Condition.RECOVERED and alarm.recovered_at:
        alarm_services.archive(
            alarm_id=alarm.pk,
            note="",
            by=dispatcher,
            door="web",
            now=min(max(alarm.recovered_at, begun) + timedelta(minutes=50), now),
            seen=Handling.IN_ORDER,
        )
