"""REST: the figures of the work hall. The same function serves the page."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Endpoint, MomentField, NumberField
from reports import selectors
from workorders.states import State


class SeverityCounts(serializers.Serializer[Any]):
    """How many of each severity."""

    critical = serializers.IntegerField()
    major = serializers.IntegerField()
    minor = serializers.IntegerField()
    info = serializers.IntegerField()


class AlarmFigures(serializers.Serializer[Any]):
    """Alarms that are not archived."""

    open = serializers.IntegerField()
    unverified = serializers.IntegerField()
    by_severity = SeverityCounts()


class StageRow(serializers.Serializer[Any]):
    """Orders created this month in one state."""

    state = serializers.ChoiceField(choices=State.choices)
    count = serializers.IntegerField()
    overdue = serializers.IntegerField()


class OrderFigures(serializers.Serializer[Any]):
    """Orders created this month by state; open ones, and late ones, of any month."""

    stages = StageRow(many=True)
    created = serializers.IntegerField()
    open = serializers.IntegerField()
    overdue = serializers.IntegerField()


class SiteFigures(serializers.Serializer[Any]):
    """Sites by state and by condition."""

    total = serializers.IntegerField()
    by_state = serializers.DictField(child=serializers.IntegerField())
    abnormal = serializers.IntegerField(
        help_text="With an open critical or major alarm, or offline."
    )
    offline = serializers.IntegerField()
    defect = serializers.IntegerField(help_text="With an open order of kind `defect`.")


class DeviceFigures(serializers.Serializer[Any]):
    """Devices that should answer; unknown before the first verdict."""

    total = serializers.IntegerField()
    online = serializers.IntegerField()
    offline = serializers.IntegerField()
    unknown = serializers.IntegerField()


class PowerFigures(serializers.Serializer[Any]):
    """Active power now: the sum over the incomers with a fresh good value."""

    total_kw = NumberField(allow_null=True)
    fresh_meters = serializers.IntegerField(source="fresh")
    meters = serializers.IntegerField(help_text="Incomers, whether or not their value is fresh.")


class HourFigures(serializers.Serializer[Any]):
    """Alarms last raised within one hour."""

    starts_at = MomentField(source="start")
    by_severity = SeverityCounts()


class HallFigures(serializers.Serializer[Any]):
    """Figures of what the caller may see; each is the length of a list."""

    at = MomentField(source="now")
    timezone = serializers.CharField(source="zone")
    month_starts_at = MomentField(source="month_start")
    month_ends_at = MomentField(source="month_end")
    alarms = AlarmFigures()
    orders = OrderFigures()
    sites = SiteFigures()
    devices = DeviceFigures()
    power = PowerFigures()
    hours = HourFigures(many=True, help_text="The last 24, oldest first.")


class HallEndpoint(Endpoint):
    """The work hall."""

    @extend_schema(operation_id="hall_retrieve", responses=HallFigures)
    def get(self, request: Request) -> Response:
        """Show the figures of the work hall; month and day are the caller's own."""
        figures = selectors.hall(user=self.person, now=timezone.now())
        return self.shown(figures, HallFigures)


urlpatterns = [path("hall/", HallEndpoint.as_view(), name="api-hall")]
