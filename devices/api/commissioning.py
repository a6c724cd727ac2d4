"""REST: read a device on trial, accept it, take the acceptance back."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, IdField, MomentField, NumberField, TextField
from core.errors import Invalid
from devices import selectors
from devices.drivers.orders import ORDERS
from devices.forms import TrialForm
from devices.models import Acceptance, Device, TrialRead
from devices.services import commissioning


class TrialBody(Body):
    """What to try; what is missing is as the device has it.

    clamp_a: the largest phase current as a clamp meter shows it at the primary side.
    """

    template_version = IdField(required=False)
    bus = IdField(required=False)
    unit_id = serializers.IntegerField(required=False, min_value=1, max_value=247)
    clamp_a = NumberField(
        required=False, allow_null=True, default=None, min_value=0.001, max_value=100_000
    )


class AcceptBody(Body):
    """seen_at: `read_at` of the trial that is accepted. note: needed when a check objects."""

    seen_at = MomentField()
    note = TextField(required=False, default="", allow_blank=True, max_length=200)


class WithdrawBody(Body):
    """Why."""

    reason = TextField(max_length=200)


class CheckRow(serializers.Serializer[Any]):
    """One check with its verdict, passed, failed or unknown, and what it saw."""

    check = serializers.CharField()
    name = serializers.CharField(source="label")
    verdict = serializers.CharField()
    words = serializers.CharField()


class OrderValues(serializers.Serializer[Any]):
    """The value in each word order, at the primary side; null where there is none."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name: NumberField(allow_null=True) for name in ORDERS}


class TrialPoint(serializers.Serializer[Any]):
    """One point: its words, what they mean in each order, and where it can lie."""

    code = serializers.CharField()
    unit = serializers.CharField()
    words = serializers.ListField(child=serializers.IntegerField())
    orders = OrderValues()
    used = serializers.CharField(help_text="Word order of the template.")
    value = NumberField(allow_null=True)
    low = NumberField(allow_null=True)
    high = NumberField(allow_null=True)
    fits = serializers.BooleanField(allow_null=True)


class TrialRow(serializers.Serializer[Any]):
    """What a read on trial showed; `error` says why there is nothing."""

    device_id = serializers.IntegerField()
    read_at = MomentField()
    template_version_id = serializers.IntegerField()
    bus_id = serializers.IntegerField(allow_null=True)
    unit_id = serializers.IntegerField()
    ct = NumberField()
    pt = NumberField()
    clamp_a = NumberField(allow_null=True)
    error = serializers.CharField()
    proposed_ct = NumberField(allow_null=True)
    proposed_pt = NumberField(allow_null=True)
    checks = CheckRow(many=True)
    points = TrialPoint(many=True)


class AcceptanceRow(serializers.Serializer[Any]):
    """An acceptance, with what was seen."""

    id = serializers.IntegerField(source="pk")
    device_id = serializers.IntegerField()
    accepted_at = MomentField()
    accepted_by = serializers.CharField(
        allow_null=True, source="accepted_by.username", default=None
    )
    note = serializers.CharField()
    read_at = MomentField()
    template_version_id = serializers.IntegerField()
    unit_id = serializers.IntegerField()
    ct = NumberField()
    pt = NumberField()
    checks = serializers.SerializerMethodField()
    withdrawn_at = MomentField(allow_null=True)
    withdrawn_by = serializers.CharField(
        allow_null=True, source="withdrawn_by.username", default=None
    )
    withdrawn_reason = serializers.CharField()

    @extend_schema(responses=CheckRow(many=True))
    def get_checks(self, row: Acceptance) -> list[dict[str, Any]]:
        return [dict(CheckRow(line).data) for line in selectors.check_lines(row)]


class AcceptanceRows(serializers.Serializer[Any]):
    """All acceptances of a device, the newest first."""

    results = AcceptanceRow(many=True)


class TrialEndpoint(Endpoint):
    """Reading on trial."""

    @extend_schema(operation_id="devices_trial", request=TrialBody, responses=TrialRow)
    def post(self, request: Request, pk: int) -> Response:
        """Read a device on trial, also at another address or with another template version.

        Nothing is stored as data. Of a device that a source sends, its newest sample is judged. A device that does not answer is a result with its `error`.
        """
        device = selectors.device_to_commission(user=self.person, pk=pk)
        given = self.given(request, TrialBody)
        if device.bus_id is None:
            trial = commissioning.look_at_latest(device=device, by=self.person, now=timezone.now())
            return self.shown(_trial(device, trial), TrialRow)
        own = {
            "template_version": device.template_version_id,
            "bus": device.bus_id,
            "unit_id": device.unit_id,
        }
        form = TrialForm(own | {k: v for k, v in given.items() if v is not None}, device=device)
        if not form.is_valid():
            fields = {name: [str(e) for e in errors] for name, errors in form.errors.items()}
            raise Invalid(fields=fields)
        trial = commissioning.try_read(
            device=device, setting=form.setting(), by=self.person, now=timezone.now()
        )
        return self.shown(_trial(device, trial), TrialRow)


class AcceptancesEndpoint(Endpoint):
    """Acceptances of one device."""

    @extend_schema(operation_id="devices_acceptances_list", responses=AcceptanceRows)
    def get(self, request: Request, pk: int) -> Response:
        """List who accepted the device, when, and having seen what."""
        device = selectors.device_to_commission(user=self.person, pk=pk)
        return self.shown({"results": selectors.acceptances_of(device)}, AcceptanceRows)

    @extend_schema(
        operation_id="devices_accept", request=AcceptBody, responses={201: AcceptanceRow}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Accept a device as its latest trial showed it; it counts for the connection rate."""
        device = selectors.device_to_commission(user=self.person, pk=pk)
        given = self.given(request, AcceptBody)
        row = commissioning.accept(device=device, by=self.person, now=timezone.now(), **given)
        return self.shown(row, AcceptanceRow, status=201)


class WithdrawEndpoint(Endpoint):
    """Taking one back."""

    @extend_schema(
        operation_id="acceptances_withdraw", request=WithdrawBody, responses=AcceptanceRow
    )
    def post(self, request: Request, pk: int) -> Response:
        """Withdraw an acceptance with a reason; the record stays."""
        row = selectors.acceptance_for(user=self.person, pk=pk)
        reason = self.given(request, WithdrawBody)["reason"]
        row = commissioning.withdraw(
            acceptance=row, reason=reason, by=self.person, now=timezone.now()
        )
        return self.shown(row, AcceptanceRow)


def _trial(device: Device, trial: TrialRead) -> dict[str, Any]:
    names = ("read_at", "template_version_id", "bus_id", "unit_id", "ct", "pt", "clamp_a", "error")
    ct, pt = selectors.proposed_ratio(trial) or (None, None)
    return {
        "device_id": device.pk,
        **{name: getattr(trial, name) for name in names},
        "proposed_ct": ct,
        "proposed_pt": pt,
        "checks": selectors.check_lines(trial),
        "points": [_point(one) for one in trial.points],
    }


def _point(one: dict[str, Any]) -> dict[str, Any]:
    low, high = one["range"] or (None, None)
    orders = {name: one["values"].get(name) for name in ORDERS}
    return {**one, "orders": orders, "low": low, "high": high}
