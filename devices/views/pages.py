"""The page of live data: sites and their trees on the left, one device on the right."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from core.errors import NotFound
from core.http import render_part
from devices.filters import DeviceFilter
from devices.models import Device
from devices.views.tables import table_of
from devices.views.trees import tree_of
from sites import selectors as site_selectors
from sites.models import Site, User

SITES_SHOWN = 200
FOUND_SHOWN = 200
LINKS: dict[str, dict[str, Any]] = {
    "online": {"is_online": True},
    "offline": {"is_online": False},
    "unknown": {"is_online": None},
}


@login_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The tree, and the live table of the chosen device."""
    user = cast(User, request.user)
    devices = Device.objects.visible_to(user).in_service()
    device = _chosen(devices, request)
    link = request.GET.get("link", "")
    is_searching = bool(request.GET.get("q")) or link in LINKS
    sites = Site.objects.visible_to(user).select_related("enterprise")
    site = device.site if device else _site(sites, request)
    context: dict[str, Any] = {
        "device": device,
        "site": site,
        "link": link,
        "q": request.GET.get("q", ""),
        "is_searching": is_searching,
    }
    if device is not None:
        context["groups"] = table_of(user=user, device=device, now=timezone.now())
        context["zone"] = device.site.timezone
    if not (request.htmx and not request.htmx.boosted):  # type: ignore[attr-defined]
        context |= _search(request, devices, link) if is_searching else _sites(sites, site)
        if site is not None and not is_searching:
            context["branch"] = tree_of(site, devices.filter(site=site))
    return render_part(request, "devices/live.html", context, part="device")


@login_required
@require_safe
def tree(request: HttpRequest, pk: int) -> HttpResponse:
    """The tree of one site, loaded when its branch is opened."""
    user = cast(User, request.user)
    site = site_selectors.site_for(user=user, pk=pk)
    devices = Device.objects.visible_to(user).in_service().filter(site=site)
    context = {"branch": tree_of(site, devices), "site": site}
    return render(request, "devices/_branch.html", context)


def _chosen(devices: QuerySet[Any], request: HttpRequest) -> Device | None:
    """The device of the address. Raises NotFound for one that the person cannot see."""
    given = request.GET.get("device", "")
    if not given:
        return None
    if not (given.isascii() and given.isdigit()) or len(given) > 18:
        raise NotFound
    rows = devices.with_place().select_related(  # type: ignore[attr-defined]
        "bus__gateway", "template_version__layout", "template_version__template"
    )
    device = rows.filter(pk=int(given)).first()
    if device is None:
        raise NotFound
    return cast(Device, device)


def _site(sites: QuerySet[Site], request: HttpRequest) -> Site | None:
    """The site of the address, or the first one that has devices."""
    given = request.GET.get("site", "")
    if given.isascii() and given.isdigit() and len(given) < 19:
        return sites.filter(pk=int(given)).first()
    return sites.filter(devices__bus__isnull=False, devices__is_enabled=True).first()


def _sites(sites: QuerySet[Site], site: Site | None) -> dict[str, Any]:
    """Enterprises with their sites; the chosen one is always among them."""
    rows = list(sites.order_by("enterprise__name", "number")[:SITES_SHOWN])
    if site is not None and site not in rows:
        rows.insert(0, site)
    return {"sites": rows, "sites_total": sites.count()}


def _search(request: HttpRequest, devices: QuerySet[Any], link: str) -> dict[str, Any]:
    """Devices found by words and by link state."""
    filters = DeviceFilter({"q": request.GET.get("q", "")}, queryset=devices, request=request)
    found = filters.qs if filters.is_valid() else devices.none()
    if link in LINKS:
        found = found.filter(**LINKS[link])
    return {
        "found": found.select_related("site__enterprise")[:FOUND_SHOWN],
        "found_total": found.count(),
    }
