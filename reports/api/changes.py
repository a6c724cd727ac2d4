"""REST: the history of master data."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Endpoint, MomentField, TextField
from core.errors import Invalid
from reports.selectors import changes
from sites.api.references import PersonReference


class ChangeCell(serializers.Serializer[Any]):
    """One fact before and after, in words."""

    name = TextField(source="label")
    before = TextField()
    after = TextField()


class ChangeRow(serializers.Serializer[Any]):
    """One change of one row. `job`: the background job that made it."""

    at = MomentField()
    kind = TextField()
    object_id = serializers.IntegerField()
    name = TextField()
    action = serializers.ChoiceField(choices=["insert", "update", "delete"])
    by = PersonReference(allow_null=True)
    door = TextField()
    request = TextField()
    job = serializers.IntegerField(allow_null=True)
    cells = ChangeCell(many=True)


class ChangeList(serializers.Serializer[Any]):
    """Changes, newest first; `has_older` tells whether another page follows."""

    has_older = serializers.BooleanField()
    results = ChangeRow(many=True)


class ChangesQuery(serializers.Serializer[Any]):
    """Which changes."""

    kind = serializers.ChoiceField(choices=list(changes.KINDS), required=False, default="")
    object = serializers.IntegerField(required=False, min_value=1, help_text="Needs `kind`.")
    q = serializers.CharField(required=False, max_length=100, default="")
    page = serializers.IntegerField(
        required=False, min_value=1, max_value=changes.MOST_PAGES, default=1
    )


class ChangesEndpoint(Endpoint):
    """The history."""

    parameters = frozenset({"kind", "object", "q", "page"})

    @extend_schema(operation_id="changes_list", parameters=[ChangesQuery], responses=ChangeList)
    def get(self, request: Request) -> Response:
        """List changes of what the caller maintains, of everything or of one object."""
        asked = self.asked(request, ChangesQuery)
        if "object" in asked:
            if not asked["kind"]:
                raise Invalid(
                    fields={"kind": [str(serializers.Field.default_error_messages["required"])]}
                )
            rows = changes.changes_of(user=self.person, kind=asked["kind"], pk=asked["object"])
            has_older = False
        else:
            rows, has_older = changes.changes(
                user=self.person, kind=asked["kind"], words=asked["q"], page=asked["page"]
            )
        body = ChangeList(
            {"has_older": has_older, "results": rows}, context=self.get_serializer_context()
        )
        return Response(body.data)
