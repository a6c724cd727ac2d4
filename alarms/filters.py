"""Filters of alarms, for pages and the REST API."""

from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.forms import BoundField
from django.utils import timezone
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
from sites.models import Town

MORE = (
    "within",
    "raised_from",
    "raised_to",
    "condition",
    "town",
    "rule",
    "point",
    "verdict",
    "is_simulated",
)


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
    town = django_filters.ModelChoiceFilter(
        field_name="site__enterprise__town", queryset=Town.objects.all(), label=_("镇街")
    )
    within = django_filters.ChoiceFilter(
        choices=[
            ("1h", _("最近 1 小时")),
            ("24h", _("最近 24 小时")),
            ("7d", _("最近 7 天")),
            ("30d", _("最近 30 天")),
        ],
        method="filter_within",
        label=_("触发时间"),
    )
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

    @property
    def more_fields(self) -> list[BoundField]:
        """Fields of the dialog "more conditions": those with few choices, and the period."""
        return [self.form[name] for name in MORE]

    def filter_within(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Raised, or raised again, in the last hours or days."""
        unit = {"h": "hours", "d": "days"}[value[-1]]
        since = timezone.now() - timedelta(**{unit: int(value[:-1])})
        return queryset.filter(last_raised_at__gte=since)

    def filter_is_open(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:  # noqa: FBT001
        """Not archived, or archived."""
        if value:
            return queryset.filter(handling__in=OPEN)
        return queryset.exclude(handling__in=OPEN)
