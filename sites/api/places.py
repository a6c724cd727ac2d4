"""REST: sites with their rooms, transformers and circuits."""

from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Endpoint, ListEndpoint, NumberField, Row
from sites import selectors
from sites.api.references import EnterpriseReference, TeamReference
from sites.filters import SiteFilter
from sites.models import Circuit, Room, Site, Transformer, access_for
from sites.rules import Ability


class SiteRow(Row):
    """A site in a list."""

    name = serializers.CharField(source="label")
    enterprise = EnterpriseReference()
    team = TeamReference(allow_null=True)

    class Meta:
        model = Site
        fields = [
            "id",
            "number",
            "name",
            "state",
            "enterprise",
            "team",
            "address",
            "latitude_deg",
            "longitude_deg",
            "timezone",
            "nominal_voltage_v",
            "updated_at",
        ]


class TransformerRow(Row):
    """A power transformer."""

    name = serializers.CharField(source="label")

    class Meta:
        model = Transformer
        fields = ["id", "name", "rated_kva", "vector_group", "kind"]


class CircuitRow(Row):
    """A circuit; `parent_id` makes the tree."""

    name = serializers.CharField(source="label")
    parent_id = serializers.IntegerField(allow_null=True)
    transformer_id = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Circuit
        fields = [
            "id",
            "code",
            "name",
            "kind",
            "parent_id",
            "transformer_id",
            "rated_current_a",
            "nominal_voltage_v",
        ]


class RoomRow(Row):
    """A room with what stands in it."""

    name = serializers.CharField(source="label")
    transformers = TransformerRow(many=True)
    circuits = CircuitRow(many=True)

    class Meta:
        model = Room
        fields = ["id", "name", "kind", "transformers", "circuits"]


class SiteDetail(SiteRow):
    """A site with its parts, and what the caller may do and see there."""

    phase_nominal_v = NumberField()
    rooms = RoomRow(many=True)
    abilities = serializers.SerializerMethodField()
    data_classes = serializers.SerializerMethodField()

    class Meta(SiteRow.Meta):
        fields = [
            *SiteRow.Meta.fields,
            "phase_nominal_v",
            "contact_name",
            "contact_phone",
            "commissioned_on",
            "rooms",
            "abilities",
            "data_classes",
        ]

    def get_abilities(self, site: Site) -> list[str]:
        access = access_for(self.context["request"].user)
        return [ability.value for ability in Ability if access.can(ability, site)]

    def get_data_classes(self, site: Site) -> list[str]:
        return sorted(access_for(self.context["request"].user).data_classes(site))


class SitesEndpoint(ListEndpoint):
    """Sites that the caller sees."""

    serializer_class = SiteRow
    filterset_class = SiteFilter
    queryset = Site.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return Site.objects.visible_to(self.request.user).with_owner()

    @extend_schema(operation_id="sites_list")
    def get(self, request: Request) -> Response:
        """List the sites that the caller sees."""
        return super().get(request)


class SiteEndpoint(Endpoint):
    """One site."""

    @extend_schema(operation_id="sites_retrieve", responses=SiteDetail)
    def get(self, request: Request, pk: int) -> Response:
        """Show a site with its rooms, transformers and circuits."""
        site = selectors.site_for(user=request.user, pk=pk)
        prefetch_related_objects([site], "rooms__transformers", "rooms__circuits")
        return self.shown(site, SiteDetail)
