"""REST: what the page of a site shows: load, energy, transformers, what is open."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, MomentField, NumberField, TextField
from devices.models import Device
from reports.api.completeness import CountedShareRow
from reports.selectors import completeness, energy, places, site_page
from reports.selectors.balance import balances, period_of
from sites import selectors as site_selectors
from sites.rules import DataClass


class EnergyRow(serializers.Serializer[Any]):
    """Active energy imported in a period, from counters: never negative, gaps and resets told."""

    starts_at = MomentField(source="start")
    ends_at = MomentField(source="end")
    kwh = NumberField(allow_null=True)
    gap_hours = serializers.IntegerField(help_text="Hours at whose end a meter had no reading.")
    resets = serializers.IntegerField(help_text="Hours in which a counter ran backwards.")


class SiteEnergyRow(serializers.Serializer[Any]):
    """Energy of a site's incomers on its own days; null without the class of data or a meter."""

    site = serializers.IntegerField()
    timezone = serializers.CharField()
    today = EnergyRow(allow_null=True)
    yesterday = EnergyRow(allow_null=True)
    month = EnergyRow(allow_null=True)


class TransformerLoadRow(serializers.Serializer[Any]):
    """A transformer with its present load."""

    id = serializers.IntegerField(source="transformer.pk")
    name = serializers.CharField(source="transformer.label")
    rated_kva = serializers.IntegerField(source="transformer.rated_kva")
    power_kva = NumberField(allow_null=True)
    loading_percent = NumberField(allow_null=True)


class SiteOverviewRow(serializers.Serializer[Any]):
    """One site now."""

    site = serializers.IntegerField(source="site.pk")
    name = serializers.CharField(source="site.label")
    is_online = serializers.BooleanField(source="site.is_online")
    is_offline = serializers.BooleanField(source="site.is_offline")
    is_abnormal = serializers.BooleanField(source="site.is_abnormal")
    has_defect = serializers.BooleanField(source="site.has_defect")
    open_alarms = serializers.IntegerField(source="site.open_alarms")
    open_orders = serializers.IntegerField(source="site.open_orders")
    devices = serializers.IntegerField(source="site.device_count")
    devices_online = serializers.IntegerField(source="site.devices_online")
    capacity_kva = serializers.IntegerField()
    power_kw = NumberField(allow_null=True, help_text="Null without the class of data load.")
    last_data_at = MomentField(source="last_at", allow_null=True)
    completeness_today = CountedShareRow()
    transformers = TransformerLoadRow(many=True)


class SiteOverviewEndpoint(Endpoint):
    """What a site is like now."""

    @extend_schema(operation_id="sites_overview_retrieve", responses=SiteOverviewRow)
    def get(self, request: Request, pk: int) -> Response:
        """Show what a site is like now: conditions, load, completeness, transformers."""
        now = timezone.now()
        head = site_page.site_head(user=self.person, pk=pk, now=now)
        incomers = places.incomers(self.person).filter(site=pk)
        facts = {
            "site": head.site,
            "capacity_kva": head.capacity_kva,
            "power_kw": head.power.total_kw if head.power else None,
            "last_at": head.last_at,
            "completeness_today": completeness.days_of_site(site=head.site, now=now, days=1),
            "transformers": site_page.transformer_loads(
                site=head.site,
                incomers=list(incomers.select_related("circuit", "bus__gateway", "source")),
                now=now,
            ),
        }
        return self.shown(facts, SiteOverviewRow)


class SiteEnergyEndpoint(Endpoint):
    """Energy of a site."""

    @extend_schema(operation_id="sites_energy_retrieve", responses=SiteEnergyRow)
    def get(self, request: Request, pk: int) -> Response:
        """Show a site's energy of today, yesterday and the month so far."""
        now = timezone.now()
        site = site_selectors.site_for(user=self.person, pk=pk)
        visible = Device.objects.visible_to(self.person, data_class=DataClass.ENERGY)
        meters = list(places.roots(visible).filter(site=site))
        facts: dict[str, Any] = {"site": pk, "timezone": site.timezone}
        found = energy.site_energy(devices=meters, zone=site.timezone, now=now) if meters else None
        for name in ("today", "yesterday", "month"):
            facts[name] = getattr(found, name, None)
        return self.shown(facts, SiteEnergyRow)


class BalanceQuery(Body):
    """Which day or month of the site; yesterday when neither is given."""

    day = TextField(max_length=10, required=False, help_text="2026-11-25")
    month = TextField(max_length=7, required=False, help_text="2026-11")


class AmountRow(serializers.Serializer[Any]):
    """Energy; null when no two readings tell."""

    kwh = NumberField(allow_null=True)
    is_whole = serializers.BooleanField()


class BalancePartRow(serializers.Serializer[Any]):
    """A circuit below the main meter; `meters` is 0 where nobody measures."""

    circuit = serializers.IntegerField(source="circuit.pk")
    name = serializers.CharField(source="circuit.label")
    meters = serializers.SerializerMethodField()
    energy = AmountRow(source="amount")

    def get_meters(self, part: Any) -> int:
        return len(part.meters)


class BalanceRow(serializers.Serializer[Any]):
    """A main meter beside the sum of those below.

    `is_over`: the difference is beyond the limit; judged only when `is_whole`.
    """

    level = serializers.ChoiceField(source="kind", choices=["site", "transformer", "circuit"])
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    main = AmountRow()
    parts = BalancePartRow(many=True)
    parts_kwh = NumberField(allow_null=True)
    difference_kwh = NumberField(allow_null=True)
    percent = NumberField(allow_null=True)
    limit_percent = NumberField()
    is_whole = serializers.BooleanField()
    is_over = serializers.BooleanField()


class BalanceAnswer(serializers.Serializer[Any]):
    """Balances of a site over a period, as far as it has passed."""

    site = serializers.IntegerField()
    timezone = serializers.CharField()
    starts_at = MomentField()
    ends_at = MomentField()
    balances = BalanceRow(many=True)


class SiteBalanceEndpoint(Endpoint):
    """Main–sub balance of a site."""

    parameters = frozenset({"day", "month"})

    @extend_schema(
        operation_id="sites_balance_retrieve", parameters=[BalanceQuery], responses=BalanceAnswer
    )
    def get(self, request: Request, pk: int) -> Response:
        """Show what main meters counted beside the meters below them; none without energy data."""
        asked, now = self.asked(request, BalanceQuery), timezone.now()
        site = site_selectors.site_for(user=self.person, pk=pk)
        period = period_of(
            site=site, day=asked.get("day", ""), month=asked.get("month", ""), now=now
        )
        facts = {
            "site": pk,
            "timezone": site.timezone,
            "starts_at": period.start,
            "ends_at": period.end,
            "balances": balances(user=self.person, site=site, period=period),
        }
        return self.shown(facts, BalanceAnswer)


urlpatterns = [
    path("sites/<int:pk>/overview/", SiteOverviewEndpoint.as_view(), name="api-site-overview"),
    path("sites/<int:pk>/balance/", SiteBalanceEndpoint.as_view(), name="api-site-balance"),
    path("sites/<int:pk>/energy/", SiteEnergyEndpoint.as_view(), name="api-site-energy"),
]
