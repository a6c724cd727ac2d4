"""The template library: which maps there are, and the page of one."""

from functools import partial
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from core.errors import NotFound
from core.filters import chips_of
from core.http import render_part
from core.lists import ListPage, first_address
from devices import selectors as equipment
from devices.filters import TemplateFilter, kinds, vendors
from devices.models import DeviceTemplate
from devices.selectors.templates import USES
from reports.resources import TEMPLATES
from reports.selectors.templates import lines_of, template_page
from sites import selectors as site_selectors
from sites.models import User, access_for
from sites.models.names import name_for_reader
from sites.rules import Ability

TABS = ("registers", "blocks", "limits", "versions")


@login_required
@require_safe
def template_list(request: HttpRequest) -> HttpResponseBase:
    """The library; as a sheet when the address asks for one."""
    user = cast(User, request.user)
    chosen = site_selectors.list_chosen(user=user, page=TEMPLATES.key)
    if elsewhere := first_address(request, chosen):
        return redirect(elsewhere)
    view = request.GET.get("view", "")
    rows = equipment.library(user=user)
    counts = {key: rows.filter(**USES[key]).count() for key in ("used", "behind", "retired")}
    counts[""] = rows.count()
    if view in USES:
        rows = rows.filter(**USES[view])
    filters = TemplateFilter(request.GET, queryset=rows, request=request)
    found = filters.qs if filters.is_valid() else rows.none()
    shown = ListPage(
        spec=TEMPLATES,
        request=request,
        rows=found,
        lines_of=partial(lines_of, user=user),
        chosen=chosen,
    )
    if shown.export:
        return shown.sheet(name=pgettext("file", "设备模板"))
    words = {
        "": pgettext("templates", "全部"),
        "used": _("使用中"),
        "behind": _("有设备使用旧版本"),
        "retired": pgettext("templates", "已停用"),
    }
    context: dict[str, Any] = {
        "list": shown,
        "page": shown.page,
        "view": view if view in words else "",
        "tabs_of_list": [(key, words[key], counts[key]) for key in words],
        "filters": filters,
        "chips": chips_of(filters),
        "vendors": vendors(),
        "kinds": kinds(),
        "may_keep": equipment.may_keep_library(user),
    }
    return render_part(request, "reports/template_list.html", context, part="list")


@login_required
@require_safe
def template_detail(request: HttpRequest, key: str) -> HttpResponse:
    """One template: its facts, and registers, blocks, limits of a version, or its versions."""
    user = cast(User, request.user)
    template = equipment.library(user=user).filter(key=key).first()
    if template is None:
        raise NotFound
    tab = request.GET.get("tab") or TABS[0]
    if tab not in TABS:
        raise NotFound
    context = {
        "found": template_page(template=template, version=_version(request, template), user=user),
        "template": template,
        "description": name_for_reader(template.description, template.description_en),
        "tab": tab,
        "tabs_of_template": tab_words(),
        "tab_template": f"reports/template/{tab}.html",
        "may_keep": equipment.may_keep_library(user),
        "may_move": access_for(user).has_anywhere(Ability.MANAGE_SITE),
    }
    return render(request, "reports/template_detail.html", context)


def _version(request: HttpRequest, template: DeviceTemplate) -> Any:
    """The version that the address names, else the one for new devices. Raises NotFound."""
    if "version" in request.GET:
        return equipment.version_for(key=template.key, number=request.GET["version"])
    return equipment.newest_version(template)


def tab_words() -> list[tuple[str, str]]:
    """The tabs with their words."""
    words = {
        "registers": _("寄存器"),
        "blocks": _("读取块"),
        "limits": _("默认限值"),
        "versions": pgettext("plural", "模板版本"),
    }
    return [(key, words[key]) for key in TABS]
