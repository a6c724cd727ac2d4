"""REST: saved views of lists."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, FlagField, Row, TextField
from core.errors import NotFound
from core.lists import QUERY_LENGTH
from sites import services
from sites.api.references import PersonReference
from sites.models import SavedView
from sites.services.lists import NAME_LENGTH


class SavedViewRow(Row):
    """A saved view; `address` is the query string of the list that shows it."""

    owner = PersonReference()
    columns = serializers.ListField(child=serializers.CharField())
    address = serializers.CharField()

    class Meta:
        model = SavedView
        fields = [
            "id",
            "page",
            "name",
            "query",
            "columns",
            "ordering",
            "is_shared",
            "owner",
            "address",
            "created_at",
        ]


class SavedViewBody(Body):
    """A look at a list to keep."""

    page = serializers.SlugField(max_length=40, help_text="The list, for example `alarms`.")
    name = TextField(max_length=NAME_LENGTH)
    query = TextField(max_length=QUERY_LENGTH, required=False, default="", allow_blank=True)
    columns = serializers.ListField(
        child=TextField(max_length=40), required=False, default=list, max_length=60
    )
    ordering = TextField(max_length=60, required=False, default="", allow_blank=True)
    is_shared = FlagField(required=False, default=False)


class SavedViewChange(Body):
    """A new name, shared or not."""

    name = TextField(max_length=NAME_LENGTH, required=False)
    is_shared = FlagField(required=False)


class SavedViewQuery(serializers.Serializer[Any]):
    """Which list."""

    page = serializers.SlugField(required=False)


class SavedViewsEndpoint(Endpoint):
    """One's views and the shared ones."""

    parameters = frozenset({"page"})

    @extend_schema(
        operation_id="views_list",
        parameters=[OpenApiParameter("page", str, description="The list, for example `alarms`.")],
        responses=SavedViewRow(many=True),
    )
    def get(self, request: Request) -> Response:
        """List one's own saved views and those shared with one, at most some hundred."""
        rows = SavedView.objects.visible_to(self.person).select_related("owner")
        page = self.asked(request, SavedViewQuery).get("page")
        rows = rows.filter(page=page) if page else rows
        return Response(SavedViewRow(rows[:500], many=True).data)

    @extend_schema(
        operation_id="views_create",
        request=SavedViewBody,
        responses={201: SavedViewRow},
        examples=[
            OpenApiExample(
                "Critical and unverified",
                request_only=True,
                value={
                    "page": "alarms",
                    "name": "Critical, nobody looked",
                    "query": "view=unverified&severity=critical",
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Keep a look at a list under a name."""
        facts = self.given(request, SavedViewBody)
        view = services.save_view(user=self.person, now=timezone.now(), **facts)
        return self.shown(view, SavedViewRow, status=201)


class SavedViewEndpoint(Endpoint):
    """One view."""

    @extend_schema(operation_id="views_retrieve", responses=SavedViewRow)
    def get(self, request: Request, pk: int) -> Response:
        """Show a saved view."""
        view = SavedView.objects.visible_to(self.person).select_related("owner").filter(pk=pk)
        found = view.first()
        if found is None:
            raise NotFound
        return self.shown(found, SavedViewRow)

    @extend_schema(
        operation_id="views_partial_update", request=SavedViewChange, responses=SavedViewRow
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Rename one's own view, share it or take it back."""
        facts = self.given(request, SavedViewChange)
        view = services.edit_view(user=self.person, view_id=pk, **facts)
        return self.shown(view, SavedViewRow)

    @extend_schema(operation_id="views_destroy", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Remove one's own view."""
        services.delete_view(user=self.person, view_id=pk)
        return Response(status=204)
