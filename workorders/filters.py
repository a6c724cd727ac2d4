"""Filters of work orders and tasks, for pages and the REST API."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.filters import (
    AnyOfFilter,
    MomentFilter,
    SearchFilter,
    StableOrderingFilter,
    YesNoFilter,
)
from devices.filters import visible_devices
from sites.filters import visible_enterprises, visible_people, visible_sites, visible_teams
from workorders.models import Task, TaskPlan, WorkOrder
from workorders.states import Kind, Priority, State, TaskState


class WorkFilter(django_filters.FilterSet):
    """What the filters of orders and tasks have in common."""

    def filter_mine(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:  # noqa: FBT001
        """Assigned to whoever asks, or to somebody else or nobody."""
        person = getattr(self.request, "user", None)
        mine = queryset.filter(assignee=getattr(person, "pk", None) or 0)
        return mine if value else queryset.exclude(pk__in=mine.values("pk"))

    def filter_is_open(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:  # noqa: FBT001
        """Not over, or over."""
        keep = queryset.filter if value else queryset.exclude
        return keep(state__in=queryset.model.OPEN)

    def filter_overdue(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:  # noqa: FBT001
        """Open and past the due time, or not."""
        late = queryset.overdue(timezone.now())  # type: ignore[attr-defined]
        return late if value else queryset.exclude(pk__in=late.values("pk"))


class OrderFilter(WorkFilter):
    """Work orders by number, title, place, state, kind, priority, person and time."""

    q = SearchFilter(
        columns=[
            "number",
            "title",
            "title_en",
            "site__search_text",
            "alarm__number",
        ]
    )
    site = django_filters.ModelChoiceFilter(queryset=visible_sites, label=_("站点"))
    enterprise = django_filters.ModelChoiceFilter(
        field_name="site__enterprise", queryset=visible_enterprises, label=_("企业")
    )
    device = django_filters.ModelChoiceFilter(queryset=visible_devices, label=_("设备"))
    alarm = django_filters.CharFilter(
        field_name="alarm__number", max_length=24, label=_("告警编号")
    )
    state = AnyOfFilter(choices=State.choices, label=_("状态"))
    kind = AnyOfFilter(choices=Kind.choices, label=_("类型"))
    priority = AnyOfFilter(choices=Priority.choices, label=_("优先级"))
    team = django_filters.ModelChoiceFilter(queryset=visible_teams, label=_("班组"))
    assignee = django_filters.ModelChoiceFilter(queryset=visible_people, label=_("处理人"))
    mine = YesNoFilter(method="filter_mine", label=_("由我处理"))
    is_open = YesNoFilter(method="filter_is_open", label=_("未结束"))
    overdue = YesNoFilter(method="filter_overdue", label=_("超期"))
    created_from = MomentFilter(field_name="created_at", label=_("创建时间起"))
    created_to = MomentFilter(field_name="created_at", is_end=True, label=_("创建时间止"))
    due_from = MomentFilter(field_name="due_at", label=_("要求完成时间起"))
    due_to = MomentFilter(field_name="due_at", is_end=True, label=_("要求完成时间止"))
    updated_since = MomentFilter(field_name="updated_at", label=_("更新时间不早于"))
    ordering = StableOrderingFilter(
        fields=["created_at", "due_at", "updated_at", "number"], label=_("排序")
    )

    class Meta:
        model = WorkOrder
        fields: list[str] = []


def visible_plans(request: HttpRequest | None) -> QuerySet[Any]:
    """Choices of a plan filter: plans of the tasks that the person sees."""
    if request is None:
        return TaskPlan.objects.none()
    tasks = Task.objects.visible_to(request.user).order_by().values("plan")
    return TaskPlan.objects.filter(pk__in=tasks)


class TaskFilter(WorkFilter):
    """Tasks by number, title, place, state, plan, person and time; days are the site's."""

    q = SearchFilter(columns=["number", "title", "title_en", "site__search_text", "site__number"])
    site = django_filters.ModelChoiceFilter(queryset=visible_sites, label=_("站点"))
    enterprise = django_filters.ModelChoiceFilter(
        field_name="site__enterprise", queryset=visible_enterprises, label=_("企业")
    )
    plan = django_filters.ModelChoiceFilter(queryset=visible_plans, label=_("任务计划"))
    state = AnyOfFilter(choices=TaskState.choices, label=_("状态"))
    team = django_filters.ModelChoiceFilter(queryset=visible_teams, label=_("班组"))
    assignee = django_filters.ModelChoiceFilter(queryset=visible_people, label=_("执行人"))
    mine = YesNoFilter(method="filter_mine", label=_("由我执行"))
    is_open = YesNoFilter(method="filter_is_open", label=_("未结束"))
    overdue = YesNoFilter(method="filter_overdue", label=_("超期"))
    due_on_from = django_filters.DateFilter(
        field_name="due_on", lookup_expr="gte", label=_("到期日起")
    )
    due_on_to = django_filters.DateFilter(
        field_name="due_on", lookup_expr="lte", label=_("到期日止")
    )
    updated_since = MomentFilter(field_name="updated_at", label=_("更新时间不早于"))
    ordering = StableOrderingFilter(
        fields=["due_at", "created_at", "updated_at", "number"], label=_("排序")
    )

    class Meta:
        model = Task
        fields: list[str] = []
