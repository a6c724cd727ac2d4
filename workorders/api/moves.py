"""REST: moving an order along its life, remarks."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alarms.rules.texts import NOTE_LENGTH
from core.endpoints import Body, Endpoint, IdField, ListEndpoint, TextField
from sites.api.references import PersonReference
from sites.models import User
from sites.rules import Ability
from workorders import selectors, services
from workorders.api.orders import DOOR, part_of
from workorders.api.rows import MovedOrder, OrderDetail
from workorders.states import Move


class MoveBody(Body):
    """A move with what it needs; the order's detail says which moves need what."""

    move = serializers.ChoiceField(choices=Move.choices)
    seen = TextField(
        max_length=40,
        required=False,
        default="",
        allow_blank=True,
        help_text="`seen` of the order's detail. Answered with 409 `changed` and the fresh state "
        "when somebody else was first.",
    )
    note = TextField(max_length=NOTE_LENGTH, required=False, default="", allow_blank=True)
    assignee = IdField(required=False, allow_null=True, default=None)
    finding = TextField(max_length=NOTE_LENGTH, required=False, default="", allow_blank=True)
    measures = TextField(max_length=NOTE_LENGTH, required=False, default="", allow_blank=True)


class NoteBody(Body):
    """A remark."""

    note = TextField(max_length=NOTE_LENGTH)


class MovesEndpoint(Endpoint):
    """Moves of one order."""

    @extend_schema(
        operation_id="orders_move",
        request=MoveBody,
        responses=MovedOrder,
        examples=[
            OpenApiExample(
                "Assign", request_only=True, value={"move": "assign", "assignee": 3, "seen": "new:"}
            ),
            OpenApiExample(
                "Hand over",
                request_only=True,
                value={
                    "move": "finish",
                    "finding": "Cable head damp",
                    "measures": "Replaced the cable head, 500 MΩ measured",
                    "seen": "in_progress:3",
                },
            ),
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Move the order: assign, start, hold, resume, finish, accept, send back, cancel."""
        order = selectors.order_for(user=self.person, pk=pk)
        facts = self.given(request, MoveBody)
        facts["assignee"] = part_of(selectors.assignees_for(site=order.site), facts, "assignee")
        moved = services.move(order_id=pk, by=self.person, door=DOOR, now=timezone.now(), **facts)
        context = {**self.get_serializer_context(), "is_alarm_active": moved.is_alarm_active}
        return Response(MovedOrder(moved.order, context=context).data)


class NotesEndpoint(Endpoint):
    """Remarks on one order."""

    @extend_schema(operation_id="orders_note", request=NoteBody, responses={201: OrderDetail})
    def post(self, request: Request, pk: int) -> Response:
        """Add a remark to the order's log."""
        selectors.order_for(user=self.person, pk=pk)
        facts = self.given(request, NoteBody)
        services.add_note(order_id=pk, by=self.person, door=DOOR, now=timezone.now(), **facts)
        return self.shown(selectors.order_for(user=self.person, pk=pk), OrderDetail, status=201)


class AssigneesEndpoint(ListEndpoint):
    """People who could be given one order."""

    serializer_class = PersonReference
    queryset = User.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        order = selectors.order_for(
            user=self.person, pk=self.kwargs["pk"], ability=Ability.ASSIGN_ORDER
        )
        return selectors.assignees_for(site=order.site)

    @extend_schema(operation_id="orders_assignees_list")
    def get(self, request: Request, pk: int) -> Response:
        """List the people who may work on the order's site, for whoever assigns work."""
        return super().get(request)
