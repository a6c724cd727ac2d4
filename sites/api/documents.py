"""REST: the files of a site's archive."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, ListEndpoint, MomentField
from core.errors import NotFound
from core.parsers import FilesParser
from sites import selectors, services
from sites.models import SiteDocument
from sites.rules import Ability

_FORM_BYTES = 64 * 1024


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


class FileRenderer(JSONRenderer):
    """Lets callers ask for the file; a refusal still is a problem document."""

    media_type = "application/octet-stream"
    format = "bin"


class DocumentsEndpoint(ListEndpoint):
    """Files of one site."""

    serializer_class = DocumentRow
    queryset = SiteDocument.objects.none()
    parser_classes = [FilesParser]

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
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.PHOTO_MAX_BYTES + _FORM_BYTES:
            raise RequestDataTooBig
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

    renderer_classes = [FileRenderer, JSONRenderer]

    @extend_schema(
        operation_id="documents_file_retrieve",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Fetch the file."""
        document = selectors.document_for(user=self.person, pk=pk)
        try:
            with document.file.open("rb") as file:
                content = file.read()
        except FileNotFoundError:
            raise NotFound from None
        name = content_disposition_header(as_attachment=True, filename=document.name)
        headers = {
            "Content-Disposition": name or "attachment",
            "X-Content-Type-Options": "nosniff",
        }
        return HttpResponse(content, content_type="application/octet-stream", headers=headers)


urlpatterns = [
    path("sites/<int:pk>/documents/", DocumentsEndpoint.as_view(), name="api-site-documents"),
    path("documents/<int:pk>/", DocumentEndpoint.as_view(), name="api-document"),
    path("documents/<int:pk>/file/", DocumentFileEndpoint.as_view(), name="api-document-file"),
]
