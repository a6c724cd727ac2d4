"""Add many equal meters to a gateway: one form, a preview, one button."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from core.errors import Changed, Forbidden, Invalid
from core.http import tell_fields
from core.search import matching, words_of
from devices import selectors
from devices.forms import MetersForm
from devices.models import Gateway
from devices.services import batches
from sites.models import User, access_for
from sites.rules import Ability

GATEWAYS_SHOWN = 200


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def meters_add(request: HttpRequest) -> HttpResponse:
    """Choose a gateway, or fill in its form; `action=create` makes what the preview shows."""
    user = cast(User, request.user)
    if not access_for(user).has_anywhere(Ability.MANAGE_SITE):
        raise Forbidden
    given = request.GET.get("gateway", "")
    if not given.isdecimal() or len(given) > 18:
        return _choose(request, user)
    gateway = selectors.gateway_for(user=user, pk=int(given), ability=Ability.MANAGE_SITE)
    form = MetersForm(request.POST or None, gateway=gateway)
    context: dict[str, Any] = {"gateway": gateway, "form": form}
    if request.method == "POST" and form.is_valid():
        answer = _done(request, gateway, form, context)
        if answer is not None:
            return answer
    status = 400 if form.is_bound and form.errors else 200
    return render(request, "devices/meters_add.html", context, status=status)


def _done(
    request: HttpRequest, gateway: Gateway, form: MetersForm, context: dict[str, Any]
) -> HttpResponse | None:
    """The preview into the context, or the way on when the devices are made."""
    batch = form.batch()
    try:
        if request.POST.get("action") == "create":
            made = batches.add_meters(batch=batch, now=timezone.now())
            text = ngettext("已添加 %(count)d 台设备。", "已添加 %(count)d 台设备。", len(made))
            messages.success(request, text % {"count": len(made)})
            if selectors.may_commission(user=cast(User, request.user), site=gateway.site):
                return redirect("devices:commission-gateway", pk=gateway.pk)
            return redirect(f"{reverse('devices:live')}?device={made[0].pk}")
        context["planned"] = batches.plan_meters(batch=batch)
    except (Invalid, Changed) as refusal:
        if isinstance(refusal, Invalid) and refusal.fields:
            tell_fields(cast(forms.Form, form), refusal)
            return None
        form.add_error(None, str(refusal))
        context["planned"] = batches.plan_meters(batch=batch)
    context["bad"] = sum(bool(one.problems) for one in context.get("planned", ()))
    return None


def _choose(request: HttpRequest, user: User) -> HttpResponse:
    gateways = Gateway.objects.visible_to(user, ability=Ability.MANAGE_SITE)
    words = request.GET.get("q", "").strip()[:100]
    for word in words_of(words):
        gateways = gateways.filter(matching(word, ["search_text"]))
    rows = gateways.select_related("site__enterprise").order_by("site__number", "name")
    context = {"gateways": rows[:GATEWAYS_SHOWN], "q": words}
    return render(request, "devices/meters_choose.html", context)
