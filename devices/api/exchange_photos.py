"""REST: photos of an exchange of meters, and their files through the gate."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, ListEndpoint, Row, asked_as
from core.http import picture
from core.parsers import UploadParser
from devices import selectors
from devices.models import ExchangePhoto
from devices.services import exchange_photos
from sites.api.references import PersonReference


class ExchangePhotoRow(Row):
    """A photo; the files are fetched with the caller's token."""

    by = PersonReference()
    image_url = serializers.SerializerMethodField()
    thumbnail_url = serializers.SerializerMethodField()

    class Meta:
        model = ExchangePhoto
        fields = ["id", "by", "at", "width_px", "height_px", "image_url", "thumbnail_url"]

    def get_image_url(self, photo: ExchangePhoto) -> str:
        return reverse("api-exchange-photo-image", args=[photo.pk])

    def get_thumbnail_url(self, photo: ExchangePhoto) -> str:
        return reverse("api-exchange-photo-thumbnail", args=[photo.pk])


class ExchangePhotoBody(Body):
    """A picture, JPEG, PNG or WebP."""

    file = serializers.FileField()


class ExchangePhotosEndpoint(ListEndpoint):
    """Photos of one exchange."""

    serializer_class = ExchangePhotoRow
    queryset = ExchangePhoto.objects.none()
    parser_classes = [UploadParser]

    def get_queryset(self) -> QuerySet[Any]:
        row = selectors.exchange_for(user=self.person, pk=self.kwargs["pk"])
        return row.photos.select_related("by")

    @extend_schema(operation_id="exchanges_photos_list")
    def get(self, request: Request, pk: int) -> Response:
        """List the photos of an exchange, oldest first."""
        return super().get(request)

    @extend_schema(
        operation_id="exchanges_photos_create",
        request=ExchangePhotoBody,
        responses={201: ExchangePhotoRow},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Upload a photo: it is encoded anew, upright, without place or other metadata."""
        row = selectors.exchange_for(user=self.person, pk=pk)
        file = self.given(request, ExchangePhotoBody)["file"]
        photo = exchange_photos.add_photo(
            exchange=row, file=file, by=self.person, now=timezone.now()
        )
        return self.shown(photo, ExchangePhotoRow, status=201)


class ExchangePictureEndpoint(Endpoint):
    """The file of one photo."""

    field = "image"
    renderer_classes = [asked_as("image/jpeg", "jpg"), JSONRenderer]

    @extend_schema(responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Fetch the picture as JPEG."""
        photo = selectors.exchange_photo_for(user=self.person, pk=pk)
        return picture(getattr(photo, self.field))
