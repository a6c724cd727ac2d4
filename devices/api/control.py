"""REST: remote operations by two people, and lock-outs. The same services as the pages."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import (
    Body,
    Endpoint,
    FlagField,
    IdField,
    ListEndpoint,
    MomentField,
    Row,
    TextField,
)
from core.errors import NotFound
from devices import selectors
from devices.api.references import DeviceReference
from devices.filters import ControlFilter, LockoutFilter
from devices.models import ControlLog, ControlOperation, Device, Lockout
from devices.services import control, lockouts
from devices.states import ControlCommand, ControlMove
from sites import selectors as site_selectors
from sites.api.references import PersonReference, RoomReference, SiteReference
from sites.models import Room
from sites.rules import Ability

DOOR = "api"


class SelectBody(Body):
    """An output of a device and what it should become; the 30 seconds begin with the answer."""

    device = IdField()
    output = TextField(max_length=24, help_text="Code of the output, as its template names it.")
    wanted = FlagField(help_text="True is on.")
    reason = TextField(max_length=control.REASON_LENGTH)
    permit_number = TextField(max_length=control.PERMIT_LENGTH)


class ControlMoveBody(Body):
    """A move: the guardian confirms or refuses, the operator executes or withdraws."""

    move = serializers.ChoiceField(choices=ControlCommand.choices)
    seen = TextField(
        max_length=40,
        required=False,
        default="",
        allow_blank=True,
        help_text="`seen` of the operation, for `confirm`: what the guardian looked at.",
    )
    note = TextField(max_length=control.REASON_LENGTH, required=False, default="", allow_blank=True)


class LockoutBody(Body):
    """Who works where: at a site, in one room of it, or at one device."""

    site = IdField()
    room = IdField(required=False, allow_null=True, default=None)
    device = IdField(required=False, allow_null=True, default=None)
    worker = TextField(max_length=120)
    reason = TextField(max_length=400)
    permit_number = TextField(max_length=40)
    starts_at = MomentField(required=False, allow_null=True, default=None)
    planned_end_at = MomentField(required=False, allow_null=True, default=None)


class ControlRow(Row):
    """A remote operation. present, wanted and after: true is on."""

    site = SiteReference()
    device = DeviceReference()
    output = serializers.CharField(source="output_code")
    operator = PersonReference()
    guardian = PersonReference(allow_null=True)

    class Meta:
        model = ControlOperation
        fields = [
            "id",
            "number",
            "state",
            "site",
            "device",
            "output",
            "wanted",
            "present",
            "present_at",
            "after",
            "result",
            "reason",
            "permit_number",
            "operator",
            "guardian",
            "selected_at",
            "due_at",
            "confirmed_at",
            "claimed_at",
            "finished_at",
            "updated_at",
        ]


class ControlDetail(ControlRow):
    """An operation with the moves that the caller may make now."""

    seen = serializers.CharField()
    moves = serializers.SerializerMethodField()

    class Meta(ControlRow.Meta):
        fields = [*ControlRow.Meta.fields, "seen", "moves"]

    @extend_schema_field(
        serializers.ListField(child=serializers.ChoiceField(choices=ControlCommand.choices))
    )
    def get_moves(self, operation: ControlOperation) -> list[str]:
        moves = selectors.control_moves(
            user=self.context["request"].user, operation=operation, now=timezone.now()
        )
        return [move.value for move in moves]


class ControlLogRow(Row):
    """One step of an operation."""

    by = PersonReference(allow_null=True)
    facts = serializers.DictField()

    class Meta:
        model = ControlLog
        fields = ["id", "at", "move", "source", "target", "by", "door", "note", "facts"]


class LockoutRow(Row):
    """A lock-out; in force from `starts_at` until somebody ends it."""

    site = SiteReference()
    room = RoomReference(allow_null=True)
    device = DeviceReference(allow_null=True)
    by = PersonReference()
    ended_by = PersonReference(allow_null=True)

    class Meta:
        model = Lockout
        fields = [
            "id",
            "site",
            "room",
            "device",
            "worker",
            "reason",
            "permit_number",
            "starts_at",
            "planned_end_at",
            "by",
            "created_at",
            "ended_at",
            "ended_by",
        ]


class ControlsEndpoint(ListEndpoint):
    """Remote operations of the sites that the caller sees."""

    serializer_class = ControlRow
    filterset_class = ControlFilter
    queryset = ControlOperation.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return ControlOperation.objects.visible_to(self.person).with_place()

    @extend_schema(operation_id="control_operations_list")
    def get(self, request: Request) -> Response:
        """List remote operations, newest first unless ordered otherwise."""
        return super().get(request)

    @extend_schema(
        operation_id="control_operations_select",
        request=SelectBody,
        responses={201: ControlDetail},
        examples=[
            OpenApiExample(
                "Switch off before work",
                request_only=True,
                value={
                    "device": 7,
                    "output": "DO1",
                    "wanted": False,
                    "reason": "Work on the contactor",
                    "permit_number": "CZP-0042",
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Select an output: its state is read back, and another person has 30 s to confirm."""
        facts = self.given(request, SelectBody)
        device, output = selectors.output_for(
            user=self.person, device_id=facts.pop("device"), code=facts.pop("output")
        )
        made = control.select(
            device=device,
            request=control.Request(output=output, **facts),
            by=self.person,
            door=DOOR,
            now=timezone.now(),
        )
        return _detail(self, made.pk, status=201)


class ControlEndpoint(Endpoint):
    """One remote operation."""

    @extend_schema(operation_id="control_operations_retrieve", responses=ControlDetail)
    def get(self, request: Request, pk: int) -> Response:
        """Show an operation with the moves that the caller may make."""
        return _detail(self, pk)


class ControlLogEndpoint(ListEndpoint):
    """What happened to one operation."""

    serializer_class = ControlLogRow
    queryset = ControlLog.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        operation = selectors.operation_for(user=self.person, pk=self.kwargs["pk"])
        return selectors.log_of(operation)

    @extend_schema(operation_id="control_operations_log_list")
    def get(self, request: Request, pk: int) -> Response:
        """List the operation's log, oldest first."""
        return super().get(request)


class ControlMovesEndpoint(Endpoint):
    """Moves of one operation."""

    @extend_schema(
        operation_id="control_operations_move",
        request=ControlMoveBody,
        responses=ControlDetail,
        examples=[
            OpenApiExample(
                "The guardian's yes",
                request_only=True,
                value={"move": "confirm", "seen": "selected:1:0"},
            ),
            OpenApiExample("Execute", request_only=True, value={"move": "execute"}),
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Confirm or refuse as guardian; execute or withdraw as operator.

        `execute` answers when the result was read back; an operation that still is `executing` or
        `unknown` then is settled by a later read-back, never by a second write.
        """
        operation = selectors.operation_for(user=self.person, pk=pk)
        site_selectors.require(user=self.person, ability=Ability.CONTROL, site=operation.site)
        given = self.given(request, ControlMoveBody)
        facts: dict[str, Any] = {
            "operation_id": pk,
            "by": self.person,
            "door": DOOR,
            "now": timezone.now(),
        }
        move = ControlMove(given["move"])
        if move == ControlMove.CONFIRM:
            control.confirm(seen=given["seen"], **facts)
        elif move == ControlMove.REFUSE:
            control.refuse(note=given["note"], **facts)
        elif move == ControlMove.CANCEL:
            control.cancel(**facts)
        else:
            control.execute(**facts)
        return _detail(self, pk)


class LockoutsEndpoint(ListEndpoint):
    """Lock-outs of the sites that the caller sees."""

    serializer_class = LockoutRow
    filterset_class = LockoutFilter
    queryset = Lockout.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return selectors.lockouts_for(user=self.person)

    @extend_schema(operation_id="lockouts_list")
    def get(self, request: Request) -> Response:
        """List lock-outs, the latest first."""
        return super().get(request)

    @extend_schema(operation_id="lockouts_create", request=LockoutBody, responses={201: LockoutRow})
    def post(self, request: Request) -> Response:
        """Lock out a site, a room or a device while somebody works there."""
        facts = self.given(request, LockoutBody)
        site = site_selectors.site_for(
            user=self.person, pk=facts.pop("site"), ability=Ability.LOCK_OUT
        )
        facts["room"] = _part(Room.objects.filter(site=site), facts["room"])
        facts["device"] = _part(Device.objects.filter(site=site), facts["device"])
        work = lockouts.Work(site=site, **facts)
        made = lockouts.lock_out(work=work, by=self.person, now=timezone.now())
        return self.shown(self.get_queryset().get(pk=made.pk), LockoutRow, status=201)


class LockoutEndEndpoint(Endpoint):
    """The end of one lock-out."""

    @extend_schema(operation_id="lockouts_end", request=None, responses=LockoutRow)
    def post(self, request: Request, pk: int) -> Response:
        """End it: the work is over and everybody has left. Whoever set it, or manages the site."""
        lockouts.end_lockout(lockout_id=pk, by=self.person, now=timezone.now())
        return self.shown(selectors.lockouts_for(user=self.person).get(pk=pk), LockoutRow)


def _detail(endpoint: Endpoint, pk: int, *, status: int = 200) -> Response:
    operation = selectors.operation_for(user=endpoint.person, pk=pk)
    return endpoint.shown(operation, ControlDetail, status=status)


def _part(rows: QuerySet[Any], pk: int | None) -> Any:
    """The row that the body names, None when it names none. Raises NotFound."""
    if pk is None:
        return None
    row = rows.filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row
