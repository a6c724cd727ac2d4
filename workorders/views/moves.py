"""Moving an order and remarking on it: one gate, one service, one answer."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.errors import Changed, Forbidden, Invalid, MoveRefused
from core.http import flash, tell_fields
from sites.models import User
from workorders import selectors, services
from workorders.forms import MoveForm, NoteForm
from workorders.states import Move
from workorders.views.details import show
from workorders.views.way_back import back_to


@login_required
@require_POST
def order_move(request: HttpRequest, pk: int, move: str) -> HttpResponse:
    """One move of the order's life; a refusal is told beside the fresh state."""
    if move not in Move.values:
        raise Http404
    user = cast(User, request.user)
    order = selectors.order_for(user=user, pk=pk)
    form = MoveForm(request.POST, order=order, move=Move(move))
    if not form.is_valid():
        return show(request, order, refused=(move, form), status=400)
    try:
        moved = services.move(
            order_id=pk, move=move, by=user, door="web", now=timezone.now(), **form.cleaned_data
        )
    except Invalid as refusal:
        tell_fields(form, refusal)
        return show(request, order, refused=(move, form), status=400)
    except Changed as refusal:
        messages.warning(request, str(refusal))
    except MoveRefused as refusal:
        flash(request, refusal)
    else:
        said = _("“%(move)s”已完成。") % {"move": Move(move).label}
        messages.success(request, said)
        if moved.is_alarm_active:
            messages.warning(request, _("工单已关闭，但关联的告警仍未恢复。"))
    return redirect(back_to(request, "workorders:order-detail", pk))


@login_required
@require_POST
def order_note(request: HttpRequest, pk: int) -> HttpResponse:
    """A remark."""
    user = cast(User, request.user)
    order = selectors.order_for(user=user, pk=pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return show(request, order, refused=("note", form), status=400)
    try:
        services.add_note(order_id=pk, by=user, door="web", now=timezone.now(), **form.cleaned_data)
    except Invalid as refusal:
        tell_fields(form, refusal)
        return show(request, order, refused=("note", form), status=400)
    except Forbidden as refusal:
        flash(request, refusal)
    else:
        messages.success(request, _("备注已添加。"))
    return redirect("workorders:order-detail", pk=pk)
