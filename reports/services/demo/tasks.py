"""Planned work in the demo's past: plans of every crew, and their tasks along every stage."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from reports.services.demo import photos
from reports.services.demo.agenda import Agenda
from reports.services.demo.crews import desk_of, worker_of
from reports.services.demo.document import Demo
from reports.services.demo.words import line, lines, one_of, words
from sites.models import Team, User
from workorders import services
from workorders.models import Task
from workorders.services import PlanFacts
from workorders.states import TaskMove, TaskState

TEAMS = ("east", "west", "north")
LATE, OVER_NIGHT, CANCELLED, SENT_BACK, PICTURED = 0.06, 0.22, 0.03, 0.04, 0.09


class Tasks:
    """Makes the plans, lets tasks be generated every night, and has them done."""

    def __init__(self, *, demo: Demo, agenda: Agenda) -> None:
        self._demo = demo
        self._agenda = agenda
        self._random = Random(demo.seed + 3)  # noqa: S311 - nothing secret
        self._seen = 0

    def plan(self, *, start: datetime, end: datetime) -> None:
        """The plans of every crew, and their nights up to `end`."""
        for number, key in enumerate(TEAMS):
            for facts in words()["plans"]:
                self._make(self._demo.teams[key], facts, start, facts["due"][number])
        night = start.replace(hour=16, minute=10)
        while (night := night + timedelta(days=1)) < end:
            self._agenda.add(night, self._generate)
        self._take(start)
        self._agenda.add(end - timedelta(minutes=55), self._begin_some)

    def _begin_some(self, at: datetime) -> None:
        """Somebody is at work, whatever the hour is."""
        given = Task.objects.filter(state=TaskState.ASSIGNED).select_related("assignee")
        for task in given.order_by("due_on", "pk")[:2]:
            if task.assignee is not None:
                self._move(task, TaskMove.START, at, task.assignee)

    def _make(self, team: Team, facts: dict[str, Any], start: datetime, due: int) -> None:
        sites = [site for site in self._demo.sites if site.team_id == team.pk]
        if not sites:
            return
        step = max(1, len(sites) // (facts["sites"] or 1))
        plan = PlanFacts(
            name=facts["name"][0],
            name_en=facts["name"][1],
            team=team,
            is_whole_team=not facts["sites"],
            sites=sites[::step][: facts["sites"]] if facts["sites"] else (),
            instructions=lines(facts["text"]),
            recurrence=facts["recurrence"],
            every=facts["every"],
            first_due_on=(start + timedelta(days=due)).date(),
            days_to_do=facts["days"],
            lead_days=facts["lead"],
        )
        services.create_plan(facts=plan, by=self._demo.users["manager"], now=start)

    def _generate(self, at: datetime) -> None:
        services.generate(now=at)
        self._take(at)

    def _take(self, at: datetime) -> None:
        """Put the life of tasks that were made on the agenda."""
        for task in Task.objects.filter(pk__gt=self._seen).select_related("site__team"):
            self._seen = max(self._seen, task.pk)
            begin = self._moment(task, task.starts_on, task.due_on)
            if self._random.random() < LATE:
                begin += timedelta(days=(task.due_on - task.starts_on).days + 2)
            given = max(at, begin - timedelta(hours=self._random.uniform(4, 80)))
            self._agenda.add(given, self._assign(task, begin))

    def _moment(self, task: Task, first: date, last: date) -> datetime:
        """Working hours of a day of the period, at the site."""
        day = first + timedelta(days=self._random.randint(0, (last - first).days))
        zone = ZoneInfo(task.site.timezone)
        clock = time(self._random.choice((8, 9, 10, 13, 14, 15)), self._random.randrange(60))
        return datetime.combine(day, clock, zone)

    def _assign(self, task: Task, begin: datetime) -> Callable[[datetime], None]:
        worker = worker_of(demo=self._demo, site=task.site, random=self._random)
        by = desk_of(demo=self._demo, site=task.site)
        is_cancelled = self._random.random() < CANCELLED

        def act(at: datetime) -> None:
            if is_cancelled:
                note = line(one_of("task_cancel_reasons", self._random))
                self._move(task, TaskMove.CANCEL, at, by, note=note)
                return
            self._move(task, TaskMove.ASSIGN, at, by, assignee=worker)
            start = max(begin, at + timedelta(minutes=20))
            self._agenda.add(start, lambda moment: self._start(task, worker, moment))

        return act

    def _start(self, task: Task, worker: User, at: datetime) -> None:
        if not Task.objects.filter(pk=task.pk, state=TaskState.ASSIGNED).exists():
            return
        self._move(task, TaskMove.START, at, worker)
        minutes = self._random.triangular(30, 170, 60)
        if self._random.random() < OVER_NIGHT:
            minutes += 60 * 21
        if self._random.random() < PICTURED:
            later = at + timedelta(minutes=minutes * 0.7)
            self._agenda.add(later, lambda moment: self._picture(task, worker, moment))
        end = at + timedelta(minutes=minutes)
        self._agenda.add(end, lambda moment: self._finish(task, worker, moment))

    def _picture(self, task: Task, worker: User, at: datetime) -> None:
        services.add_task_photo(
            task_id=task.pk,
            file=photos.draw(seed=task.pk, kind=self._random.choice((1, 2))),
            caption="",
            by=worker,
            door="web",
            now=at,
        )

    def _finish(self, task: Task, worker: User, at: datetime) -> None:
        result = lines(one_of("task_results", self._random))
        self._move(task, TaskMove.FINISH, at, worker, result=result)
        later = at + timedelta(hours=self._random.triangular(0.5, 46, 14))
        by = desk_of(demo=self._demo, site=task.site)
        if self._random.random() < SENT_BACK:
            note = line(one_of("send_back_reasons", self._random))

            def send_back(moment: datetime) -> None:
                self._move(task, TaskMove.SEND_BACK, moment, by, note=note)
                again = moment + timedelta(hours=self._random.uniform(1, 5))
                self._agenda.add(again, lambda end: self._finish(task, worker, end))

            self._agenda.add(later, send_back)
        else:
            self._agenda.add(later, lambda end: self._move(task, TaskMove.ACCEPT, end, by))

    def _move(self, task: Task, move: TaskMove, at: datetime, by: User, **facts: Any) -> None:
        services.move_task(task_id=task.pk, move=move, by=by, door="web", now=at, **facts)
