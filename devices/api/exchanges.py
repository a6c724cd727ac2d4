"""REST: the meter of a measuring position is exchanged, and the way back."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, FlagField, IdField, MomentField, NumberField, TextField
from core.errors import Invalid
from devices import selectors
from devices.forms import COUNTERS
from devices.models import MeterExchange, TemplateVersion
from devices.services import exchanges
from devices.states import VersionState


class Displays(Body):
    """What displays show, by counter; not multiplied by ratios."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {code: NumberField(required=False, min_value=0, max_value=1e12) for code in COUNTERS}


class ExchangeBody(Body):
    """last: displays of the old meter, first: of the new one. What is missing stays as it is."""

    at = MomentField()
    serial = TextField(max_length=60)
    reason = TextField(max_length=200)
    last = Displays(required=False, default=dict)
    first = Displays(required=False, default=dict)
    rolls_at = NumberField(
        required=False, allow_null=True, default=None, min_value=1, max_value=1e12
    )
    template_version = IdField(required=False, allow_null=True, default=None)
    ct = NumberField(required=False, allow_null=True, default=None, min_value=0.001, max_value=1e6)
    pt = NumberField(required=False, allow_null=True, default=None, min_value=0.001, max_value=1e6)
    dry_run = FlagField(default=False)


class MonthRow(serializers.Serializer[Any]):
    """Imported energy of the month of the exchange, without and with it."""

    before_kwh = NumberField(allow_null=True)
    after_kwh = NumberField(allow_null=True)
    is_whole = serializers.BooleanField()


class ExchangeRow(serializers.Serializer[Any]):
    """One exchange."""

    id = serializers.IntegerField(source="pk")
    device_id = serializers.IntegerField()
    at = MomentField()
    removed_serial = serializers.CharField(source="removed.serial")
    serial = serializers.CharField()
    reason = serializers.CharField()
    by = serializers.CharField(source="by.username", allow_null=True, default=None)
    recorded_at = MomentField()
    undone_at = MomentField(allow_null=True)
    undone_by = serializers.CharField(source="undone_by.username", allow_null=True, default=None)
    last = serializers.SerializerMethodField()
    first = serializers.SerializerMethodField()

    def get_last(self, row: MeterExchange) -> dict[str, float]:
        return _shown(row.removed.readings.select_related("point"), "last")

    def get_first(self, row: MeterExchange) -> dict[str, float]:
        return (
            _shown(row.installed.readings.select_related("point"), "first") if row.installed else {}
        )


class ExchangeRows(serializers.Serializer[Any]):
    """All exchanges of a device, the newest first."""

    results = ExchangeRow(many=True)


class ExchangesEndpoint(Endpoint):
    """Exchanges of one device."""

    @extend_schema(operation_id="devices_exchanges_list", responses=ExchangeRows)
    def get(self, request: Request, pk: int) -> Response:
        """List which meters were put in place of which, with what both displays showed."""
        device = selectors.device_to_commission(user=self.person, pk=pk)
        return self.shown({"results": selectors.exchanges_of(device)}, ExchangeRows)

    @extend_schema(
        operation_id="devices_exchange",
        request=ExchangeBody,
        responses={200: MonthRow, 201: ExchangeRow},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Exchange the meter; with `dry_run` only say what the month's energy would be."""
        device = selectors.device_to_commission(user=self.person, pk=pk)
        given = self.given(request, ExchangeBody)
        is_dry = given.pop("dry_run")
        given["template_version"] = _version(given["template_version"])
        wanted = exchanges.Exchange(**given)
        now = timezone.now()
        if is_dry:
            month = exchanges.preview(device=device, exchange=wanted, now=now)
            return self.shown(month, MonthRow)
        row = exchanges.exchange_meter(device=device, exchange=wanted, by=self.person, now=now)
        return self.shown(row, ExchangeRow, status=201)


class UndoEndpoint(Endpoint):
    """The way back."""

    @extend_schema(operation_id="exchanges_undo", request=None, responses=ExchangeRow)
    def post(self, request: Request, pk: int) -> Response:
        """Put back the old meter, template version and ratios; the record stays."""
        row = selectors.exchange_for(user=self.person, pk=pk)
        row = exchanges.undo_exchange(exchange=row, by=self.person, now=timezone.now())
        return self.shown(row, ExchangeRow)


def _version(pk: int | None) -> TemplateVersion | None:
    if pk is None:
        return None
    row = TemplateVersion.objects.filter(pk=pk, state=VersionState.PUBLISHED).first()
    if row is None:
        raise Invalid(fields={"template_version": [_("没有此模板版本。")]})
    return row


def _shown(readings: Any, end: str) -> dict[str, float]:
    pairs = ((row.point.code, getattr(row, end)) for row in readings)
    return {code: reading for code, reading in pairs if reading is not None}
