"""The list of alarms: views as tabs, severities, filters; everything in the address."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Min
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from alarms import selectors
from alarms.filters import AlarmFilter
from alarms.models import Alarm, AlarmQuerySet
from alarms.resources import ALARMS
from alarms.states import OPEN, SEVERITY_RANK, Handling, Severity
from core.filters import chips_of
from core.http import render_part
from core.lists import Chosen, ListPage, first_address, search_part
from sites import selectors as site_selectors
from sites.models import User, access_for
from sites.rules import Ability

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
MINE = "mine"
TABS = ("open", "unverified", MINE, "verified", "in_order", "ignored", "archived", "all")


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
        MINE: pgettext("alarms", "我负责的"),
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
    filters, shown = listed(request, user, now=now, chosen=chosen)
    if shown.export:
        return shown.sheet(name=pgettext("file", "告警"))
    selectors.measure(shown.lines, now=now)
    return render_part(
        request, "alarms/alarm_list.html", _context(request, user, shown, filters), part="list"
    )


def listed(
    request: HttpRequest, user: User, *, now: datetime, chosen: Chosen
) -> tuple[AlarmFilter, ListPage]:
    """The list that the address asks for: its filters, and the person's look at its rows."""
    alarms = Alarm.objects.visible_to(user)
    filters = AlarmFilter(request.GET, queryset=alarms, request=request)
    rows = in_view(filters.qs if filters.is_valid() else alarms.none(), view_of(request), user)
    shown = ListPage(
        spec=ALARMS,
        request=request,
        rows=rows.with_place()
        .select_related("device__bus__gateway", "device__source", "verified_by")
        .prefetch_related("orders__assignee"),
        lines_of=partial(selectors.lines_of, user=user, now=now),
        chosen=chosen,
    )
    return filters, shown


def _context(
    request: HttpRequest, user: User, shown: ListPage, filters: AlarmFilter
) -> dict[str, Any]:
    view = view_of(request)
    alarms = Alarm.objects.visible_to(user)
    waiting = alarms.to_handle().order_by().aggregate(since=Min("raised_at"))
    return {
        "list": shown,
        "page": shown.page,
        "view": view,
        "filters": filters,
        "chips": [chip for chip in chips_of(filters) if chip[0] != "severity"],
        "waiting_since": waiting["since"],
        "sheet_url": reverse("alarms:alarm-sheet"),
        "trail": trail_of(request, view),
        "may_handle": access_for(user).has_anywhere(Ability.HANDLE_ALARM),
        **facets(request, alarms, view, user),
    }


def view_of(request: HttpRequest) -> str:
    """The tab that the address names."""
    view = request.GET.get("view", DEFAULT_VIEW)
    return view if view in TABS else DEFAULT_VIEW


def in_view(rows: AlarmQuerySet, view: str, user: User) -> AlarmQuerySet:
    """The rows that a tab shows; an unknown one shows the first tab's."""
    if view == MINE:
        return rows.in_hands_of(user)
    return rows.filter(handling__in=VIEWS.get(view, VIEWS[DEFAULT_VIEW]))


def trail_of(request: HttpRequest, view: str) -> str:
    """What the pages of the alarms need to know of the list that they were opened from."""
    query = QueryDict(search_part(request.GET.urlencode()), mutable=True)
    query.pop("in", None)
    if ordering := request.GET.get("ordering"):
        query["ordering"] = ordering
    query["view"] = view
    return f"?{urlencode({'in': query.urlencode()})}"


def facets(
    request: HttpRequest, alarms: AlarmQuerySet, view: str, user: User
) -> dict[str, list[Tab]]:
    """Counts of each tab under the other filters, and of each severity within the tab."""
    data = request.GET.copy()
    chosen = set(data.getlist("severity")) & set(Severity.values)
    for name in ("severity", "ordering"):
        data.pop(name, None)
    filters = AlarmFilter(data, queryset=alarms, request=request)
    rows = filters.qs if filters.is_valid() else alarms.none()
    found = _tally(rows)
    mine = _tally(rows.in_hands_of(user))

    def total(key: str, severities: set[str]) -> int:
        counted = mine if key == MINE else found
        handlings = VIEWS.get(key, OPEN)
        return sum(count for (h, s), count in counted.items() if h in handlings and s in severities)

    return {
        "tabs_of_list": [
            Tab(key, labels()[key], total(key, chosen or set(Severity.values)), key == view)
            for key in TABS
        ],
        "severities": [
            Tab(name, str(Severity(name).label), total(view, {name}), name in chosen)
            for name in SEVERITY_RANK
        ],
    }


def _tally(rows: AlarmQuerySet) -> dict[tuple[str, str], int]:
    """Alarms by handling and severity."""
    counted = rows.order_by().values_list("handling", "severity").annotate(Count("pk"))
    return {(handling, severity): count for handling, severity, count in counted}
