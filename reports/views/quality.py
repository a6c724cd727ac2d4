"""Data of a site that cannot be believed: what, of which point, from when to when."""

from datetime import datetime
from typing import cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy
from django.views.decorators.http import require_safe

from core.sheets import Field
from devices import selectors as equipment
from devices.models import Device
from devices.selectors import Doubt
from reports.forms import QualityForm
from reports.selectors.curve_query import around
from reports.selectors.quality_list import quality_list
from reports.views.stretch_page import Parts, StretchPage
from sites import selectors as site_selectors
from sites.models import User

SHEET = [
    Field(pgettext_lazy("column", "设备"), lambda doubt: doubt.device.label),
    Field(_("编号"), lambda doubt: doubt.device.code),
    Field(_("测点"), lambda doubt: doubt.point.name),
    Field(_("测点编码"), lambda doubt: doubt.point.code),
    Field(_("类型"), lambda doubt: doubt.kind.label),
    Field(_("开始"), lambda doubt: doubt.start),
    Field(_("结束"), lambda doubt: doubt.end),
    Field(_("采样数"), lambda doubt: doubt.stretch.count),
    Field(_("最小值"), lambda doubt: doubt.stretch.low),
    Field(_("最大值"), lambda doubt: doubt.stretch.high),
    Field(_("单位"), lambda doubt: doubt.point.point.unit),
    Field(_("处理"), lambda doubt: doubt.repair.get_kind_display() if doubt.repair else ""),
]


@login_required
@require_safe
def site_quality(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Flagged stretches of a site with what was made of them; as a sheet when the address asks for one."""
    user = cast(User, request.user)
    now = timezone.now()
    site = site_selectors.site_for(user=user, pk=pk)
    form = QualityForm(request.GET, site=site, now=now)
    found = quality_list(user=user, site=site, query=form.query())
    page = StretchPage(request, site, form, found.doubts, now)
    if sheet := page.sheet(pgettext("file", "可疑数据"), SHEET):
        return sheet
    return page.shown(
        "reports/site_quality.html",
        parts=Parts(
            name="kind",
            label=_("类型"),
            all_label=_("全部类型"),
            current=form.query().kind,
            rows=[(one.kind.value, one.kind.label, one.stretches) for one in found.kinds],
        ),
        line_of=_line,
        heading=_("可疑数据"),
        may_repair=equipment.may_repair(user=user, site=site),
    )


def _line(doubt: Doubt) -> tuple[Doubt, str, str]:
    """A stretch with the addresses of its curve and of the form that sets it right."""
    facts = {"start": doubt.start, "end": doubt.end}
    return doubt, _curve_of(doubt), repair_address(doubt.device, doubt.point.code, **facts)


def _curve_of(doubt: Doubt) -> str:
    """The address of the curve about a stretch."""
    zone = ZoneInfo(doubt.device.site.timezone)
    start, end = (
        f"{at.astimezone(zone):%Y-%m-%dT%H:%M:%S}" for at in around(doubt.start, doubt.end)
    )
    given = {"point": doubt.point.id, "from": start, "to": end}
    return f"{reverse('reports:curves')}?{urlencode(given)}"


def repair_address(device: Device, code: str, *, start: datetime, end: datetime) -> str:
    """The form that sets a point right, with this period filled in on the site's clock."""
    zone = ZoneInfo(device.site.timezone)
    given = {"point": code} | {
        name: f"{at.astimezone(zone):%Y-%m-%dT%H:%M:%S}"
        for name, at in (("start", start), ("end", end))
    }
    return f"{reverse('devices:repair', args=[device.pk])}?{urlencode(given)}"
