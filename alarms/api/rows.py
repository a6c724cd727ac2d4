"""REST: what an alarm and its log look like. Values of points only for whoever may see them."""

from typing import Any

from rest_framework import serializers

from alarms import selectors
from alarms.models import Alarm, AlarmLog
from core.endpoints import NumberField, Row
from devices.api.references import DeviceReference, GatewayReference
from devices.models import PointCode
from sites.api.references import (
    CircuitReference,
    PersonReference,
    RoomReference,
    SiteReference,
    TransformerReference,
)
from sites.models import access_for

# What tells a measured value.
_VALUES = ("value", "limit", "peak", "points")


def shows_values(alarm: Alarm, context: Any) -> bool:
    """Whether the caller holds the class of data of the alarm's point on its site."""
    code = alarm.point_code or alarm.worst_code
    if not code:
        return True
    if "class_of" not in context:
        context["class_of"] = dict(PointCode.objects.values_list("code", "data_class"))
    classes = access_for(context["request"].user).data_classes(alarm.site)
    return context["class_of"].get(code) in classes


class AlarmRow(Row):
    """An alarm in a list. Value, limit and peak are in `unit`; null where they may not be seen."""

    name = serializers.CharField(source="rule.label")
    rule = serializers.SlugRelatedField[Any](slug_field="key", read_only=True)
    site = SiteReference()
    room = RoomReference(allow_null=True)
    transformer = TransformerReference(allow_null=True)
    circuit = CircuitReference(allow_null=True)
    device = DeviceReference(allow_null=True)
    gateway = GatewayReference(allow_null=True)
    value = NumberField(allow_null=True)
    limit = NumberField(allow_null=True)
    peak = NumberField(allow_null=True)

    class Meta:
        model = Alarm
        fields = [
            "id",
            "number",
            "severity",
            "condition",
            "handling",
            "rule",
            "name",
            "site",
            "room",
            "transformer",
            "circuit",
            "device",
            "gateway",
            "scope_kind",
            "point_code",
            "worst_code",
            "value",
            "limit",
            "unit",
            "peak",
            "peak_at",
            "raised_at",
            "last_raised_at",
            "recovered_at",
            "recurrences",
            "is_simulated",
            "updated_at",
        ]

    def to_representation(self, instance: Alarm) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if not shows_values(instance, self.context):
            shown |= dict.fromkeys(("value", "limit", "peak"))
        return shown


class AlarmDetail(AlarmRow):
    """An alarm with its verdict, its rule's advice, and the moves that the caller may make."""

    cause = serializers.CharField()
    verified_by = PersonReference(allow_null=True)
    probable_cause = serializers.CharField(source="rule.cause_text")
    advice = serializers.CharField(source="rule.advice_text")
    moves = serializers.SerializerMethodField()

    class Meta(AlarmRow.Meta):
        fields = [
            *AlarmRow.Meta.fields,
            "verdict",
            "cause",
            "verified_at",
            "verified_by",
            "ignored_until",
            "archived_at",
            "probable_cause",
            "advice",
            "moves",
        ]

    def get_moves(self, alarm: Alarm) -> list[str]:
        return selectors.moves_for(user=self.context["request"].user, alarm=alarm)


class AlarmLogRow(Row):
    """One step of an alarm's life; `by` is null for the system."""

    by = PersonReference(allow_null=True)
    facts = serializers.SerializerMethodField()

    class Meta:
        model = AlarmLog
        fields = [
            "id",
            "at",
            "entry",
            "move",
            "source",
            "target",
            "by",
            "door",
            "note",
            "facts",
        ]

    def get_facts(self, row: AlarmLog) -> dict[str, Any]:
        if shows_values(row.alarm, self.context):
            return row.facts
        return {key: value for key, value in row.facts.items() if key not in _VALUES}
