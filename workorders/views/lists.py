"""The list of orders: states as tabs, filters; everything in the address."""

from dataclasses import dataclass
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from core.filters import chips_of
from core.http import render_part
from sites.models import User, access_for
from sites.rules import Ability
from workorders.filters import OrderFilter
from workorders.models import WorkOrder
from workorders.states import OPEN, State

PAGE_SIZE = 50
DEFAULT_VIEW = "open"
VIEWS: dict[str, tuple[str, ...]] = {
    "open": OPEN,
    **{state.value: (state.value,) for state in State},
    "all": tuple(State.values),
}


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab with the number of rows behind it."""

    key: str
    label: str
    count: int
    is_current: bool


@login_required
@require_safe
def order_list(request: HttpRequest) -> HttpResponse:
    """Orders of the person's sites, open ones first."""
    user = cast(User, request.user)
    view = request.GET.get("view", DEFAULT_VIEW)
    view = view if view in VIEWS else DEFAULT_VIEW
    orders = WorkOrder.objects.visible_to(user)
    filters = OrderFilter(request.GET, queryset=orders, request=request)
    found = filters.qs if filters.is_valid() else orders.none()
    rows = found.filter(state__in=VIEWS[view]).with_place()
    context = {
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "view": view,
        "now": timezone.now(),
        "filters": filters,
        "chips": chips_of(filters),
        "tabs_of_list": tabs(found, view),
        "may_create": access_for(user).has_anywhere(Ability.CREATE_ORDER),
    }
    return render_part(request, "workorders/order_list.html", context, part="list")


def tabs(orders: QuerySet[Any], view: str) -> list[Tab]:
    """The tabs with their counts under the other filters."""
    found = dict(orders.order_by().values_list("state").annotate(Count("pk")))
    labels = {
        "open": pgettext("orders", "未结束"),
        "all": pgettext("orders", "全部"),
        **{state.value: str(state.label) for state in State},
    }
    return [
        Tab(key, labels[key], sum(found.get(s, 0) for s in states), is_current=key == view)
        for key, states in VIEWS.items()
    ]
