"""Orders and tasks of a month: stages with their oldest or late, and the most urgent open ones."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Avg, Count, F, Min, Q

from sites.models import User
from workorders import selectors as work
from workorders.models import Task, WorkOrder
from workorders.states import OPEN, State

URGENT = 3


@dataclass(frozen=True, slots=True)
class StageFigures:
    """Orders created in the month that are in one state now."""

    state: State
    count: int = 0
    overdue: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderFigures:
    """Orders created in the month by state; open, late and new today, of any month.

    `mean_duration`: from creation to closing, of the month's closed orders.
    """

    stages: list[StageFigures]
    created: int
    mean_duration: timedelta | None
    open: int
    overdue: int
    today: int
    urgent: list[WorkOrder]


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """Tasks due in the month by stage; those due today and the late ones, of any month."""

    month: work.TaskMonth
    today: work.TaskToday
    urgent: list[Task]


def tasks(*, user: User, now: datetime, day: date) -> TaskFigures:
    """Figures of the month in which the day lies; today is the reader's. Three queries."""
    return TaskFigures(
        month=work.task_month(user=user, day=day, now=now),
        today=work.tasks_today(user=user, now=now, zone=user.timezone),
        urgent=work.urgent_tasks(user=user, limit=URGENT),
    )


def orders(
    *, user: User, now: datetime, start: datetime, end: datetime, today: datetime
) -> OrderFigures:
    """Figures of the half-open month from `start` to `end`; `today` is the reader's midnight."""
    visible = WorkOrder.objects.visible_to(user)
    month = visible.filter(created_at__gte=start, created_at__lt=end).order_by()
    is_late = Q(due_at__lt=now, state__in=OPEN)
    rows = {
        row["state"]: row
        for row in month.values("state").annotate(
            count=Count("pk"),
            overdue=Count("pk", filter=is_late),
            oldest_at=Min("created_at"),
            mean=Avg(F("closed_at") - F("created_at")),
        )
    }
    stages = [
        StageFigures(state, row["count"], row["overdue"], row["oldest_at"])
        if (row := rows.get(state))
        else StageFigures(state)
        for state in State
    ]
    # What is neither open nor new is not looked at.
    counted = visible.filter(Q(state__in=OPEN) | Q(created_at__gte=today)).order_by()
    found = counted.aggregate(
        open=Count("pk", filter=Q(state__in=OPEN)),
        overdue=Count("pk", filter=is_late),
        today=Count("pk", filter=Q(created_at__gte=today, created_at__lte=now)),
    )
    return OrderFigures(
        stages=stages,
        created=sum(stage.count for stage in stages),
        mean_duration=rows[State.CLOSED]["mean"] if State.CLOSED in rows else None,
        urgent=list(
            visible.open().select_related("site", "assignee").order_by("due_at", "pk")[:URGENT]
        ),
        **found,
    )
