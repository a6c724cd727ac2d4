"""Clocks of meters: the list over all sites, and the switch of one."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import Invalid
from core.filters import chips_of
from devices import selectors
from devices.filters import ClockFilter
from devices.services import clocks
from sites import selectors as site_selectors
from sites.models import User
from sites.rules import Ability


@login_required
@require_safe
def clock_list(request: HttpRequest) -> HttpResponse:
    """Clocks of the person's sites, by how they stand."""
    visible = selectors.clocks_for(user=cast(User, request.user))
    filters = ClockFilter(request.GET, queryset=visible, request=request)
    found = filters.qs if filters.is_valid() else visible.none()
    lines = selectors.clock_lines(found[: selectors.CLOCKS_SHOWN])
    context = {
        "lines": lines,
        "is_cut": len(lines) == selectors.CLOCKS_SHOWN,
        "filters": filters,
        "chips": chips_of(filters),
    }
    return render(request, "devices/clock_list.html", context)


@login_required
@require_POST
def clock_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the platform set the clocks of a site, or not, as `is_allowed` says."""
    user = cast(User, request.user)
    site = site_selectors.site_for(user=user, pk=pk, ability=Ability.MANAGE_SITE)
    is_allowed = request.POST.get("is_allowed") == "1"
    given = request.POST.get("tolerance_s", "").strip()
    tolerance_s = int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 0
    try:
        clocks.allow(site=site, is_allowed=is_allowed, tolerance_s=tolerance_s, by=user)
    except Invalid as refusal:
        messages.error(request, " ".join(s for some in refusal.fields.values() for s in some))
    else:
        messages.success(request, _("已开启自动校时。") if is_allowed else _("已关闭自动校时。"))
    return redirect("devices:control-site", pk=pk)
