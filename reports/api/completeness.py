"""REST: data completeness of a site, its devices, and its hours."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Endpoint, MomentField, NumberField
from reports.selectors import completeness
from sites import selectors as site_selectors


class ShareRow(serializers.Serializer[Any]):
    """Good samples of those expected; per cent is null before one sample was expected."""

    good = NumberField()
    expected = NumberField()
    percent = NumberField(allow_null=True)


class CountedShareRow(ShareRow):
    """A share with the moment up to which samples were counted."""

    counted_until = MomentField(source="until", allow_null=True)


class DeviceShareRow(serializers.Serializer[Any]):
    """One device, today and over the last 30 days."""

    device = serializers.IntegerField(source="device.pk")
    name = serializers.CharField(source="device.label")
    code = serializers.CharField(source="device.code")
    today = ShareRow()
    days_30 = ShareRow(source="month")


class DayRow(serializers.Serializer[Any]):
    """One day of the site: whole, and hour by hour from midnight; 23 to 25 of them."""

    day = serializers.DateField()
    percent = NumberField(source="share.percent", allow_null=True)
    hours = serializers.SerializerMethodField()

    def get_hours(self, row: completeness.HeatRow) -> list[float | None]:
        return [hour.percent for hour in row.hours]


class SiteCompleteness(serializers.Serializer[Any]):
    """Data completeness of a site in per cent; days are the site's own."""

    site = serializers.IntegerField()
    timezone = serializers.CharField()
    target_percent = NumberField()
    today = CountedShareRow()
    days_30 = CountedShareRow()
    devices = DeviceShareRow(many=True, help_text="The lowest of 30 days first.")
    days = DayRow(many=True, help_text="The newest first.")


class SiteCompletenessEndpoint(Endpoint):
    """Completeness of one site."""

    @extend_schema(operation_id="sites_completeness_retrieve", responses=SiteCompleteness)
    def get(self, request: Request, pk: int) -> Response:
        """Show how complete the data of a site is: today, over 30 days, by device and hour."""
        now = timezone.now()
        site = site_selectors.site_for(user=self.person, pk=pk)
        facts = {
            "site": site.pk,
            "timezone": site.timezone,
            "target_percent": completeness.TARGET_PERCENT,
            "today": completeness.days_of_site(site=site, now=now, days=1),
            "days_30": completeness.days_of_site(site=site, now=now),
            "devices": completeness.by_device(site=site, now=now),
            "days": completeness.heat(site=site, now=now),
        }
        return self.shown(facts, SiteCompleteness)


urlpatterns = [
    path(
        "sites/<int:pk>/completeness/",
        SiteCompletenessEndpoint.as_view(),
        name="api-site-completeness",
    )
]
