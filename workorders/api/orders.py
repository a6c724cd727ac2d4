"""REST: reading, opening and editing orders."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alarms import selectors as alarm_selectors
from alarms.rules.texts import NOTE_LENGTH
from alarms.states import Handling
from core.endpoints import Body, Endpoint, IdField, ListEndpoint, MomentField, TextField
from core.errors import Invalid
from devices.models import Device
from sites import selectors as site_selectors
from sites.models import Circuit, Room, Site, Team
from sites.rules import Ability
from workorders import rules, selectors, services
from workorders.api.rows import OrderDetail, OrderLogRow, OrderRow
from workorders.filters import OrderFilter
from workorders.models import WorkOrder, WorkOrderLog
from workorders.states import Kind, Priority

DOOR = "api"


class WorkBody(Body):
    """What is to be done, by when."""

    kind = serializers.ChoiceField(choices=Kind.choices)
    priority = serializers.ChoiceField(choices=Priority.choices)
    title = TextField(max_length=rules.TITLE_LENGTH)
    description = TextField(max_length=NOTE_LENGTH, required=False, default="", allow_blank=True)
    due_at = MomentField()
    team = IdField(required=False, allow_null=True, default=None)


class OrderBody(WorkBody):
    """An order by hand, at a site or at a part of it."""

    site = IdField()
    room = IdField(required=False, allow_null=True, default=None)
    circuit = IdField(required=False, allow_null=True, default=None)
    device = IdField(required=False, allow_null=True, default=None)


class AlarmOrderBody(WorkBody):
    """An order from an alarm: the place is the alarm's."""

    seen = serializers.ChoiceField(
        choices=Handling.choices,
        required=False,
        default="",
        allow_blank=True,
        help_text="The handling of the alarm that the person saw.",
    )


class EditBody(Body):
    """What of an open order may be said differently."""

    title = TextField(max_length=rules.TITLE_LENGTH, required=False)
    description = TextField(max_length=NOTE_LENGTH, required=False, allow_blank=True)
    priority = serializers.ChoiceField(choices=Priority.choices, required=False)
    due_at = MomentField(required=False)
    seen = TextField(max_length=40, required=False, default="", allow_blank=True)


class OrdersEndpoint(ListEndpoint):
    """Orders of the sites that the caller sees."""

    serializer_class = OrderRow
    filterset_class = OrderFilter
    queryset = WorkOrder.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return WorkOrder.objects.visible_to(self.person).with_place()

    @extend_schema(operation_id="orders_list")
    def get(self, request: Request) -> Response:
        """List orders, newest first unless ordered otherwise."""
        return super().get(request)

    @extend_schema(
        operation_id="orders_create",
        request=OrderBody,
        responses={201: OrderDetail},
        examples=[
            OpenApiExample(
                "A repair",
                request_only=True,
                value={
                    "site": 1,
                    "kind": "repair",
                    "priority": "high",
                    "title": "Replace the cable head of feeder 3",
                    "due_at": "2026-11-21T10:00:00Z",
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Open an order by hand."""
        facts = self.given(request, OrderBody)
        site = site_selectors.site_for(
            user=self.person, pk=facts.pop("site"), ability=Ability.CREATE_ORDER
        )
        facts |= self.parts(facts)
        order = services.create(site=site, by=self.person, door=DOOR, now=timezone.now(), **facts)
        return self.shown(
            selectors.order_for(user=self.person, pk=order.pk), OrderDetail, status=201
        )

    def parts(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Rows for ids. Raises Invalid for what the caller does not see."""
        tables: dict[str, QuerySet[Any]] = {
            "room": Room.objects.visible_to(self.person),
            "circuit": Circuit.objects.visible_to(self.person).select_related("room"),
            "device": Device.objects.visible_to(self.person),
            "team": teams(self.person),
        }
        return {name: part_of(rows, facts, name) for name, rows in tables.items()}


class AlarmOrdersEndpoint(Endpoint):
    """Orders of one alarm."""

    @extend_schema(
        operation_id="alarms_order_create",
        request=AlarmOrderBody,
        responses={201: OrderDetail},
        examples=[
            OpenApiExample(
                "From a verified alarm",
                request_only=True,
                value={
                    "kind": "repair",
                    "priority": "urgent",
                    "title": "Residual current on feeder 3",
                    "due_at": "2026-11-21T10:00:00Z",
                    "seen": "verified",
                },
            )
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Open an order from a verified alarm (创建工单)."""
        alarm = alarm_selectors.alarm_for(user=self.person, pk=pk, ability=Ability.CREATE_ORDER)
        facts = self.given(request, AlarmOrderBody)
        facts["team"] = part_of(teams(self.person), facts, "team")
        order = services.create(
            site=alarm.site,
            alarm_id=alarm.pk,
            by=self.person,
            door=DOOR,
            now=timezone.now(),
            **facts,
        )
        return self.shown(
            selectors.order_for(user=self.person, pk=order.pk), OrderDetail, status=201
        )


class OrderEndpoint(Endpoint):
    """One order."""

    @extend_schema(operation_id="orders_retrieve", responses=OrderDetail)
    def get(self, request: Request, pk: int) -> Response:
        """Show an order with its photos and the moves that the caller may make."""
        return self.shown(selectors.order_for(user=self.person, pk=pk), OrderDetail)

    @extend_schema(operation_id="orders_partial_update", request=EditBody, responses=OrderDetail)
    def patch(self, request: Request, pk: int) -> Response:
        """Change title, description, priority or due time of an open order."""
        selectors.order_for(user=self.person, pk=pk, ability=Ability.ASSIGN_ORDER)
        facts = self.given(request, EditBody)
        order = services.edit(order_id=pk, by=self.person, door=DOOR, now=timezone.now(), **facts)
        return self.shown(order, OrderDetail)


class OrderLogEndpoint(ListEndpoint):
    """What happened to one order."""

    serializer_class = OrderLogRow
    queryset = WorkOrderLog.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return selectors.log_of(selectors.order_for(user=self.person, pk=self.kwargs["pk"]))

    @extend_schema(operation_id="orders_log_list")
    def get(self, request: Request, pk: int) -> Response:
        """List the order's log, oldest first."""
        return super().get(request)


def teams(person: Any) -> QuerySet[Any]:
    """Crews of the companies whose sites the person sees."""
    sites = Site.objects.visible_to(person).order_by()
    return Team.objects.filter(organisation__teams__sites__in=sites).distinct()


def part_of(rows: QuerySet[Any], facts: dict[str, Any], name: str) -> Any:
    """The row that the body names, None when it names none. Raises Invalid."""
    pk = facts.get(name)
    if pk is None:
        return None
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Invalid(fields={name: [_("找不到该对象，或您无权查看。")]})
    return row
