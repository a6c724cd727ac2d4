"""The calendar of orders and tasks, and the page of one's own work."""

from datetime import date, timedelta
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core.http import render_part
from core.time import local_day
from sites.models import User
from workorders import selectors
from workorders.forms.tasks import CalendarForm
from workorders.models import Task, WorkOrder
from workorders.views.details import actions as order_actions
from workorders.views.task_details import actions as task_actions

KINDS = {"all": {"order", "task"}, "orders": {"order"}, "tasks": {"task"}}
MINE = 50


@login_required
@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    """A month or a week; what the address does not say is this month, of everybody, of both."""
    user = cast(User, request.user)
    now = timezone.now()
    today = local_day(now, user.timezone)
    form = CalendarForm(request.GET)
    day = (form.cleaned_data.get("day") if form.is_valid() else None) or today
    view = "week" if request.GET.get("view") == "week" else "month"
    kind = request.GET.get("kind", "all")
    kind = kind if kind in KINDS else "all"
    is_mine = request.GET.get("mine") == "true"
    before, after = neighbours(day, view)
    context = {
        "calendar": selectors.calendar(
            user=user, day=day, view=view, kinds=KINDS[kind], mine=is_mine, now=now
        ),
        "now": now,
        "day": day,
        "today": today,
        "view": view,
        "kind": kind,
        "is_mine": is_mine,
        "before": before,
        "after": after,
    }
    return render_part(request, "workorders/calendar.html", context, part="days")


def neighbours(day: date, view: str) -> tuple[date, date]:
    """A day of the month or week before, and of the one after."""
    if view == "week":
        return day - timedelta(days=7), day + timedelta(days=7)
    first = day.replace(day=1)
    return first - timedelta(days=1), (first + timedelta(days=32)).replace(day=1)


@login_required
@require_safe
def my_work(request: HttpRequest) -> HttpResponse:
    """Open orders and tasks of whoever asks, the most urgent first, each with its next step."""
    user = cast(User, request.user)
    orders = WorkOrder.objects.visible_to(user).open().filter(assignee=user).with_place()
    tasks = Task.objects.visible_to(user).open().filter(assignee=user).with_place()
    context = {
        "orders": [
            (row, order_actions(user, row)) for row in orders.order_by("due_at", "pk")[:MINE]
        ],
        "tasks": [(row, task_actions(user, row)) for row in tasks.order_by("due_at", "pk")[:MINE]],
        "order_count": orders.count(),
        "task_count": tasks.count(),
        "now": timezone.now(),
    }
    return render_part(request, "workorders/my_work.html", context, part="work")
