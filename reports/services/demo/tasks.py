"""Planned work in the demo's past: plans of every crew, and their tasks along every stage."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from reports.services.demo import photos
from reports.services.demo.agenda import Agenda, in_time
from reports.services.demo.crews import desk_of, worker_of
from reports.services.demo.document import Demo
from reports.services.demo.words import one_of, words
from sites.models import Team, User
from workorders import services
from workorders.models import Task, TaskPlan
from workorders.services import PlanFacts
from workorders.states import TaskMove, TaskState

TEAMS = ("east", "west", "north")
# What leads to a state: minutes before the present, and the move.
WAYS: dict[TaskState, tuple[tuple[int, TaskMove], ...]] = {
    TaskState.NEW: (),
    TaskState.ASSIGNED: ((260, TaskMove.ASSIGN),),
    TaskState.IN_PROGRESS: ((250, TaskMove.ASSIGN), (55, TaskMove.START)),
    TaskState.TO_ACCEPT: ((300, TaskMove.ASSIGN), (130, TaskMove.START), (24, TaskMove.FINISH)),
    TaskState.DONE: (
        (320, TaskMove.ASSIGN),
        (190, TaskMove.START),
        (95, TaskMove.FINISH),
        (14, TaskMove.ACCEPT),
    ),
    TaskState.CANCELLED: ((33, TaskMove.CANCEL),),
}
LATE, OVER_NIGHT, CANCELLED, SENT_BACK, PICTURED = 0.06, 0.22, 0.03, 0.04, 0.09


def make_plans(*, demo: Demo) -> None:
    """The plans of every crew, from the beginning of the past on; some are about the present."""
    days = int(demo.size.days)
    for number, key in enumerate(TEAMS):
        for facts in words()["plans"]:
            _make(demo, demo.teams[key], facts, facts["due"][number])
    for facts in words()["present_plans"]:
        plan = _make(demo, demo.teams[TEAMS[0]], facts, days + facts["due"])
        if plan is not None:
            demo.stays[plan.pk] = facts["stays"]


def _make(demo: Demo, team: Team, facts: dict[str, Any], due: int) -> TaskPlan | None:
    sites = [site for site in demo.sites if site.team_id == team.pk]
    if not sites:
        return None
    start = demo.begins_at
    step = max(1, len(sites) // (facts["sites"] or 1))
    plan = PlanFacts(
        name=facts["name"][0],
        name_en=facts["name"][1],
        team=team,
        is_whole_team=not facts["sites"],
        sites=sites[::step][: facts["sites"]] if facts["sites"] else (),
        instructions=facts["text"],
        recurrence=facts["recurrence"],
        every=facts["every"],
        first_due_on=(start + timedelta(days=due)).date(),
        days_to_do=facts["days"],
        lead_days=facts["lead"],
    )
    return services.create_plan(facts=plan, by=demo.users["manager"], now=start)


def _generate(at: datetime) -> None:
    services.generate(now=at)


class Tasks:
    """Lets tasks be generated every night, and has those of the share's sites done."""

    def __init__(self, *, demo: Demo, agenda: Agenda) -> None:
        self._demo = demo
        self._agenda = agenda
        self._random = Random(demo.seed + 3)  # noqa: S311 - nothing secret
        self._seen = 0

    def plan_nights(self, *, start: datetime, end: datetime) -> None:
        """Tasks of all sites are generated every night up to `end`."""
        night = start.replace(hour=16, minute=10)
        while (night := night + timedelta(days=1)) < end:
            self._agenda.add(night, _generate)

    def look(self, at: datetime) -> None:
        """Put the life of tasks that were made since the last look on the agenda."""
        made = Task.objects.filter(pk__gt=self._seen, site__in=self._demo.sites)
        for task in made.select_related("site__team").order_by("pk"):
            self._seen = task.pk
            if stays := self._demo.stays.get(task.plan_id or 0):
                self._stay(task, stays)
                continue
            begin = self._moment(task, task.starts_on, task.due_on)
            if self._random.random() < LATE:
                begin += timedelta(days=(task.due_on - task.starts_on).days + 2)
            given = max(at, begin - timedelta(hours=self._random.uniform(4, 80)))
            self._later(task, at, given, self._assign(task, begin))

    def _stay(self, task: Task, states: list[str]) -> None:
        """Bring a task of the present to where it stands: each of the plan's to another state."""
        before = Task.objects.filter(plan=task.plan_id, pk__lt=task.pk).count()
        worker = worker_of(demo=self._demo, site=task.site, random=self._random)
        for ago, move in WAYS[TaskState(states[before % len(states)])]:
            at = self._demo.now - timedelta(minutes=ago)
            self._agenda.add(at, partial(self._step, task, move, worker))

    def _step(self, task: Task, move: TaskMove, worker: User, at: datetime) -> None:
        desk = desk_of(demo=self._demo, site=task.site)
        facts: dict[TaskMove, dict[str, Any]] = {
            TaskMove.ASSIGN: {"assignee": worker},
            TaskMove.FINISH: {"result": one_of("task_results", self._random)},
            TaskMove.CANCEL: {"note": one_of("task_cancel_reasons", self._random)},
        }
        by = worker if move in {TaskMove.START, TaskMove.FINISH} else desk
        self._move(task, move, at, by, **facts.get(move, {}))

    def _later(
        self, task: Task, before: datetime, at: datetime, act: Callable[[datetime], None]
    ) -> None:
        """Put the act after the one of `before` on the agenda; see in_time()."""
        if task.due_at < self._demo.now:
            at = in_time(at, before=before, now=self._demo.now, random=self._random)
        self._agenda.add(at, act)

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
                note = one_of("task_cancel_reasons", self._random)
                self._move(task, TaskMove.CANCEL, at, by, note=note)
                return
            self._move(task, TaskMove.ASSIGN, at, by, assignee=worker)
            start = max(begin, at + timedelta(minutes=20))
            self._later(task, at, start, partial(self._start, task, worker))

        return act

    def _start(self, task: Task, worker: User, at: datetime) -> None:
        self._move(task, TaskMove.START, at, worker)
        minutes = self._random.triangular(30, 170, 60)
        if self._random.random() < OVER_NIGHT:
            minutes += 60 * 21
        if self._random.random() < PICTURED:
            later = at + timedelta(minutes=minutes * 0.7)
            self._later(task, at, later, partial(self._picture, task, worker))
        end = at + timedelta(minutes=minutes)
        self._later(task, at, end, partial(self._finish, task, worker))

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
        result = one_of("task_results", self._random)
        self._move(task, TaskMove.FINISH, at, worker, result=result)
        later = at + timedelta(hours=self._random.triangular(0.5, 46, 14))
        by = desk_of(demo=self._demo, site=task.site)
        if self._random.random() < SENT_BACK:
            note = one_of("send_back_reasons", self._random)

            def send_back(moment: datetime) -> None:
                self._move(task, TaskMove.SEND_BACK, moment, by, note=note)
                again = moment + timedelta(hours=self._random.uniform(1, 5))
                self._later(task, moment, again, partial(self._finish, task, worker))

            self._later(task, at, later, send_back)
        else:
            accept = partial(self._move, task, TaskMove.ACCEPT, by=by)
            self._later(task, at, later, accept)

    def _move(self, task: Task, move: TaskMove, at: datetime, by: User, **facts: Any) -> None:
        services.move_task(task_id=task.pk, move=move, by=by, door="web", now=at, **facts)
