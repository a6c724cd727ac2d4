"""One alarm: where it is in its life, its facts, the curve around it, its log, what may be done."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import is_valid_path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from alarms import selectors
from alarms.filters import AlarmFilter
from alarms.forms import ArchiveForm, CommentForm, IgnoreForm, VerifyForm
from alarms.models import Alarm, AlarmLog, AlarmPhoto, Rule
from alarms.services import selfcheck
from alarms.states import Condition, Handling, Severity
from alarms.views.curves import WINDOWS_MIN, explorer_query, limits_of, window_of
from alarms.views.lists import in_view
from core.http import render_part
from core.lists import QUERY_LENGTH
from devices.models import PointCode
from sites import selectors as site_selectors
from sites.models import User, access_for
from sites.rules import Ability

# People judge these within so many minutes (叫应叫醒).
VERIFY_WITHIN = {
    Severity.CRITICAL.value: timedelta(minutes=3),
    Severity.MAJOR.value: timedelta(minutes=3),
}
AROUND = timedelta(minutes=30)
# How far prev and next follow a list.
ROWS_FOLLOWED = 5000
# Where those who maintain the platform look into its own alarms.
COLLECTION = "/collection/"
_RECORDS = {
    selfcheck.LOST: "admin:devices_sampleloss_changelist",
    selfcheck.SPOOL: "admin:devices_pollshard_changelist",
    selfcheck.IDLE: "admin:devices_pollshard_changelist",
}
_STEP = re.compile("[\n\uff1b;]+")  # not translated: ends of steps


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
    context = {
        "alarm": alarm,
        "zone": alarm.site.timezone,
        "period_s": _period_s(alarm),
        "steps": steps(alarm),
        "limit_to_verify": time_to_verify(alarm, now),
        "moves": selectors.moves_for(user=user, alarm=alarm),
        "may_comment": access_for(user).can(Ability.COMMENT, alarm.site),
        "advice": [step.strip() for step in _STEP.split(alarm.rule.advice_text) if step.strip()],
        "place": selectors.place_of(alarm=alarm),
        "around": selectors.around(alarm=alarm, within=AROUND),
        "past": selectors.past_of(alarm=alarm, now=now),
        "look_url": look_url(alarm, user),
        "orders": alarm.orders.select_related("assignee").order_by("-pk"),
        "trail": _trail(request, user, alarm),
        **_addresses(request, alarm),
        **_measured(request, alarm, user, now),
        **_record(request, alarm),
        **blank_forms(alarm),
        **(forms or {}),
        "opened": next(iter(forms or {}), ""),
    }
    return render_part(request, "alarms/alarm_detail.html", context, part="fresh", status=status)


def _measured(request: HttpRequest, alarm: Alarm, user: User, now: datetime) -> dict[str, Any]:
    """The point, whether its values may be seen, where its curve comes from and goes on."""
    point = PointCode.objects.filter(code=alarm.point_code or alarm.worst_code or "-").first()
    classes = site_selectors.data_classes_for(user=user, site=alarm.site)
    may_see_value = point is None or point.data_class in classes
    window = window_of(request)
    curve = None
    if may_see_value and alarm.device_id and point:
        curve = f"{reverse('alarms:alarm-curve', args=[alarm.pk])}?window={window}"
    return {
        "point": point,
        "may_see_value": may_see_value,
        "window": window,
        "windows": WINDOWS_MIN,
        "is_in_service": bool(alarm.device and alarm.device.is_in_service),
        "curve": curve,
        "explorer": explorer_query(alarm, user, window=window, now=now) if curve else "",
        "limits": limits_of(alarm, point) if curve and point else [],
    }


def _record(request: HttpRequest, alarm: Alarm) -> dict[str, Any]:
    """The log, all of it or what people did, with the pictures that it names."""
    log = AlarmLog.objects.filter(alarm=alarm).select_related("by").order_by("-at", "-pk")
    is_people_only = request.GET.get("log") == "people"
    photos: dict[int, AlarmPhoto] = {photo.pk: photo for photo in alarm.photos.all()}
    return {
        "log": log.filter(by__isnull=False) if is_people_only else log,
        "log_of": "people" if is_people_only else "",
        "photos": photos,
    }


def _addresses(request: HttpRequest, alarm: Alarm) -> dict[str, str]:
    """The page's own address with what it keeps: a refused form stands at another one."""
    of_list = {"in": request.GET["in"][:QUERY_LENGTH]} if request.GET.get("in") else {}
    of_log = {"log": "people"} if request.GET.get("log") == "people" else {}
    return {
        "own_url": reverse("alarms:alarm-detail", args=[alarm.pk]),
        "kept": "".join(f"&{urlencode(part)}" for part in (of_log, of_list) if part),
        "kept_in": f"&{urlencode(of_list)}" if of_list else "",
    }


def address_of(request: HttpRequest, alarm: Alarm) -> str:
    """The alarm's page, as it was opened from a list."""
    parts = _addresses(request, alarm)
    return f"{parts['own_url']}?{parts['kept_in'][1:]}".rstrip("?")


def _trail(request: HttpRequest, user: User, alarm: Alarm) -> dict[str, Any] | None:
    """Where the alarm stands in the list that it was opened from, and its neighbours there."""
    given = request.GET.get("in", "")
    if not given:
        return None
    query = QueryDict(given[:QUERY_LENGTH])
    alarms = Alarm.objects.visible_to(user)
    filters = AlarmFilter(query, queryset=alarms, request=request)
    if not filters.is_valid():
        return None
    rows = in_view(filters.qs, query.get("view", ""), user)
    keys = list(rows.values_list("pk", flat=True)[:ROWS_FOLLOWED])
    found = selectors.neighbours(keys=keys, pk=alarm.pk)
    suffix = f"?{urlencode({'in': given})}"
    back = f"{reverse('alarms:alarm-list')}?{given}"
    # Acted on, it may have left its list: on with the first that is still there.
    number, before, after = found or (None, None, next(iter(keys), None))
    return {
        "back": back,
        "suffix": suffix,
        "number": number,
        "total": len(keys),
        "before": before,
        "after": after,
    }


def _period_s(alarm: Alarm) -> int:
    """How often the alarm's device is read, for telling old values."""
    return alarm.device.period_s if alarm.device else 60


def look_url(alarm: Alarm, user: User) -> str:
    """Where the cause of an alarm about data, the platform or its gateways is to be seen; '' for others."""
    if alarm.rule.kind == Rule.Kind.DATA:
        page = reverse("reports:site-quality", args=[alarm.site_id])
        return f"{page}?device={alarm.device_id}"
    if alarm.rule.kind != Rule.Kind.PLATFORM:
        return ""
    if alarm.gateway_id:
        return reverse("reports:gateway-detail", args=[alarm.gateway_id])
    if not access_for(user).has_everywhere(Ability.MANAGE_SITE):
        return ""
    if alarm.rule.key in _RECORDS and is_valid_path(COLLECTION):
        return COLLECTION
    # The admin is for staff alone.
    return _admin_url(alarm.rule.key) if user.is_staff else ""


def _admin_url(key: str) -> str:
    if key in _RECORDS:
        return reverse(_RECORDS[key])
    return reverse("admin:devices_storageplan_change", args=[1])


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
