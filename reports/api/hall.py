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
from reports.api.completeness import CountedShareRow, ShareRow
from reports.selectors import months, towns
from reports.selectors.completeness import TARGET_PERCENT
from reports.selectors.trends import PERIODS
from workorders.api.task_rows import TaskMonthRow
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
    """Orders created in the month that are in one state now."""

    state = serializers.ChoiceField(choices=State.choices)
    count = serializers.IntegerField()
    overdue = serializers.IntegerField()
    oldest_created_at = MomentField(source="oldest_at", allow_null=True)


class OrderFigures(serializers.Serializer[Any]):
    """Orders created in the month by state; open, late and new today, of any month."""

    stages = StageRow(many=True)
    created = serializers.IntegerField()
    mean_duration_s = serializers.SerializerMethodField(
        help_text="From creation to closing, of the month's closed orders."
    )
    open = serializers.IntegerField()
    overdue = serializers.IntegerField()
    today = serializers.IntegerField()

    def get_mean_duration_s(self, row: months.OrderFigures) -> float | None:
        return row.mean_duration.total_seconds() if row.mean_duration else None


class TaskFigures(serializers.Serializer[Any]):
    """Tasks due in the month by stage; due today and late, of any month."""

    month = TaskMonthRow()
    due_today = serializers.IntegerField(source="today.due", help_text="Without cancelled ones.")
    done_today = serializers.IntegerField(source="today.done", help_text="Of those due today.")
    overdue = serializers.IntegerField(source="today.overdue")


class SiteFigures(serializers.Serializer[Any]):
    """Sites by state and by condition."""

    total = serializers.IntegerField()
    by_state = serializers.SerializerMethodField()
    online = serializers.IntegerField(help_text="In operation, with a gateway that answers.")
    abnormal = serializers.IntegerField(
        help_text="With an open critical or major alarm, or offline."
    )
    offline = serializers.IntegerField()
    defect = serializers.IntegerField(help_text="With an open order of kind `defect`.")
    accepted = serializers.IntegerField(help_text="With a device whose acceptance stands.")
    connected_percent = NumberField(allow_null=True, help_text="Connection rate: accepted ÷ total.")

    def get_by_state(self, row: towns.SiteCounts) -> dict[str, int]:
        return row.by_state


class TownFigures(serializers.Serializer[Any]):
    """Sites of one town; null stands for enterprises in none."""

    town = serializers.IntegerField(source="town.pk", allow_null=True, default=None)
    name = serializers.CharField(source="town", allow_null=True, default=None)
    sites = SiteFigures()
    completeness = ShareRow(source="share")


class CompletenessFigures(serializers.Serializer[Any]):
    """Good samples of those expected, today so far and yesterday, on the sites' own days."""

    today = CountedShareRow()
    yesterday = ShareRow()
    target_percent = NumberField(default=TARGET_PERCENT)


class LowSiteRow(serializers.Serializer[Any]):
    """A site with low completeness today."""

    site = serializers.IntegerField(source="site.pk")
    name = serializers.CharField(source="site.label")
    completeness = ShareRow(source="share")
    last_data_at = MomentField(source="last_at", allow_null=True)


class DeviceFigures(serializers.Serializer[Any]):
    """Devices that should answer; unknown before the first verdict."""

    total = serializers.IntegerField()
    online = serializers.IntegerField()
    offline = serializers.IntegerField()
    unknown = serializers.IntegerField()


class PowerFigures(serializers.Serializer[Any]):
    """Active power now, taken every half minute: the sum over incomers with a fresh good value."""

    total_kw = NumberField(source="power.total_kw", allow_null=True)
    fresh_meters = serializers.IntegerField(source="power.fresh")
    meters = serializers.IntegerField(
        source="power.meters", help_text="Incomers, whether or not their value is fresh."
    )
    taken_at = MomentField(source="at", allow_null=True)
    peak_kw = NumberField(allow_null=True, help_text="The highest quarter of an hour of today.")
    peak_at = MomentField(allow_null=True)


class BarFigures(serializers.Serializer[Any]):
    """Alarms last raised within one bar of the chart."""

    starts_at = MomentField(source="start")
    ends_at = MomentField(source="end")
    by_severity = SeverityCounts()


class HallFigures(serializers.Serializer[Any]):
    """Figures of what the caller may see; each is the length of a list."""

    at = MomentField(source="now")
    timezone = serializers.CharField(source="zone")
    month_starts_at = MomentField(source="month_start")
    month_ends_at = MomentField(source="month_end")
    alarms = AlarmFigures()
    orders = OrderFigures()
    tasks = TaskFigures()
    sites = SiteFigures()
    devices = DeviceFigures()
    towns = TownFigures(many=True)
    completeness = CompletenessFigures()
    lowest_completeness = LowSiteRow(source="lowest", many=True)
    power = PowerFigures(source="load")
    period = serializers.ChoiceField(choices=PERIODS)
    bars = BarFigures(many=True, help_text="Of the period, oldest first.")


class HallQuestion(serializers.Serializer[Any]):
    """Which month's orders, and which period of alarms."""

    month = serializers.DateField(required=False, help_text="Any day of the month.")
    period = serializers.ChoiceField(choices=PERIODS, default="24h")


class HallEndpoint(Endpoint):
    """The work hall."""

    parameters = frozenset({"month", "period"})

    @extend_schema(operation_id="hall_retrieve", parameters=[HallQuestion], responses=HallFigures)
    def get(self, request: Request) -> Response:
        """Show the figures of the work hall; month and day are the caller's own."""
        asked = self.asked(request, HallQuestion)
        figures = selectors.hall(user=self.person, now=timezone.now(), **asked)
        return self.shown(figures, HallFigures)


urlpatterns = [path("hall/", HallEndpoint.as_view(), name="api-hall")]
