"""REST: derived points of a site, what they are made of, their values."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, FlagField, MomentField, NumberField, Row, TextField
from devices import selectors
from devices.api.values import GapRow, SeriesQuery, period_of
from devices.drivers.formulas import LONGEST
from devices.models import DerivedPoint
from devices.selectors import FormulaPoint, Present
from devices.services import derived
from sites import selectors as site_selectors
from sites.api.references import SiteReference
from sites.rules import Ability

_EXAMPLE = OpenApiExample(
    "Losses of a transformer",
    request_only=True,
    value={"name": "Transformer loss", "formula": "d12:P - d13:P"},
)


class DerivedInputRow(serializers.Serializer[Any]):
    """A word of the formula, and what it means; the name is empty when that is gone."""

    word = serializers.CharField()
    name = serializers.CharField()


class DerivedRow(Row):
    """A derived point; `fault` says why it cannot be calculated, empty when it can.

    `id` is what formulas call it, and its id among points of curves.
    """

    id = serializers.CharField(source="row.word", help_text="`x<number>`")
    number = serializers.IntegerField(source="row.pk")
    site: Any = SiteReference(source="row.site")
    name = serializers.CharField(source="row.label")
    formula = serializers.CharField(source="row.formula")
    unit = serializers.CharField(source="row.unit")
    decimals = serializers.IntegerField(source="row.decimals")
    is_active = serializers.BooleanField(source="row.is_active")
    inputs = serializers.SerializerMethodField()
    fault = serializers.CharField()
    updated_at = MomentField(source="row.updated_at")

    class Meta:
        model = DerivedPoint
        fields = [
            "id",
            "number",
            "site",
            "name",
            "formula",
            "unit",
            "decimals",
            "is_active",
            "inputs",
            "fault",
            "updated_at",
        ]

    @extend_schema_field(DerivedInputRow(many=True))
    def get_inputs(self, point: FormulaPoint) -> Any:
        rows = [{"word": word, "name": name} for word, name in point.parts]
        return DerivedInputRow(rows, many=True).data


class DerivedPresent(serializers.Serializer[Any]):
    """Its value now; `at` and `age_s` are those of its oldest input, `missing` one without a value.

    `is_stale`: older than two periods of collecting.
    """

    value = NumberField(allow_null=True)
    at = MomentField(allow_null=True)
    age_s = NumberField(allow_null=True)
    is_stale = serializers.BooleanField()
    missing = serializers.CharField()


class DerivedDetail(DerivedRow):
    """A derived point with its value now; that is null when it cannot be calculated."""

    latest = serializers.SerializerMethodField()

    class Meta(DerivedRow.Meta):
        fields = [*DerivedRow.Meta.fields, "latest"]

    @extend_schema_field(DerivedPresent(allow_null=True))
    def get_latest(self, point: FormulaPoint) -> Any:
        found: dict[str, Present] = selectors.present_of([point], now=timezone.now())
        return DerivedPresent(found[point.id]).data if point.id in found else None


class DerivedRows(serializers.Serializer[Any]):
    """All derived points of a site that the caller may see, by name."""

    results = DerivedRow(many=True)


class DerivedChange(Body):
    """Facts to change; the unit follows from the formula when it is empty."""

    name = TextField(max_length=120, required=False)
    name_en = TextField(max_length=160, required=False, allow_blank=True)
    formula = TextField(max_length=LONGEST, required=False)
    unit = TextField(max_length=16, required=False, allow_blank=True)
    decimals = serializers.IntegerField(min_value=0, max_value=6, required=False)
    is_active = FlagField(required=False)


class DerivedBody(DerivedChange):
    """A new derived point."""

    name = TextField(max_length=120)
    formula = TextField(
        max_length=LONGEST,
        help_text="`+ - * /`, brackets, numbers, `abs sqrt min max sum mean`; points of devices of "
        "the site as `d<device id>:<code>`, other derived points as `x<number>`.",
    )


class DerivedSeries(serializers.Serializer[Any]):
    """Values over time as those of a device's point; `note` says when they are of means, or why none."""

    id = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField()
    from_s = NumberField()
    to_s = NumberField()
    note = serializers.CharField()
    is_reduced = serializers.BooleanField()
    at_s = serializers.ListField(child=NumberField())
    value = serializers.ListField(child=NumberField(allow_null=True))
    minimum = serializers.ListField(child=NumberField(allow_null=True))
    maximum = serializers.ListField(child=NumberField(allow_null=True))
    gaps = GapRow(many=True)


class DerivedSeriesQuery(SeriesQuery):
    """From when to when, how many values at most."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        del fields["points"]
        return fields


class SiteDerivedEndpoint(Endpoint):
    """Derived points of one site."""

    @extend_schema(operation_id="derived_points_list", responses=DerivedRows)
    def get(self, request: Request, pk: int) -> Response:
        """List what is calculated at a site; without what is of data that the caller may not see."""
        site = site_selectors.site_for(user=self.person, pk=pk)
        points = selectors.derived_points(user=self.person, site=site)
        return self.shown({"results": points}, DerivedRows)

    @extend_schema(
        operation_id="derived_points_create",
        request=DerivedBody,
        responses={201: DerivedDetail},
        examples=[_EXAMPLE],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Make a derived point; a formula that is refused names the position."""
        site = site_selectors.site_for(user=self.person, pk=pk, ability=Ability.MANAGE_SITE)
        facts = self.given(request, DerivedBody)
        row = derived.create_derived(site=site, facts=facts, by=self.person)
        return self.shown(
            selectors.derived_for(user=self.person, pk=row.pk), DerivedDetail, status=201
        )


class DerivedEndpoint(Endpoint):
    """One derived point."""

    @extend_schema(operation_id="derived_points_retrieve", responses=DerivedDetail)
    def get(self, request: Request, pk: int) -> Response:
        """Show a derived point with its value now."""
        return self.shown(selectors.derived_for(user=self.person, pk=pk), DerivedDetail)

    @extend_schema(
        operation_id="derived_points_partial_update",
        request=DerivedChange,
        responses=DerivedDetail,
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change a derived point, or take it up again; refused when others would fail by it."""
        point = selectors.derived_for(user=self.person, pk=pk, ability=Ability.MANAGE_SITE)
        facts = self.given(request, DerivedChange)
        derived.change_derived(row=point.row, facts=facts, by=self.person)
        return self.shown(selectors.derived_for(user=self.person, pk=pk), DerivedDetail)

    @extend_schema(operation_id="derived_points_destroy", request=None, responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Retire a derived point: it is calculated no more; refused while others use it."""
        point = selectors.derived_for(user=self.person, pk=pk, ability=Ability.MANAGE_SITE)
        derived.retire_derived(row=point.row, by=self.person)
        return Response(status=204)


class DerivedSeriesEndpoint(Endpoint):
    """Values of one derived point over time."""

    parameters = frozenset({"from", "to", "max_points"})

    @extend_schema(
        operation_id="derived_points_series",
        parameters=[DerivedSeriesQuery],
        responses=DerivedSeries,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Show its values over up to 92 days; peaks are kept, gaps are named."""
        point = selectors.derived_for(user=self.person, pk=pk)
        asked = self.asked(request, DerivedSeriesQuery)
        start, end = period_of(asked, timezone.now())
        row, note = selectors.derived_curve(
            point, start=start, end=end, max_points=asked["max_points"]
        )
        answer = {
            "id": point.id,
            "name": point.name,
            "unit": point.row.unit,
            "from_s": start.timestamp(),
            "to_s": end.timestamp(),
            "note": note,
            "is_reduced": row.is_reduced,
            "at_s": [round(at, 3) for at in row.at],
            "value": _told(row.value),
            "minimum": _told(row.minimum),
            "maximum": _told(row.maximum),
            "gaps": [{"from_s": begin, "to_s": until} for begin, until in row.gaps],
        }
        return self.shown(answer, DerivedSeries)


def _told(values: Sequence[float | None]) -> list[float | None]:
    """Single precision is what values are stored in."""
    return [None if value is None else float(f"{value:.7g}") for value in values]
