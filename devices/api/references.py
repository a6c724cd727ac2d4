"""How other rows name a device or a gateway."""

from rest_framework import serializers

from core.endpoints import Row
from devices.models import DataSource, Device, Gateway


class GatewayReference(Row):
    """A gateway by name."""

    name = serializers.CharField(source="label")

    class Meta:
        model = Gateway
        fields = ["id", "name"]


class DeviceReference(Row):
    """A device by code and name."""

    name = serializers.CharField(source="label")

    class Meta:
        model = Device
        fields = ["id", "code", "name"]


class SourceReference(Row):
    """A data source by name."""

    name = serializers.CharField(source="label")

    class Meta:
        model = DataSource
        fields = ["id", "name"]
