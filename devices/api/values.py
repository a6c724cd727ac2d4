"""REST: values now, over time, and read on demand. Only points of classes that the caller holds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, MomentField, NumberField, QueryMomentField, TextField
from core.errors import Invalid
from devices import history, live, selectors
from devices.models import Device
from devices.selectors import DevicePoint
from devices.services import on_demand
from devices.states import PointKind, Quality
from sites import selectors as site_selectors
from sites.rules import Ability

MOST_SERIES = 12
MOST_VALUES = 10_000
LONGEST = timedelta(days=92)
# What a caller gets who does not say since when.
USUAL = timedelta(hours=1)
QUALITIES = [(quality.name.lower(), quality.label) for quality in Quality]


class ValueRow(serializers.Serializer[Any]):
    """A value with its unit, its time, its quality and how old it is: never one without the others.

    `value` is null when it is bad or was not sampled.
    """

    id = serializers.CharField(help_text="`<device id>:<code>`")
    code = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField()
    value = NumberField(allow_null=True)
    at = MomentField(allow_null=True)
    age_s = NumberField(allow_null=True)
    quality = serializers.ChoiceField(choices=QUALITIES, allow_null=True)


class LatestRow(serializers.Serializer[Any]):
    """The newest values of a device; a point that never came has no time."""

    device_id = serializers.IntegerField()
    is_online = serializers.BooleanField(allow_null=True)
    points = ValueRow(many=True)


class SiteLatest(serializers.Serializer[Any]):
    """The newest values of all devices of a site, in one answer."""

    site_id = serializers.IntegerField()
    at = MomentField(help_text="When the answer was made; ages refer to it.")
    devices = LatestRow(many=True)


class SiteLatestQuery(Body):
    """Which points."""

    points = TextField(
        max_length=400, required=False, help_text="Codes, separated by commas; all when not given."
    )


class SeriesQuery(Body):
    """Which points, from when to when, how many values at most."""

    points = TextField(max_length=400, help_text="Codes, separated by commas.")
    to = QueryMomentField(required=False, help_text="Exclusive; now when not given.")
    max_points = serializers.IntegerField(
        min_value=2,
        max_value=MOST_VALUES,
        required=False,
        default=1000,
        help_text="Above it lows and highs of equal stretches remain, so that no peak is lost.",
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        started = QueryMomentField(
            required=False, help_text="Inclusive; an hour before `to` when not given."
        )
        return super().get_fields() | {"from": started}


class GapRow(serializers.Serializer[Any]):
    """A stretch without samples."""

    from_s = NumberField()
    to_s = NumberField()


class SeriesRow(serializers.Serializer[Any]):
    """One point over time: `value` at the times `at_s` (epoch seconds); null marks a gap.

    When `is_reduced`, `minimum` and `maximum` hold the extremes of each value's stretch.
    """

    id = serializers.CharField()
    code = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField()
    is_reduced = serializers.BooleanField()
    at_s = serializers.ListField(child=NumberField())
    value = serializers.ListField(child=NumberField(allow_null=True))
    minimum = serializers.ListField(child=NumberField(allow_null=True))
    maximum = serializers.ListField(child=NumberField(allow_null=True))
    gaps = GapRow(many=True)


class DeviceSeries(serializers.Serializer[Any]):
    """Series of some points of a device over one period."""

    device_id = serializers.IntegerField()
    from_s = NumberField()
    to_s = NumberField()
    series = SeriesRow(many=True)


class DeviceLatestEndpoint(Endpoint):
    """Values of one device now."""

    @extend_schema(operation_id="devices_latest", responses=LatestRow)
    def get(self, request: Request, pk: int) -> Response:
        """Show the newest value of every point of a device."""
        device = selectors.device_for(user=self.person, pk=pk)
        points = selectors.points_for(user=self.person, devices=[device])
        (row,) = latest_of([device], points, timezone.now())
        return self.shown(row, LatestRow)


class SiteLatestEndpoint(Endpoint):
    """Values of all devices of one site now."""

    parameters = frozenset({"points"})

    @extend_schema(operation_id="sites_latest", parameters=[SiteLatestQuery], responses=SiteLatest)
    def get(self, request: Request, pk: int) -> Response:
        """Show the newest values of a site, all points or some."""
        site = site_selectors.site_for(user=self.person, pk=pk)
        asked = self.asked(request, SiteLatestQuery).get("points")
        devices = list(
            Device.objects.visible_to(self.person)
            .filter(site=site, is_enabled=True)
            .select_related("site__enterprise", "site__team", "template_version__layout")
        )
        points = selectors.points_for(user=self.person, devices=devices)
        if asked is not None:
            codes = set(codes_of(asked))
            points = {
                pk: [point for point in some if point.code in codes] for pk, some in points.items()
            }
        now = timezone.now()
        rows = latest_of(devices, points, now)
        return self.shown({"site_id": site.pk, "at": now, "devices": rows}, SiteLatest)


class SeriesEndpoint(Endpoint):
    """Values of one device over time."""

    parameters = frozenset({"points", "from", "to", "max_points"})

    @extend_schema(operation_id="devices_series", parameters=[SeriesQuery], responses=DeviceSeries)
    def get(self, request: Request, pk: int) -> Response:
        """Show series of up to 12 points over up to 92 days; peaks are kept, gaps are named."""
        device = selectors.device_for(user=self.person, pk=pk)
        asked = self.asked(request, SeriesQuery)
        known = selectors.points_for(user=self.person, devices=[device])[device.pk]
        points = chosen(known, asked["points"])
        start, end = period_of(asked, timezone.now())
        found = history.series(
            points=[(device.pk, point.code) for point in points],
            start=start,
            end=end,
            max_points=asked["max_points"],
        )
        rows = [series_row(point, row) for point, row in zip(points, found, strict=True)]
        answer = {
            "device_id": device.pk,
            "from_s": start.timestamp(),
            "to_s": end.timestamp(),
            "series": rows,
        }
        return self.shown(answer, DeviceSeries)


class ReadNowEndpoint(Endpoint):
    """Values of one device, read at once."""

    @extend_schema(operation_id="devices_read_now", request=None, responses=LatestRow)
    def post(self, request: Request, pk: int) -> Response:
        """Have the device read at once, ahead of the polls (召测); takes up to ten seconds.

        502 `no_answer` says that the device, its gateway or the collecting does not answer.
        """
        device = selectors.device_for(user=self.person, pk=pk, ability=Ability.READ_NOW)
        points = selectors.points_for(user=self.person, devices=[device])[device.pk]
        read = on_demand.read_now(device=device, by=self.person, now=timezone.now())
        age_s = max((timezone.now() - read.at).total_seconds(), 0.0)
        rows = [
            value_row(
                point,
                value=read.values[point.code],
                at=read.at,
                age_s=age_s,
                quality=Quality.BAD if read.values[point.code] is None else Quality.GOOD,
            )
            for point in points
            if point.code in read.values
        ]
        row = {"device_id": device.pk, "is_online": True, "points": rows}
        return self.shown(row, LatestRow)


def codes_of(text: str) -> list[str]:
    """Codes of a comma-separated list, each once, in order. Raises Invalid when there is none."""
    codes = list(dict.fromkeys(code.strip() for code in text.split(",") if code.strip()))
    if not codes:
        raise Invalid(fields={"points": [_("请至少选择一个测点。")]})
    return codes


def chosen(known: Sequence[DevicePoint], text: str) -> list[DevicePoint]:
    """The asked points of those that the caller may see. Raises Invalid for others, alike."""
    codes = codes_of(text)
    if len(codes) > MOST_SERIES:
        message = _("一次最多查询 %(limit)d 个测点。") % {"limit": MOST_SERIES}
        raise Invalid(fields={"points": [message]})
    by_code = {point.code: point for point in known}
    if missing := [code for code in codes if code not in by_code]:
        message = _("没有这些测点，或您无权查看：%(codes)s") % {"codes": ", ".join(missing)}
        raise Invalid(fields={"points": [message]})
    return [by_code[code] for code in codes]


def period_of(asked: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """The period asked for. Raises Invalid when it is empty or too long."""
    end = asked.get("to") or now
    start = asked.get("from") or end - USUAL
    if start >= end:
        raise Invalid(fields={"from": [_("开始时间必须早于结束时间。")]})
    if end - start > LONGEST:
        message = _("时段不能超过 %(days)d 天。") % {"days": LONGEST.days}
        raise Invalid(fields={"from": [message]})
    return start, end


def latest_of(
    devices: Iterable[Device], points: Mapping[int, Sequence[DevicePoint]], now: datetime
) -> list[dict[str, Any]]:
    """The newest values of the devices' points."""
    found = live.latest_points(device_ids=list(points))
    rows = []
    for device in devices:
        newest = {point.code: point for point in found.get(device.pk, ())}
        values = [_value_now(point, newest.get(point.code), now) for point in points[device.pk]]
        rows.append({"device_id": device.pk, "is_online": device.is_online, "points": values})
    return rows


def _value_now(
    point: DevicePoint, newest: live.LatestPoint | None, now: datetime
) -> dict[str, Any]:
    if newest is None:
        return value_row(point, value=None, at=None, age_s=None, quality=None)
    quality = Quality(newest.quality)
    if newest.value is None and quality == Quality.GOOD:
        # Not sampled by this device so far.
        return value_row(point, value=None, at=None, age_s=None, quality=None)
    return value_row(
        point,
        value=None if quality == Quality.BAD else newest.value,
        at=datetime.fromtimestamp(newest.at, UTC),
        age_s=round(max(now.timestamp() - newest.at, 0.0), 1),
        quality=quality,
    )


def value_row(
    point: DevicePoint,
    *,
    value: float | None,
    at: datetime | None,
    age_s: float | None,
    quality: Quality | None,
) -> dict[str, Any]:
    """One value as it is told, with its unit, time, age and quality."""
    return {
        "id": point.id,
        "code": point.code,
        "name": point.name,
        "unit": point.point.unit,
        "value": told(point, value),
        "at": at,
        "age_s": age_s,
        "quality": quality.name.lower() if quality is not None else None,
    }


def series_row(point: DevicePoint, row: history.Series) -> dict[str, Any]:
    """One series as it is told."""
    return {
        "id": point.id,
        "code": point.code,
        "name": point.name,
        "unit": point.point.unit,
        "is_reduced": row.is_reduced,
        "at_s": [round(at, 3) for at in row.at],
        "value": [told(point, value) for value in row.value],
        "minimum": [told(point, value) for value in row.minimum],
        "maximum": [told(point, value) for value in row.maximum],
        "gaps": [{"from_s": start, "to_s": end} for start, end in row.gaps],
    }


def told(point: DevicePoint, value: float | None) -> float | None:
    """A number as it is told: no more digits than were stored; what is no number is null.

    Counters are stored in double precision, all else in single.
    """
    if value is None or not isfinite(value):
        return None
    if point.point.kind == PointKind.COUNTER:
        return round(value, 6)
    return float(f"{value:.7g}")
