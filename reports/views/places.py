"""The list of sites and the page of one."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from alarms.states import SEVERITY_RANK
from core.filters import chips_of
from core.http import render_part
from core.time import day_bounds, local_day
from devices.models import PointCode
from reports.filters import SitePageFilter
from reports.selectors import loads, places
from reports.selectors.places import POWER
from reports.selectors.site_page import SitePage, circuits_in_order, site_page
from sites.models import Site, User

PAGE_SIZE = 50
_SEVERITIES = {rank: name for name, rank in SEVERITY_RANK.items()}


@login_required
@require_safe
def site_list(request: HttpRequest) -> HttpResponse:
    """Sites of the person with state, power, open alarms and orders."""
    user = cast(User, request.user)
    now = timezone.now()
    sites = places.with_conditions(Site.objects.visible_to(user))
    filters = SitePageFilter(request.GET, queryset=sites, request=request)
    found = filters.qs if filters.is_valid() else sites.none()
    rows = places.with_counts(found).select_related("enterprise", "team")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    ids = [site.pk for site in page.object_list]
    context = {
        "page": page,
        "filters": filters,
        "chips": chips_of(filters),
        "powers": places.power_by_site(user=user, now=now, site_ids=ids),
        "power_total": loads.power_of_sites(
            user=user, now=now, site_ids=found.order_by().values("pk")
        ),
        "worst": _SEVERITIES,
    }
    return render_part(request, "reports/site_list.html", context, part="list")


@login_required
@require_safe
def site_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One site: data, places, devices, what is open, load of today."""
    now = timezone.now()
    page = site_page(user=cast(User, request.user), pk=pk, now=now)
    codes = {alarm.point_code or alarm.worst_code for alarm in page.alarms} - {""}
    context: dict[str, Any] = {
        "page": page,
        "site": page.site,
        "zone": page.site.timezone,
        "now": now,
        "rooms": [(room, circuits_in_order(room)) for room in page.rooms],
        "points": PointCode.objects.in_bulk(codes, field_name="code"),
        "curves": curves(page, local_day(now, page.site.timezone)),
    }
    return render_part(request, "reports/site_detail.html", context, part="open")


def curves(page: SitePage, day: Any) -> list[dict[str, Any]]:
    """One load curve of the day for each incomer."""
    start, end = day_bounds(day, page.site.timezone)
    period = f"from={start.timestamp():.0f}&to={end.timestamp():.0f}"
    series = reverse("devices:series")
    return [
        {"device": device, "url": f"{series}?point={device.pk}:{POWER}&{period}"}
        for device in page.load_devices
    ]
