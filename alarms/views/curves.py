"""The curve around an alarm: the event, the day before as a comparison, the limits."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from alarms import selectors
from alarms.models import Alarm, Rule
from alarms.states import Condition
from core.errors import NotFound
from devices import history
from devices import selectors as device_selectors
from devices.history import Series
from devices.models import Device, PointCode
from devices.states import PointKind
from sites import selectors as site_selectors
from sites.models import User

WINDOWS_MIN = (30, 120, 1440)
DAY = timedelta(days=1)
POINTS = 1200


def window_of(request: HttpRequest) -> int:
    """Minutes before and after the alarm: one of WINDOWS_MIN."""
    given = request.GET.get("window", "")
    return next((known for known in WINDOWS_MIN if str(known) == given), WINDOWS_MIN[1])


@login_required
@require_safe
def alarm_curve(request: HttpRequest, pk: int) -> HttpResponse:
    """What the chart of an alarm draws. 404 where no point is measured or may be seen."""
    user = cast(User, request.user)
    alarm = selectors.alarm_for(user=user, pk=pk)
    points = points_of(alarm, user)
    if not points or alarm.device_id is None:
        raise NotFound
    now = timezone.now()
    around = timedelta(minutes=window_of(request))
    start, end = alarm.last_raised_at - around, alarm.last_raised_at + around
    keys = [(alarm.device_id, point.code) for point in points]
    rows = history.series(points=keys, start=start, end=end, max_points=POINTS)
    before = history.series(points=keys[:1], start=start - DAY, end=end - DAY, max_points=POINTS)
    drawn = [_drawn(row, point) for row, point in zip(rows, points, strict=True)]
    if len(points) == 1 and before[0].at:
        drawn.append(
            _drawn(before[0], points[0], shift_s=DAY.total_seconds())
            | {"name": _("昨日同期"), "phase": "before", "code": "before"}
        )
    unit = "" if points[0].kind == PointKind.EVENT else points[0].unit
    name = points[0].label if len(points) == 1 else _("电压")
    return JsonResponse(
        {
            "from": start.timestamp(),
            "to": end.timestamp(),
            "axis": f"{name} ({unit})" if unit else name,
            "gaps": sorted({gap for row in rows for gap in row.gaps}),
            "series": drawn,
            "event": _event(alarm, end, now),
            "limits": limits_of(alarm, points[0]),
        }
    )


def points_of(alarm: Alarm, user: User) -> list[PointCode]:
    """The points to draw, of classes that the person may see."""
    classes = site_selectors.data_classes_for(user=user, site=alarm.site)
    return list(PointCode.objects.filter(code__in=codes_of(alarm), data_class__in=classes))


def codes_of(alarm: Alarm) -> list[str]:
    """The alarm's point; all three voltages when a phase is lost."""
    if alarm.rule.kind == Rule.Kind.PHASE_LOSS:
        return ["Ua", "Ub", "Uc"]
    return [alarm.point_code or alarm.worst_code]


def explorer_query(alarm: Alarm, user: User, *, window: int, now: datetime) -> str:
    """The query of the curves page for the same points and period; '' where it has none of them."""
    device = (
        Device.objects.visible_to(user)
        .with_place()
        .select_related("template_version__layout")
        .filter(pk=alarm.device_id)
        .first()
    )
    if device is None:
        return ""
    codes = codes_of(alarm)
    connected = device_selectors.points_for(user=user, devices=[device])[device.pk]
    points = [point.id for point in connected if point.code in codes]
    if not points:
        return ""
    around = timedelta(minutes=window)
    start, end = alarm.last_raised_at - around, min(alarm.last_raised_at + around, now)
    period = [("from", _iso(start)), ("to", _iso(end)), ("compare", "day")]
    return urlencode([*(("point", point) for point in points), *period])


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def limits_of(alarm: Alarm, point: PointCode) -> list[dict[str, Any]]:
    """The limit that was crossed, and fixed limits of other rules on the same point."""
    lines: dict[float, tuple[str, str]] = {}
    if alarm.limit is not None:
        lines[alarm.limit] = (alarm.severity, str(_("限值")))
    others = Rule.objects.filter(
        kind=Rule.Kind.LIMIT,
        basis=Rule.Basis.ABSOLUTE,
        measure=Rule.Measure.EACH,
        is_enabled=True,
        point_codes__contains=[point.code],
    )
    for rule in others.exclude(pk=alarm.rule_id):
        lines.setdefault(rule.threshold or 0.0, (rule.severity, rule.get_level_display()))
    unit = "" if point.kind == PointKind.EVENT else point.unit
    return [
        {"value": value, "tone": tone, "label": f"{word} {value:g} {unit}".strip()}
        for value, (tone, word) in sorted(lines.items())
    ]


def _event(alarm: Alarm, end: datetime, now: datetime) -> dict[str, Any]:
    until = alarm.recovered_at if alarm.condition == Condition.RECOVERED else now
    return {
        "from": alarm.last_raised_at.timestamp(),
        "to": min(max(until or now, alarm.last_raised_at), end).timestamp(),
        "tone": alarm.severity,
        "label": str(_("触发")),
    }


def _drawn(row: Series, point: PointCode, *, shift_s: float = 0.0) -> dict[str, Any]:
    return {
        "code": point.code,
        "name": point.label,
        "unit": "" if point.kind == PointKind.EVENT else point.unit,
        "decimals": point.decimals,
        "phase": point.phase,
        "is_state": point.kind == PointKind.EVENT,
        "at": [round(at + shift_s, 3) for at in row.at],
        "value": [None if value is None else round(value, 6) for value in row.value],
    }
