"""Exchanging a meter: one form, a preview of the month's energy, one button, and the way back."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import Changed, DomainError, Invalid
from core.http import flash, flash_done, picture, tell_fields
from devices import selectors
from devices.forms import ExchangeForm
from devices.models import Device
from devices.services import exchange_photos, exchanges
from sites.models import User


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def exchange(request: HttpRequest, pk: int) -> HttpResponse:
    """The form with what was exchanged before; `action=confirm` does what the preview shows."""
    user = cast(User, request.user)
    device = selectors.device_to_commission(user=user, pk=pk)
    if request.method != "POST":
        initial = exchanges.initial(device=device, now=timezone.now())
        return _page(request, device, ExchangeForm(device=device, initial=initial), {})
    form = ExchangeForm(request.POST, device=device)
    context: dict[str, Any] = {}
    if form.is_valid():
        try:
            if request.POST.get("action") == "confirm":
                return _done(request, device, form, user)
            context["month"] = exchanges.preview(
                device=device, exchange=form.exchange(), now=timezone.now()
            )
        except Invalid as refusal:
            tell_fields(cast(forms.Form, form), refusal)
        except Changed as refusal:
            flash(request, refusal)
            return redirect("devices:exchange", pk=pk)
    return _page(request, device, form, context)


@login_required
@require_POST
def exchange_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Put back what an exchange changed."""
    user = cast(User, request.user)
    row = selectors.exchange_for(user=user, pk=pk)
    try:
        exchanges.undo_exchange(exchange=row, by=user, now=timezone.now())
        flash_done(request, _("换表已撤销，原表计恢复在装。"))
    except DomainError as refusal:
        flash(request, refusal)
    return redirect("devices:exchange", pk=row.device_id)


@login_required
@require_POST
def exchange_photo_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep a picture of an exchange."""
    user = cast(User, request.user)
    row = selectors.exchange_for(user=user, pk=pk)
    file = request.FILES.get("file")
    try:
        if file is None:
            raise Invalid(_("请选择照片。"))
        exchange_photos.add_photo(exchange=row, file=file, by=user, now=timezone.now())
        messages.success(request, _("照片已保存。"))
    except DomainError as refusal:
        sentences = [s for some in getattr(refusal, "fields", {}).values() for s in some]
        messages.error(request, " ".join(sentences) or str(refusal))
    return redirect("devices:exchange", pk=row.device_id)


@login_required
@require_safe
def exchange_photo(request: HttpRequest, pk: int) -> HttpResponse:
    """The picture."""
    return picture(selectors.exchange_photo_for(user=cast(User, request.user), pk=pk).image)


@login_required
@require_safe
def exchange_photo_small(request: HttpRequest, pk: int) -> HttpResponse:
    """The small one."""
    return picture(selectors.exchange_photo_for(user=cast(User, request.user), pk=pk).thumbnail)


def _done(request: HttpRequest, device: Device, form: ExchangeForm, user: User) -> HttpResponse:
    row = exchanges.exchange_meter(
        device=device, exchange=form.exchange(), by=user, now=timezone.now()
    )
    undo_url = reverse("devices:exchange-undo", args=[row.pk])
    flash_done(request, _("换表已登记，电量按两表读数衔接。"), undo_url=undo_url)
    return redirect("devices:exchange", pk=device.pk)


def _page(
    request: HttpRequest, device: Device, form: ExchangeForm, context: dict[str, Any]
) -> HttpResponse:
    context |= {
        "device": device,
        "form": form,
        "exchanges": selectors.exchanges_of(device),
        "zone": device.site.timezone,
    }
    status = 400 if form.is_bound and form.errors else 200
    return render(request, "devices/exchange.html", context, status=status)
