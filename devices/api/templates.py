"""REST: device templates, their versions, what differs, files, and moving devices between versions."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import (
    Endpoint,
    ListEndpoint,
    asked_as,
)
from core.errors import Forbidden, Invalid, NotFound
from core.parsers import FilesParser
from core.sheets import XLSX_TYPE
from devices import selectors
from devices.api.template_rows import (
    CloneBody,
    DifferenceQuery,
    DifferenceRow,
    ImportBody,
    ImportRow,
    RetireBody,
    TemplateDetail,
    TemplateMoveBody,
    TemplateMoved,
    TemplateRow,
    VersionDetail,
)
from devices.filters import TemplateFilter
from devices.forms.templates import LONGEST_TEMPLATE_BYTES
from devices.models import DeviceTemplate
from devices.services import template_books, template_drafts, template_moves
from sites.models import User, access_for
from sites.rules import Ability

YAML_TYPE = "application/yaml"


class TemplatesEndpoint(ListEndpoint):
    """The library."""

    serializer_class = TemplateRow
    filterset_class = TemplateFilter
    queryset = DeviceTemplate.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return selectors.library(user=self.person)

    @extend_schema(operation_id="templates_list")
    def get(self, request: Request) -> Response:
        """List device templates with their newest version and use."""
        return super().get(request)


class TemplateEndpoint(Endpoint):
    """One template."""

    @extend_schema(operation_id="templates_retrieve", responses=TemplateDetail)
    def get(self, request: Request, key: str) -> Response:
        """Show a template and its versions."""
        return self.shown(_template(self.person, key), TemplateDetail)


class TemplateRetireEndpoint(Endpoint):
    """In the choice or not."""

    @extend_schema(operation_id="templates_retire", request=RetireBody, responses=TemplateDetail)
    def post(self, request: Request, key: str) -> Response:
        """Take a version, or all, out of the choice for devices or bring it back; devices stay."""
        selectors.require_library(self.person)
        template = selectors.template_for(key=key)
        given = self.given(request, RetireBody)
        number = given["version"]
        template_moves.set_retired(
            template=template,
            is_retired=given["is_retired"],
            version=selectors.version_for(key=key, number=number) if number else None,
        )
        return self.shown(_template(self.person, key), TemplateDetail)


class TemplateCloneEndpoint(Endpoint):
    """The same map once more."""

    @extend_schema(
        operation_id="templates_versions_clone", request=CloneBody, responses={201: VersionDetail}
    )
    def post(self, request: Request, key: str, number: int) -> Response:
        """Make a new template whose first version has the same registers."""
        selectors.require_library(self.person)
        version = selectors.version_for(key=key, number=number)
        made = template_drafts.clone(version=version, **self.given(request, CloneBody))
        return self.shown(made, VersionDetail, status=201)


def _template(user: User, key: str) -> DeviceTemplate:
    template = selectors.library(user=user).filter(key=key).first()
    if template is None:
        raise NotFound
    return template


class TemplateVersionEndpoint(Endpoint):
    """One version."""

    @extend_schema(operation_id="templates_versions_retrieve", responses=VersionDetail)
    def get(self, request: Request, key: str, number: int) -> Response:
        """Show the registers of a version."""
        return self.shown(selectors.version_for(key=key, number=number), VersionDetail)


class TemplateDifferenceEndpoint(Endpoint):
    """Two versions."""

    parameters = frozenset({"before", "after"})

    @extend_schema(
        operation_id="templates_difference_retrieve",
        parameters=[DifferenceQuery],
        responses=DifferenceRow,
    )
    def get(self, request: Request, key: str) -> Response:
        """Compare two versions of a template field by field."""
        asked = self.asked(request, DifferenceQuery)
        before = selectors.version_for(key=key, number=asked["before"])
        after = selectors.version_for(key=key, number=asked["after"])
        return self.shown(template_drafts.difference_of(before, after), DifferenceRow)


class TemplateYamlEndpoint(Endpoint):
    """A version as text."""

    renderer_classes = [asked_as(YAML_TYPE, "yaml"), JSONRenderer]

    @extend_schema(
        operation_id="templates_versions_yaml", responses={(200, YAML_TYPE): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, key: str, number: int) -> HttpResponse:
        """Fetch a version as YAML; importing it again changes nothing."""
        version = selectors.version_for(key=key, number=number)
        text = template_drafts.text_of(version)
        return HttpResponse(text, content_type=f"{YAML_TYPE}; charset=utf-8")


class TemplateBookEndpoint(Endpoint):
    """A version as a workbook."""

    renderer_classes = [asked_as(XLSX_TYPE, "xlsx"), JSONRenderer]

    @extend_schema(
        operation_id="templates_versions_xlsx", responses={(200, XLSX_TYPE): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, key: str, number: int) -> HttpResponse:
        """Fetch a version as a workbook; importing it again changes nothing."""
        version = selectors.version_for(key=key, number=number)
        return HttpResponse(template_books.workbook(version), content_type=XLSX_TYPE)


class TemplateImportsEndpoint(Endpoint):
    """New versions."""

    parser_classes = [FilesParser]

    @extend_schema(
        operation_id="templates_imports_create",
        request=ImportBody,
        responses={200: ImportRow, 201: ImportRow},
    )
    def post(self, request: Request) -> Response:
        """Check a file, tell every fault and the difference; without dry run publish it."""
        selectors.require_library(self.person)
        given = self.given(request, ImportBody)
        file = given["file"]
        if file.size > LONGEST_TEMPLATE_BYTES:
            raise Invalid(fields={"file": [str(template_books.TOO_LARGE)]})
        draft = template_books.draft_of_file(file.read(), name=file.name)
        if given["dry_run"] == "true":
            return self.shown(_import_row(draft, None), ImportRow)
        if draft.faults:
            words = [f"{fault.place} {fault.field}: {fault.words}" for fault in draft.faults]
            raise Invalid(fields={"file": words})
        made = template_drafts.publish(text=draft.text, seen=given.get("seen", draft.seen))
        row = _import_row(draft, made.version.number)
        return self.shown(row, ImportRow, status=201 if made.is_new else 200)


def _import_row(draft: template_drafts.Draft, number: int | None) -> dict[str, Any]:
    return {
        "template": draft.template.key if draft.template else None,
        "version": number,
        "seen": draft.seen,
        "makes_version": draft.makes_version,
        "faults": draft.faults,
        "words": draft.changes,
        "difference": draft.difference,
    }


class TemplateMoveEndpoint(Endpoint):
    """Devices go to another version."""

    @extend_schema(
        operation_id="templates_move",
        request=TemplateMoveBody,
        responses=TemplateMoved,
        examples=[
            OpenApiExample(
                "Two devices",
                request_only=True,
                value={"from_version": 1, "to_version": 2, "devices": [7, 8]},
            )
        ],
    )
    def post(self, request: Request, key: str) -> Response:
        """Move devices of sites that the caller maintains to another version, all or none."""
        if not access_for(self.person).has_anywhere(Ability.MANAGE_SITE):
            raise Forbidden
        given = self.given(request, TemplateMoveBody)
        version = selectors.version_for(key=key, number=given["from_version"])
        target = selectors.version_for(key=key, number=given["to_version"])
        facts: dict[str, Any] = {"version": version, "target": target, "by": self.person}
        find = template_moves.found_to_move if given["dry_run"] else template_moves.move_devices
        moved = find(**facts, device_ids=given["devices"], now=timezone.now())
        row = {"devices": moved, "difference": template_drafts.difference_of(version, target)}
        return self.shown(row, TemplateMoved)
