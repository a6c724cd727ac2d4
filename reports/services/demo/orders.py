"""Work orders in the demo's past: from alarms and by hand, along every path of their life."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from alarms.models import Alarm
from alarms.states import Severity
from reports.services.demo import photos
from reports.services.demo.agenda import Agenda
from reports.services.demo.crews import desk_of, worker_of
from reports.services.demo.document import Demo
from reports.services.demo.incidents import LOCAL
from reports.services.demo.words import line, lines, of_rule, one_of, words
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
            description=lines([alarm.rule.advice, alarm.rule.advice_en]),
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
        """One that is new, one being worked on and one to accept, whatever the hour is."""
        for minutes in ((6, -20, -60, -90), (170, 150, 50, -70), (330, 300, 140, 26)):
            created, assigned, begun, done = (now - timedelta(minutes=one) for one in minutes)

            def follow(
                course: "_Course", times: tuple[datetime, ...] = (assigned, begun, done)
            ) -> None:
                steps = (self._assign, self._begin, self._finish)
                for at, step in zip(times, steps, strict=True):
                    self._agenda.add(at, partial(step, course))

            self._agenda.add(created, self._by_hand(follow))

    def _assign(self, course: "_Course", at: datetime) -> None:
        self._move(course, Move.ASSIGN, at, by=course.desk, assignee=course.worker)

    def _begin(self, course: "_Course", at: datetime) -> None:
        self._move(course, Move.START, at, by=course.worker)

    def _by_hand(
        self, follow: Callable[["_Course"], None] | None = None
    ) -> Callable[[datetime], None]:
        kind, priority, title, description = self._random.choice(words()["by_hand"])
        site = self._random.choice(self._demo.sites)
        by = desk_of(demo=self._demo, site=site)

        def act(at: datetime) -> None:
            order = services.create(
                site=site,
                kind=kind,
                priority=priority,
                title=f"{title[0]} · {site.name}",
                title_en=f"{title[1]} · {site.name_en}",
                description=lines(description),
                due_at=at + timedelta(hours=DUE_H[Priority(priority)]),
                by=by,
                door="web",
                now=at,
            )
            if follow is None:
                self._go_on(order, at, "other", lambda _end: None)
            else:
                worker = worker_of(demo=self._demo, site=site, random=self._random)
                follow(_Course(order.pk, by, worker, "other", lambda _end: None))

        return act

    def _go_on(self, order: WorkOrder, at: datetime, key: str, closed: Closed) -> None:
        """Assigned within the quarter of an hour, or cancelled after a while."""
        desk = desk_of(demo=self._demo, site=order.site)
        worker = worker_of(demo=self._demo, site=order.site, random=self._random)
        course = _Course(order.pk, desk, worker, key, closed)
        if self._random.random() < CANCELLED:
            later = at + timedelta(hours=self._random.uniform(1, 9))
            note = line(one_of("cancel_reasons", self._random))

            def cancel(end: datetime) -> None:
                self._move(course, Move.CANCEL, end, by=desk, note=note)
                closed(end)

            self._agenda.add(later, cancel)
            return
        soon = at + timedelta(minutes=self._random.uniform(2, 15 + 60 * (key == "other")))
        out_h = self._random.triangular(*SETS_OUT_H[Priority(order.priority)])

        def assign(moment: datetime) -> None:
            self._move(course, Move.ASSIGN, moment, by=desk, assignee=worker)
            start = moment + timedelta(hours=out_h)
            if order.priority not in {Priority.URGENT, Priority.HIGH}:
                start = _at_work(start)
            self._agenda.add(start, lambda begun: self._work(course, begun))

        self._agenda.add(soon, assign)

    def _work(self, course: "_Course", at: datetime) -> None:
        self._move(course, Move.START, at, by=course.worker)
        if self._random.random() < NOTED:
            note = line(one_of("order_notes", self._random))
            later = at + timedelta(minutes=self._random.uniform(3, 30))
            self._agenda.add(later, lambda moment: self._note(course, note, moment))
        if self._random.random() < PICTURED:
            later = at + timedelta(minutes=self._random.uniform(10, 30))
            self._agenda.add(later, lambda moment: self._picture(course, moment))
        if self._random.random() < HELD:
            reason = line(one_of("hold_reasons", self._random))
            later = at + timedelta(minutes=self._random.uniform(32, 80))
            self._agenda.add(later, lambda moment: self._hold(course, reason, moment))
            return
        done = at + timedelta(minutes=self._random.triangular(35, 240, 70))
        self._agenda.add(done, lambda moment: self._finish(course, moment))

    def _hold(self, course: "_Course", reason: str, at: datetime) -> None:
        self._move(course, Move.HOLD, at, by=course.worker, note=reason)
        note = line(one_of("resume_notes", self._random))
        later = _at_work(at + timedelta(hours=self._random.uniform(20, 70)))

        def resume(moment: datetime) -> None:
            self._move(course, Move.RESUME, moment, by=course.worker, note=note)
            done = moment + timedelta(minutes=self._random.uniform(35, 150))
            self._agenda.add(done, lambda end: self._finish(course, end))

        self._agenda.add(later, resume)

    def _finish(self, course: "_Course", at: datetime) -> None:
        finding, measures = of_rule("results", course.key, self._random)
        texts = {"finding": lines(finding), "measures": lines(measures)}
        self._move(course, Move.FINISH, at, by=course.worker, **texts)
        later = at + timedelta(hours=self._random.triangular(0.3, 28, 5))
        if self._random.random() < SENT_BACK:
            note = line(one_of("send_back_reasons", self._random))

            def send_back(moment: datetime) -> None:
                self._move(course, Move.SEND_BACK, moment, by=course.desk, note=note)
                again = moment + timedelta(hours=self._random.uniform(0.5, 4))
                self._agenda.add(again, lambda end: self._finish(course, end))

            self._agenda.add(later, send_back)
            return

        def accept(moment: datetime) -> None:
            self._move(course, Move.ACCEPT, moment, by=course.desk)
            course.closed(moment)

        self._agenda.add(later, accept)

    def _note(self, course: "_Course", note: str, at: datetime) -> None:
        services.add_note(order_id=course.order_id, note=note, by=course.worker, door="web", now=at)

    def _picture(self, course: "_Course", at: datetime) -> None:
        for number, caption in enumerate(words()["captions"][: self._random.choice((1, 2))]):
            services.add_photo(
                order_id=course.order_id,
                file=photos.draw(seed=course.order_id * 10 + number, kind=number),
                caption=line(caption),
                by=course.worker,
                door="web",
                now=at + timedelta(seconds=20 * number),
            )

    def _move(self, course: "_Course", move: Move, at: datetime, by: User, **facts: Any) -> None:
        services.move(order_id=course.order_id, move=move, by=by, door="web", now=at, **facts)


class _Course:
    """Who does what about one order."""

    def __init__(self, order_id: int, desk: User, worker: User, key: str, closed: Closed) -> None:
        self.order_id = order_id
        self.desk = desk
        self.worker = worker
        self.key = key
        self.closed = closed


def _at_work(moment: datetime) -> datetime:
    """The same moment, or the next morning when nobody works."""
    hour = (moment + LOCAL).hour
    return moment if 8 <= hour < 18 else moment + timedelta(hours=(32 - hour) % 24 + 0.4)
