"""The thinned series of one device behind small charts."""

from datetime import UTC, datetime, timedelta
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.errors import Invalid, NotFound
from devices import history
from devices.models import Device, PointCode
from devices.states import PointKind
from sites import selectors as site_selectors
from sites.models import User

HOURS = (1, 6, 24, 168, 720)
MOST_POINTS = 12
MOST_DAYS = 32
WIDTH_PX = 800


@login_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """An older address of the live page."""
    return redirect(f"{reverse('reports:live')}?{request.GET.urlencode()}")


@login_required
@require_safe
def series(request: HttpRequest) -> JsonResponse:
    """Points of one device over a period, for a chart: peaks are kept, gaps are named."""
    device, points = _points(request)
    start, end = _period(request)
    rows = history.series(
        points=[(device.pk, point.code) for point in points],
        start=start,
        end=end,
        max_points=2 * WIDTH_PX,
    )
    return JsonResponse(
        {
            "from": start.timestamp(),
            "to": end.timestamp(),
            "axis": axis_of(points),
            "gaps": sorted({gap for row in rows for gap in row.gaps}),
            "series": [
                {
                    "code": point.code,
                    "name": point.label,
                    "unit": "" if point.kind == PointKind.EVENT else point.unit,
                    "decimals": point.decimals,
                    "phase": point.phase,
                    "is_state": point.kind == PointKind.EVENT,
                    "at": [round(at, 3) for at in row.at],
                    "value": [None if v is None else round(v, 6) for v in row.value],
                }
                for point, row in zip(points, rows, strict=True)
            ],
        }
    )


def axis_of(points: list[PointCode]) -> str:
    """Title of the value axis: the quantity with its unit."""
    name = points[0].label if len(points) == 1 else _group(points[0])
    unit = points[0].unit
    return f"{name} ({unit})" if unit and points[0].kind != PointKind.EVENT else name


def _group(point: PointCode) -> str:
    names = {"V": _("电压"), "A": _("电流"), "kW": _("有功功率"), "°C": _("温度")}
    return names.get(point.unit, point.label)


def _points(request: HttpRequest) -> tuple[Device, list[PointCode]]:
    """The device and its points of the address, all of a class that the person may see.

    Raises NotFound for what does not exist or is not his to see, Invalid for nonsense.
    """
    given = request.GET.getlist("point")
    if not 0 < len(given) <= MOST_POINTS:
        raise Invalid(fields={"point": [_("请选择 1 至 12 个测点。")]})
    pairs = [text.partition(":") for text in given]
    if len({pk for pk, _colon, _code in pairs}) != 1:
        raise Invalid(fields={"point": [_("一次只能查询一台设备。")]})
    pk = pairs[0][0]
    if not (pk.isascii() and pk.isdigit() and len(pk) < 19):
        raise NotFound
    user = cast(User, request.user)
    device = Device.objects.visible_to(user).with_place().filter(pk=int(pk)).first()
    if device is None:
        raise NotFound
    codes = list(dict.fromkeys(code for _pk, _colon, code in pairs))
    classes = site_selectors.data_classes_for(user=user, site=device.site)
    known = {point.code: point for point in PointCode.objects.filter(data_class__in=classes)}
    if not known.keys() >= set(codes):
        raise NotFound
    return device, [known[code] for code in codes]


def _period(request: HttpRequest) -> tuple[datetime, datetime]:
    """From and to of the address (epoch seconds), or the last hours. Raises Invalid."""
    hours = request.GET.get("hours", "")
    if hours:
        if hours not in map(str, HOURS):
            raise Invalid(fields={"hours": [_("请选择有效的选项。")]})
        end = timezone.now()
        return end - timedelta(hours=int(hours)), end
    start, end = _moment(request, "from"), _moment(request, "to")
    if not timedelta() < end - start <= timedelta(days=MOST_DAYS):
        raise Invalid(fields={"to": [_("时段须为正且不超过 32 天。")]})
    return start, end


def _moment(request: HttpRequest, name: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(request.GET.get(name, "")), tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise Invalid(fields={name: [_("请输入 ISO 8601 格式的日期或时间。")]}) from None
