"""REST: master data as spreadsheets; each request starts a background job."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, TextField, asked_as
from core.parsers import FilesParser
from sites.api.jobs import JobDetail
from sites.resources import books, works
from sites.resources.sheets import every_sheet

_KINDS_HELP = "enterprises, sites, rooms, transformers, circuits, gateways, buses, devices"


class SheetColumn(serializers.Serializer[Any]):
    """One column of a sheet."""

    code = serializers.CharField(help_text="Accepted as a header, as the labels are.")
    header = serializers.CharField(help_text="In the caller's language.")
    is_required = serializers.BooleanField()


class SheetRow(serializers.Serializer[Any]):
    """One kind of master data."""

    kind = serializers.CharField()
    title = serializers.CharField(help_text="In the caller's language.")
    columns = SheetColumn(many=True)


class SheetList(serializers.Serializer[Any]):
    """All kinds, in the order in which rows depend on each other."""

    results = SheetRow(many=True)


class ExportBody(Body):
    """What to export."""

    kinds = serializers.ListField(child=TextField(max_length=40), help_text=_KINDS_HELP)
    format = serializers.ChoiceField(choices=["xlsx", "csv"], default="xlsx")


class CheckBody(Body):
    """A workbook, or a .csv with its kind."""

    file = serializers.FileField(allow_empty_file=True)
    kind = TextField(max_length=40, required=False, default="", allow_blank=True)


class SheetsEndpoint(Endpoint):
    """The kinds of sheets."""

    @extend_schema(operation_id="sheets_list", responses=SheetList)
    def get(self, request: Request) -> Response:
        """List the sheets with their columns."""
        works.require_sheets(self.person)
        rows = [
            {
                "kind": sheet.key,
                "title": sheet.label,
                "columns": [
                    {"code": c.name, "header": c.header, "is_required": c.is_required}
                    for c in sheet.columns
                ],
            }
            for sheet in every_sheet()
        ]
        return Response({"results": rows})


class SheetTemplateEndpoint(Endpoint):
    """The empty workbook."""

    renderer_classes = [asked_as(books.XLSX, "xlsx"), JSONRenderer]

    @extend_schema(
        operation_id="sheets_template", responses={(200, books.XLSX): OpenApiTypes.BINARY}
    )
    def get(self, request: Request) -> HttpResponse:
        """Fetch an empty workbook with hints and the choices to pick from."""
        works.require_sheets(self.person)
        content = books.template(every_sheet())
        return HttpResponse(content, content_type=books.XLSX)


class SheetExportsEndpoint(Endpoint):
    """Exports."""

    @extend_schema(
        operation_id="sheets_exports_create",
        request=ExportBody,
        responses={202: JobDetail},
        examples=[
            OpenApiExample(
                "Devices", request_only=True, value={"kinds": ["devices"], "format": "xlsx"}
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Start an export; the job's file is an import of the same rows."""
        works.require_sheets(self.person)
        given = self.given(request, ExportBody)
        job = works.ask_export(
            user=self.person,
            keys=given["kinds"],
            is_csv=given["format"] == "csv",
            now=timezone.now(),
        )
        return self.shown(job, JobDetail, status=202)


class SheetChecksEndpoint(Endpoint):
    """Dry runs."""

    parser_classes = [FilesParser]

    @extend_schema(
        operation_id="sheets_checks_create", request=CheckBody, responses={202: JobDetail}
    )
    def post(self, request: Request) -> Response:
        """Compare a file with what is stored; nothing is written before it is confirmed."""
        works.require_sheets(self.person)
        given = self.given(request, CheckBody)
        file = given["file"]
        job = works.ask_check(
            user=self.person, file=file, name=file.name, kind=given["kind"], now=timezone.now()
        )
        return self.shown(job, JobDetail, status=202)


class SheetConfirmEndpoint(Endpoint):
    """Confirming a dry run."""

    @extend_schema(operation_id="sheets_confirm", request=None, responses={202: JobDetail})
    def post(self, request: Request, pk: int) -> Response:
        """Import what the dry run of this job showed, all or nothing."""
        job = works.ask_import(user=self.person, check_id=pk, now=timezone.now())
        return self.shown(job, JobDetail, status=202)
