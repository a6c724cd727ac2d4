"""The list of alarms: views as tabs, severities, filters; everything in the address."""

from dataclasses import dataclass
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from alarms.filters import AlarmFilter
from alarms.models import Alarm
from alarms.states import OPEN, SEVERITY_RANK, Handling, Severity
from core.filters import chips_of
from core.http import render_part
from devices.models import PointCode
from sites.models import User

PAGE_SIZE = 50
DEFAULT_VIEW = "open"

# Tabs: the handlings that each of them shows.
VIEWS: dict[str, tuple[str, ...]] = {
    "open": OPEN,
    "unverified": (Handling.UNVERIFIED,),
    "verified": (Handling.VERIFIED,),
    "in_order": (Handling.IN_ORDER,),
    "ignored": (Handling.IGNORED,),
    "archived": (Handling.ARCHIVED,),
    "all": tuple(Handling.values),
}


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab, or one severity, with the number of rows behind it."""

    key: str
    label: str
    count: int
    is_current: bool


def labels() -> dict[str, str]:
    """Words of the tabs."""
    return {
        "open": pgettext("alarms", "未处理"),
        "all": pgettext("alarms", "全部"),
        **{handling.value: str(handling.label) for handling in Handling},
    }


@login_required
@require_safe
def alarm_list(request: HttpRequest) -> HttpResponse:
    """Alarms of the person's sites, open ones first."""
    user = cast(User, request.user)
    view = request.GET.get("view", DEFAULT_VIEW)
    view = view if view in VIEWS else DEFAULT_VIEW
    alarms = Alarm.objects.visible_to(user)
    filters = AlarmFilter(request.GET, queryset=alarms, request=request)
    rows = filters.qs if filters.is_valid() else alarms.none()
    rows = rows.filter(handling__in=VIEWS[view]).with_place().prefetch_related("orders")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "view": view,
        "filters": filters,
        "chips": [chip for chip in chips_of(filters) if chip[0] != "severity"],
        "points": points_of(page.object_list),
        **facets(request, alarms, view),
    }
    return render_part(request, "alarms/alarm_list.html", context, part="list")


def facets(request: HttpRequest, alarms: QuerySet[Any], view: str) -> dict[str, list[Tab]]:
    """Counts of each tab under the other filters, and of each severity within the tab."""
    data = request.GET.copy()
    chosen = set(data.getlist("severity")) & set(Severity.values)
    data.pop("severity", None)
    filters = AlarmFilter(data, queryset=alarms, request=request)
    rows = filters.qs if filters.is_valid() else alarms.none()
    found = {
        (handling, severity): count
        for handling, severity, count in rows.order_by()
        .values_list("handling", "severity")
        .annotate(Count("pk"))
    }

    def total(handlings: tuple[str, ...], severities: set[str]) -> int:
        return sum(count for (h, s), count in found.items() if h in handlings and s in severities)

    return {
        "tabs_of_list": [
            Tab(
                key,
                labels()[key],
                total(VIEWS[key], chosen or set(Severity.values)),
                is_current=key == view,
            )
            for key in VIEWS
        ],
        "severities": [
            Tab(name, str(Severity(name).label), total(VIEWS[view], {name}), name in chosen)
            for name in SEVERITY_RANK
        ],
    }


def points_of(alarms: Any) -> dict[str, PointCode]:
    """The dictionary's rows of the points that the alarms name."""
    codes = {alarm.point_code or alarm.worst_code for alarm in alarms} - {""}
    return PointCode.objects.in_bulk(codes, field_name="code") if codes else {}
