"""The lists of orders and of tasks: states as tabs, filters; everything in the address."""

from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from core.filters import chips_of
from core.http import render_part
from core.lists import ListPage, ListSpec, first_address
from sites import selectors as site_selectors
from sites.models import User, access_for
from sites.rules import Ability
from workorders import selectors
from workorders.filters import OrderFilter, TaskFilter
from workorders.models import Task, WorkOrder
from workorders.resources import ORDERS, TASKS
from workorders.states import OPEN, TASK_OPEN, State, TaskState

DEFAULT_VIEW = "open"
VIEWS: dict[str, tuple[str, ...]] = {
    "open": OPEN,
    **{state.value: (state.value,) for state in State},
    "all": tuple(State.values),
}
TASK_VIEWS: dict[str, tuple[str, ...]] = {
    "open": TASK_OPEN,
    **{state.value: (state.value,) for state in TaskState},
    "all": tuple(TaskState.values),
}


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab with the number of rows behind it."""

    key: str
    label: str
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class _Kind:
    """What makes the list of orders different from that of tasks."""

    spec: ListSpec
    views: dict[str, tuple[str, ...]]
    labels: dict[str, str]
    filterset: Any
    template: str
    file: str


@login_required
@require_safe
def order_list(request: HttpRequest) -> HttpResponseBase:
    """Orders of the person's sites, open ones first; as a sheet when the address asks for one."""
    kind = _Kind(
        spec=ORDERS,
        views=VIEWS,
        labels={
            "open": pgettext("orders", "未结束"),
            "all": pgettext("orders", "全部"),
            **{state.value: str(state.label) for state in State},
        },
        filterset=OrderFilter,
        template="workorders/order_list.html",
        file=pgettext("file", "工单"),
    )
    user = cast(User, request.user)
    may_create = access_for(user).has_anywhere(Ability.CREATE_ORDER)
    return _list(request, kind, WorkOrder.objects.visible_to(user), may_create=may_create)


@login_required
@require_safe
def task_list(request: HttpRequest) -> HttpResponseBase:
    """Tasks of the person's sites, open ones first, the earliest due first."""
    kind = _Kind(
        spec=TASKS,
        views=TASK_VIEWS,
        labels={
            "open": pgettext("tasks", "未结束"),
            "all": pgettext("tasks", "全部"),
            **{state.value: str(state.label) for state in TaskState},
        },
        filterset=TaskFilter,
        template="workorders/task_list.html",
        file=pgettext("file", "任务"),
    )
    user = cast(User, request.user)
    may_create = access_for(user).has_anywhere(Ability.ASSIGN_TASK)
    return _list(request, kind, Task.objects.visible_to(user), may_create=may_create)


def _list(request: HttpRequest, kind: _Kind, visible: Any, *, may_create: bool) -> HttpResponseBase:
    user = cast(User, request.user)
    chosen = site_selectors.list_chosen(user=user, page=kind.spec.key)
    if elsewhere := first_address(request, chosen):
        return redirect(elsewhere)
    view = request.GET.get("view", DEFAULT_VIEW)
    view = view if view in kind.views else DEFAULT_VIEW
    filters = kind.filterset(request.GET, queryset=visible, request=request)
    found = filters.qs if filters.is_valid() else visible.none()
    now = timezone.now()
    shown = ListPage(
        spec=kind.spec,
        request=request,
        rows=found.filter(state__in=kind.views[view]).with_place(),
        lines_of=partial(selectors.work_lines, now=now),
        chosen=chosen,
    )
    if shown.export:
        return shown.sheet(name=kind.file)
    context = {
        "list": shown,
        "view": view,
        "now": now,
        "filters": filters,
        "chips": chips_of(filters),
        "tabs_of_list": tabs(found, view, kind),
        "may_create": may_create,
    }
    return render_part(request, kind.template, context, part="list")


def tabs(rows: QuerySet[Any], view: str, kind: _Kind) -> list[Tab]:
    """The tabs with their counts under the other filters."""
    found = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    return [
        Tab(key, kind.labels[key], sum(found.get(s, 0) for s in states), is_current=key == view)
        for key, states in kind.views.items()
    ]
