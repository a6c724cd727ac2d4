"""REST: curves as the page draws them, and the tree of the live page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, NumberField, QueryMomentField, TextField
from devices.models import Device
from reports.selectors import tree
from reports.selectors.curve_query import MOST_POINTS, RANGES, query_of
from reports.selectors.curves import Curve, drawing
from sites import selectors as site_selectors

PERIODS = tuple(RANGES)


class PeriodQuery(Body):
    """Which points, over which period, compared with what."""

    points = TextField(
        max_length=400,
        help_text="`<device id>:<code>`, or `x<id>` of a derived point, separated by commas; at most 12.",
    )
    range = serializers.ChoiceField(choices=PERIODS, required=False, help_text="Up to now.")
    to = QueryMomentField(required=False)
    compare = TextField(
        max_length=10, required=False, help_text="`day`, `week`, `month`, or a date to start from."
    )
    totals = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Adds the sum of those points that can be added: power now, energy from counters.",
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | {"from": QueryMomentField(required=False)}


class CurvesQuery(PeriodQuery):
    """Besides: how wide."""

    width_px = serializers.IntegerField(
        min_value=200,
        max_value=4000,
        required=False,
        default=1200,
        help_text="At most two values per pixel are told; every peak stays.",
    )


class StatisticsRow(serializers.Serializer[Any]):
    """Of all samples of the period, not of the told ones; `increase` is meant for counters."""

    count = serializers.IntegerField()
    minimum = NumberField(allow_null=True)
    minimum_at = NumberField(allow_null=True)
    maximum = NumberField(allow_null=True)
    maximum_at = NumberField(allow_null=True)
    mean = NumberField(allow_null=True)
    last = NumberField(allow_null=True)
    last_at = NumberField(allow_null=True)
    increase = NumberField()
    resets = serializers.IntegerField()


class ComparedRow(serializers.Serializer[Any]):
    """The compared period, at the times of this one."""

    at = serializers.ListField(child=NumberField(), source="compared_at")
    value = serializers.ListField(child=NumberField(allow_null=True), source="compared")
    statistics = StatisticsRow(source="compared_statistics", allow_null=True)


class CurveLimit(serializers.Serializer[Any]):
    """A limit in force on the point."""

    value = NumberField()
    severity = serializers.CharField(source="tone")
    name = serializers.CharField()


class SaidRow(serializers.Serializer[Any]):
    """A part of a curve that was flagged (its samples are left out) or repaired; both ends included."""

    words = serializers.CharField()
    from_s = NumberField(source="start")
    to_s = NumberField(source="end")
    low = NumberField(allow_null=True, help_text="Of the samples left out.")
    high = NumberField(allow_null=True)
    is_repair = serializers.BooleanField()


class CurveRow(serializers.Serializer[Any]):
    """One point; times in epoch seconds, a null value marks a gap."""

    id = serializers.CharField(source="point.id")
    name = serializers.CharField()
    unit = serializers.CharField()
    at = serializers.ListField(child=NumberField(), source="series.at")
    value = serializers.ListField(child=NumberField(allow_null=True), source="series.value")
    is_reduced = serializers.BooleanField(source="series.is_reduced")
    gaps = serializers.SerializerMethodField()
    missing = serializers.SerializerMethodField(
        help_text="Stretches in which parts of a total were not there: it is not whole then."
    )
    whole_share = NumberField(
        allow_null=True, help_text="Of a total: the share of its values that have all parts."
    )
    said = SaidRow(many=True)
    note = serializers.CharField(
        help_text="What has to be said of a derived point: that it is of means, or why it has no values."
    )
    limits = CurveLimit(many=True)
    completeness = NumberField(allow_null=True)
    statistics = StatisticsRow()
    compare = ComparedRow(source="*")

    @extend_schema_field(serializers.ListField(child=serializers.ListField(child=NumberField())))
    def get_gaps(self, curve: Curve) -> list[list[float]]:
        return [list(gap) for gap in curve.series.gaps]

    @extend_schema_field(serializers.ListField(child=serializers.ListField(child=NumberField())))
    def get_missing(self, curve: Curve) -> list[list[float]]:
        return [list(stretch) for stretch in curve.missing]


class CurvesAnswer(serializers.Serializer[Any]):
    """Curves over one period; `zone` is that of the first point's site."""

    zone = serializers.CharField()
    from_s = NumberField()
    to_s = NumberField()
    series = CurveRow(many=True)


def address_of(asked: Mapping[str, Any], now: datetime) -> QueryDict:
    """What was asked for as the page's address says it."""
    given = QueryDict(mutable=True)
    texts = [text.strip() for text in asked["points"].split(",") if text.strip()]
    given.setlist("point", texts[: MOST_POINTS + 1])
    for name in ("range", "compare"):
        if name in asked:
            given[name] = asked[name]
    if asked["totals"]:
        given["totals"] = "1"
    if "from" in asked or "to" in asked:
        until = asked.get("to", now)
        given["to"] = until.isoformat()
        given["from"] = asked.get("from", until - RANGES["1h"]).isoformat()
    return given


class CurvesEndpoint(Endpoint):
    """Several points of several devices."""

    parameters = frozenset({"points", "range", "from", "to", "compare", "totals", "width_px"})

    @extend_schema(operation_id="curves", parameters=[CurvesQuery], responses=CurvesAnswer)
    def get(self, request: Request) -> Response:
        """Show curves with limits, gaps, statistics and a comparison; up to a year."""
        asked, now = self.asked(request, CurvesQuery), timezone.now()
        query = query_of(user=self.person, given=address_of(asked, now), now=now)
        found = drawing(user=self.person, query=query, now=now, width_px=asked["width_px"])
        answer = {
            "zone": query.zone,
            "from_s": query.start.timestamp(),
            "to_s": query.end.timestamp(),
            "series": found.curves,
        }
        return self.shown(answer, CurvesAnswer)


class StateRow(serializers.Serializer[Any]):
    """Of everything below: devices in service, those offline, open alarms, the worst of them."""

    devices = serializers.IntegerField()
    offline = serializers.IntegerField()
    alarms = serializers.IntegerField()
    worst = serializers.CharField()


class LeafRow(serializers.Serializer[Any]):
    """A device of the tree."""

    id = serializers.IntegerField(source="device.pk")
    code = serializers.CharField(source="device.code")
    name = serializers.CharField(source="device.label")
    is_online = serializers.BooleanField(source="device.is_online", allow_null=True)
    state = StateRow()


class BranchRow(serializers.Serializer[Any]):
    """A branch of the tree; that of a site is empty until it is asked for itself."""

    kind = serializers.ChoiceField(choices=["enterprise", "site", "room", "circuit"])
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField(source="label")
    state = StateRow()
    devices = LeafRow(many=True)
    children = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_children(self, node: tree.Node) -> Any:
        return BranchRow(node.children, many=True, context=self.context).data


class ForestAnswer(serializers.Serializer[Any]):
    """A page of enterprises; `more` is the next `begin`, 0 at the end."""

    nodes = BranchRow(many=True)
    total = serializers.IntegerField()
    more = serializers.IntegerField()


class ForestQuery(Body):
    """Where the page begins."""

    begin = serializers.IntegerField(min_value=0, max_value=10_000_000, required=False, default=0)


class ForestEndpoint(Endpoint):
    """The tree's enterprises and sites."""

    parameters = frozenset({"begin"})

    @extend_schema(operation_id="tree", parameters=[ForestQuery], responses=ForestAnswer)
    def get(self, request: Request) -> Response:
        """Show enterprises with their sites and what is wrong there, a hundred at a time."""
        asked = self.asked(request, ForestQuery)
        return self.shown(tree.forest(user=self.person, begin=asked["begin"]), ForestAnswer)


class SiteTreeEndpoint(Endpoint):
    """The inside of one site."""

    @extend_schema(operation_id="sites_tree", responses=BranchRow)
    def get(self, request: Request, pk: int) -> Response:
        """Show rooms, circuits as they feed each other, and devices of a site."""
        site = site_selectors.site_for(user=self.person, pk=pk)
        devices = Device.objects.visible_to(self.person).in_service().filter(site=site)
        return self.shown(tree.branch_of(site=site, leaves=tree.leaves(devices)), BranchRow)


urlpatterns = [
    path("curves/", CurvesEndpoint.as_view(), name="api-curves"),
    path("tree/", ForestEndpoint.as_view(), name="api-tree"),
    path("sites/<int:pk>/tree/", SiteTreeEndpoint.as_view(), name="api-site-tree"),
]
