"""REST: the search over sites, devices, points and derived points."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, TextField
from devices import selectors
from devices.api.references import DeviceReference
from sites.api.references import CircuitReference, EnterpriseReference, SiteReference

KINDS = ("sites", "devices", "points", "derived")


class SearchQuery(Body):
    """What to look for."""

    q = TextField(
        max_length=100,
        help_text="Words by Chinese name, code, English, pinyin or initials; all must occur.",
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=50, required=False, default=8, help_text="At most, of each kind."
    )


class FoundSite(SiteReference):
    """A site with its owner."""

    enterprise = EnterpriseReference()

    class Meta(SiteReference.Meta):
        fields = [*SiteReference.Meta.fields, "enterprise"]


class FoundDevice(DeviceReference):
    """A device with its place."""

    site = SiteReference()
    circuit = CircuitReference(allow_null=True)

    class Meta(DeviceReference.Meta):
        fields = [*DeviceReference.Meta.fields, "site", "circuit", "is_online"]


class FoundPoint(serializers.Serializer[Any]):
    """A point of a device."""

    id = serializers.CharField(source="point.id", help_text="`<device id>:<code>`")
    code = serializers.CharField(source="point.code")
    name = serializers.CharField(source="point.name")
    unit = serializers.CharField(source="point.point.unit")
    device = DeviceReference()
    site = SiteReference(source="device.site")


class FoundDerived(serializers.Serializer[Any]):
    """A derived point."""

    id = serializers.CharField(help_text="As curves know it.")
    name = serializers.CharField()
    unit = serializers.CharField(source="row.unit")
    site = SiteReference(source="row.site")


class Found(serializers.Serializer[Any]):
    """Best first; `has_more` names the kinds of which more was found than told."""

    sites = FoundSite(many=True)
    devices = FoundDevice(many=True)
    points = FoundPoint(many=True)
    derived = FoundDerived(many=True)
    has_more = serializers.ListField(child=serializers.ChoiceField(choices=KINDS))


class SearchEndpoint(Endpoint):
    """One search over what the caller sees."""

    parameters = frozenset({"q", "limit"})

    @extend_schema(operation_id="search", parameters=[SearchQuery], responses=Found)
    def get(self, request: Request) -> Response:
        """Find sites, devices, points and derived points by words."""
        asked = self.asked(request, SearchQuery)
        found = selectors.search(user=self.person, text=asked["q"], limit=asked["limit"])
        return self.shown(found, Found)
