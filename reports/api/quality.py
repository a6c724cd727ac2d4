"""REST: data of a site that cannot be believed."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Endpoint, FlagField, IdField, MomentField, NumberField
from devices.states import FlagKind, RepairKind
from reports.api.gaps import PeriodQuery
from reports.selectors.gap_list import USUAL
from reports.selectors.quality_list import QualityQuery, quality_list
from sites import selectors as site_selectors

# Of so many the newest are told; the totals are of all.
MOST_STRETCHES = 10_000


class FlagsQuery(PeriodQuery):
    """Which flagged stretches; the period is at most 31 days long."""

    device = IdField(required=False)
    kind = serializers.ChoiceField(choices=FlagKind.choices, required=False)
    open = FlagField(default=False, help_text="Only those that no repair covers.")


class FlaggedRow(serializers.Serializer[Any]):
    """Samples of one point in a row, first and last included; readers leave them out.

    low, high: of the samples as they came; null where they never had a number. repair: what was made
    of them, null as long as nobody said anything.
    """

    point = serializers.CharField(source="point.id")
    device = serializers.IntegerField(source="device.pk")
    name = serializers.CharField(source="point.name")
    kind = serializers.ChoiceField(choices=FlagKind.choices)
    start = MomentField()
    end = MomentField()
    count = serializers.IntegerField(source="stretch.count")
    low = NumberField(source="stretch.low", allow_null=True)
    high = NumberField(source="stretch.high", allow_null=True)
    unit = serializers.CharField(source="point.point.unit")
    repair = serializers.ChoiceField(
        choices=RepairKind.choices, source="repair.kind", allow_null=True, default=None
    )


class FlaggedKindRow(serializers.Serializer[Any]):
    """Stretches of one kind, whichever kind was asked for."""

    kind = serializers.ChoiceField(choices=FlagKind.choices)
    stretches = serializers.IntegerField()
    samples = serializers.IntegerField()


class SiteFlagsAnswer(serializers.Serializer[Any]):
    """Flagged stretches, the newest first, at most 10,000 of `total`."""

    site = serializers.IntegerField()
    timezone = serializers.CharField()
    start = MomentField()
    end = MomentField()
    total = serializers.IntegerField()
    samples = serializers.IntegerField()
    kinds = FlaggedKindRow(many=True)
    flags = FlaggedRow(many=True)


class SiteFlagsEndpoint(Endpoint):
    """Flagged stretches of one site."""

    parameters = frozenset({"from", "to", "device", "kind", "open"})

    @extend_schema(
        operation_id="sites_flags_retrieve", parameters=[FlagsQuery], responses=SiteFlagsAnswer
    )
    def get(self, request: Request, pk: int) -> Response:
        """Show samples of a site's points that are not believed, and what was made of them."""
        site = site_selectors.site_for(user=self.person, pk=pk)
        asked = self.asked(request, FlagsQuery)
        end = asked.get("to", timezone.now())
        query = QualityQuery(
            start=asked.get("from", end - USUAL),
            end=end,
            device_id=asked.get("device"),
            kind=asked.get("kind", ""),
            is_open=asked["open"],
        )
        found = quality_list(user=self.person, site=site, query=query)
        facts = {
            "site": site.pk,
            "timezone": site.timezone,
            "start": query.start,
            "end": query.end,
            "total": len(found.doubts),
            "samples": found.samples,
            "kinds": found.kinds,
            "flags": found.doubts[:MOST_STRETCHES],
        }
        return self.shown(facts, SiteFlagsAnswer)


urlpatterns = [path("sites/<int:pk>/flags/", SiteFlagsEndpoint.as_view(), name="api-site-flags")]
