"""Filters of pages that look down on every app."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from reports.selectors import places
from sites.filters import SiteFilter


class SitePageFilter(SiteFilter):
    """Sites by what is going on there, besides what they are."""

    condition = django_filters.ChoiceFilter(
        choices=[
            ("abnormal", pgettext_lazy("site", "异常")),
            ("offline", pgettext_lazy("site", "离线")),
            ("defect", pgettext_lazy("site", "有缺陷")),
        ],
        method="filter_condition",
        label=_("情况"),
    )

    def filter_condition(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """The rows behind a tile of the hall."""
        return queryset.filter(places.condition_q(value))
