"""Pictures of alarms, served only through the gate."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from alarms import selectors
from core.http import picture
from sites.models import User


@login_required
@require_safe
def photo_image(request: HttpRequest, pk: int) -> HttpResponse:
    """The picture."""
    return picture(selectors.photo_for(user=cast(User, request.user), pk=pk).image)


@login_required
@require_safe
def photo_thumbnail(request: HttpRequest, pk: int) -> HttpResponse:
    """The small one."""
    return picture(selectors.photo_for(user=cast(User, request.user), pk=pk).thumbnail)
