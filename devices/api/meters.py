"""REST: many equal meters behind one gateway."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, FlagField, IdField, TextField
from core.errors import Invalid
from devices import selectors
from devices.forms import MetersForm
from devices.services import batches
from sites.rules import Ability


class MetersBody(Body):
    """What is wanted; a run of # in `name` and `code` is the number."""

    template_version = IdField()
    bus = IdField()
    first_address = serializers.IntegerField(min_value=1, max_value=batches.LAST_ADDRESS)
    count = serializers.IntegerField(min_value=1, max_value=batches.MOST_METERS)
    name = TextField(max_length=100)
    code = TextField(max_length=36, required=False, default="", allow_blank=True)
    first_number = serializers.IntegerField(min_value=0, max_value=9999, default=1)
    room = IdField(required=False, allow_null=True, default=None)
    first_circuit = IdField(required=False, allow_null=True, default=None)
    ct = serializers.FloatField(required=False, allow_null=True, default=None, min_value=0.001)
    pt = serializers.FloatField(required=False, allow_null=True, default=None, min_value=0.001)
    dry_run = FlagField(default=False)


class PlannedMeter(serializers.Serializer[Any]):
    """One device as it is, or would be, made."""

    id = serializers.IntegerField(allow_null=True, source="device.pk")
    name = serializers.CharField(source="device.name")
    code = serializers.CharField(source="device.code")
    unit_id = serializers.IntegerField(source="device.unit_id")
    circuit_id = serializers.IntegerField(allow_null=True, source="device.circuit_id")
    problems = serializers.ListField(child=serializers.CharField())


class PlannedMeters(serializers.Serializer[Any]):
    """The devices of a batch."""

    results = PlannedMeter(many=True)


class MetersEndpoint(Endpoint):
    """Adding many equal meters."""

    @extend_schema(
        operation_id="gateways_meters_create",
        request=MetersBody,
        responses={200: PlannedMeters, 201: PlannedMeters},
        examples=[
            OpenApiExample(
                "Fifty meters, looked at first",
                request_only=True,
                value={
                    "template_version": 1,
                    "bus": 1,
                    "first_address": 1,
                    "count": 50,
                    "name": "3AP-##",
                    "dry_run": True,
                },
            )
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Make equal devices at consecutive addresses, all or none; with `dry_run` only say which."""
        gateway = selectors.gateway_for(user=self.person, pk=pk, ability=Ability.MANAGE_SITE)
        given = self.given(request, MetersBody)
        is_dry = given.pop("dry_run")
        form = MetersForm({k: v for k, v in given.items() if v is not None}, gateway=gateway)
        if not form.is_valid():
            fields = {name: [str(e) for e in errors] for name, errors in form.errors.items()}
            raise Invalid(fields=fields)
        batch = form.batch()
        if is_dry:
            rows = batches.plan_meters(batch=batch)
        else:
            made = batches.add_meters(batch=batch, now=timezone.now())
            rows = [batches.Planned(device) for device in made]
        body = PlannedMeters({"results": rows}, context=self.get_serializer_context())
        return Response(body.data, status=200 if is_dry else 201)
