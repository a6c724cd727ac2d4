"""REST: reading alarms."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from alarms import selectors
from alarms.api.rows import AlarmDetail, AlarmLogRow, AlarmRow
from alarms.filters import AlarmFilter
from alarms.models import Alarm, AlarmLog
from core.endpoints import Endpoint, ListEndpoint


class AlarmsEndpoint(ListEndpoint):
    """Alarms of the sites that the caller sees."""

    serializer_class = AlarmRow
    filterset_class = AlarmFilter
    queryset = Alarm.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return Alarm.objects.visible_to(self.person).with_place()

    @extend_schema(operation_id="alarms_list")
    def get(self, request: Request) -> Response:
        """List alarms, worst and newest first unless ordered otherwise."""
        return super().get(request)


class AlarmEndpoint(Endpoint):
    """One alarm."""

    @extend_schema(operation_id="alarms_retrieve", responses=AlarmDetail)
    def get(self, request: Request, pk: int) -> Response:
        """Show an alarm with its advice and the moves that the caller may make."""
        return self.shown(selectors.alarm_for(user=self.person, pk=pk), AlarmDetail)


class AlarmLogEndpoint(ListEndpoint):
    """What happened to one alarm."""

    serializer_class = AlarmLogRow
    queryset = AlarmLog.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        alarm = selectors.alarm_for(user=self.person, pk=self.kwargs["pk"])
        return alarm.log.select_related(
            "by", "alarm__site__enterprise", "alarm__site__team"
        ).order_by("at", "id")

    @extend_schema(operation_id="alarms_log_list")
    def get(self, request: Request, pk: int) -> Response:
        """List the alarm's log, oldest first."""
        return super().get(request)
