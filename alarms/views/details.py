"""One alarm: where it is in its life, its facts, the curve around it, its log, what may be done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from alarms import selectors
from alarms.forms import ArchiveForm, CommentForm, IgnoreForm, VerifyForm
from alarms.models import Alarm, AlarmLog, Rule
from alarms.states import Condition, Handling, Severity
from core.http import render_part
from devices.models import PointCode
from sites import selectors as site_selectors
from sites.models import User, access_for
from sites.rules import Ability

# People judge these within so many minutes (叫应叫醒).
VERIFY_WITHIN = {
    Severity.CRITICAL.value: timedelta(minutes=3),
    Severity.MAJOR.value: timedelta(minutes=3),
}
WINDOWS_MIN = (30, 120, 1440)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way from raised to archived; `state` is done, now or ''."""

    label: str
    icon: str
    state: str


@login_required
@require_safe
def alarm_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One alarm."""
    alarm = selectors.alarm_for(user=cast(User, request.user), pk=pk)
    return show(request, alarm)


def show(
    request: HttpRequest,
    alarm: Alarm,
    *,
    forms: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of an alarm; `forms` are refused ones, shown again with what was typed."""
    user = cast(User, request.user)
    now = timezone.now()
    window = _window(request)
    point = PointCode.objects.filter(code=alarm.point_code or alarm.worst_code or "-").first()
    classes = site_selectors.data_classes_for(user=user, site=alarm.site)
    may_see_value = point is None or point.data_class in classes
    context = {
        "alarm": alarm,
        "zone": alarm.site.timezone,
        "point": point,
        "may_see_value": may_see_value,
        "period_s": _period_s(alarm),
        "steps": steps(alarm),
        "limit_to_verify": time_to_verify(alarm, now),
        "moves": selectors.moves_for(user=user, alarm=alarm),
        "may_comment": access_for(user).can(Ability.COMMENT, alarm.site),
        "log": AlarmLog.objects.filter(alarm=alarm).select_related("by").order_by("-at", "-pk"),
        "orders": alarm.orders.select_related("assignee").order_by("-pk"),
        "window": window,
        "windows": WINDOWS_MIN,
        "curve": curve(alarm, point, window, now) if may_see_value else None,
        **blank_forms(alarm),
        **(forms or {}),
        "opened": next(iter(forms or {}), ""),
    }
    return render_part(request, "alarms/alarm_detail.html", context, part="fresh", status=status)


def _period_s(alarm: Alarm) -> int:
    """How often the alarm's device is read, for telling old values."""
    bus = alarm.device.bus if alarm.device else None
    return bus.gateway.period_s if bus else 60


def blank_forms(alarm: Alarm) -> dict[str, Any]:
    """The dialogs of the page, each told which handling it shows."""
    seen = {"seen": alarm.handling}
    return {
        "verify_form": VerifyForm(initial=seen, prefix="verify"),
        "ignore_form": IgnoreForm(initial=seen, prefix="ignore", zone=alarm.site.timezone),
        "archive_form": ArchiveForm(initial=seen, prefix="archive"),
        "comment_form": CommentForm(),
    }


def steps(alarm: Alarm) -> list[Step]:
    """Raised → verified → order → recovered → archived; the first undone one is now."""
    has_order = alarm.handling == Handling.IN_ORDER or bool(alarm.orders.all())
    is_over = alarm.handling == Handling.ARCHIVED
    verified = _("已忽略") if alarm.handling == Handling.IGNORED else pgettext("step", "查核")
    done = [
        (pgettext("step", "触发"), "sev-normal", True),
        (verified, "eye-check", bool(alarm.verdict) or alarm.handling == Handling.IGNORED),
        (pgettext("step", "工单处理"), "clipboard-list", has_order),
        (pgettext("step", "恢复"), "check", alarm.condition == Condition.RECOVERED),
        (pgettext("step", "归档"), "archive", is_over),
    ]
    found = []
    is_now_shown = False
    for label, icon, is_done in done:
        state = "done" if is_done else ""
        if not is_done and not is_now_shown and not is_over:
            state, is_now_shown = "now", True
        found.append(Step(label, icon, state))
    return found


def time_to_verify(alarm: Alarm, now: datetime) -> dict[str, Any] | None:
    """Limit and time used, in seconds; None where no limit applies."""
    limit = VERIFY_WITHIN.get(alarm.severity)
    if limit is None:
        return None
    end = alarm.verified_at or alarm.archived_at or now
    used = max((end - alarm.raised_at).total_seconds(), 0)
    limit_s = limit.total_seconds()
    return {
        "limit_s": limit_s,
        "used_s": used,
        "is_late": used > limit_s,
        "is_over": end is not now,
    }


def _window(request: HttpRequest) -> int:
    given = request.GET.get("window", "")
    return int(given) if given.isdigit() and int(given) in WINDOWS_MIN else WINDOWS_MIN[1]


def curve(
    alarm: Alarm, point: PointCode | None, window: int, now: datetime
) -> dict[str, Any] | None:
    """Where the chart gets its series, and what is drawn over it; None without a measured point."""
    if alarm.device is None or point is None:
        return None
    around = timedelta(minutes=window)
    start, end = alarm.last_raised_at - around, alarm.last_raised_at + around
    codes = [point.code]
    if alarm.rule.kind == Rule.Kind.PHASE_LOSS:
        codes = ["Ua", "Ub", "Uc"]
    query = "&".join(f"point={alarm.device_id}:{code}" for code in codes)
    url = reverse("devices:series")
    until = alarm.recovered_at if alarm.condition == Condition.RECOVERED else now
    label = _("限值 %(limit)g %(unit)s") % {"limit": alarm.limit or 0, "unit": alarm.unit}
    return {
        "url": f"{url}?{query}&from={start.timestamp():.0f}&to={end.timestamp():.0f}",
        "over": {
            "event": {
                "from": alarm.last_raised_at.timestamp(),
                "to": min(max(until or now, alarm.last_raised_at), end).timestamp(),
                "tone": alarm.severity,
                "label": str(_("触发")),
            },
            "limits": (
                [{"value": alarm.limit, "tone": alarm.severity, "label": label}]
                if alarm.limit is not None
                else []
            ),
        },
    }
