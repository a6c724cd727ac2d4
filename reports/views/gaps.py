"""How well a site's data are collected: its gaps, and one device's time on line and points."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy
from django.views.decorators.http import require_safe

from core.sheets import Field
from core.time import day_bounds
from devices import selectors as equipment
from reports.forms import GapForm
from reports.selectors.completeness import TARGET_PERCENT
from reports.selectors.gap_list import gap_list
from reports.selectors.point_shares import last_days, point_shares
from reports.views.stretch_page import Parts, StretchPage
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
    page = StretchPage(request, site, form, found.gaps, now)
    if sheet := page.sheet(pgettext("file", "数据缺口"), SHEET):
        return sheet
    return page.shown(
        "reports/site_gaps.html",
        parts=Parts(
            name="reason",
            label=_("原因"),
            all_label=_("全部原因"),
            current=form.query().reason,
            rows=[(one.reason.value, one.reason.label, one.gaps) for one in found.reasons],
        ),
        line_of=lambda gap: gap,
        heading=_("数据缺口"),
        found=found,
    )


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
