"""Remote operations: the list, one of them, selecting an output, and what two people do with it."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import Changed, DomainError, Forbidden, Invalid, MoveRefused, NotFound
from core.filters import chips_of
from core.http import flash, render_part, tell_fields
from core.lists import ListPage, first_address
from devices import selectors
from devices.filters import ControlFilter
from devices.forms import SelectForm
from devices.models import ControlOperation
from devices.resources import CONTROLS
from devices.services import control
from devices.states import CONTROL_OPEN, ControlMove, ControlState
from sites import selectors as site_selectors
from sites.models import User, access_for
from sites.rules import Ability

DOOR = "web"
VIEWS: dict[str, tuple[str, ...]] = {
    "all": tuple(ControlState.values),
    "open": CONTROL_OPEN,
    "done": (ControlState.DONE.value,),
    "bad": (ControlState.FAILED.value, ControlState.UNKNOWN.value),
}
ICONS = {
    ControlMove.CONFIRM: "shield-check",
    ControlMove.EXECUTE: "circuit-switch-open",
    ControlMove.REFUSE: "ban",
    ControlMove.CANCEL: "arrow-back-up",
}


@login_required
@require_safe
def control_list(request: HttpRequest) -> HttpResponseBase:
    """Operations of the person's sites, the newest first; as a sheet when the address asks for one."""
    user = cast(User, request.user)
    chosen = site_selectors.list_chosen(user=user, page=CONTROLS.key)
    if elsewhere := first_address(request, chosen):
        return redirect(elsewhere)
    view = request.GET.get("view", "all")
    view = view if view in VIEWS else "all"
    visible = ControlOperation.objects.visible_to(user)
    filters = ControlFilter(request.GET, queryset=visible, request=request)
    found = filters.qs if filters.is_valid() else visible.none()
    now = timezone.now()
    shown = ListPage(
        spec=CONTROLS,
        request=request,
        rows=found.filter(state__in=VIEWS[view]).with_place(),
        lines_of=partial(selectors.control_lines, now=now),
        chosen=chosen,
    )
    if shown.export:
        return shown.sheet(name=pgettext("file", "遥控操作"))
    context = {
        "list": shown,
        "view": view,
        "filters": filters,
        "chips": chips_of(filters),
        "tabs_of_list": _tabs(found, view),
        "may_lock": selectors.may_anywhere(user),
    }
    return render_part(request, "devices/control_list.html", context, part="list")


@login_required
@require_safe
def control_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One operation; while it is open the page asks every second."""
    operation = selectors.operation_for(user=cast(User, request.user), pk=pk)
    return _show(request, operation)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def control_select(request: HttpRequest) -> HttpResponse:
    """Select an output: its state is read back, and the 30 seconds begin."""
    user = cast(User, request.user)
    device, output = selectors.output_for(
        user=user,
        device_id=_key(request.GET.get("device", "")),
        code=request.GET.get("output", "")[:24],
    )
    now = timezone.now()
    form = SelectForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        asked = control.Request(output=output, **form.cleaned_data)
        try:
            made = control.select(device=device, request=asked, by=user, door=DOOR, now=now)
        except Invalid as refusal:
            tell_fields(form, refusal)
        except control.ControlRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("devices:control-detail", pk=made.pk)
    (line,) = (
        line
        for line in selectors.output_lines(devices=[device], now=now)
        if line.output.pk == output.pk
    )
    context = {"form": form, "line": line, "site": device.site}
    status = 400 if form.errors else 200
    return render(request, "devices/control_select.html", context, status=status)


@login_required
@require_POST
def control_move(request: HttpRequest, pk: int, move: str) -> HttpResponse:
    """Confirm, refuse, withdraw, execute; a refusal is told beside the fresh state."""
    if move not in ICONS:
        raise Http404
    user = cast(User, request.user)
    operation = selectors.operation_for(user=user, pk=pk)
    site_selectors.require(user=user, ability=Ability.CONTROL, site=operation.site)
    try:
        _move(request, operation, ControlMove(move))
    except Invalid as refusal:
        words = next(iter(refusal.fields.values()), [str(refusal)])[0]
        messages.error(request, words)
    except (Forbidden, MoveRefused, Changed, control.ControlRefused) as refusal:
        flash(request, cast(DomainError, refusal))
    return redirect("devices:control-detail", pk=pk)


def _move(request: HttpRequest, operation: ControlOperation, move: ControlMove) -> None:
    facts: dict[str, Any] = {
        "operation_id": operation.pk,
        "by": request.user,
        "door": DOOR,
        "now": timezone.now(),
    }
    if move == ControlMove.CONFIRM:
        control.confirm(seen=request.POST.get("seen", "")[:40], **facts)
    elif move == ControlMove.REFUSE:
        control.refuse(note=request.POST.get("note", ""), **facts)
    elif move == ControlMove.CANCEL:
        control.cancel(**facts)
    else:
        control.execute(**facts)


def _show(request: HttpRequest, operation: ControlOperation) -> HttpResponse:
    user, now = cast(User, request.user), timezone.now()
    moves = selectors.control_moves(user=user, operation=operation, now=now)
    context = {
        "operation": operation,
        "line": selectors.control_lines([operation], now=now)[0],
        "zone": operation.site.timezone,
        "seconds_left": max(0, round((operation.due_at - now).total_seconds())),
        "actions": [(move, ICONS[move]) for move in moves],
        "log": list(selectors.log_of(operation))[::-1],
        "is_operator": user.pk == operation.operator_id,
        "may_control": access_for(user).can(Ability.CONTROL, operation.site),
    }
    return render_part(request, "devices/control_detail.html", context, part="fresh")


def _tabs(rows: Any, view: str) -> list[dict[str, Any]]:
    labels = {
        "all": pgettext("controls", "全部"),
        "open": pgettext("controls", "进行中"),
        "done": pgettext("controls", "成功"),
        "bad": pgettext("controls", "失败或不明"),
    }
    found = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    return [
        {
            "key": key,
            "label": labels[key],
            "count": sum(found.get(state, 0) for state in states),
            "is_current": key == view,
        }
        for key, states in VIEWS.items()
    ]


def _key(given: str) -> int:
    """A key of the address. Raises NotFound for what is none."""
    if not (given.isascii() and given.isdigit()) or len(given) > 18:
        raise NotFound
    return int(given)
