"""Gateways: which of them answer, and the page of one."""

from functools import partial
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from core.filters import chips_of
from core.http import render_part
from core.lists import ListPage, first_address
from devices import selectors as equipment
from devices.filters import GatewayFilter
from devices.models import Gateway
from reports.resources import GATEWAYS
from reports.selectors import gateways as found_gateways
from sites import selectors as site_selectors
from sites.models import User, access_for
from sites.rules import Ability

VIEWS = {"offline": found_gateways.OFFLINE, "dial_in": found_gateways.DIAL_IN}


@login_required
@require_safe
def gateway_list(request: HttpRequest) -> HttpResponseBase:
    """Gateways of the person's sites; as a sheet when the address asks for one."""
    user = cast(User, request.user)
    now = timezone.now()
    chosen = site_selectors.list_chosen(user=user, page=GATEWAYS.key)
    if elsewhere := first_address(request, chosen):
        return redirect(elsewhere)
    view = request.GET.get("view", "")
    rows = Gateway.objects.visible_to(user)
    if view in VIEWS:
        rows = rows.filter(VIEWS[view])
    filters = GatewayFilter(request.GET, queryset=rows, request=request)
    found = filters.qs if filters.is_valid() else rows.none()
    shown = ListPage(
        spec=GATEWAYS,
        request=request,
        rows=found_gateways.with_devices(found).select_related(
            "site__enterprise", "site__team", "dtu_profile", "session"
        ),
        lines_of=partial(found_gateways.lines_of, user=user, now=now),
        chosen=chosen,
    )
    if shown.export:
        return shown.sheet(name=pgettext("file", "网关"))
    counts = found_gateways.gateway_tabs(user=user)
    context: dict[str, Any] = {
        "list": shown,
        "page": shown.page,
        "view": view if view in VIEWS else "",
        "tabs_of_list": [
            ("", pgettext("gateways", "全部"), counts.total),
            ("offline", pgettext("gateways", "离线"), counts.offline),
            ("dial_in", pgettext("gateways", "DTU 拨入"), counts.dial_in),
        ],
        "filters": filters,
        "chips": chips_of(filters),
        "doors": found_gateways.doors(user=user),
        "reasons": reason_words(),
        "may_manage": access_for(user).has_anywhere(Ability.MANAGE_SITE),
    }
    return render_part(request, "reports/gateway_list.html", context, part="list")


def reason_words() -> dict[str, str]:
    """Why a door turned somebody away."""
    return {
        "unknown": _("未登记的编号"),
        "silent": _("未发送注册包"),
        "noise": _("不是注册包"),
        "http": "HTTP",
        "tls": "TLS",
        "banned": _("尝试过于频繁"),
        "crowded": _("连接过多"),
    }


@login_required
@require_safe
def gateway_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One gateway: how it is reached, its call, the devices behind it, when it was away."""
    user = cast(User, request.user)
    now = timezone.now()
    gateway = equipment.gateway_for(user=user, pk=pk)
    devices = found_gateways.devices_of(gateway)
    context = {
        "gateway": gateway,
        "line": found_gateways.line_of(gateway, user=user, now=now),
        "heard_at": found_gateways.heard_at(gateway, devices),
        "devices": devices,
        "online": found_gateways.online_of(gateway, now=now),
        "zone": gateway.site.timezone,
        "now": now,
    }
    return render(request, "reports/gateway_detail.html", context)
