"""Reads of tasks and their plans: gates, allowed moves, the month by stage, the most urgent."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Count, F, Min, Q, QuerySet

from core.errors import Forbidden, NotFound
from core.time import local_day
from core.transitions import Edge
from sites import selectors as site_selectors
from sites.models import Site, User, access_for
from sites.rules import Ability
from workorders.models import Task, TaskLog, TaskPhoto, TaskPlan, TaskQuerySet
from workorders.states import TASK_LIFE, TASK_OPEN, TaskState

# Sites where recurring work is done: those that carry voltage, or soon will.
WORKED_AT = (Site.State.COMMISSIONING, Site.State.OPERATION)


def task_for(*, user: User, pk: int, ability: Ability = Ability.VIEW) -> Task:
    """The task with its place. Raises NotFound when not visible, Forbidden without the ability."""
    task = Task.objects.visible_to(user).with_place().filter(pk=pk).first()
    if task is None:
        raise NotFound
    site_selectors.require(user=user, ability=ability, site=task.site)
    return task


def plan_for(*, user: User, pk: int, ability: Ability = Ability.VIEW) -> TaskPlan:
    """The plan with its team. Raises NotFound when not visible, Forbidden without the ability."""
    plans = TaskPlan.objects.select_related("team__organisation", "created_by")
    plan = plans.visible_to(user).filter(pk=pk).first()
    if plan is None:
        raise NotFound
    if not TaskPlan.objects.visible_to(user, ability=ability).filter(pk=pk).exists():
        raise Forbidden
    return plan


def plan_sites(plan: TaskPlan) -> QuerySet[Site]:
    """The sites at which the plan asks for work: the team's own, commissioned or in operation.

    A named site that was given to another team is left out until it comes back.
    """
    sites = Site.objects.filter(team=plan.team_id, state__in=WORKED_AT)
    if not plan.is_whole_team:
        sites = sites.filter(task_plans=plan)
    return sites.select_related("enterprise").order_by("number")


def task_photo_for(*, user: User, pk: int) -> TaskPhoto:
    """The photo of a visible task. Raises NotFound."""
    photo = TaskPhoto.objects.visible_to(user).select_related("task").filter(pk=pk).first()
    if photo is None:
        raise NotFound
    return photo


def may_move_task(*, user: User, task: Task, edge: Edge) -> bool:
    """Whether the person may take this edge; what the system does is nobody's.

    Work is done by the assignee, or by somebody who assigns tasks on the site.
    """
    if not edge.ability:
        return False
    access = access_for(user)
    if edge.ability != Ability.WORK_TASK:
        return access.can(Ability(edge.ability), task.site)
    if access.can(Ability.ASSIGN_TASK, task.site):
        return True
    return task.assignee_id == user.pk and access.can(Ability.WORK_TASK, task.site)


def task_moves_for(*, user: User, task: Task) -> tuple[Edge, ...]:
    """The moves that the person may make now, in the table's order."""
    return tuple(
        edge
        for edge in TASK_LIFE.moves_from(task.state)
        if may_move_task(user=user, task=task, edge=edge)
    )


def may_add_task_photo(*, user: User, task: Task) -> bool:
    """Whether the person may add pictures: to an open task, by whoever may remark on it."""
    return task.is_open and access_for(user).can(Ability.COMMENT, task.site)


def task_assignees_for(*, site: Site) -> QuerySet[User]:
    """People who can be given tasks on the site."""
    return site_selectors.people_for(site=site, ability=Ability.WORK_TASK)


def task_log_of(task: Task) -> QuerySet[TaskLog]:
    """What happened to the task, oldest first, with the people."""
    return task.log.select_related("by").order_by("at", "id")


@dataclass(frozen=True, slots=True)
class TaskStage:
    """One column of the month.

    `overdue`: how many of it are open and past their due time; `oldest_at`: since when the one that
    has been longest in this stage is in it.
    """

    state: TaskState
    count: int
    overdue: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class TaskMonth:
    """Tasks due in a month. Cancelled ones are in `stages`, and in no sum."""

    stages: list[TaskStage]
    total: int
    done: int
    done_in_time: int

    @property
    def done_percent(self) -> float | None:
        """Share of the month's tasks that is done; None without tasks."""
        return 100 * self.done / self.total if self.total else None

    @property
    def in_time_percent(self) -> float | None:
        """Share of the done ones whose result was handed in by the due time; None without any."""
        return 100 * self.done_in_time / self.done if self.done else None


def month_of(day: date) -> tuple[date, date]:
    """First and last day of a day's month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def tasks_due_in_month(*, user: User, day: date) -> TaskQuerySet:
    """Visible tasks whose due day (at their site) lies in the month of the day.

    The list behind it: `due_on_from` and `due_on_to` of the task filter.
    """
    tasks: TaskQuerySet = Task.objects.visible_to(user)
    return tasks.filter(due_within(*month_of(day)))


def due_within(first: date, last: date) -> Q:
    """Tasks due from one day to another, each by the calendar of its site.

    The due time lies on that day in some zone; an index knows the times.
    """
    times = [
        datetime.combine(day + timedelta(days=days), time(), UTC)
        for day, days in ((first, -1), (last, 3))
    ]
    return Q(due_on__range=(first, last), due_at__range=times)


def task_month(*, user: User, day: date, now: datetime) -> TaskMonth:
    """The month's tasks by stage in the table's order, empty stages too. One query."""
    late = Q(due_at__lt=now, state__in=TASK_OPEN)
    rows = (
        tasks_due_in_month(user=user, day=day)
        .order_by()
        .values("state")
        .annotate(
            count=Count("pk"),
            overdue=Count("pk", filter=late),
            in_time=Count("pk", filter=Q(finished_at__lte=F("due_at"))),
            oldest_at=Min("moved_at"),
        )
    )
    found = {row["state"]: row for row in rows}
    nothing = {"count": 0, "overdue": 0, "in_time": 0, "oldest_at": None}
    by_state = {state: found.get(state.value, nothing) for state in TaskState}
    return TaskMonth(
        stages=[
            TaskStage(
                state=state,
                count=row["count"],
                overdue=row["overdue"],
                oldest_at=row["oldest_at"],
            )
            for state, row in by_state.items()
        ],
        total=sum(row["count"] for s, row in by_state.items() if s != TaskState.CANCELLED),
        done=by_state[TaskState.DONE]["count"],
        done_in_time=by_state[TaskState.DONE]["in_time"],
    )


@dataclass(frozen=True, slots=True)
class TaskToday:
    """Tasks due today, how many of them are done, and all open ones past their due time."""

    due: int
    done: int
    overdue: int


def tasks_today(*, user: User, now: datetime, zone: str) -> TaskToday:
    """Tasks whose due day is today in the reader's zone; cancelled ones are left out."""
    day = local_day(now, zone)
    today = Q(due_on=day)
    found = (
        Task.objects.visible_to(user)
        .exclude(state=TaskState.CANCELLED)
        .filter(due_within(day, day) | Q(state__in=TASK_OPEN, due_at__lt=now))
        .aggregate(
            due=Count("pk", filter=today),
            done=Count("pk", filter=today & Q(state=TaskState.DONE)),
            overdue=Count("pk", filter=Q(state__in=TASK_OPEN, due_at__lt=now)),
        )
    )
    return TaskToday(**found)


def urgent_tasks(*, user: User, limit: int = 3) -> list[Task]:
    """Open tasks, the earliest due first, with site and assignee."""
    rows = Task.objects.visible_to(user).open().select_related("site", "assignee")
    return list(rows.order_by("due_at", "pk")[:limit])
