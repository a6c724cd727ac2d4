"""Orders as a board: a column per state, each with its figures and its most urgent cards."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from core.transitions import Edge
from sites.models import User
from workorders.models import WorkOrder
from workorders.selectors.orders import moves_for
from workorders.states import LIFE, OPEN, Move, State

COLUMNS = (
    State.NEW,
    State.ASSIGNED,
    State.IN_PROGRESS,
    State.ON_HOLD,
    State.TO_ACCEPT,
    State.CLOSED,
)
CARDS = 30
# A column of what is over shows what was lately.
CLOSED_DAYS = 7


@dataclass(frozen=True, slots=True)
class Card:
    """One order with the moves that the person may make."""

    order: WorkOrder
    moves: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One state: all its orders counted, the first cards by due time.

    `people`: how many have work in it; `most`: the most that one of them has at once.
    """

    state: State
    count: int
    overdue: int
    people: int
    most: int
    cards: list[Card]

    @property
    def is_cut(self) -> bool:
        return self.count > len(self.cards)


def board(*, user: User, orders: QuerySet[WorkOrder], now: datetime) -> list[Column]:
    """The columns of visible, already filtered orders; closed ones of the last seven days.

    A query for the figures, one per column for its cards.
    """
    lately = now - timedelta(days=CLOSED_DAYS)
    shown = orders.filter(Q(state__in=OPEN) | Q(state=State.CLOSED, closed_at__gte=lately))
    figures = _figures(shown, now)
    columns = []
    for state in COLUMNS:
        rows = shown.filter(state=state).with_place()  # type: ignore[attr-defined]
        is_over = state == State.CLOSED
        rows = rows.order_by("-closed_at", "-pk") if is_over else rows.order_by("due_at", "pk")
        cards = [Card(order, moves_for(user=user, order=order)) for order in rows[:CARDS]]
        columns.append(Column(state=state, cards=cards, **figures[state]))
    return columns


def _figures(orders: QuerySet[WorkOrder], now: datetime) -> dict[str, dict[str, int]]:
    """Counts by state, from one query by state and person."""
    rows = (
        orders.order_by()
        .values("state", "assignee")
        .annotate(count=Count("pk"), late=Count("pk", filter=Q(due_at__lt=now)))
    )
    found = {state.value: {"count": 0, "overdue": 0, "people": 0, "most": 0} for state in COLUMNS}
    for row in rows:
        figures = found[row["state"]]
        figures["count"] += row["count"]
        if row["state"] in OPEN:
            figures["overdue"] += row["late"]
        if row["assignee"] is not None:
            figures["people"] += 1
            figures["most"] = max(figures["most"], row["count"])
    return found


def move_between(source: str, target: str) -> Move | None:
    """The move of the table that leads from one column to another, None when there is none."""
    return next(
        (
            Move(edge.move)
            for edge in LIFE.moves_from(source)
            if edge.target.value == target and source != target
        ),
        None,
    )
