"""Filters of alarms, for pages and the REST API."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from alarms.models import Alarm, Rule
from alarms.states import OPEN, Condition, Handling, Severity, Verdict
from core.filters import (
    AnyOfFilter,
    MomentFilter,
    SearchFilter,
    StableOrderingFilter,
    YesNoFilter,
)
from devices.filters import visible_devices, visible_gateways
from sites.filters import visible_enterprises, visible_sites


class AlarmFilter(django_filters.FilterSet):
    """Alarms by number, place, rule, severity, condition, handling and time."""

    q = SearchFilter(
        columns=[
            "number",
            "rule__name",
            "rule__name_en",
            "rule__key",
            "site__search_text",
            "device__search_text",
            "point_code",
        ]
    )
    site = django_filters.ModelChoiceFilter(queryset=visible_sites, label=_("站点"))
    enterprise = django_filters.ModelChoiceFilter(
        field_name="site__enterprise", queryset=visible_enterprises, label=_("企业")
    )
    device = django_filters.ModelChoiceFilter(queryset=visible_devices, label=_("设备"))
    gateway = django_filters.ModelChoiceFilter(queryset=visible_gateways, label=_("网关"))
    severity = AnyOfFilter(choices=Severity.choices, label=_("级别"))
    condition = django_filters.ChoiceFilter(choices=Condition.choices, label=_("工况"))
    handling = AnyOfFilter(choices=Handling.choices, label=_("处理状态"))
    is_open = YesNoFilter(method="filter_is_open", label=_("未归档"))
    rule = django_filters.ModelChoiceFilter(
        queryset=Rule.objects.all(), to_field_name="key", label=_("规则")
    )
    point = django_filters.CharFilter(field_name="point_code", max_length=24, label=_("测点"))
    verdict = django_filters.ChoiceFilter(choices=Verdict.choices, label=_("查核结论"))
    is_simulated = YesNoFilter(label=_("模拟"))
    raised_from = MomentFilter(field_name="last_raised_at", label=_("触发时间起"))
    raised_to = MomentFilter(field_name="last_raised_at", is_end=True, label=_("触发时间止"))
    updated_since = MomentFilter(field_name="updated_at", label=_("更新时间不早于"))
    ordering = StableOrderingFilter(
        fields={
            "severity_rank": "severity",
            "raised_at": "raised_at",
            "last_raised_at": "last_raised_at",
            "updated_at": "updated_at",
            "number": "number",
        },
        label=_("排序"),
    )

    class Meta:
        model = Alarm
        fields: list[str] = []

    def filter_is_open(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:  # noqa: FBT001
        """Not archived, or archived."""
        if value:
            return queryset.filter(handling__in=OPEN)
        return queryset.exclude(handling__in=OPEN)
