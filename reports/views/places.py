"""The list of sites."""

from functools import partial
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from core.filters import chips_of
from core.http import render_part
from core.lists import ListPage, first_address
from reports.filters import SitePageFilter
from reports.resources import SITES
from reports.selectors import loads, places, site_lines
from reports.views.maps import map_context
from sites import selectors as site_selectors
from sites.models import Site, User

LOOKS = ("table", "cards", "map")


@login_required
@require_safe
def site_list(request: HttpRequest) -> HttpResponseBase:
    """Sites of the person as a table, cards or a map; a sheet when the address asks for one."""
    user = cast(User, request.user)
    now = timezone.now()
    chosen = site_selectors.list_chosen(user=user, page=SITES.key)
    if elsewhere := first_address(request, chosen):
        return redirect(elsewhere)
    sites = places.with_conditions(Site.objects.visible_to(user))
    filters = SitePageFilter(request.GET, queryset=sites, request=request)
    found = filters.qs if filters.is_valid() else sites.none()
    shown = ListPage(
        spec=SITES,
        request=request,
        rows=places.with_counts(found).select_related("enterprise__town", "team"),
        lines_of=partial(site_lines.lines_of, user=user, now=now),
        chosen=chosen,
    )
    if shown.export:
        return shown.sheet(name=pgettext("file", "站点"))
    look = request.GET.get("as", "")
    chips = chips_of(filters)
    is_all = filters.is_valid() and not chips
    context: dict[str, Any] = {
        "list": shown,
        "page": shown.page,
        "look": look if look in LOOKS else "table",
        "looks": look_words(),
        "filters": filters,
        "chips": chips,
        "power_total": loads.power_of_all(user=user, now=now)
        if is_all
        else loads.power_of_sites(user=user, now=now, site_ids=found.order_by().values("pk")),
        "map_query": request.GET.urlencode(),
        **map_context(),
    }
    return render_part(request, "reports/site_list.html", context, part="list")


def look_words() -> list[tuple[str, str, str]]:
    """Ways to look at the list: key, word, icon."""
    return [
        ("table", pgettext("look", "表格"), "table"),
        ("cards", pgettext("look", "卡片"), "layout-list"),
        ("map", pgettext("look", "地图"), "map-2"),
    ]
