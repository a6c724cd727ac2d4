"""REST: the files of a site's archive."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, ListEndpoint, MomentField, asked_as
from core.http import attachment
from core.parsers import UploadParser
from sites import selectors, services
from sites.models import SiteDocument
from sites.rules import Ability


class DocumentRow(serializers.ModelSerializer[SiteDocument]):
    """One file; fetch it at `documents/{id}/file/`."""

    uploaded_by = serializers.CharField(source="by")
    uploaded_at = MomentField(source="at")

    class Meta:
        model = SiteDocument
        fields = ["id", "kind", "name", "size_bytes", "uploaded_by", "uploaded_at"]


class DocumentBody(Body):
    """A paper (PDF, Office, DWG, DXF, text) or a picture (JPEG, PNG, WebP)."""

    file = serializers.FileField()


class DocumentsEndpoint(ListEndpoint):
    """Files of one site."""

    serializer_class = DocumentRow
    queryset = SiteDocument.objects.none()
    parser_classes = [UploadParser]

    def get_queryset(self) -> QuerySet[Any]:
        return selectors.documents_of(selectors.site_for(user=self.person, pk=self.kwargs["pk"]))

    @extend_schema(operation_id="sites_documents_list")
    def get(self, request: Request, pk: int) -> Response:
        """List the files of a site, the newest first."""
        return super().get(request)

    @extend_schema(
        operation_id="sites_documents_create",
        request=DocumentBody,
        responses={201: DocumentRow},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Upload a file: papers are kept as they are, pictures are encoded anew."""
        selectors.site_for(user=self.person, pk=pk, ability=Ability.MANAGE_SITE)
        facts = self.given(request, DocumentBody)
        document = services.add_document(site_id=pk, by=self.person, now=timezone.now(), **facts)
        return self.shown(document, DocumentRow, status=201)


class DocumentEndpoint(Endpoint):
    """One file's facts."""

    @extend_schema(operation_id="documents_retrieve", responses=DocumentRow)
    def get(self, request: Request, pk: int) -> Response:
        """Show a file's facts."""
        return self.shown(selectors.document_for(user=self.person, pk=pk), DocumentRow)

    @extend_schema(operation_id="documents_destroy", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Take a file away."""
        services.remove_document(pk=pk, by=self.person, now=timezone.now())
        return Response(status=204)


class DocumentFileEndpoint(Endpoint):
    """The content of one file."""

    renderer_classes = [asked_as("application/octet-stream", "bin"), JSONRenderer]

    @extend_schema(
        operation_id="documents_file_retrieve",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Fetch the file."""
        document = selectors.document_for(user=self.person, pk=pk)
        return attachment(document.file, document.name)


urlpatterns = [
    path("sites/<int:pk>/documents/", DocumentsEndpoint.as_view(), name="api-site-documents"),
    path("documents/<int:pk>/", DocumentEndpoint.as_view(), name="api-document"),
    path("documents/<int:pk>/file/", DocumentFileEndpoint.as_view(), name="api-document-file"),
]
