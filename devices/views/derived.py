"""Derived points of a site: the list, and the form with its picker of points and its preview."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import Invalid
from core.http import tell_fields
from devices import selectors
from devices.forms.derived import DerivedForm
from devices.history import Series
from devices.models import DerivedPoint, Device
from devices.selectors import FormulaPoint
from devices.services import derived
from sites import selectors as site_selectors
from sites.models import Site, User
from sites.rules import Ability

PREVIEW = timedelta(hours=24)
PREVIEW_POINTS = 1200


@login_required
@require_safe
def derived_list(request: HttpRequest, pk: int) -> HttpResponse:
    """What is calculated at a site, with the values now."""
    user, now = cast(User, request.user), timezone.now()
    site = site_selectors.site_for(user=user, pk=pk)
    points = selectors.derived_points(user=user, site=site)
    values = selectors.present_of(points, now=now)
    context = {
        "site": site,
        "zone": site.timezone,
        "now": now,
        "rows": [(point, values.get(point.id)) for point in points],
        "may_manage": site_selectors.may(user=user, ability=Ability.MANAGE_SITE, site=site),
    }
    return render(request, "devices/derived_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def derived_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Another one of the site."""
    user = cast(User, request.user)
    site = site_selectors.site_for(user=user, pk=pk, ability=Ability.MANAGE_SITE)
    return _edit(request, DerivedPoint(site=site))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def derived_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """One of them; also to retire it and to take it up again."""
    user = cast(User, request.user)
    point = selectors.derived_for(user=user, pk=pk, ability=Ability.MANAGE_SITE)
    return _edit(request, point.row)


@login_required
@require_safe
def derived_inputs(request: HttpRequest, pk: int) -> HttpResponse:
    """Points of one device, to be put into a formula."""
    user = cast(User, request.user)
    device = selectors.device_for(user=user, pk=pk, ability=Ability.MANAGE_SITE)
    points = selectors.points_for(user=user, devices=[device])[device.pk]
    return render(request, "devices/_derived_inputs.html", {"points": points})


def _edit(request: HttpRequest, row: DerivedPoint) -> HttpResponse:
    """Its form; `action=try` shows what the formula gives and saves nothing."""
    user, site, label = cast(User, request.user), row.site, row.label if row.pk else ""
    form = DerivedForm(request.POST or None, instance=row)
    preview = None
    if request.method == "POST" and form.is_valid():
        if request.POST.get("action") == "try":
            preview = _tried(form, row, user)
        elif _saved(form, row, user):
            messages.success(request, _("已保存。"))
            return redirect("devices:derived-list", pk=site.pk)
    devices = Device.objects.visible_to(user).filter(site=site).order_by("code", "pk")
    others = selectors.derived_points(user=user, site=site)
    context = {
        "form": form,
        "site": site,
        "zone": site.timezone,
        "row": row,
        "label": label,
        "preview": preview,
        "devices": devices.select_related("circuit"),
        "others": [one for one in others if one.row.pk != row.pk and one.row.is_active],
    }
    return render(request, "devices/derived_form.html", context, status=400 if form.errors else 200)


def _saved(form: DerivedForm, row: DerivedPoint, user: User) -> bool:
    """Whether it is saved; if not, the form says why."""
    try:
        if row.pk is None:
            derived.create_derived(site=row.site, facts=form.cleaned_data, by=user)
        else:
            derived.change_derived(row=row, facts=form.cleaned_data, by=user)
    except Invalid as refusal:
        tell_fields(cast(forms.Form, form), refusal)
        return False
    return True


def _tried(form: DerivedForm, row: DerivedPoint, user: User) -> dict[str, Any] | None:
    """The value now and the last 24 hours; None when the formula is refused."""
    facts = form.cleaned_data
    try:
        calculation, unit = derived.checked(site=row.site, facts=facts, by=user, own=row.pk)
    except Invalid as refusal:
        tell_fields(cast(forms.Form, form), refusal)
        return None
    now = timezone.now()
    asked = DerivedPoint(pk=row.pk or 0, site=row.site, unit=unit, decimals=facts["decimals"])
    asked.name, asked.name_en = facts["name"], facts["name_en"]
    point = FormulaPoint(asked, calculation)
    start = now - PREVIEW
    series, note = selectors.derived_curve(point, start=start, end=now, max_points=PREVIEW_POINTS)
    return {
        "point": point,
        "present": selectors.present_of([point], now=now)[point.id],
        "series": series,
        "note": note,
        "chart": _chart(point, series, row.site, start, now),
    }


def _chart(
    point: FormulaPoint, series: Series, site: Site, start: datetime, end: datetime
) -> dict[str, Any]:
    """One curve as charts.js draws several."""
    title = f"{point.name} ({point.row.unit})" if point.row.unit else point.name
    return {
        "from": start.timestamp(),
        "to": end.timestamp(),
        "zone": site.timezone,
        "panels": [
            {
                "axes": [title],
                "series": [
                    {
                        "id": point.id,
                        "name": point.name,
                        "unit": point.row.unit,
                        "axis": 0,
                        "decimals": point.row.decimals,
                        "phase": "",
                        "is_state": False,
                        "at": [round(at, 3) for at in series.at],
                        "value": [None if v is None else round(v, 6) for v in series.value],
                        "gaps": series.gaps,
                        "said": [],
                        "limits": [],
                        "compare": None,
                    }
                ],
            }
        ],
        "bands": [],
    }
