"""The map of sites: its pins, the popup of one, and what it is drawn on."""

from dataclasses import asdict
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from alarms.states import Severity
from reports.filters import SitePageFilter
from reports.selectors import maps, places
from sites.models import Site, User


def pin_words() -> dict[str, str]:
    """States of sites on the map, from the worst."""
    severities = {severity.value: str(severity.label) for severity in Severity}
    return severities | {
        "offline": pgettext("site", "离线"),
        "maint": pgettext("site", "未投运"),
        "normal": pgettext("site", "正常"),
    }


def map_context() -> dict[str, Any]:
    """What a page with a map needs: words of the legend, addresses and the background."""
    return {
        "pin_words": list(pin_words().items()),
        "map_facts": {
            "sites": reverse("reports:map-sites"),
            "popup": reverse("reports:map-popup", args=[0]),
        },
        "map_tiles": asdict(settings.MAP_TILES),
    }


@login_required
@require_safe
def map_sites(request: HttpRequest) -> HttpResponse:
    """Visible sites with coordinates under the filters of the list, short: there may be thousands."""
    user, words = cast(User, request.user), pin_words()
    sites = places.with_conditions(Site.objects.visible_to(user))
    filters = SitePageFilter(request.GET, queryset=sites, request=request)
    rows = [
        [pin.id, pin.name, pin.latitude_deg, pin.longitude_deg, pin.state, pin.open_alarms]
        for pin in maps.pins(user=user, sites=filters.qs if filters.is_valid() else sites.none())
    ]
    facts = {"words": words, "sites": rows}
    return JsonResponse(facts, json_dumps_params={"ensure_ascii": False})


@login_required
@require_safe
def map_popup(request: HttpRequest, pk: int) -> HttpResponse:
    """What the map says about one site."""
    found = maps.popup(user=cast(User, request.user), pk=pk, now=timezone.now())
    return render(request, "reports/map_popup.html", {"popup": found, "site": found.site})
