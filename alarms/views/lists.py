"""The list of alarms: views as tabs, severities, filters; everything in the address."""

from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from alarms import selectors
from alarms.filters import AlarmFilter
from alarms.models import Alarm
from alarms.resources import ALARMS
from alarms.states import OPEN, SEVERITY_RANK, Handling, Severity
from core.errors import Invalid
from core.filters import chips_of
from core.http import render_part
from core.lists import ListPage, first_address
from sites import selectors as site_selectors
from sites.models import User

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
def alarm_list(request: HttpRequest) -> HttpResponseBase:
    """Alarms of the person's sites, open ones first; as a sheet when the address asks for one."""
    user = cast(User, request.user)
    chosen = site_selectors.list_chosen(user=user, page=ALARMS.key)
    if elsewhere := first_address(request, chosen):
        return redirect(elsewhere)
    now = timezone.now()
    view = view_of(request)
    alarms = Alarm.objects.visible_to(user)
    filters = AlarmFilter(request.GET, queryset=alarms, request=request)
    rows = filters.qs if filters.is_valid() else alarms.none()
    shown = ListPage(
        spec=ALARMS,
        request=request,
        rows=rows.filter(handling__in=VIEWS[view]).with_place().prefetch_related("orders"),
        lines_of=partial(selectors.lines_of, user=user, now=now),
        chosen=chosen,
    )
    if shown.export:
        return _sheet(request, shown, user)
    context = {
        "list": shown,
        "page": shown.page,
        "view": view,
        "filters": filters,
        "chips": [chip for chip in chips_of(filters) if chip[0] != "severity"],
        **facets(request, alarms, view),
    }
    return render_part(request, "alarms/alarm_list.html", context, part="list")


def view_of(request: HttpRequest) -> str:
    """The tab that the address names."""
    view = request.GET.get("view", DEFAULT_VIEW)
    return view if view in VIEWS else DEFAULT_VIEW


def _sheet(request: HttpRequest, shown: ListPage, user: User) -> HttpResponseBase:
    today = timezone.now().astimezone(ZoneInfo(user.timezone))
    name = f"{pgettext('file', '告警')}-{today:%Y%m%d-%H%M}"
    try:
        return shown.sheet(name=name, zone=user.timezone)
    except Invalid as refusal:
        messages.error(request, str(refusal))
        query = request.GET.copy()
        query.pop("export")
        return redirect(f"{request.path}?{query.urlencode()}")


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
