"""REST: gaps of a site, time on line of gateways and devices, completeness of points."""

from datetime import date, datetime, timedelta
from typing import Any

from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, IdField, MomentField, NumberField, QueryMomentField
from core.errors import Invalid
from core.filters import YEARS
from core.time import local_day
from devices import selectors
from devices.selectors import Gap
from devices.states import GapReason
from reports.api.completeness import ShareRow
from reports.selectors.gap_list import USUAL, GapQuery, gap_list
from reports.selectors.point_shares import MOST_DAYS, PointShares, point_shares
from sites import selectors as site_selectors

LONGEST = timedelta(days=MOST_DAYS)
USUAL_DAYS = 14
# Of so many the newest are told; the totals are of all.
MOST_GAPS = 10_000


class PeriodQuery(Body):
    """A half-open period: the last seven days unless said otherwise."""

    to = QueryMomentField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"from": QueryMomentField(required=False)} | super().get_fields()


class GapsQuery(PeriodQuery):
    """Which gaps; the period is at most 31 days long."""

    device = IdField(required=False)
    reason = serializers.ChoiceField(choices=GapReason.choices, required=False)
    min_s = serializers.IntegerField(
        min_value=0, max_value=31 * 86400, required=False, help_text="No shorter ones, in seconds."
    )


class DataGapRow(serializers.Serializer[Any]):
    """From the last good sample before to the first one after.

    is_open: none has come since, up to `counted_until`. is_cut: it reaches beyond the period.
    """

    device = serializers.IntegerField(source="device.pk")
    name = serializers.CharField(source="device.label")
    code = serializers.CharField(source="device.code")
    start = MomentField()
    end = MomentField()
    duration_s = serializers.SerializerMethodField()
    missing = serializers.IntegerField(help_text="Samples that did not come.")
    reason = serializers.ChoiceField(choices=GapReason.choices)
    is_open = serializers.BooleanField()
    is_cut = serializers.BooleanField()

    def get_duration_s(self, gap: Gap) -> float:
        return gap.length.total_seconds()


class ReasonRow(serializers.Serializer[Any]):
    """Gaps of one reason, whichever reason was asked for."""

    reason = serializers.ChoiceField(choices=GapReason.choices)
    gaps = serializers.IntegerField()
    missing = serializers.IntegerField()


class SiteGapsAnswer(serializers.Serializer[Any]):
    """Gaps of at least two samples, the newest first, at most 10,000 of `total`."""

    site = serializers.IntegerField()
    timezone = serializers.CharField()
    start = MomentField()
    end = MomentField()
    counted_until = MomentField(allow_null=True)
    total = serializers.IntegerField()
    missing = serializers.IntegerField()
    reasons = ReasonRow(many=True)
    gaps = DataGapRow(many=True)


class SiteGapsEndpoint(Endpoint):
    """Gaps of one site."""

    parameters = frozenset({"from", "to", "device", "reason", "min_s"})

    @extend_schema(
        operation_id="sites_gaps_retrieve", parameters=[GapsQuery], responses=SiteGapsAnswer
    )
    def get(self, request: Request, pk: int) -> Response:
        """Show when samples of a site's devices did not come, and where they were lost."""
        site = site_selectors.site_for(user=self.person, pk=pk)
        asked = self.asked(request, GapsQuery)
        start, end = _period(asked, timezone.now())
        query = GapQuery(
            start=start,
            end=end,
            device_id=asked.get("device"),
            reason=asked.get("reason", ""),
            min_s=asked.get("min_s", 0),
        )
        found = gap_list(site=site, query=query)
        facts = {
            "site": site.pk,
            "timezone": site.timezone,
            "start": start,
            "end": end,
            "counted_until": found.until,
            "total": len(found.gaps),
            "missing": found.missing,
            "reasons": found.reasons,
            "gaps": found.gaps[:MOST_GAPS],
        }
        return self.shown(facts, SiteGapsAnswer)


class OnlineTimeRow(serializers.Serializer[Any]):
    """Seconds by state; per cent of what is known, null when nothing is."""

    online_s = NumberField(source="time.online_s")
    offline_s = NumberField(source="time.offline_s")
    unknown_s = NumberField(source="time.unknown_s", help_text="Not in service, or no verdict yet.")
    percent = NumberField(source="time.percent", allow_null=True)


class DayOnlineRow(OnlineTimeRow):
    """A day of the site."""

    day = serializers.DateField()


class IntervalRow(serializers.Serializer[Any]):
    """Half-open; null: not in service, or no verdict yet."""

    start = MomentField()
    end = MomentField()
    is_online = serializers.BooleanField(allow_null=True)
    reason = serializers.CharField(help_text="Why it is offline, as in `link_error`.")


class OnlineAnswer(OnlineTimeRow):
    """A period no later than now, as intervals in a row and by day of the site."""

    start = MomentField()
    end = MomentField()
    intervals = IntervalRow(many=True)
    days = DayOnlineRow(many=True)


class DeviceOnlineEndpoint(Endpoint):
    """When a device answered."""

    parameters = frozenset({"from", "to"})

    @extend_schema(
        operation_id="devices_online_retrieve", parameters=[PeriodQuery], responses=OnlineAnswer
    )
    def get(self, request: Request, pk: int) -> Response:
        """Show when a device was online, as intervals; at most 92 days."""
        device = selectors.device_for(user=self.person, pk=pk)
        return self.shown(_online(self, request, device), OnlineAnswer)


class GatewayOnlineEndpoint(Endpoint):
    """When a gateway answered."""

    parameters = frozenset({"from", "to"})

    @extend_schema(
        operation_id="gateways_online_retrieve", parameters=[PeriodQuery], responses=OnlineAnswer
    )
    def get(self, request: Request, pk: int) -> Response:
        """Show when a gateway was online, as intervals; at most 92 days."""
        gateway = selectors.gateway_for(user=self.person, pk=pk)
        return self.shown(_online(self, request, gateway), OnlineAnswer)


def _online(endpoint: Endpoint, request: Request, thing: Any) -> selectors.Online:
    now = timezone.now()
    start, end = _period(endpoint.asked(request, PeriodQuery), now)
    if not timedelta() < end - start <= LONGEST:
        words = _("结束时间须晚于开始时间，时段不超过 %(days)d 天。") % {"days": MOST_DAYS}
        raise Invalid(fields={"to": [words]})
    return selectors.online(thing=thing, start=start, end=end, zone=thing.site.timezone, now=now)


def _period(asked: dict[str, Any], now: datetime) -> tuple[datetime, datetime]:
    end = asked.get("to", now)
    return asked.get("from", end - USUAL), end


class DaysQuery(Body):
    """Days of the site, both included: the last 14 unless said otherwise."""

    to = serializers.DateField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"from": serializers.DateField(required=False)} | super().get_fields()


class PointSharesRow(serializers.Serializer[Any]):
    """One point: whole, and day by day from `from` on."""

    id = serializers.CharField(source="point.id")
    code = serializers.CharField(source="point.code")
    name = serializers.CharField(source="point.name")
    whole = ShareRow()
    days = serializers.SerializerMethodField(help_text="Per cent, null before one was expected.")

    def get_days(self, row: PointShares) -> list[float | None]:
        return [share.percent for _day, share in row.by_day]


class DeviceCompletenessAnswer(serializers.Serializer[Any]):
    """Completeness of a device and of those of its points that one may see."""

    device = serializers.IntegerField()
    timezone = serializers.CharField()
    counted_until = MomentField(allow_null=True)
    days = serializers.ListField(child=serializers.DateField())
    whole = ShareRow()
    by_day = ShareRow(many=True)
    points = PointSharesRow(many=True)


class DeviceCompletenessEndpoint(Endpoint):
    """Completeness of one device, point by point."""

    parameters = frozenset({"from", "to"})

    @extend_schema(
        operation_id="devices_completeness_retrieve",
        parameters=[DaysQuery],
        responses=DeviceCompletenessAnswer,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Show how complete the data of a device and of its points are, by day; at most 92 days."""
        device = selectors.device_for(user=self.person, pk=pk)
        asked = self.asked(request, DaysQuery)
        last: date = asked.get("to", local_day(timezone.now(), device.site.timezone))
        first: date = asked.get("from", last - timedelta(days=USUAL_DAYS - 1))
        is_known = first.year in YEARS and last.year in YEARS
        if not is_known or not 0 <= (last - first).days < MOST_DAYS:
            words = _("结束日期不能早于开始日期，时段不超过 %(days)d 天。") % {"days": MOST_DAYS}
            raise Invalid(fields={"to": [words]})
        found = point_shares(
            user=self.person, device=device, first=first, until=last + timedelta(days=1)
        )
        facts = {
            "device": device.pk,
            "timezone": device.site.timezone,
            "counted_until": found.until,
            "days": found.days,
            "whole": found.whole,
            "by_day": [share for _day, share in found.device_days],
            "points": found.points,
        }
        return self.shown(facts, DeviceCompletenessAnswer)


urlpatterns = [
    path("sites/<int:pk>/gaps/", SiteGapsEndpoint.as_view(), name="api-site-gaps"),
    path("devices/<int:pk>/online/", DeviceOnlineEndpoint.as_view(), name="api-device-online"),
    path("gateways/<int:pk>/online/", GatewayOnlineEndpoint.as_view(), name="api-gateway-online"),
    path(
        "devices/<int:pk>/completeness/",
        DeviceCompletenessEndpoint.as_view(),
        name="api-device-completeness",
    ),
]
