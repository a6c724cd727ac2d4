"""Filters of pages that look down on every app."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.filters import StableOrderingFilter
from reports.selectors import completeness, places
from sites.filters import SiteFilter
from sites.models import Town


class SitePageFilter(SiteFilter):
    """Sites by what is going on there, besides what they are."""

    condition = django_filters.ChoiceFilter(
        choices=[
            ("abnormal", pgettext_lazy("site", "异常")),
            ("online", pgettext_lazy("site", "在线")),
            ("offline", pgettext_lazy("site", "离线")),
            ("defect", pgettext_lazy("site", "有缺陷")),
            ("accepted", pgettext_lazy("site", "已接入")),
            ("unaccepted", pgettext_lazy("site", "未接入")),
        ],
        method="filter_condition",
        label=_("情况"),
    )
    data = django_filters.ChoiceFilter(
        choices=[("low", _("低于目标"))], method="filter_data", label=_("今日数据完整率")
    )
    town = django_filters.ModelChoiceFilter(
        field_name="enterprise__town",
        queryset=Town.objects.all(),
        null_label=_("未填镇街"),
        null_value="none",
        label=_("镇街"),
    )
    ordering = StableOrderingFilter(
        fields={
            "number": "number",
            "name": "name",
            "state": "state",
            "updated_at": "updated_at",
            "share": "completeness",
        },
        label=_("排序"),
    )

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Completeness is looked up only where somebody sorts by it."""
        ordering = self.form.cleaned_data.get("ordering") or ()
        if {"completeness", "-completeness"} & set(ordering):
            queryset = completeness.with_share(queryset, now=timezone.now())
        return super().filter_queryset(queryset)

    def filter_condition(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """The rows behind a tile of the hall."""
        return queryset.filter(places.condition_q(value))

    def filter_data(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Sites below the target."""
        return completeness.below_target(queryset, now=timezone.now())
