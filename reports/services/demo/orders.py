"""Work orders in the demo's past: from alarms and by hand, along every path of their life."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from alarms.models import Alarm
from alarms.states import Severity
from reports.services.demo import photos
from reports.services.demo.agenda import Agenda, in_time
from reports.services.demo.crews import desk_of, worker_of
from reports.services.demo.document import Demo
from reports.services.demo.incidents import LOCAL
from reports.services.demo.words import of_rule, one_of, words
from sites.models import User
from workorders import services
from workorders.models import WorkOrder
from workorders.states import Kind, Move, Priority

PRIORITIES = {
    Severity.CRITICAL: Priority.URGENT,
    Severity.MAJOR: Priority.HIGH,
    Severity.MINOR: Priority.NORMAL,
    Severity.INFO: Priority.LOW,
}
# Hours until it has to be done, and how long it takes until somebody sets out.
DUE_H = {Priority.URGENT: 4, Priority.HIGH: 24, Priority.NORMAL: 72, Priority.LOW: 168}
SETS_OUT_H = {
    Priority.URGENT: (0.2, 0.9),
    Priority.HIGH: (1.0, 20.0),
    Priority.NORMAL: (6.0, 64.0),
    Priority.LOW: (24.0, 190.0),
}
HELD, SENT_BACK, CANCELLED, PICTURED, NOTED = 0.14, 0.08, 0.06, 0.24, 0.5
BY_HAND_PER_DAY = 0.8
# What stands where just now: priority, and minutes since it was created and since each of its moves.
# The first two are overdue.
PRESENT: tuple[tuple[Priority, int, tuple[tuple[Move, int], ...]], ...] = (
    (
        Priority.NORMAL,
        4_740,
        ((Move.ASSIGN, 4_700), (Move.START, 2_950), (Move.HOLD, 2_890)),
    ),
    (Priority.HIGH, 1_570, ((Move.ASSIGN, 1_540),)),
    (Priority.NORMAL, 6, ()),
    (Priority.NORMAL, 95, ((Move.ASSIGN, 71),)),
    (Priority.HIGH, 170, ((Move.ASSIGN, 150), (Move.START, 50))),
    (Priority.HIGH, 330, ((Move.ASSIGN, 300), (Move.START, 140), (Move.FINISH, 26))),
    (
        Priority.NORMAL,
        560,
        ((Move.ASSIGN, 530), (Move.START, 400), (Move.FINISH, 210), (Move.ACCEPT, 12)),
    ),
    (Priority.LOW, 240, ((Move.CANCEL, 17),)),
)

Closed = Callable[[datetime], None]


class Orders:
    """Opens orders and puts their further life on the agenda."""

    def __init__(self, *, demo: Demo, agenda: Agenda) -> None:
        self._demo = demo
        self._agenda = agenda
        self._random = Random(demo.seed + 2)  # noqa: S311 - nothing secret

    def from_alarm(self, *, alarm: Alarm, by: User, at: datetime, closed: Closed) -> None:
        """Open an order for a verified alarm; `closed` is told when it is."""
        priority = PRIORITIES[Severity(alarm.severity)]
        place = alarm.device or alarm.site
        order = services.create(
            site=alarm.site,
            kind=Kind.REPAIR if priority in {Priority.URGENT, Priority.HIGH} else Kind.DEFECT,
            priority=priority,
            title=f"{alarm.rule.name} · {place.name}"[:160],
            title_en=f"{alarm.rule.name_en} · {place.name_en}"[:160],
            description=alarm.rule.advice,
            due_at=at + timedelta(hours=DUE_H[priority]),
            by=by,
            door="web",
            now=at,
            alarm_id=alarm.pk,
        )
        self._go_on(order, at, alarm.rule.key, closed)

    def plan_by_hand(self, *, start: datetime, end: datetime) -> None:
        """Orders that no alarm asked for, in office hours."""
        days = (end - start).total_seconds() / 86_400
        share = self._demo.size.busy * len(self._demo.sites) / 60
        count = round(BY_HAND_PER_DAY * days * share)
        for _number in range(count):
            moment = start + timedelta(days=self._random.random() * days)
            hour = (moment + LOCAL).hour
            at = moment + timedelta(hours=0 if 8 <= hour < 17 else (32 - hour) % 24)
            if at < end:
                self._agenda.add(at, self._by_hand())

    def plan_present(self, *, now: datetime) -> None:
        """One in every state, whatever the hour is."""
        for priority, created, moves in PRESENT:

            def follow(course: "_Course", moves: tuple[tuple[Move, int], ...] = moves) -> None:
                for move, ago in moves:
                    step = partial(self._step, course, move)
                    self._agenda.add(now - timedelta(minutes=ago), step)

            act = self._by_hand(follow, priority=priority)
            self._agenda.add(now - timedelta(minutes=created), act)

    def _step(self, course: "_Course", move: Move, at: datetime) -> None:
        """One of the moves of the present."""
        if move == Move.FINISH:
            self._move(course, move, at, by=course.worker, **self._result(course))
        elif move == Move.ASSIGN:
            self._move(course, move, at, by=course.desk, assignee=course.worker)
        elif move == Move.HOLD:
            note = one_of("hold_reasons", self._random)
            self._move(course, move, at, by=course.worker, note=note)
        elif move == Move.CANCEL:
            note = one_of("cancel_reasons", self._random)
            self._move(course, move, at, by=course.desk, note=note)
        else:
            self._move(course, move, at, by=course.worker if move == Move.START else course.desk)

    def _by_hand(
        self,
        follow: Callable[["_Course"], None] | None = None,
        *,
        priority: Priority | None = None,
    ) -> Callable[[datetime], None]:
        chosen = [one for one in words()["by_hand"] if priority is None or one[1] == priority]
        kind, urgency, title, description = self._random.choice(chosen)
        site = self._random.choice(self._demo.sites)
        by = desk_of(demo=self._demo, site=site)

        def act(at: datetime) -> None:
            order = services.create(
                site=site,
                kind=kind,
                priority=urgency,
                title=f"{title[0]} · {site.name}",
                title_en=f"{title[1]} · {site.name_en}",
                description=description,
                due_at=at + timedelta(hours=DUE_H[Priority(urgency)]),
                by=by,
                door="web",
                now=at,
            )
            if follow is None:
                self._go_on(order, at, "other", lambda _end: None)
            else:
                follow(self._course(order, "other", lambda _end: None))

        return act

    def _course(self, order: WorkOrder, key: str, closed: Closed) -> "_Course":
        desk = desk_of(demo=self._demo, site=order.site)
        worker = worker_of(demo=self._demo, site=order.site, random=self._random)
        return _Course(order.pk, order.due_at or self._demo.now, desk, worker, key, closed)

    def _go_on(self, order: WorkOrder, at: datetime, key: str, closed: Closed) -> None:
        """Assigned within the quarter of an hour, or cancelled after a while."""
        course = self._course(order, key, closed)
        if self._random.random() < CANCELLED:
            note = one_of("cancel_reasons", self._random)

            def cancel(end: datetime) -> None:
                self._move(course, Move.CANCEL, end, by=course.desk, note=note)
                closed(end)

            self._later(course, at, timedelta(hours=self._random.uniform(1, 9)), cancel)
            return
        soon = timedelta(minutes=self._random.uniform(2, 15 + 60 * (key == "other")))
        out_h = self._random.triangular(*SETS_OUT_H[Priority(order.priority)])

        def assign(moment: datetime) -> None:
            self._move(course, Move.ASSIGN, moment, by=course.desk, assignee=course.worker)
            start = moment + timedelta(hours=out_h)
            if order.priority not in {Priority.URGENT, Priority.HIGH}:
                start = _at_work(start)
            self._later(course, moment, start - moment, partial(self._work, course))

        self._later(course, at, soon, assign)

    def _later(
        self, course: "_Course", at: datetime, wait: timedelta, act: Callable[[datetime], None]
    ) -> None:
        """Put the act after the one of `at` on the agenda; see in_time()."""
        moment, now = at + wait, self._demo.now
        if course.due_at < now:
            moment = in_time(moment, before=at, now=now, random=self._random)
        self._agenda.add(moment, act)

    def _work(self, course: "_Course", at: datetime) -> None:
        self._move(course, Move.START, at, by=course.worker)
        minutes = self._random.triangular(35, 240, 70)
        if self._random.random() < NOTED:
            note = one_of("order_notes", self._random)
            wait = timedelta(minutes=self._random.uniform(3, 30))
            self._later(course, at, wait, partial(self._note, course, note))
        if self._random.random() < PICTURED:
            wait = timedelta(minutes=self._random.uniform(10, 30))
            self._later(course, at, wait, partial(self._picture, course))
        if self._random.random() < HELD:
            reason = one_of("hold_reasons", self._random)
            wait = timedelta(minutes=self._random.uniform(32, 80))
            self._later(course, at, wait, partial(self._hold, course, reason))
            return
        self._later(course, at, timedelta(minutes=minutes), partial(self._finish, course))

    def _hold(self, course: "_Course", reason: str, at: datetime) -> None:
        self._move(course, Move.HOLD, at, by=course.worker, note=reason)
        note = one_of("resume_notes", self._random)
        later = _at_work(at + timedelta(hours=self._random.uniform(20, 70)))

        def resume(moment: datetime) -> None:
            self._move(course, Move.RESUME, moment, by=course.worker, note=note)
            wait = timedelta(minutes=self._random.uniform(35, 150))
            self._later(course, moment, wait, partial(self._finish, course))

        self._later(course, at, later - at, resume)

    def _result(self, course: "_Course") -> dict[str, str]:
        finding, measures = of_rule("results", course.key, self._random)
        return {"finding": finding, "measures": measures}

    def _finish(self, course: "_Course", at: datetime) -> None:
        self._move(course, Move.FINISH, at, by=course.worker, **self._result(course))
        wait = timedelta(hours=self._random.triangular(0.3, 28, 5))
        if self._random.random() < SENT_BACK:
            note = one_of("send_back_reasons", self._random)

            def send_back(moment: datetime) -> None:
                self._move(course, Move.SEND_BACK, moment, by=course.desk, note=note)
                again = timedelta(hours=self._random.uniform(0.5, 4))
                self._later(course, moment, again, partial(self._finish, course))

            self._later(course, at, wait, send_back)
            return

        def accept(moment: datetime) -> None:
            self._move(course, Move.ACCEPT, moment, by=course.desk)
            course.closed(moment)

        self._later(course, at, wait, accept)

    def _note(self, course: "_Course", note: str, at: datetime) -> None:
        services.add_note(order_id=course.order_id, note=note, by=course.worker, door="web", now=at)

    def _picture(self, course: "_Course", at: datetime) -> None:
        for number, caption in enumerate(words()["captions"][: self._random.choice((1, 2))]):
            services.add_photo(
                order_id=course.order_id,
                file=photos.draw(seed=course.order_id * 10 + number, kind=number),
                caption=caption,
                by=course.worker,
                door="web",
                now=at + timedelta(seconds=20 * number),
            )

    def _move(self, course: "_Course", move: Move, at: datetime, by: User, **facts: Any) -> None:
        services.move(order_id=course.order_id, move=move, by=by, door="web", now=at, **facts)


@dataclass(frozen=True, slots=True)
class _Course:
    """Who does what about one order, and until when."""

    order_id: int
    due_at: datetime
    desk: User
    worker: User
    key: str
    closed: Closed


def _at_work(moment: datetime) -> datetime:
    """The same moment, or the next morning when nobody works."""
    hour = (moment + LOCAL).hour
    return moment if 8 <= hour < 18 else moment + timedelta(hours=(32 - hour) % 24 + 0.4)
