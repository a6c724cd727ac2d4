"""REST: gateways, devices and the dictionary of points."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Endpoint, ListEndpoint, NumberField, Row
from devices import selectors
from devices.api.references import GatewayReference, SourceReference
from devices.filters import DeviceFilter, GatewayFilter
from devices.models import Device, Gateway, GatewaySession, Meter, PointCode, Ratio
from sites.api.references import CircuitReference, RoomReference, SiteReference
from sites.models import access_for
from sites.rules import Ability


class PointCodeRow(Row):
    """One quantity of the dictionary; values are stored and told in its unit."""

    name = serializers.CharField(source="label")

    class Meta:
        model = PointCode
        fields = [
            "code",
            "name",
            "unit",
            "kind",
            "group",
            "phase",
            "data_class",
            "decimals",
        ]


class DevicePointRow(serializers.Serializer[Any]):
    """One point of a device."""

    id = serializers.CharField(help_text="`<device id>:<code>`")
    code = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField(source="point.unit")
    kind = serializers.CharField(source="point.kind")
    decimals = serializers.IntegerField(source="point.decimals")


class SessionRow(Row):
    """The call of a gateway that dials in; bytes are those of `month`, the others grow for ever.

    `doubled_at`: when its place last changed hands so often that two DTUs may share the id.
    """

    class Meta:
        model = GatewaySession
        fields = [
            "is_connected",
            "peer",
            "connected_at",
            "heard_at",
            "month",
            "bytes_in",
            "bytes_out",
            "crc_errors",
            "heartbeats",
            "takeovers",
            "doubled_at",
        ]


class GatewayRow(Row):
    """A gateway; `is_online` is null until the first verdict.

    One of kind `dtu` dials in under its `dtu_id`; `session` is null before its first call. Ids of
    DTU and card and where it calls from are empty unless the caller maintains the site.
    """

    name = serializers.CharField(source="label")
    site = SiteReference()
    dtu_profile = serializers.CharField(
        source="dtu_profile.code", allow_null=True, default=None, help_text="Kind of the DTU."
    )
    session = serializers.SerializerMethodField()

    class Meta:
        model = Gateway
        fields = [
            "id",
            "name",
            "site",
            "serial",
            "kind",
            "dtu_id",
            "dtu_profile",
            "imei",
            "iccid",
            "firmware",
            "sim_expires_on",
            "sim_plan_mb",
            "session",
            "is_online",
            "link_changed_at",
            "last_seen_at",
            "link_error",
            "period_s",
            "offline_after_s",
            "is_enabled",
            "is_simulated",
            "updated_at",
        ]

    @extend_schema_field(SessionRow(allow_null=True))
    def get_session(self, gateway: Gateway) -> Any:
        session = getattr(gateway, "session", None)
        return SessionRow(session).data if session else None

    def to_representation(self, instance: Gateway) -> dict[str, Any]:
        """Whoever knows a DTU's id can take its place: told only to who maintains the site."""
        row = super().to_representation(instance)
        access = access_for(self.context["request"].user)
        if not access.can(Ability.MANAGE_SITE, instance.site):
            row |= dict.fromkeys(("dtu_id", "imei", "iccid"), "")
            if row["session"]:
                row["session"] |= {"peer": ""}
        return row


class TemplateReference(serializers.Serializer[Any]):
    """The register map that a device is read with."""

    key = serializers.CharField(source="template.key")
    vendor = serializers.CharField(source="template.vendor")
    model = serializers.CharField(source="template.model")
    version = serializers.IntegerField(source="number")


class DeviceRow(Row):
    """A measuring position; `is_online` is null until the first verdict."""

    name = serializers.CharField(source="label")
    site = SiteReference()
    room = RoomReference(allow_null=True)
    circuit = CircuitReference(allow_null=True)
    gateway = serializers.SerializerMethodField()
    source: Any = SourceReference(allow_null=True)
    template = TemplateReference(source="template_version")

    class Meta:
        model = Device
        fields = [
            "id",
            "code",
            "name",
            "site",
            "room",
            "circuit",
            "gateway",
            "source",
            "unit_id",
            "template",
            "is_online",
            "link_changed_at",
            "last_seen_at",
            "link_error",
            "is_enabled",
            "is_simulated",
            "updated_at",
        ]

    @extend_schema_field(GatewayReference(allow_null=True))
    def get_gateway(self, device: Device) -> Any:
        return GatewayReference(device.bus.gateway).data if device.bus else None


class MeterRow(Row):
    """The physical meter in place."""

    class Meta:
        model = Meter
        fields = ["serial", "installed_at"]


class RatioRow(Row):
    """The transformer ratios in force."""

    ct = NumberField()
    pt = NumberField()

    class Meta:
        model = Ratio
        fields = ["ct", "pt", "valid_from"]


class DeviceDetail(DeviceRow):
    """A device with its meter, its ratios and the points that the caller may see."""

    meter = serializers.SerializerMethodField()
    ratio = serializers.SerializerMethodField()
    points = serializers.SerializerMethodField()

    class Meta(DeviceRow.Meta):
        fields = [*DeviceRow.Meta.fields, "meter", "ratio", "points"]

    @extend_schema_field(MeterRow(allow_null=True))
    def get_meter(self, device: Device) -> Any:
        meter = device.meters.filter(removed_at__isnull=True).first()
        return MeterRow(meter).data if meter else None

    @extend_schema_field(RatioRow(allow_null=True))
    def get_ratio(self, device: Device) -> Any:
        ratio = device.ratios.filter(valid_to__isnull=True).first()
        return RatioRow(ratio).data if ratio else None

    @extend_schema_field(DevicePointRow(many=True))
    def get_points(self, device: Device) -> Any:
        points = selectors.points_for(user=self.context["request"].user, devices=[device])
        return DevicePointRow(points[device.pk], many=True).data


class PointsEndpoint(ListEndpoint):
    """The dictionary of points."""

    serializer_class = PointCodeRow
    queryset = PointCode.objects.all()

    @extend_schema(operation_id="points_list")
    def get(self, request: Request) -> Response:
        """List the dictionary: codes, units, classes of data."""
        return super().get(request)


class GatewaysEndpoint(ListEndpoint):
    """Gateways of the sites that the caller sees."""

    serializer_class = GatewayRow
    filterset_class = GatewayFilter
    queryset = Gateway.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return Gateway.objects.visible_to(self.person).select_related(
            "site__enterprise", "site__team", "dtu_profile", "session"
        )

    @extend_schema(operation_id="gateways_list")
    def get(self, request: Request) -> Response:
        """List gateways and whether they answer."""
        return super().get(request)


class GatewayEndpoint(Endpoint):
    """One gateway."""

    @extend_schema(operation_id="gateways_retrieve", responses=GatewayRow)
    def get(self, request: Request, pk: int) -> Response:
        """Show a gateway."""
        return self.shown(selectors.gateway_for(user=self.person, pk=pk), GatewayRow)


class DevicesEndpoint(ListEndpoint):
    """Devices of the sites that the caller sees."""

    serializer_class = DeviceRow
    filterset_class = DeviceFilter
    queryset = Device.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        devices = Device.objects.visible_to(self.person).with_place()
        return devices.select_related("bus__gateway", "source", "template_version__template")

    @extend_schema(operation_id="devices_list")
    def get(self, request: Request) -> Response:
        """List devices and whether they answer."""
        return super().get(request)


class DeviceEndpoint(Endpoint):
    """One device."""

    @extend_schema(operation_id="devices_retrieve", responses=DeviceDetail)
    def get(self, request: Request, pk: int) -> Response:
        """Show a device with its meter, ratios and points."""
        return self.shown(selectors.device_for(user=self.person, pk=pk), DeviceDetail)
