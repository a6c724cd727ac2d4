"""Pictures of alarms, served only through the gate."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from alarms import selectors
from core.errors import NotFound
from sites.models import User


@login_required
@require_safe
def photo_image(request: HttpRequest, pk: int) -> HttpResponse:
    """The picture."""
    return jpeg(selectors.photo_for(user=cast(User, request.user), pk=pk).image)


@login_required
@require_safe
def photo_thumbnail(request: HttpRequest, pk: int) -> HttpResponse:
    """The small one."""
    return jpeg(selectors.photo_for(user=cast(User, request.user), pk=pk).thumbnail)


def jpeg(kept: FieldFile) -> HttpResponse:
    """A file of ours: always JPEG, never changed, for this person's browser alone."""
    try:
        with kept.open("rb") as file:
            body = file.read()
    except FileNotFoundError:
        raise NotFound from None
    response = HttpResponse(body, content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response
