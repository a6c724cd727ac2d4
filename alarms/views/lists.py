"""The list of alarms: views as tabs, severities, filters; everything in the address."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db.models import Min
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
    """One tab, or one severity, with the number of rows behind it; a kept one is up to a minute old."""

    key: str
    label: str
    count: int
    is_current: bool
    is_kept: bool = False


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
    filters = filters_of(request, user)
    tallies = tallies_of(request, user, filters)
    shown = listed(
        request,
        user,
        filters,
        now=now,
        chosen=chosen,
        counted=tallies.total(view_of(request), severities_of(request)),
    )
    if shown.export:
        return shown.sheet(name=pgettext("file", "告警"))
    selectors.measure(shown.lines, now=now)
    context = _context(request, user, shown, filters) | facets(request, tallies)
    return render_part(request, "alarms/alarm_list.html", context, part="list")


def filters_of(request: HttpRequest, user: User) -> AlarmFilter:
    """What the address asks for, of what the person sees."""
    return AlarmFilter(request.GET, queryset=Alarm.objects.visible_to(user), request=request)


def listed(
    request: HttpRequest,
    user: User,
    filters: AlarmFilter,
    *,
    now: datetime,
    chosen: Chosen,
    counted: int | None = None,
) -> ListPage:
    """The person's look at the rows that the filters leave; counted: how many, when known."""
    found = filters.qs if filters.is_valid() else Alarm.objects.none()
    rows = in_view(found, view_of(request), user)
    return ListPage(
        spec=ALARMS,
        request=request,
        rows=rows.with_line().prefetch_related("orders__assignee"),
        lines_of=partial(selectors.lines_of, user=user, now=now),
        chosen=chosen,
        counted=counted,
    )


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


@dataclass(frozen=True, slots=True)
class Tallies:
    """Alarms by handling and severity under the filters other than severity; one's own apart.

    is_kept: the archived ones were counted a moment ago.
    """

    found: Mapping[tuple[str, str], int]
    mine: Mapping[tuple[str, str], int]
    is_kept: bool = False

    def total(self, view: str, severities: Collection[str]) -> int:
        """How many the tab shows of some severities."""
        counted = self.mine if view == MINE else self.found
        handlings = VIEWS.get(view, OPEN)
        return sum(n for (h, s), n in counted.items() if h in handlings and s in severities)


def tallies_of(request: HttpRequest, user: User, filters: AlarmFilter) -> Tallies:
    """The counts of tabs and severities."""
    alarms, data = Alarm.objects.visible_to(user), request.GET.copy()
    for name in ("severity", "ordering"):
        if data.pop(name, None):
            filters = AlarmFilter(data, queryset=alarms, request=request)
    if not filters.is_valid():
        return Tallies({}, {})
    mine = selectors.tally(filters.qs.in_hands_of(user))
    if any(filters.form.cleaned_data.values()):
        return Tallies(selectors.tally(filters.qs), mine)
    found = selectors.tally(alarms.open())
    # The frame need not count them again.
    request.counted_alarms = selectors.counters(found)  # type: ignore[attr-defined]
    archived, is_kept = selectors.archived_tally(user=user)
    return Tallies(found | archived, mine, is_kept)


def severities_of(request: HttpRequest) -> set[str]:
    """The severities that are looked at: those of the address, or all."""
    return set(request.GET.getlist("severity")) & set(Severity.values) or set(Severity.values)


def facets(request: HttpRequest, tallies: Tallies) -> dict[str, list[Tab]]:
    """Counts of each tab under the other filters, and of each severity within the tab."""
    view, shown = view_of(request), severities_of(request)
    given, words = request.GET.getlist("severity"), labels()
    return {
        "tabs_of_list": [
            Tab(
                key,
                words[key],
                tallies.total(key, shown),
                key == view,
                tallies.is_kept and Handling.ARCHIVED in VIEWS.get(key, ()),
            )
            for key in TABS
        ],
        "severities": [
            Tab(name, str(Severity(name).label), tallies.total(view, {name}), name in given)
            for name in SEVERITY_RANK
        ],
    }
