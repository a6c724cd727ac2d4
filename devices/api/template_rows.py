"""What the API asks and answers about device templates."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.endpoints import Body, FlagField, IdField, MomentField, Row, TextField
from devices import selectors
from devices.drivers.coverage import RANKS
from devices.drivers.differences import Difference
from devices.models import DeviceTemplate, Register, TemplateVersion
from devices.services.templates import document_facts

_WORD_OF_RANK = {rank: word for word, rank in RANKS.items()}
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
    clock = serializers.DictField(help_text="Where the clock stands; empty without one.")
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
            "clock",
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


class RetireBody(Body):
    """Out of the choice for devices, or back into it; `version` null: all versions."""

    is_retired = FlagField()
    version = serializers.IntegerField(
        allow_null=True, default=None, min_value=1, max_value=1_000_000
    )


class CloneBody(Body):
    """What the new template is called."""

    key = TextField(max_length=60)
    model = TextField(max_length=80)


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
