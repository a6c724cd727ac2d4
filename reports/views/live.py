"""The page of live data: the tree on the left, one device or the devices of a place on the right."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from alarms.models import Alarm
from core.errors import DomainError, NotFound
from core.http import flash, render_part
from devices import selectors
from devices.filters import DeviceFilter
from devices.models import Device
from devices.services import on_demand
from reports.selectors import tree
from reports.selectors.device_table import table_of
from reports.selectors.summary import MOST, Line, keys, summary
from reports.selectors.tree import Leaf
from sites import selectors as site_selectors
from sites.models import Circuit, Enterprise, Room, Site, User
from sites.rules import Ability

FOUND_SHOWN = 200
LINKS: dict[str, Q] = {
    "online": Q(is_online=True),
    "offline": Q(is_online=False),
    "unknown": Q(is_online=None),
    "alarm": Q(pk__in=Alarm.objects.open().filter(device__isnull=False).values("device")),
}
SHOWN = ("", "abnormal", "stale")
PLACES: dict[str, tuple[Any, str]] = {
    "circuit": (Circuit, "room__site__enterprise"),
    "room": (Room, "site__enterprise"),
    "site": (Site, "enterprise"),
    "enterprise": (Enterprise, ""),
}


@login_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The tree; the live table of the chosen device, or a summary of the chosen place."""
    user = cast(User, request.user)
    devices = _in_service(user)
    device = _chosen(devices, request)
    kind, place = (None, None) if device else _place(user, request)
    link = request.GET.get("link", "")
    is_searching = bool(request.GET.get("q")) or link in LINKS
    site = device.site if device else _site_of(place)
    if device is None and place is None and not is_searching:
        site = _first_site(user)
        kind, place = ("site", site) if site else (None, None)
    shown = request.GET.get("show", "")
    context: dict[str, Any] = {
        "device": device,
        "site": site,
        "kind": kind,
        "place": place,
        "link": link,
        "q": request.GET.get("q", ""),
        "show": shown if shown in SHOWN else "",
        "is_searching": is_searching,
        "zone": site.timezone if site else user.timezone,
    }
    context |= _table(user, device) if device else _summary(user, devices, kind, place)
    if not (request.htmx and not request.htmx.boosted):  # type: ignore[attr-defined]
        known = context.get("lines", []) if kind == "site" else []
        context |= (
            _search(request, devices, link) if is_searching else _forest(user, site, devices, known)
        )
    return render_part(request, "reports/live.html", context, part="device")


@login_required
@require_safe
def live_branch(request: HttpRequest, pk: int) -> HttpResponse:
    """The inside of one site, loaded when its branch is opened."""
    user = cast(User, request.user)
    site = site_selectors.site_for(user=user, pk=pk)
    node = tree.branch_of(site=site, leaves=tree.leaves(_in_service(user).filter(site=site)))
    return render(request, "reports/_live_branch.html", {"node": node})


@login_required
@require_safe
def live_more(request: HttpRequest) -> HttpResponse:
    """The next enterprises of the tree."""
    given = request.GET.get("begin", "")
    begin = int(given) if given.isascii() and given.isdigit() and len(given) < 8 else 0
    found = tree.forest(user=cast(User, request.user), begin=begin)
    return render(request, "reports/_live_forest.html", {"forest": found})


@login_required
@require_POST
def live_read_now(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the device read at once; its table shows what came."""
    user = cast(User, request.user)
    device = selectors.device_for(user=user, pk=pk, ability=Ability.READ_NOW)
    try:
        read = on_demand.read_now(device=device, by=user, now=timezone.now())
    except DomainError as refusal:
        flash(request, refusal)
    else:
        good = sum(value is not None for value in read.values.values())
        messages.success(request, _("召测成功，读到 %(count)d 个测点。") % {"count": good})
    return redirect(f"{reverse('reports:live')}?device={device.pk}")


def _in_service(user: User) -> QuerySet[Any]:
    devices = Device.objects.visible_to(user).in_service().with_place()
    return devices.select_related(
        "site__enterprise",
        "bus__gateway",
        "source",
        "template_version__layout",
        "template_version__template",
    )


def _key(given: str) -> int:
    """A key of the address. Raises NotFound for what is none."""
    if not (given.isascii() and given.isdigit()) or len(given) > 18:
        raise NotFound
    return int(given)


def _chosen(devices: QuerySet[Any], request: HttpRequest) -> Device | None:
    """The device of the address. Raises NotFound for one that the person cannot see."""
    given = request.GET.get("device", "")
    if not given:
        return None
    device = devices.filter(pk=_key(given)).first()
    if device is None:
        raise NotFound
    return cast(Device, device)


def _place(user: User, request: HttpRequest) -> tuple[str | None, Any]:
    """Kind and row of the chosen place. Raises NotFound for one that the person cannot see."""
    for kind, (model, related) in PLACES.items():
        if given := request.GET.get(kind, ""):
            rows = model.objects.visible_to(user)
            rows = rows.select_related(related) if related else rows
            place = rows.filter(pk=_key(given)).first()
            if place is None:
                raise NotFound
            return kind, place
    return None, None


def _site_of(place: Any) -> Site | None:
    if isinstance(place, Circuit):
        return place.room.site
    if isinstance(place, Room):
        return place.site
    return place if isinstance(place, Site) else None


def _first_site(user: User) -> Site | None:
    """The first one that has devices."""
    sites = Site.objects.visible_to(user).select_related("enterprise")
    return sites.filter(devices__bus__isnull=False, devices__is_enabled=True).first()


def _table(user: User, device: Device) -> dict[str, Any]:
    sections = table_of(user=user, device=device, now=timezone.now())
    cells = [cell for section in sections for row in section.rows for cell in row.cells.values()]
    return {
        "sections": sections,
        "abnormal": sum(cell.passed is not None for cell in cells),
        "stale": sum(cell.is_stale for cell in cells),
        "may_read_now": site_selectors.may(user=user, ability=Ability.READ_NOW, site=device.site),
        "may_manage": site_selectors.may(user=user, ability=Ability.MANAGE_SITE, site=device.site),
        "open_alarms": Alarm.objects.open().filter(device=device).count(),
        "outputs": selectors.outputs_of(user=user, device=device, now=timezone.now()),
    }


def _summary(user: User, devices: QuerySet[Any], kind: str | None, place: Any) -> dict[str, Any]:
    if kind is None:
        return {}
    path = "site__enterprise" if kind == "enterprise" else kind
    inside = Q(**{path: place})
    if kind == "circuit":
        inside |= Q(circuit__in=_below(place))
    rows = devices.filter(inside).order_by("site__number", "code", "pk")
    chosen = list(rows[:MOST])
    lines = summary(user=user, devices=chosen, now=timezone.now())
    return {
        "lines": lines,
        "keys": keys(),
        "lines_total": rows.count() if len(chosen) == MOST else len(chosen),
        "abnormal": sum(line.is_abnormal for line in lines),
    }


def _below(circuit: Circuit) -> set[int]:
    """Circuits fed by this one, in one query."""
    pairs = Circuit.objects.filter(room__site=circuit.room.site_id).values_list("pk", "parent_id")
    found, grew = {circuit.pk}, True
    while grew:
        more = {pk for pk, parent in pairs if parent in found and pk not in found}
        grew = bool(more)
        found |= more
    return found


def _forest(
    user: User, site: Site | None, devices: QuerySet[Any], known: Sequence[Line]
) -> dict[str, Any]:
    """The tree's first enterprises; the chosen site's inside is there already.

    known: the site's own lines, when they are shown beside the tree.
    """
    found = tree.forest(user=user, site=site)
    if site is None:
        return {"forest": found}
    leaves = (
        [Leaf(line.device, line.state) for line in known]
        if 0 < len(known) < MOST
        else tree.leaves(devices.filter(site=site))
    )
    return {"forest": found, "branch": tree.branch_of(site=site, leaves=leaves)}


def _search(request: HttpRequest, devices: QuerySet[Any], link: str) -> dict[str, Any]:
    """Devices found by words and by link state."""
    filters = DeviceFilter({"q": request.GET.get("q", "")}, queryset=devices, request=request)
    found = filters.qs if filters.is_valid() else devices.none()
    if link in LINKS:
        found = found.filter(LINKS[link])
    return {
        "found": tree.leaves(found.order_by("site__number", "code", "pk")[:FOUND_SHOWN]),
        "found_total": found.count(),
    }
