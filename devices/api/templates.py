"""REST: device templates, their versions, what differs, files, and moving devices between versions."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
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
    asked_as,
)
from core.errors import Forbidden, Invalid, NotFound
from core.parsers import FilesParser
from core.sheets import XLSX_TYPE
from devices import selectors
from devices.drivers.coverage import RANKS
from devices.drivers.differences import Difference
from devices.filters import TemplateFilter
from devices.forms import LONGEST_TEMPLATE_BYTES
from devices.models import DeviceTemplate, Register, TemplateVersion
from devices.services import template_books, template_drafts, template_moves
from devices.services.templates import document_facts
from sites.models import access_for
from sites.rules import Ability

_WORD_OF_RANK = {rank: word for word, rank in RANKS.items()}
YAML_TYPE = "application/yaml"
MOST_DEVICES = 10_000


class TemplateRow(Row):
    """A template; `version` is the newest in the choice, `confidence` that of its weakest register.

    Devices are those of the caller's sites; `behind_count` of them are on older versions.
    """

    version = serializers.IntegerField(source="newest_number", allow_null=True)
    point_count = serializers.IntegerField()
    device_count = serializers.IntegerField()
    behind_count = serializers.IntegerField()
    is_retired = serializers.BooleanField()
    confidence = serializers.SerializerMethodField()

    class Meta:
        model = DeviceTemplate
        fields = [
            "key",
            "vendor",
            "vendor_en",
            "model",
            "kind",
            "source",
            "is_simulated",
            "is_retired",
            "version",
            "point_count",
            "confidence",
            "device_count",
            "behind_count",
        ]

    @extend_schema_field(serializers.ChoiceField(choices=list(RANKS), allow_null=True))
    def get_confidence(self, template: Any) -> str | None:
        return None if template.rank is None else _WORD_OF_RANK[template.rank]


class VersionRow(Row):
    """A version and the caller's devices on it."""

    devices = serializers.SerializerMethodField()
    created_at = MomentField()

    class Meta:
        model = TemplateVersion
        fields = ["number", "state", "created_at", "devices"]

    def get_devices(self, version: TemplateVersion) -> int:
        return int(self.context["devices"].get(version.pk, 0))


class TemplateDetail(TemplateRow):
    """A template with its words and versions, the newest first."""

    versions = serializers.SerializerMethodField()

    class Meta(TemplateRow.Meta):
        fields = [*TemplateRow.Meta.fields, "description", "description_en", "versions"]

    @extend_schema_field(VersionRow(many=True))
    def get_versions(self, template: Any) -> Any:
        user = self.context["request"].user
        counts = selectors.devices_per_version(user=user, templates=[template.pk])
        rows = template.versions.order_by("-number")
        return VersionRow(rows, many=True, context={"devices": counts}).data


class RegisterRow(Row):
    """One register: stored = raw · factor + offset, in the point's unit."""

    point = serializers.CharField(source="point.code")
    stored_unit = serializers.CharField(source="point.unit")
    invalid = serializers.ListField(child=serializers.IntegerField())

    class Meta:
        model = Register
        fields = [
            "point",
            "stored_unit",
            "unit",
            "function_code",
            "address",
            "type",
            "bit",
            "byte_order",
            "word_order",
            "scale",
            "factor",
            "offset",
            "invalid",
            "minimum",
            "maximum",
            "poll_class",
            "confidence",
            "note",
        ]


class VersionDetail(Row):
    """A version: how it is read, and its registers. `confidence` says in words what is known of it."""

    template = serializers.CharField(source="template.key")
    forbidden = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="Function code, first and last address.",
    )
    defaults = serializers.DictField()
    confidence = serializers.SerializerMethodField()
    registers = serializers.SerializerMethodField()

    class Meta:
        model = TemplateVersion
        fields = [
            "template",
            "number",
            "state",
            "created_at",
            "values_are",
            "max_read_registers",
            "max_gap",
            "forbidden",
            "defaults",
            "confidence",
            "registers",
        ]

    def get_confidence(self, version: TemplateVersion) -> str:
        return document_facts(version)["confidence"]

    @extend_schema_field(RegisterRow(many=True))
    def get_registers(self, version: TemplateVersion) -> Any:
        return RegisterRow(version.registers.select_related("point"), many=True).data


class FieldChangeRow(serializers.Serializer[Any]):
    """One field before and after."""

    name = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class RegisterChangeRow(serializers.Serializer[Any]):
    """One register whose fields changed."""

    point = serializers.CharField(source="code")
    fields_changed = FieldChangeRow(many=True, source="fields")


class OutputChangeRow(serializers.Serializer[Any]):
    """One output whose fields changed; what is new or lost changed in all of them."""

    code = serializers.CharField()
    fields_changed = FieldChangeRow(many=True, source="fields")


class DifferenceRow(serializers.Serializer[Any]):
    """What differs; `has_other_points`: samples of the two hold different points."""

    has_other_points = serializers.BooleanField()
    head = FieldChangeRow(many=True)
    added = serializers.SerializerMethodField()
    removed = serializers.SerializerMethodField()
    changed = RegisterChangeRow(many=True)
    outputs = OutputChangeRow(many=True)

    def get_added(self, found: Difference) -> list[str]:
        return [code for code, _facts in found.added]

    def get_removed(self, found: Difference) -> list[str]:
        return [code for code, _facts in found.removed]


class DifferenceQuery(serializers.Serializer[Any]):
    """Which two versions."""

    before = serializers.IntegerField(min_value=1, max_value=1_000_000)
    after = serializers.IntegerField(min_value=1, max_value=1_000_000)


class FaultRow(serializers.Serializer[Any]):
    """One fault: line and column of a text, or sheet and cell of a workbook."""

    place = serializers.CharField()
    line = serializers.IntegerField()
    column = serializers.IntegerField()
    sheet = serializers.CharField()
    cell = serializers.CharField()
    field = serializers.CharField()
    words = serializers.CharField()


class ImportRow(serializers.Serializer[Any]):
    """What an import did, or would do. `version` is null while nothing is published."""

    template = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    seen = serializers.IntegerField()
    makes_version = serializers.BooleanField()
    faults = FaultRow(many=True)
    words = FieldChangeRow(many=True)
    difference: Any = DifferenceRow()


class ImportBody(Body):
    """A file in YAML or .xlsx. `seen`: the newest version at the dry run, 0 for none."""

    file = serializers.FileField(allow_empty_file=True)
    dry_run = serializers.ChoiceField(choices=["true", "false"], default="true")
    seen = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000)


class TemplateMoveBody(Body):
    """From which version to which; `devices` null: all that the caller maintains."""

    from_version = serializers.IntegerField(min_value=1, max_value=1_000_000)
    to_version = serializers.IntegerField(min_value=1, max_value=1_000_000)
    devices = serializers.ListField(
        child=IdField(), allow_null=True, default=None, max_length=MOST_DEVICES
    )
    dry_run = FlagField(default=False)


class TemplateMoved(serializers.Serializer[Any]):
    """The devices that were, or would be, moved, and what changes for them."""

    devices = serializers.ListField(child=serializers.IntegerField())
    difference = DifferenceRow()


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
        template = selectors.library(user=self.person).filter(key=key).first()
        if template is None:
            raise NotFound
        return self.shown(template, TemplateDetail)


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
