"""The board of orders: moved by menu, by keys or by drag, all through the same service."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError
from core.filters import chips_of
from core.http import render_part
from sites.models import User, access_for
from sites.rules import Ability
from workorders import selectors, services
from workorders.filters import OrderFilter
from workorders.models import WorkOrder
from workorders.states import Move, State
from workorders.views.details import actions


@login_required
@require_safe
def order_board(request: HttpRequest) -> HttpResponse:
    """Orders in columns by state."""
    user = cast(User, request.user)
    orders = WorkOrder.objects.visible_to(user)
    filters = OrderFilter(request.GET, queryset=orders, request=request)
    found = filters.qs if filters.is_valid() else orders.none()
    now = timezone.now()
    context = {
        "columns": selectors.board(user=user, orders=found, now=now),
        "filters": filters,
        "chips": chips_of(filters),
        "now": now,
        "may_create": access_for(user).has_anywhere(Ability.CREATE_ORDER),
    }
    return render_part(request, "workorders/order_board.html", context, part="board")


@login_required
@require_safe
def order_ask(request: HttpRequest, pk: int, move: str) -> HttpResponse:
    """The form of one move, to be opened over the board."""
    user = cast(User, request.user)
    order = selectors.order_for(user=user, pk=pk)
    action = next((one for one in actions(user, order) if one.move == move), None)
    if action is None:
        raise Http404
    context = {"action": action, "order": order, "next": request.GET.get("next", "")}
    return render(request, "workorders/_ask.html", context)


@login_required
@require_POST
def order_drop(request: HttpRequest, pk: int, state: str) -> JsonResponse:
    """A card was dropped on a column: moved, refused in a sentence, or asked for what it needs."""
    if state not in State.values:
        raise Http404
    user = cast(User, request.user)
    order = selectors.order_for(user=user, pk=pk)
    move = selectors.move_between(order.state, state)
    if move is None:
        names = {"state": order.get_state_display(), "target": State(state).label}
        sentence = _("“%(state)s”的工单不能直接移到“%(target)s”。") % names
        return JsonResponse({"refused": sentence}, status=409)
    action = next((one for one in actions(user, order) if one.move == move), None)
    if action is None:
        sentence = _("您没有“%(move)s”的权限。") % {"move": move.label}
        return JsonResponse({"refused": sentence}, status=403)
    if action.is_asking:
        return JsonResponse({"ask": reverse("workorders:order-ask", args=[pk, move.value])})
    return _move(order, move, request.POST.get("seen", ""), user)


def _move(order: WorkOrder, move: Move, seen: str, user: User) -> JsonResponse:
    facts: dict[str, Any] = {"by": user, "door": "web", "now": timezone.now(), "seen": seen}
    try:
        services.move(order_id=order.pk, move=move, **facts)
    except DomainError as refusal:
        return JsonResponse({"refused": str(refusal)}, status=refusal.status)
    return JsonResponse({"moved": move.value})
