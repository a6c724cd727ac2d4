"""Lock-outs, and the page of a site's remote control with its switch."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import Changed, Forbidden, Invalid
from core.filters import chips_of
from core.http import flash, tell_fields
from devices import selectors
from devices.filters import LockoutFilter
from devices.forms import LockoutForm
from devices.services import control, lockouts
from sites import selectors as site_selectors
from sites.models import Site, User, access_for
from sites.rules import Ability


@login_required
@require_safe
def lockout_list(request: HttpRequest) -> HttpResponse:
    """Lock-outs of the person's sites: those not ended, or all."""
    user = cast(User, request.user)
    visible = selectors.lockouts_for(user=user)
    filters = LockoutFilter(request.GET, queryset=visible, request=request)
    found = filters.qs if filters.is_valid() else visible.none()
    view = "all" if request.GET.get("view") == "all" else "open"
    if view == "open":
        found = found.filter(ended_at__isnull=True)
    rows = list(found[: selectors.LOCKOUTS_SHOWN])
    context = {
        "rows": [(row, lockouts.may_end(row, user)) for row in rows],
        "is_cut": len(rows) == selectors.LOCKOUTS_SHOWN,
        "filters": filters,
        "chips": chips_of(filters),
        "view": view,
        "now": timezone.now(),
        "may_lock": access_for(user).has_anywhere(Ability.LOCK_OUT),
    }
    return render(request, "devices/lockout_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lockout_add(request: HttpRequest) -> HttpResponse:
    """Choose a site, or say who works there."""
    user = cast(User, request.user)
    if not access_for(user).has_anywhere(Ability.LOCK_OUT):
        raise Forbidden
    given = request.GET.get("site", "")
    if not given.isdecimal() or len(given) > 18:
        words = request.GET.get("q", "").strip()[:100]
        sites = selectors.sites_to_lock(user=user, words=words)
        return render(request, "devices/lockout_sites.html", {"sites": sites, "q": words})
    site = site_selectors.site_for(user=user, pk=int(given), ability=Ability.LOCK_OUT)
    with timezone.override(ZoneInfo(site.timezone)):
        form = LockoutForm(request.POST if request.method == "POST" else None, site=site)
        is_valid = request.method == "POST" and form.is_valid()
    if is_valid and _begin(request, site, form, timezone.now()):
        return redirect("devices:control-site", pk=site.pk)
    context = {"form": form, "site": site}
    return render(request, "devices/lockout_form.html", context, status=400 if form.errors else 200)


def _begin(request: HttpRequest, site: Site, form: LockoutForm, now: datetime) -> bool:
    """Whether it holds; if not, the form says why."""
    try:
        work = lockouts.Work(site=site, **form.cleaned_data)
        lockouts.lock_out(work=work, by=cast(User, request.user), now=now)
    except Invalid as refusal:
        tell_fields(form, refusal)
    except lockouts.BeingExecuted as refusal:
        form.add_error(None, str(refusal))
    else:
        messages.success(request, _("检修闭锁已生效。"))
        return True
    return False


@login_required
@require_POST
def lockout_end(request: HttpRequest, pk: int) -> HttpResponse:
    """The work is over."""
    user = cast(User, request.user)
    try:
        ended = lockouts.end_lockout(lockout_id=pk, by=user, now=timezone.now())
    except Changed as refusal:
        flash(request, refusal)
        return redirect("devices:lockout-list")
    messages.success(request, _("检修闭锁已解除。"))
    return redirect("devices:control-site", pk=ended.site_id)


@login_required
@require_safe
def control_site(request: HttpRequest, pk: int) -> HttpResponse:
    """A site's remote control: its switch, who works there, and the outputs of its devices."""
    user, now = cast(User, request.user), timezone.now()
    site = site_selectors.site_for(user=user, pk=pk)
    access = access_for(user)
    open_ones = selectors.lockouts_for(user=user).filter(site=site, ended_at__isnull=True)
    devices = selectors.devices_with_outputs(site)
    context: dict[str, Any] = {
        "site": site,
        "zone": site.timezone,
        "now": now,
        "lockouts": [(row, lockouts.may_end(row, user)) for row in open_ones],
        "lines": selectors.output_lines(devices=devices, now=now),
        "may_switch": access.can(Ability.MANAGE_SITE, site),
        "may_control": access.can(Ability.CONTROL, site),
        "may_lock": access.can(Ability.LOCK_OUT, site),
        "clocks": selectors.clock_lines(
            selectors.clocks_for(user=user).filter(device__site=site)[: selectors.CLOCKS_SHOWN]
        ),
    }
    return render(request, "devices/control_site.html", context)


@login_required
@require_POST
def control_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the site for remote control or close it, as `is_allowed` says."""
    user = cast(User, request.user)
    site = site_selectors.site_for(user=user, pk=pk, ability=Ability.MANAGE_SITE)
    is_allowed = request.POST.get("is_allowed") == "1"
    control.allow(site=site, is_allowed=is_allowed, by=user, now=timezone.now())
    messages.success(request, _("已开放遥控。") if is_allowed else _("已关闭遥控。"))
    return redirect("devices:control-site", pk=pk)
