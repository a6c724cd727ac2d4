"""REST: samples of a device's points are set right, and the way back."""

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, FlagField, MomentField, NumberField, TextField
from core.errors import Invalid
from devices import selectors
from devices.services import repairs
from devices.services.repairs import Line, Wanted
from devices.states import Quality, RepairKind


class RepairedSampleBody(Body):
    """A new value of one sample, by its own time."""

    at = MomentField()
    value = NumberField(min_value=-repairs.MOST, max_value=repairs.MOST)


class RepairBody(Body):
    """Samples from start to end, both included. value: of `value`; values: of `sheet`."""

    point = TextField(max_length=24, help_text="The code of the point.")
    kind = serializers.ChoiceField(choices=RepairKind.choices)
    start = MomentField()
    end = MomentField()
    reason = TextField(max_length=200)
    value = NumberField(
        required=False,
        allow_null=True,
        default=None,
        min_value=-repairs.MOST,
        max_value=repairs.MOST,
    )
    values = RepairedSampleBody(many=True, required=False, default=list)
    dry_run = FlagField(default=False)


class RepairedLine(serializers.Serializer[Any]):
    """A sample: as it came, as it is read, as it would be; null where there is no number."""

    at = serializers.SerializerMethodField()
    stored = NumberField(allow_null=True)
    present = NumberField(allow_null=True)
    quality = serializers.SerializerMethodField()
    after = NumberField(allow_null=True)

    def get_at(self, line: Line) -> str:
        return datetime.fromtimestamp(line.at_s, UTC).isoformat()

    def get_quality(self, line: Line) -> str:
        return Quality(line.quality).name.lower()


class RepairPreview(serializers.Serializer[Any]):
    """What it would make of the samples; at most 1,000 of `total` are told."""

    total = serializers.IntegerField()
    samples = RepairedLine(many=True)


class RepairRow(serializers.Serializer[Any]):
    """One repair; an undone one counts for nothing."""

    id = serializers.IntegerField(source="pk")
    device_id = serializers.IntegerField()
    point = serializers.CharField(source="code")
    kind = serializers.ChoiceField(choices=RepairKind.choices)
    start = MomentField(source="start_at")
    end = MomentField(source="end_at")
    count = serializers.IntegerField(help_text="Samples that it lies over.")
    reason = serializers.CharField()
    by = serializers.CharField(source="by.username")
    made_at = MomentField()
    undone_at = MomentField(allow_null=True)
    undone_by = serializers.CharField(source="undone_by.username", allow_null=True, default=None)
    undone_reason = serializers.CharField()


class RepairRows(serializers.Serializer[Any]):
    """Repairs of a device, the newest first."""

    results = RepairRow(many=True)


class UndoBody(Body):
    """Why it is taken back."""

    reason = TextField(max_length=200)


MOST_TOLD = 1000


class RepairsEndpoint(Endpoint):
    """Repairs of one device."""

    @extend_schema(operation_id="devices_repairs_list", responses=RepairRows)
    def get(self, request: Request, pk: int) -> Response:
        """List what people laid over the samples of a device, and what was taken back."""
        device = selectors.device_to_repair(user=self.person, pk=pk)
        rows = [row for row, _point in selectors.repairs_of(user=self.person, device=device)]
        return self.shown({"results": rows}, RepairRows)

    @extend_schema(
        operation_id="devices_repair",
        request=RepairBody,
        responses={200: RepairPreview, 201: RepairRow},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Set samples right; with `dry_run` only say what they would be. What came stays."""
        device = selectors.device_to_repair(user=self.person, pk=pk)
        given = self.given(request, RepairBody)
        is_dry = given.pop("dry_run")
        points = selectors.points_to_repair(user=self.person, device=device)
        point = next((one for one in points if one.code == given["point"]), None)
        if point is None:
            raise Invalid(fields={"point": [_("设备没有此测点。")]})
        given |= {
            "point": point,
            "kind": RepairKind(given["kind"]),
            "values": {round(one["at"].timestamp() * 1e6): one["value"] for one in given["values"]},
        }
        wanted, now = Wanted(**given), timezone.now()
        if is_dry:
            lines = repairs.preview(wanted=wanted, now=now)
            facts = {"total": len(lines), "samples": lines[:MOST_TOLD]}
            return self.shown(facts, RepairPreview)
        row = repairs.repair(wanted=wanted, by=self.person, now=now)
        return self.shown(row, RepairRow, status=201)


class RepairUndoEndpoint(Endpoint):
    """The way back."""

    @extend_schema(operation_id="repairs_undo", request=UndoBody, responses=RepairRow)
    def post(self, request: Request, pk: int) -> Response:
        """Take a repair back, with a reason; its row stays."""
        row = selectors.repair_for(user=self.person, pk=pk)
        reason = self.given(request, UndoBody)["reason"]
        row = repairs.undo_repair(repair=row, reason=reason, by=self.person, now=timezone.now())
        return self.shown(row, RepairRow)
