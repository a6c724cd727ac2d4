"""Data sources: the list, one of them, and what is done to it."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import Forbidden
from devices import selectors
from devices.forms import SourceForm
from devices.models import DataSource
from devices.services import sources
from sites import selectors as site_selectors
from sites.models import User, access_for
from sites.rules import Ability

FORM = "devices/source_form.html"


@login_required
@require_safe
def source_list(request: HttpRequest) -> HttpResponse:
    """The sources that the person maintains."""
    user = _manager(request)
    words = request.GET.get("q", "").strip()[:100]
    lines = selectors.source_lines(user=user, words=words, now=timezone.now())
    context = {"lines": lines, "q": words, "is_cut": len(lines) == selectors.SOURCES_SHOWN}
    return render(request, "devices/source_list.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def source_add(request: HttpRequest) -> HttpResponse:
    """Choose a site, or fill in its form; the answer to it shows the key, this once."""
    user = _manager(request)
    given = request.GET.get("site", "")
    if not given.isdecimal() or len(given) > 18:
        words = request.GET.get("q", "").strip()[:100]
        sites = selectors.sites_to_feed(user=user, words=words)
        return render(request, "devices/source_sites.html", {"sites": sites, "q": words})
    site = site_selectors.site_for(user=user, pk=int(given), ability=Ability.MANAGE_SITE)
    form = SourceForm(request.POST or None, instance=DataSource(site=site))
    if request.method == "POST" and form.is_valid():
        source = form.save(commit=False)
        try:
            with transaction.atomic():
                key = sources.create_source(source=source, now=timezone.now())
        except IntegrityError:
            form.add_error("name", _("该站点已有同名数据源。"))
        else:
            return _page(request, source, key=key)
    context = {"form": form, "site": site}
    return render(request, FORM, context, status=400 if form.errors else 200)


@login_required
@require_safe
def source_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One source: figures, devices, what was refused, how to send."""
    return _page(request, selectors.source_for(user=cast(User, request.user), pk=pk))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def source_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Its names, quota and period."""
    source = selectors.source_for(user=cast(User, request.user), pk=pk)
    label = source.label
    form = SourceForm(request.POST or None, instance=source)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("已保存。"))
        return redirect("devices:source-detail", pk=pk)
    context = {"form": form, "site": source.site, "source": source, "label": label}
    return render(request, FORM, context, status=400 if form.errors else 200)


@never_cache
@login_required
@require_POST
def source_renew(request: HttpRequest, pk: int) -> HttpResponse:
    """Another key, shown by the answer, this once."""
    source = selectors.source_for(user=cast(User, request.user), pk=pk)
    return _page(request, source, key=sources.renew_key(source=source, now=timezone.now()))


@login_required
@require_POST
def source_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """On or off, as `is_enabled` says."""
    source = selectors.source_for(user=cast(User, request.user), pk=pk)
    is_enabled = request.POST.get("is_enabled") == "1"
    sources.switch(source=source, is_enabled=is_enabled)
    messages.success(request, _("数据源已启用。") if is_enabled else _("数据源已停用。"))
    return redirect("devices:source-detail", pk=pk)


def _page(request: HttpRequest, source: DataSource, *, key: str = "") -> HttpResponse:
    now = timezone.now()
    context: dict[str, Any] = {
        "source": source,
        "found": selectors.source_page(source=source, now=now),
        "address": request.build_absolute_uri(reverse("api-ingest")),
        "key": key,
        "now": now,
        "zone": source.site.timezone,
    }
    return render(request, "devices/source_detail.html", context)


def _manager(request: HttpRequest) -> User:
    user = cast(User, request.user)
    if not access_for(user).has_anywhere(Ability.MANAGE_SITE):
        raise Forbidden
    return user
