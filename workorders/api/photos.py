"""REST: photos of orders and tasks, and their files through the gate."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, ListEndpoint, TextField, asked_as
from core.http import picture
from core.parsers import UploadParser
from workorders import rules, selectors, services
from workorders.api.orders import DOOR
from workorders.api.rows import PhotoRow
from workorders.api.task_rows import TaskPhotoRow
from workorders.models import Photo, TaskPhoto


class PhotoBody(Body):
    """A picture, JPEG, PNG or WebP."""

    file = serializers.FileField()
    caption = TextField(
        max_length=rules.CAPTION_LENGTH, required=False, default="", allow_blank=True
    )


class PhotosEndpoint(ListEndpoint):
    """Photos of one order."""

    serializer_class = PhotoRow
    queryset = Photo.objects.none()
    parser_classes = [UploadParser]

    def get_queryset(self) -> QuerySet[Any]:
        order = selectors.order_for(user=self.person, pk=self.kwargs["pk"])
        return order.photos.select_related("by")

    @extend_schema(operation_id="orders_photos_list")
    def get(self, request: Request, pk: int) -> Response:
        """List the order's photos, oldest first."""
        return super().get(request)

    @extend_schema(
        operation_id="orders_photos_create", request=PhotoBody, responses={201: PhotoRow}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Upload a photo: it is encoded anew, upright, without place or other metadata."""
        selectors.order_for(user=self.person, pk=pk)
        facts = self.given(request, PhotoBody)
        photo = services.add_photo(
            order_id=pk, by=self.person, door=DOOR, now=timezone.now(), **facts
        )
        return self.shown(photo, PhotoRow, status=201)


class TaskPhotosEndpoint(ListEndpoint):
    """Photos of one task."""

    serializer_class = TaskPhotoRow
    queryset = TaskPhoto.objects.none()
    parser_classes = [UploadParser]

    def get_queryset(self) -> QuerySet[Any]:
        task = selectors.task_for(user=self.person, pk=self.kwargs["pk"])
        return task.photos.select_related("by")

    @extend_schema(operation_id="tasks_photos_list")
    def get(self, request: Request, pk: int) -> Response:
        """List the task's photos, oldest first."""
        return super().get(request)

    @extend_schema(
        operation_id="tasks_photos_create", request=PhotoBody, responses={201: TaskPhotoRow}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Upload a photo: it is encoded anew, upright, without place or other metadata."""
        selectors.task_for(user=self.person, pk=pk)
        facts = self.given(request, PhotoBody)
        photo = services.add_task_photo(
            task_id=pk, by=self.person, door=DOOR, now=timezone.now(), **facts
        )
        return self.shown(photo, TaskPhotoRow, status=201)


class PictureEndpoint(Endpoint):
    """The file of one photo."""

    field = "image"
    renderer_classes = [asked_as("image/jpeg", "jpg"), JSONRenderer]

    @extend_schema(
        responses={(200, "image/jpeg"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Fetch the picture as JPEG."""
        photo = self.photo(pk)
        answer = picture(getattr(photo, self.field))
        answer["Content-Disposition"] = f'inline; filename="{photo.file_name}"'
        return answer

    def photo(self, pk: int) -> Photo | TaskPhoto:
        """The photo, through its gate."""
        return selectors.photo_for(user=self.person, pk=pk)


class TaskPictureEndpoint(PictureEndpoint):
    """The file of one photo of a task."""

    def photo(self, pk: int) -> Photo | TaskPhoto:
        return selectors.task_photo_for(user=self.person, pk=pk)
