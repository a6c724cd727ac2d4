"""REST: curves as a table in slots of time, and the whole of it as a file."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import sheets
from core.endpoints import Endpoint, MomentField, NumberField
from core.errors import Invalid
from devices.api.values import QUALITIES
from reports.api.curves import PeriodQuery, address_of
from reports.selectors.curve_query import query_of
from reports.selectors.curve_table import PAGE_ROWS, RAW, STEPS, Block, CurveTable, clock, known
from reports.services.curve_sheets import ask_sheet
from sites.api.jobs import JobDetail

_STEPS_HELP = (
    "Length of a row; chosen by the period when not given. Instants are means of a row's samples, "
    "counters and states the last one."
)


class TableQuery(PeriodQuery):
    """Which table, and which page of it."""

    step = serializers.ChoiceField(choices=list(STEPS), required=False, help_text=_STEPS_HELP)
    page = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False, default=1)


class TableColumnRow(serializers.Serializer[Any]):
    """A point, or a total of several: `parts` says of how many.

    `note`: why a derived point has no values.
    """

    id = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField()
    is_total = serializers.BooleanField()
    parts = serializers.IntegerField()
    note = serializers.CharField()


class TableCellRow(serializers.Serializer[Any]):
    """A value; null when there is none, never zero in its place.

    `count`: samples behind it, of a total the parts that were there; with less than all of them the
    total is not whole. `quality`: what has to be said of samples of its stretch: some were invalid
    (`bad`), left out (`suspect`) or put in by people (`substituted`).
    """

    value = NumberField(allow_null=True)
    count = serializers.IntegerField()
    is_whole = serializers.BooleanField()
    quality = serializers.ListField(child=serializers.ChoiceField(choices=QUALITIES))
    compared = NumberField(allow_null=True)


class TableLineRow(serializers.Serializer[Any]):
    """A row: where its stretch of time begins, and a cell per column."""

    at = MomentField()
    cells = TableCellRow(many=True)


class TableAnswer(serializers.Serializer[Any]):
    """A page of a table; `next_page` is null on the last one."""

    zone = serializers.CharField()
    step = serializers.CharField()
    columns = TableColumnRow(many=True)
    rows = TableLineRow(many=True)
    next_page = serializers.IntegerField(allow_null=True)


class CurvesTableEndpoint(Endpoint):
    """Several points side by side."""

    parameters = frozenset({"points", "range", "from", "to", "compare", "step", "totals", "page"})

    @extend_schema(operation_id="curves_table", parameters=[TableQuery], responses=TableAnswer)
    def get(self, request: Request) -> Response:
        """Show curves as a table, a hundred rows a page, with comparison and totals."""
        asked, now = self.asked(request, TableQuery), timezone.now()
        query = query_of(user=self.person, given=address_of(asked, now), now=now)
        if not query.points:
            raise Invalid(fields={"points": ["<device id>:<code>"]})
        table = CurveTable(query, step=asked.get("step", ""))
        first = (asked["page"] - 1) * PAGE_ROWS
        blocks = table.blocks(first, PAGE_ROWS) if first < table.rows else ()
        answer = {
            "zone": query.zone,
            "step": table.step,
            "columns": table.columns,
            "rows": [line for block in blocks for line in _lines(table, block)],
            "next_page": asked["page"] + 1 if first + PAGE_ROWS < table.rows else None,
        }
        return self.shown(answer, TableAnswer)


def _lines(table: CurveTable, block: Block) -> list[dict[str, Any]]:
    on_clock = clock(table.query.zone)
    found = []
    for line, at in enumerate(block.at.tolist()):
        cells = []
        for place, column in enumerate(table.columns):
            count = int(block.count[line, place])
            compared = None if block.compared is None else known(block.compared[line, place])
            cells.append(
                {
                    "value": known(block.value[line, place]),
                    "count": count,
                    "is_whole": count >= column.parts,
                    "quality": [one.name.lower() for one in block.said(line, place)],
                    "compared": compared,
                }
            )
        found.append({"at": on_clock(at), "cells": cells})
    return found


class SheetBody(PeriodQuery):
    """Which table, as which kind of file."""

    step = serializers.ChoiceField(
        choices=[RAW, *STEPS],
        required=False,
        help_text=f"{_STEPS_HELP} `raw`: every sample as it was stored, with its quality.",
    )
    format = serializers.ChoiceField(choices=sheets.FORMATS, required=False, default="csv")


class CurvesSheetsEndpoint(Endpoint):
    """Files of curves."""

    @extend_schema(
        operation_id="curves_sheets_create", request=SheetBody, responses={202: JobDetail}
    )
    def post(self, request: Request) -> Response:
        """Have a table of any length made as CSV or XLSX by a background job."""
        asked, now = self.given(request, SheetBody), timezone.now()
        query = query_of(user=self.person, given=address_of(asked, now), now=now)
        job = ask_sheet(
            user=self.person,
            query=query,
            step=asked.get("step", ""),
            kind=asked["format"],
            now=now,
        )
        return self.shown(job, JobDetail, status=202)


urlpatterns = [
    path("curves/table/", CurvesTableEndpoint.as_view(), name="api-curves-table"),
    path("curves/sheets/", CurvesSheetsEndpoint.as_view(), name="api-curves-sheets"),
]
