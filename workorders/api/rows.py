"""REST: what an order, its log and its photos look like."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from alarms.models import Alarm
from core.endpoints import Row
from devices.api.references import DeviceReference
from sites.api.references import (
    CircuitReference,
    PersonReference,
    RoomReference,
    SiteReference,
    TeamReference,
)
from workorders import selectors
from workorders.models import Photo, WorkOrder, WorkOrderLog
from workorders.models.base import LogRow, Picture
from workorders.states import NEEDS, Move, State


class AlarmReference(Row):
    """The alarm of an order."""

    name = serializers.CharField(source="rule.label")

    class Meta:
        model = Alarm
        fields = ["id", "number", "name", "severity", "condition", "handling"]


class OrderRow(Row):
    """An order in a list."""

    site = SiteReference()
    room = RoomReference(allow_null=True)
    circuit = CircuitReference(allow_null=True)
    device = DeviceReference(allow_null=True)
    alarm = AlarmReference(allow_null=True)
    team = TeamReference(allow_null=True)
    assignee = PersonReference(allow_null=True)
    is_overdue = serializers.SerializerMethodField()

    class Meta:
        model = WorkOrder
        fields = [
            "id",
            "number",
            "kind",
            "priority",
            "title",
            "title_en",
            "state",
            "site",
            "room",
            "circuit",
            "device",
            "alarm",
            "team",
            "assignee",
            "due_at",
            "is_overdue",
            "created_at",
            "started_at",
            "finished_at",
            "closed_at",
            "updated_at",
        ]

    def get_is_overdue(self, order: WorkOrder) -> bool:
        return order.is_open and order.due_at < timezone.now()


class MoveRow(serializers.Serializer[Any]):
    """A move that the caller may make now."""

    move = serializers.ChoiceField(choices=Move.choices)
    name = serializers.CharField(source="move.label")
    target = serializers.ChoiceField(choices=State.choices)
    needs = serializers.SerializerMethodField(
        help_text="Fields that the body of the move must carry."
    )

    def get_needs(self, edge: Any) -> list[str]:
        return list(NEEDS.get(Move(edge.move), ()))


class PhotoRow(Row):
    """A photo; the files are fetched with the caller's token."""

    by = PersonReference()
    image_url = serializers.SerializerMethodField()
    thumbnail_url = serializers.SerializerMethodField()
    routes = "api-photo"

    class Meta:
        model: type[Picture] = Photo
        fields = [
            "id",
            "caption",
            "by",
            "at",
            "width_px",
            "height_px",
            "image_url",
            "thumbnail_url",
        ]

    def get_image_url(self, photo: Picture) -> str:
        return reverse(f"{self.routes}-image", args=[photo.pk])

    def get_thumbnail_url(self, photo: Picture) -> str:
        return reverse(f"{self.routes}-thumbnail", args=[photo.pk])


class OrderDetail(OrderRow):
    """An order with its texts, its photos and the moves that the caller may make.

    `seen` goes back with a move: the second of two people who act at once is told.
    """

    created_by = PersonReference(allow_null=True)
    seen = serializers.CharField()
    moves = serializers.SerializerMethodField()
    photos = serializers.SerializerMethodField()

    class Meta(OrderRow.Meta):
        fields = [
            *OrderRow.Meta.fields,
            "description",
            "finding",
            "measures",
            "created_by",
            "seen",
            "moves",
            "photos",
        ]

    @extend_schema_field(MoveRow(many=True))
    def get_moves(self, order: WorkOrder) -> Any:
        edges = selectors.moves_for(user=self.context["request"].user, order=order)
        return MoveRow(edges, many=True).data

    @extend_schema_field(PhotoRow(many=True))
    def get_photos(self, order: WorkOrder) -> Any:
        return PhotoRow(order.photos.select_related("by"), many=True).data


class MovedOrder(OrderDetail):
    """The order after a move."""

    is_alarm_active = serializers.SerializerMethodField(
        help_text="True when the order was closed although its alarm still is active."
    )

    class Meta(OrderDetail.Meta):
        fields = [*OrderDetail.Meta.fields, "is_alarm_active"]

    def get_is_alarm_active(self, order: WorkOrder) -> bool:
        return bool(self.context.get("is_alarm_active"))


class OrderLogRow(Row):
    """One step of an order's life."""

    by = PersonReference(allow_null=True)
    facts = serializers.DictField()

    class Meta:
        model: type[LogRow] = WorkOrderLog
        fields = ["id", "at", "entry", "move", "source", "target", "by", "door", "note", "facts"]
