"""Pictures of orders: added to open ones, served only through the gate."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import Invalid, MoveRefused
from core.http import flash, picture, tell_fields
from sites.models import User
from workorders import selectors, services
from workorders.forms import PhotoForm
from workorders.views.details import show


@login_required
@require_POST
def photo_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep one picture."""
    user = cast(User, request.user)
    order = selectors.order_for(user=user, pk=pk)
    form = PhotoForm(request.POST, request.FILES)
    if not form.is_valid():
        return show(request, order, refused=("photo", form), status=400)
    try:
        services.add_photo(
            order_id=pk, by=user, door="web", now=timezone.now(), **form.cleaned_data
        )
    except Invalid as refusal:
        tell_fields(form, refusal)
        return show(request, order, refused=("photo", form), status=400)
    except MoveRefused as refusal:
        flash(request, refusal)
    else:
        messages.success(request, _("照片已上传。"))
    return redirect("workorders:order-detail", pk=pk)


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
