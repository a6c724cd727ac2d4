"""How well a site's data are collected: its gaps, and one device's time on line and points."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy
from django.views.decorators.http import require_safe

from core import sheets
from core.lists import PAGE_SIZE, named
from core.sheets import Field
from core.time import day_bounds
from devices import selectors as equipment
from reports.forms import RANGE_WORDS, USUAL_RANGE, GapForm
from reports.selectors.completeness import TARGET_PERCENT
from reports.selectors.gap_list import gap_list
from reports.selectors.point_shares import last_days, point_shares
from sites import selectors as site_selectors
from sites.models import User

DAYS_SHOWN = 14
SHEET = [
    Field(pgettext_lazy("column", "设备"), lambda gap: gap.device.label),
    Field(_("编号"), lambda gap: gap.device.code),
    Field(_("开始"), lambda gap: gap.start),
    Field(_("结束"), lambda gap: gap.end),
    Field(_("时长"), lambda gap: round(gap.minutes, 1), "min"),
    Field(_("缺失采样数"), lambda gap: gap.missing),
    Field(_("原因"), lambda gap: gap.reason.label),
    Field(_("尚未恢复"), lambda gap: gap.is_open),
]


@login_required
@require_safe
def site_gaps(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Gaps in the data of a site with where they were lost; as a sheet when the address asks for one."""
    user = cast(User, request.user)
    now = timezone.now()
    site = site_selectors.site_for(user=user, pk=pk)
    form = GapForm(request.GET, site=site, now=now)
    found = gap_list(site=site, query=form.query())
    kind = request.GET.get("export", "")
    if kind in sheets.FORMATS and form.is_valid():
        sheets.check_size(len(found.gaps))
        return sheets.answer(
            request,
            kind=kind,
            name=named(pgettext("file", "数据缺口") + f"-{site.number}", now, site.timezone),
            fields=SHEET,
            lines=found.gaps,
            zone=site.timezone,
        )
    page = Paginator(found.gaps, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "site": site,
        "zone": site.timezone,
        "now": now,
        "form": form,
        "filters": form,
        "chips": form.chips(),
        "found": found,
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number),
        "reason": form.query().reason,
        "range": "" if form.query().end != now else request.GET.get("range") or USUAL_RANGE,
        "ranges": RANGE_WORDS,
    }
    return render(request, "reports/site_gaps.html", context)


@login_required
@require_safe
def device_collection(request: HttpRequest, pk: int) -> HttpResponse:
    """One device over its last days: when it was on line, and how complete each point is."""
    user = cast(User, request.user)
    now = timezone.now()
    device = equipment.device_for(user=user, pk=pk)
    zone = device.site.timezone
    first, until = last_days(device, now=now, days=DAYS_SHOWN)
    start = day_bounds(first, zone)[0]
    online = equipment.online(thing=device, start=start, end=now, zone=zone, now=now)
    context: dict[str, Any] = {
        "device": device,
        "zone": zone,
        "now": now,
        "target": TARGET_PERCENT,
        "shares": point_shares(user=user, device=device, first=first, until=until),
        "online": online,
        "days": [(day, *day_bounds(day.day, zone)) for day in reversed(online.days)],
        "number_of_days": DAYS_SHOWN,
        "may_repair": equipment.may_repair(user=user, site=device.site),
    }
    return render(request, "reports/device_collection.html", context)
