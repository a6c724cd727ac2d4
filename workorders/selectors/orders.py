"""Reads of work orders: gates, allowed moves, counts by stage."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from core.errors import NotFound
from core.transitions import Edge
from sites import selectors as site_selectors
from sites.models import Site, User, access_for
from sites.rules import Ability
from workorders.models import Photo, WorkOrder, WorkOrderLog
from workorders.states import LIFE, State


def order_for(*, user: User, pk: int, ability: Ability = Ability.VIEW) -> WorkOrder:
    """The order with its place. Raises NotFound when not visible, Forbidden without the ability."""
    order = WorkOrder.objects.visible_to(user).with_place().filter(pk=pk).first()
    if order is None:
        raise NotFound
    site_selectors.require(user=user, ability=ability, site=order.site)
    return order


def photo_for(*, user: User, pk: int) -> Photo:
    """The photo of a visible order. Raises NotFound."""
    photo = Photo.objects.visible_to(user).select_related("order").filter(pk=pk).first()
    if photo is None:
        raise NotFound
    return photo


def may_move(*, user: User, order: WorkOrder, edge: Edge) -> bool:
    """Whether the person may take this edge of the order's life.

    Work is done by the assignee, or by somebody who assigns work on the site.
    """
    access = access_for(user)
    if edge.ability != Ability.WORK_ORDER:
        return access.can(Ability(edge.ability), order.site)
    if access.can(Ability.ASSIGN_ORDER, order.site):
        return True
    return order.assignee_id == user.pk and access.can(Ability.WORK_ORDER, order.site)


def moves_for(*, user: User, order: WorkOrder) -> tuple[Edge, ...]:
    """The moves that the person may make now, in the table's order."""
    return tuple(
        edge for edge in LIFE.moves_from(order.state) if may_move(user=user, order=order, edge=edge)
    )


def may_add_photo(*, user: User, order: WorkOrder) -> bool:
    """Whether the person may add pictures: to an open order, by whoever may remark on it."""
    return order.is_open and access_for(user).can(Ability.COMMENT, order.site)


def assignees_for(*, site: Site) -> QuerySet[User]:
    """People who can be given work on the site."""
    return site_selectors.people_for(site=site, ability=Ability.WORK_ORDER)


def log_of(order: WorkOrder) -> QuerySet[WorkOrderLog]:
    """What happened to the order, oldest first, with the people."""
    return order.log.select_related("by").order_by("at", "id")


@dataclass(frozen=True, slots=True)
class Stage:
    """One column of the board."""

    state: State
    count: int
    overdue: int


def stages(
    *, user: User, now: datetime, start: datetime | None = None, end: datetime | None = None
) -> list[Stage]:
    """Orders that the person sees, counted by state in the table's order; empty stages too.

    start, end: only orders created in this half-open period.
    """
    orders = WorkOrder.objects.visible_to(user)
    if start is not None:
        orders = orders.filter(created_at__gte=start)
    if end is not None:
        orders = orders.filter(created_at__lt=end)
    rows = (
        orders.order_by()
        .values("state")
        .annotate(count=Count("pk"), overdue=Count("pk", filter=Q(due_at__lt=now)))
    )
    found = {row["state"]: row for row in rows}
    return [
        Stage(
            state=state,
            count=found[state]["count"] if state in found else 0,
            overdue=found[state]["overdue"] if state in found and state in _LATE else 0,
        )
        for state in State
    ]


_LATE = frozenset(State) - {State.CLOSED, State.CANCELLED}


def open_orders_of_alarms(alarm_ids: Iterable[int]) -> dict[int, WorkOrder]:
    """The open order of each alarm that has one, by the alarm's id."""
    rows = WorkOrder.objects.open().filter(alarm_id__in=list(alarm_ids))
    return {row.alarm_id: row for row in rows if row.alarm_id is not None}
