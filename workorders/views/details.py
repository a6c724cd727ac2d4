"""One order: its facts, its log, its photos, and the moves that the person may make."""

from dataclasses import dataclass
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from core.http import render_part
from sites.models import User, access_for
from sites.rules import Ability
from workorders import selectors
from workorders.forms import MoveForm, NoteForm, PhotoForm
from workorders.models import WorkOrder
from workorders.states import NEEDS, Move, State
from workorders.views.flow import flow_of

# The one thing that usually comes next.
NEXT = {
    State.NEW: Move.ASSIGN,
    State.ASSIGNED: Move.START,
    State.IN_PROGRESS: Move.FINISH,
    State.ON_HOLD: Move.RESUME,
    State.TO_ACCEPT: Move.ACCEPT,
}
WAY = [State.NEW, State.ASSIGNED, State.IN_PROGRESS, State.TO_ACCEPT, State.CLOSED]
ICONS = {
    Move.ASSIGN: "user-plus",
    Move.START: "player-play",
    Move.HOLD: "player-pause",
    Move.RESUME: "player-play",
    Move.FINISH: "checks",
    Move.ACCEPT: "circle-check",
    Move.SEND_BACK: "arrow-back-up",
    Move.CANCEL: "ban",
}


@dataclass(frozen=True, slots=True)
class Action:
    """One move to offer; one that needs nothing is sent without asking."""

    move: Move
    icon: str
    form: MoveForm
    is_next: bool
    is_asking: bool
    is_open: bool = False


@login_required
@require_safe
def order_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One order."""
    order = selectors.order_for(user=cast(User, request.user), pk=pk)
    return show(request, order)


@login_required
@require_safe
def order_print(request: HttpRequest, pk: int) -> HttpResponse:
    """One order on paper, A4, with room for signatures."""
    order = selectors.order_for(user=cast(User, request.user), pk=pk)
    context = {
        "order": order,
        "zone": order.site.timezone,
        "now": timezone.now(),
        "log": selectors.log_of(order),
        "photos": order.photos.select_related("by"),
    }
    return render(request, "workorders/order_print.html", context)


def show(
    request: HttpRequest,
    order: WorkOrder,
    *,
    refused: tuple[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of an order; `refused` is a form by its name, shown again with what was typed."""
    user = cast(User, request.user)
    name, form = refused or ("", None)
    access = access_for(user)
    context = {
        "order": order,
        "zone": order.site.timezone,
        "now": timezone.now(),
        "flow": flow_of(order.state, WAY, State.CANCELLED, {State.ON_HOLD: State.IN_PROGRESS}),
        "actions": actions(user, order, name, form),
        "log": list(selectors.log_of(order))[::-1],
        "photos": list(order.photos.select_related("by")),
        "may_comment": access.can(Ability.COMMENT, order.site),
        "may_add_photo": selectors.may_add_photo(user=user, order=order),
        "note_form": form if name == "note" else NoteForm(),
        "photo_form": form if name == "photo" else PhotoForm(),
        "is_photo_refused": name == "photo",
    }
    return render_part(
        request, "workorders/order_detail.html", context, part="fresh", status=status
    )


def actions(user: User, order: WorkOrder, name: str = "", refused: Any = None) -> list[Action]:
    """What the person may do now: the usual next move first, giving up last."""
    found = []
    for edge in selectors.moves_for(user=user, order=order):
        move = Move(edge.move)
        is_refused = name == move.value
        found.append(
            Action(
                move=move,
                icon=ICONS[move],
                form=refused if is_refused else MoveForm(order=order, move=move),
                is_next=NEXT.get(State(order.state)) == move,
                is_asking=move in NEEDS or move == Move.ACCEPT,
                is_open=is_refused,
            )
        )
    return sorted(found, key=lambda action: (not action.is_next, action.move == Move.CANCEL))
