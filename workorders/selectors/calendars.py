"""Orders and tasks by the day on which they are due."""

from calendar import Calendar as Weeks
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.time import day_bounds
from sites.models import User
from workorders.models import Task, WorkOrder
from workorders.selectors.tasks import due_within
from workorders.states import State, TaskState

MONDAY = 0
# What a browser can be given at once; a month that has more says so.
MOST = 600


@dataclass(frozen=True, slots=True)
class Item:
    """One order or task."""

    kind: str
    row: WorkOrder | Task
    is_late: bool


@dataclass(frozen=True, slots=True)
class Day:
    """A day with what is due on it."""

    day: date
    is_outside: bool = False
    is_today: bool = False
    items: list[Item] = field(default_factory=list)

    @property
    def orders(self) -> int:
        return sum(item.kind == "order" for item in self.items)

    @property
    def tasks(self) -> int:
        return len(self.items) - self.orders


@dataclass(frozen=True, slots=True)
class Calendar:
    """Whole weeks, from Monday on. `is_cut`: there is more than is shown."""

    weeks: list[list[Day]]
    first: date
    last: date
    is_cut: bool


def weeks_of(day: date, view: str) -> list[list[date]]:
    """The weeks of a day's month, or its week alone."""
    if view == "week":
        monday = day - timedelta(days=day.weekday())
        return [[monday + timedelta(days=n) for n in range(7)]]
    return Weeks(MONDAY).monthdatescalendar(day.year, day.month)


def calendar(
    *, user: User, day: date, view: str, kinds: set[str], mine: bool, now: datetime
) -> Calendar:
    """What is due in the month or week of a day; cancelled rows are left out.

    Orders stand on the reader's days, tasks on the days of their sites. Two queries.
    """
    weeks = weeks_of(day, view)
    first, last = weeks[0][0], weeks[-1][-1]
    zone = user.timezone
    orders = _orders(user, first, last, mine=mine) if "order" in kinds else []
    tasks = _tasks(user, first, last, mine=mine) if "task" in kinds else []
    by_day: dict[date, list[Item]] = {}
    for order in orders[:MOST]:
        item = Item("order", order, is_late=order.is_open and order.due_at < now)
        by_day.setdefault(order.due_at.astimezone(ZoneInfo(zone)).date(), []).append(item)
    for task in tasks[:MOST]:
        item = Item("task", task, is_late=task.is_open and task.due_at < now)
        by_day.setdefault(task.due_on, []).append(item)
    today = now.astimezone(ZoneInfo(zone)).date()
    return Calendar(
        weeks=[
            [
                Day(
                    day=one,
                    is_outside=view == "month" and one.month != day.month,
                    is_today=one == today,
                    items=sorted(by_day.get(one, []), key=_order_of),
                )
                for one in week
            ]
            for week in weeks
        ],
        first=first,
        last=last,
        is_cut=len(orders) > MOST or len(tasks) > MOST,
    )


def _order_of(item: Item) -> tuple[bool, bool, datetime]:
    """Late ones first, then open ones, then by time."""
    return (not item.is_late, not item.row.is_open, item.row.due_at.astimezone(UTC))


def _orders(user: User, first: date, last: date, *, mine: bool) -> list[WorkOrder]:
    start, end = day_bounds(first, user.timezone)[0], day_bounds(last, user.timezone)[1]
    rows = WorkOrder.objects.visible_to(user).filter(due_at__gte=start, due_at__lt=end)
    rows = rows.exclude(state=State.CANCELLED).select_related("site", "assignee")
    if mine:
        rows = rows.filter(assignee=user)
    return list(rows.order_by("due_at", "pk")[: MOST + 1])


def _tasks(user: User, first: date, last: date, *, mine: bool) -> list[Task]:
    rows = Task.objects.visible_to(user).filter(due_within(first, last))
    rows = rows.exclude(state=TaskState.CANCELLED).select_related("site", "assignee")
    if mine:
        rows = rows.filter(assignee=user)
    return list(rows.order_by("due_at", "pk")[: MOST + 1])
