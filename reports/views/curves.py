"""The page of curves, its drawer, the search for points, CSV: one query, held by the address."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core import sheets
from core.errors import Invalid
from core.http import render_part
from core.lists import ListSpec, register
from devices import selectors
from devices.models import Device
from devices.selectors import DevicePoint
from devices.services import repairs
from reports.selectors import tree
from reports.selectors.curve_charts import as_chart
from reports.selectors.curve_query import (
    CALENDAR,
    MOST_POINTS,
    RANGES,
    CurveQuery,
    query_of,
)
from reports.selectors.curves import WIDTH_PX, Drawing, compare_word, drawing
from reports.selectors.totals import Total, totals_of
from reports.views.quality import repair_address
from sites import selectors as site_selectors
from sites.models import User
from sites.models.lists import SavedView

WIDTHS = range(200, 4001)
FOUND_SHOWN = 12
VIEWS_SHOWN = 30
# Views of this page are kept like those of lists: the address is all of it.
VIEWS = register(ListSpec(key="curves", columns=()))


@login_required
@require_safe
def curves(request: HttpRequest) -> HttpResponse:
    """Several points of several devices over one period; the picker of points beside them."""
    user = cast(User, request.user)
    context = _context(request, user) | {
        "views": SavedView.objects.visible_to(user).filter(page=VIEWS.key)[:VIEWS_SHOWN],
        "saved": request.GET.get("saved", ""),
    }
    if not (request.htmx and not request.htmx.boosted):  # type: ignore[attr-defined]
        query = context["query"]
        context["forest"] = tree.forest(user=user, site=query.site)
        context["open_points"] = _points_of(user, list(query.devices.values()))
    return render_part(request, "reports/curves.html", context, part="explorer")


@login_required
@require_safe
def curves_drawer(request: HttpRequest) -> HttpResponse:
    """The same in the drawer of other pages: six hours unless the address says otherwise."""
    user = cast(User, request.user)
    given = request.GET.copy()
    if not (given.get("range") or given.get("from")):
        given["range"] = "6h"
    now = timezone.now()
    query = query_of(user=user, given=given, now=now)
    if not query.points:
        raise Invalid(fields={"point": [_("请选择 1 至 12 个测点。")]})
    found = drawing(user=user, query=query, now=now, width_px=_width(request, 700))
    context = _drawn(found) | _forms(query, now) | {"in_drawer": True}
    return render(request, "reports/curves_drawer.html", context)


@login_required
@require_safe
def curves_find(request: HttpRequest) -> HttpResponse:
    """Points and devices found by words, to be picked."""
    user = cast(User, request.user)
    words = request.GET.get("q", "")[:100]
    found = selectors.search(user=user, text=words, limit=FOUND_SHOWN)
    context = {"found": found, "derived": found.derived, "q": words}
    return render(request, "reports/_curves_found.html", context)


@login_required
@require_safe
def curves_branch(request: HttpRequest, pk: int) -> HttpResponse:
    """Derived points and devices of one site, to be picked and opened."""
    user = cast(User, request.user)
    site = site_selectors.site_for(user=user, pk=pk)
    devices = Device.objects.visible_to(user).in_service().filter(site=site)
    derived = selectors.derived_points(user=user, site=site)
    context = {
        "devices": devices.select_related("circuit").order_by("code", "pk"),
        "derived": [one for one in derived if one.row.is_active],
    }
    return render(request, "reports/_curves_devices.html", context)


@login_required
@require_safe
def curves_points(request: HttpRequest, pk: int) -> HttpResponse:
    """Points of one device, to be picked."""
    user = cast(User, request.user)
    device = selectors.device_for(user=user, pk=pk)
    points = selectors.points_for(user=user, devices=[device])[device.pk]
    return render(request, "reports/_curves_points.html", {"device": device, "points": points})


@login_required
@require_safe
def curves_csv(request: HttpRequest) -> HttpResponseBase:
    """What the chart shows as a sheet: one row per moment, one column per point."""
    user = cast(User, request.user)
    now = timezone.now()
    query = query_of(user=user, given=request.GET, now=now)
    found = drawing(user=user, query=query, now=now, width_px=_width(request, WIDTH_PX))
    moments, columns = sheet_of(found)
    return sheets.answer(
        request,
        kind="xlsx" if request.GET.get("format") == "xlsx" else "csv",
        name=f"curves-{query.start.astimezone(ZoneInfo(query.zone)):%Y%m%dT%H%M}",
        fields=columns,
        lines=moments,
        zone=query.zone,
    )


def sheet_of(found: Drawing) -> tuple[list[float], list[sheets.Field]]:
    """The moments of any curve, and columns that look up their values; no value is empty."""
    word = compare_word(found.query)
    named: list[tuple[str, str, dict[float, float | None]]] = []
    for curve in found.curves:
        values = dict(zip(curve.series.at, curve.series.value, strict=True))
        named.append((curve.name, curve.unit, values))
        if word:
            compared = dict(zip(curve.compared_at, curve.compared, strict=True))
            named.append((f"{curve.name} {word}", curve.unit, compared))
    moments = sorted({at for _name, _unit, values in named for at in values})
    first = sheets.Field(_("时间"), lambda at: datetime.fromtimestamp(at, UTC))
    return moments, [first, *(sheets.Field(name, values.get, unit) for name, unit, values in named)]


def _width(request: HttpRequest, usual: int) -> int:
    given = request.GET.get("width", "")
    return int(given) if re.fullmatch(r"[0-9]{3,4}", given) and int(given) in WIDTHS else usual


def _context(request: HttpRequest, user: User) -> dict[str, Any]:
    """The drawing of the address, or what is wrong with it."""
    now = timezone.now()
    try:
        query = query_of(user=user, given=request.GET, now=now)
    except Invalid as refusal:
        kept = request.GET.copy()
        for name in ("range", "from", "to", "compare"):
            kept.pop(name, None)
        kept.setlist("point", kept.getlist("point")[:MOST_POINTS])
        words = [sentence for several in refusal.fields.values() for sentence in several]
        query = query_of(user=user, given=kept, now=now)
        return {"query": query, "refused": words, **_forms(query, now, request)}
    context = {"query": query} | _forms(query, now)
    if query.points:
        found = drawing(user=user, query=query, now=now, width_px=_width(request, WIDTH_PX))
        _offer_repairs(found, user)
        context |= _drawn(found)
    return context


def _offer_repairs(found: Drawing, user: User) -> None:
    """Who may set samples right gets a way there from each curve, with the end of its period."""
    end = min(found.query.end, timezone.now())
    start = max(found.query.start, end - repairs.LONGEST)
    may: dict[int, bool] = {}
    for curve in found.curves:
        device = curve.device
        if device is None or not isinstance(curve.point, DevicePoint):
            continue
        if device.site_id not in may:
            may[device.site_id] = selectors.may_repair(user=user, site=device.site)
        if may[device.site_id]:
            curve.repair_url = repair_address(device, curve.point.code, start=start, end=end)


def _drawn(found: Drawing) -> dict[str, Any]:
    chart = as_chart(found)
    return {
        "query": found.query,
        "curves": found.curves,
        "bands": found.bands,
        "said": [(curve, part) for curve in found.curves for part in curve.said],
        "chart": chart,
        "panels": len(chart["panels"]),
        "zone": found.query.zone,
        "zone_word": found.zone_word,
        "compare_word": compare_word(found.query),
        "removals": [
            (curve, "" if isinstance(curve.point, Total) else found.query.without(curve.point).text)
            for curve in found.curves
        ],
        "totals_text": replace(found.query, totals=not found.query.totals).text
        if totals_of(found.query.points)
        else "",
    }


def _forms(query: CurveQuery, now: datetime, request: HttpRequest | None = None) -> dict[str, Any]:
    """Ranges, the bounds as the form's fields say them, ways to move along and out."""
    span = query.end - query.start
    half = span / 2
    given = request.GET if request else {}
    return {
        "query": query,
        "most": MOST_POINTS,
        "ranges": [(name, _label(name)) for name in (*RANGES, *CALENDAR)],
        "from_local": given.get("from") or query.local(query.start),
        "to_local": given.get("to") or query.local(query.end),
        "compares": [("", _("不对比")), ("day", _("前一日")), ("week", _("上周同日"))]
        + [("month", _("上月同日"))],
        "custom_compare": query.compare if query.compare[:1].isdigit() else "",
        "earlier": query.over(query.start - half, query.end - half).text,
        "later": query.over(query.start + half, query.end + half).text
        if query.end < now - timedelta(minutes=1)
        else "",
        "wider": query.over(query.start - half, min(query.end + half, now)).text,
    }


def _label(name: str) -> str:
    return {
        "1h": _("1 小时"),
        "6h": _("6 小时"),
        "24h": _("24 小时"),
        "7d": _("7 天"),
        "30d": _("30 天"),
        "90d": _("90 天"),
        "1y": _("1 年"),
        "today": _("今天"),
        "yesterday": _("昨天"),
    }[name]


def _points_of(user: User, devices: list[Device]) -> list[tuple[Device, list[Any]]]:
    """All points of the devices that are in the picture, to add another phase with one click."""
    found = selectors.points_for(user=user, devices=devices)
    return [(device, found[device.pk]) for device in devices]
