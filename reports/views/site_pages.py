"""The page of one site: a head and tabs, each with its own address."""

from math import isnan
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from alarms.models import Alarm
from alarms.selectors import lines_of
from core.http import render_part
from core.time import local_day
from reports.selectors import site_curves
from reports.selectors.completeness import TARGET_PERCENT
from reports.selectors.places import POWER
from reports.selectors.site_curves import STEP_S, DayLoad, SiteLoads
from reports.selectors.site_page import (
    SiteHead,
    device_rows,
    gateways_of,
    overview,
    rooms_of,
    site_head,
)
from reports.views.balance import balance_context
from sites import selectors as site_selectors
from sites.models import User
from sites.services.documents import PICTURES, TYPES
from workorders.models import Task, WorkOrder

ROWS = 50
# How the chart draws a day, by how long ago it was.
PHASES = {0: "", 1: "before", 7: "earlier"}
TABS = ("overview", "devices", "energy", "alarms", "work", "archive")


@login_required
@require_safe
def site_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One site: its load, energy, completeness, equipment, what is open, its archive."""
    user = cast(User, request.user)
    now = timezone.now()
    head = site_head(user=user, pk=pk, now=now)
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else TABS[0]
    context: dict[str, Any] = {
        "head": head,
        "site": head.site,
        "zone": head.site.timezone,
        "now": now,
        "tab": tab,
        "tabs_of_site": tab_words(),
        "tab_template": f"reports/site/{tab}.html",
        **_CONTEXTS[tab](user, head, now, request.GET),
    }
    return render_part(request, "reports/site_detail.html", context, part="tab")


def tab_words() -> list[tuple[str, str]]:
    """Tabs with their words."""
    return [
        ("overview", _("概览")),
        ("devices", pgettext("plural", "设备")),
        ("energy", _("能耗")),
        ("alarms", pgettext("plural", "告警")),
        ("work", _("工单与任务")),
        ("archive", _("档案")),
    ]


def _overview(user: User, head: SiteHead, now: Any, _given: Any) -> dict[str, Any]:
    found = overview(user=user, head=head, now=now)
    return {
        "overview": found,
        "target": TARGET_PERCENT,
        "today": local_day(now, head.site.timezone),
        "hours": range(max((len(row.hours) for row in found.heat), default=24)),
        "alarm_lines": lines_of(found.alarms, user=user, now=now),
    }


def _devices(user: User, head: SiteHead, now: Any, _given: Any) -> dict[str, Any]:
    return {
        "rows": device_rows(user=user, site=head.site, now=now),
        "gateways": gateways_of(head.site),
    }


def _energy(user: User, head: SiteHead, now: Any, given: Any) -> dict[str, Any]:
    return balance_context(
        user=user, site=head.site, given=given, now=now, sees_energy=head.sees_energy
    )


def _alarms(user: User, head: SiteHead, now: Any, _given: Any) -> dict[str, Any]:
    alarms = Alarm.objects.filter(site=head.site)
    rows = alarms.with_place().prefetch_related("orders").order_by("-last_raised_at", "-pk")
    return {
        "alarm_lines": lines_of(list(rows[:ROWS]), user=user, now=now),
        "total": alarms.count(),
    }


def _work(user: User, head: SiteHead, now: Any, _given: Any) -> dict[str, Any]:
    orders = WorkOrder.objects.filter(site=head.site).with_place()
    tasks = Task.objects.filter(site=head.site).with_place()
    return {
        "orders": list(orders.order_by("-created_at")[:ROWS]),
        "orders_total": orders.count(),
        "tasks": list(tasks.order_by("-due_at")[:ROWS]),
        "tasks_total": tasks.count(),
    }


def _archive(user: User, head: SiteHead, now: Any, _given: Any) -> dict[str, Any]:
    return {
        "rooms": rooms_of(head.site),
        "documents": site_selectors.documents_of(head.site),
        "accept": ",".join(f".{ending}" for ending in sorted({*TYPES, *PICTURES})),
    }


_CONTEXTS = {
    "overview": _overview,
    "devices": _devices,
    "energy": _energy,
    "alarms": _alarms,
    "work": _work,
    "archive": _archive,
}


@login_required
@require_safe
def site_load(request: HttpRequest, pk: int) -> HttpResponse:
    """The load of today, yesterday and last week, for the chart: moments are those of today."""
    found = site_curves.site_loads(user=cast(User, request.user), pk=pk, now=timezone.now())
    words = {0: _("今日"), 1: _("昨日"), 7: _("上周同日")}
    return JsonResponse(
        {
            "from": found.start.timestamp(),
            "to": found.end.timestamp(),
            "axis": _("有功功率 (kW)"),
            "gaps": [],
            "series": [_line(found, day, words[day.days_ago]) for day in found.days],
        }
    )


def _line(found: SiteLoads, day: DayLoad, name: str) -> dict[str, Any]:
    start = found.start.timestamp()
    return {
        "name": name,
        "code": POWER,
        "unit": "kW",
        "decimals": 1,
        "phase": PHASES[day.days_ago],
        "at": [start + STEP_S * place for place in range(len(day.power_kw))],
        "value": [None if isnan(kw) else round(kw, 3) for kw in day.power_kw.tolist()],
    }
