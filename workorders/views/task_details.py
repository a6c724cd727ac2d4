"""One task: its facts, its log, its photos, and the moves that the person may make."""

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
from workorders.forms import NoteForm, PhotoForm, TaskForm, TaskMoveForm
from workorders.models import Task, TaskPlan
from workorders.states import TASK_NEEDS, TaskMove, TaskState
from workorders.views.flow import flow_of

# The one thing that usually comes next.
NEXT = {
    TaskState.NEW: TaskMove.ASSIGN,
    TaskState.ASSIGNED: TaskMove.START,
    TaskState.IN_PROGRESS: TaskMove.FINISH,
    TaskState.TO_ACCEPT: TaskMove.ACCEPT,
}
ICONS = {
    TaskMove.ASSIGN: "user-plus",
    TaskMove.START: "player-play",
    TaskMove.FINISH: "checks",
    TaskMove.ACCEPT: "circle-check",
    TaskMove.SEND_BACK: "arrow-back-up",
    TaskMove.CANCEL: "ban",
}
WAY = [
    TaskState.NEW,
    TaskState.ASSIGNED,
    TaskState.IN_PROGRESS,
    TaskState.TO_ACCEPT,
    TaskState.DONE,
]


@dataclass(frozen=True, slots=True)
class TaskAction:
    """One move to offer; one that needs nothing is sent without asking."""

    move: TaskMove
    icon: str
    form: TaskMoveForm
    is_next: bool
    is_asking: bool
    is_open: bool = False


@login_required
@require_safe
def task_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One task."""
    return show(request, selectors.task_for(user=cast(User, request.user), pk=pk))


@login_required
@require_safe
def task_print(request: HttpRequest, pk: int) -> HttpResponse:
    """One task on paper, A4, with room for signatures."""
    task = selectors.task_for(user=cast(User, request.user), pk=pk)
    context = {
        "task": task,
        "zone": task.site.timezone,
        "now": timezone.now(),
        "log": selectors.task_log_of(task),
        "photos": task.photos.select_related("by"),
    }
    return render(request, "workorders/task_print.html", context)


def show(
    request: HttpRequest,
    task: Task,
    *,
    refused: tuple[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of a task; `refused` is a form by its name, shown again with what was typed."""
    user = cast(User, request.user)
    name, form = refused or ("", None)
    access = access_for(user)
    context = {
        "task": task,
        "zone": task.site.timezone,
        "now": timezone.now(),
        "flow": flow_of(task.state, WAY, TaskState.CANCELLED),
        "actions": actions(user, task, name, form),
        "log": list(selectors.task_log_of(task))[::-1],
        "photos": list(task.photos.select_related("by")),
        "may_comment": access.can(Ability.COMMENT, task.site),
        "may_add_photo": selectors.may_add_task_photo(user=user, task=task),
        "may_see_plan": task.plan_id is not None
        and TaskPlan.objects.visible_to(user).filter(pk=task.plan_id).exists(),
        "may_edit": task.is_open and access.can(Ability.ASSIGN_TASK, task.site),
        "edit_form": form if name == "edit" else TaskForm(initial=edit_initial(task)),
        "note_form": form if name == "note" else NoteForm(),
        "photo_form": form if name == "photo" else PhotoForm(),
        "is_edit_refused": name == "edit",
    }
    return render_part(request, "workorders/task_detail.html", context, part="fresh", status=status)


def edit_initial(task: Task) -> dict[str, Any]:
    """What an open task says now."""
    names = ("title", "title_en", "due_on", "instructions", "seen")
    return {name: getattr(task, name) for name in names}


def actions(user: User, task: Task, name: str = "", refused: Any = None) -> list[TaskAction]:
    """What the person may do now: the usual next move first, giving up last."""
    found = []
    for edge in selectors.task_moves_for(user=user, task=task):
        move = TaskMove(edge.move)
        is_refused = name == move.value
        found.append(
            TaskAction(
                move=move,
                icon=ICONS[move],
                form=refused if is_refused else TaskMoveForm(task=task, move=move),
                is_next=NEXT.get(TaskState(task.state)) == move,
                is_asking=move in TASK_NEEDS or move == TaskMove.ACCEPT,
                is_open=is_refused,
            )
        )
    return sorted(found, key=lambda action: (not action.is_next, action.move == TaskMove.CANCEL))
