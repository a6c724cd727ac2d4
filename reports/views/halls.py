"""The work hall."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from alarms.models import Alarm
from alarms.selectors import lines_of
from alarms.states import Handling, Severity
from core.http import render_part
from core.time import local_day
from reports import selectors
from reports.selectors import trends
from reports.selectors.completeness import TARGET_PERCENT
from reports.selectors.figures import Hall
from reports.selectors.trends import Bar
from reports.views.maps import map_context
from sites.models import Site, User, access_for
from sites.rules import Ability, DataClass
from workorders.states import State, TaskState

# Tiles of the month's orders; the other states stand in a line below them.
TILES = (State.NEW, State.ASSIGNED, State.IN_PROGRESS, State.TO_ACCEPT, State.CLOSED)
MONTHS = 12


@login_required
@require_safe
def hall(request: HttpRequest) -> HttpResponse:
    """Figures, each a link to the list that it counts."""
    user = cast(User, request.user)
    now = timezone.now()
    month = chosen_month(request.GET.get("month", ""), local_day(now, user.timezone))
    period = request.GET.get("period", "")
    period = period if period in trends.PERIODS else "24h"
    found = selectors.hall(user=user, now=now, month=month, period=period)
    # The frame need not count them again.
    request.counted_alarms = found.alarms.counters  # type: ignore[attr-defined]
    zone = ZoneInfo(found.zone)
    last_day = found.month_end.astimezone(zone) - timedelta(days=1)
    context = {
        "hall": found,
        "target": TARGET_PERCENT,
        "today": local_day(now, user.timezone),
        "month_from": found.month_start.astimezone(zone).date(),
        "month_to": last_day.date(),
        "is_this_month": month == local_day(now, user.timezone).replace(day=1),
        "months": months_before(local_day(now, user.timezone)),
        "tiles": [stage for stage in found.orders.stages if stage.state in TILES],
        **task_words(found),
        "others": [stage for stage in found.orders.stages if stage.state not in TILES],
        "site_states": [(s.value, s.label, found.sites.by_state[s.value]) for s in Site.State],
        "since": found.bars[0].start,
        "until": found.bars[-1].end,
        "by_severity": by_severity(found.bars),
        "periods": period_words(),
        "unit": unit_words()[period],
        "bars": bars(found),
        "newest_lines": lines_of(found.newest_alarms, user=user, now=now),
        "steps": {alarm.pk: next_step(user, alarm) for alarm in found.newest_alarms},
        "normal_word": pgettext("site", "正常"),
        "silent_word": pgettext("site", "离线"),
        "broken_word": pgettext("data", "间断"),
        "sees_load": access_for(user).sees_anywhere(DataClass.LOAD),
        "may_create_order": access_for(user).has_anywhere(Ability.CREATE_ORDER),
        **map_context(),
    }
    return render_part(request, "reports/hall.html", context, part="fresh")


def task_words(found: Hall) -> dict[str, Any]:
    """Stages of the month's tasks apart from the cancelled, and the addresses of their lists."""
    stages = found.tasks.month.stages
    return {
        "task_tiles": [stage for stage in stages if stage.state != TaskState.CANCELLED],
        "task_others": [stage for stage in stages if stage.state == TaskState.CANCELLED],
        "task_states": [state.value for state in TaskState if state != TaskState.CANCELLED],
    }


def chosen_month(text: str, today: date) -> date:
    """The first of the month `YYYY-MM`; the present one when it is none, or not yet."""
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", text):
        return today.replace(day=1)
    return min(date.fromisoformat(f"{text}-01"), today.replace(day=1))


def months_before(today: date) -> list[date]:
    """First days of the present month and of those before it."""
    found = [today.replace(day=1)]
    while len(found) < MONTHS:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found


def period_words() -> list[tuple[str, str]]:
    """Words of the periods that the bars can show."""
    return [("24h", _("24 小时")), ("7d", _("7 天")), ("month", pgettext("period", "当月"))]


def unit_words() -> dict[str, str]:
    """What one bar counts."""
    return {"24h": _("条/小时"), "7d": _("条/6 小时"), "month": _("条/天")}


def by_severity(found: list[Bar]) -> list[tuple[str, int]]:
    """Alarms of all bars by severity."""
    return [
        (severity.value, sum(bar.by_severity[severity.value] for bar in found))
        for severity in Severity
    ]


def bars(found: Hall) -> dict[str, Any]:
    """The chart's data, with words already in the reader's language and zone."""
    zone = ZoneInfo(found.zone)
    edges = [(bar.start.astimezone(zone), bar.end.astimezone(zone)) for bar in found.bars]
    style = {"24h": "%H:%M", "7d": "%m-%d %H:%M", "month": "%m-%d"}[found.period]
    return {
        "labels": [start.strftime(style) for start, _end in edges],
        "titles": [_title(start, end, found.period) for start, end in edges],
        "levels": [
            {
                "key": severity.value,
                "name": str(severity.label),
                "counts": [bar.by_severity[severity.value] for bar in found.bars],
            }
            for severity in Severity
        ],
    }


def _title(start: datetime, end: datetime, period: str) -> str:
    if period == "month":
        return f"{start:%Y-%m-%d}"
    return f"{start:%m-%d %H:%M}–{end - timedelta(minutes=1):%H:%M}"


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next about an alarm, and where."""

    label: str
    url: str


def next_step(user: User, alarm: Alarm) -> Step:
    """The next action that the person may take; looking at it when there is none.

    Reads alarm.orders, which must be prefetched.
    """
    access, url = access_for(user), reverse("alarms:alarm-detail", args=[alarm.pk])
    if alarm.handling == Handling.UNVERIFIED and access.can(Ability.HANDLE_ALARM, alarm.site):
        return Step(pgettext("alarm move", "查核"), f"{url}#verify")
    if alarm.handling == Handling.VERIFIED and access.can(Ability.CREATE_ORDER, alarm.site):
        return Step(_("建工单"), f"{reverse('workorders:order-create')}?alarm={alarm.pk}")
    order = next((order for order in alarm.orders.all() if order.is_open), None)
    if order is not None:
        return Step(_("看工单"), reverse("workorders:order-detail", args=[order.pk]))
    return Step(pgettext("action", "查看"), url)
