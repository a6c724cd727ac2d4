"""Moving a task, remarking on it, changing what it says, adding pictures."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import Changed, Forbidden, Invalid, MoveRefused
from core.http import flash, picture, tell_fields
from sites.models import User
from workorders import selectors, services
from workorders.forms import NoteForm, PhotoForm, TaskForm, TaskMoveForm
from workorders.models import Task
from workorders.states import TaskMove
from workorders.views.task_details import show
from workorders.views.way_back import back_to

DOOR = "web"


@login_required
@require_POST
def task_move(request: HttpRequest, pk: int, move: str) -> HttpResponse:
    """One move of the task's life; a refusal is told beside the fresh state."""
    if move not in TaskMove.values:
        raise Http404
    user = cast(User, request.user)
    task = selectors.task_for(user=user, pk=pk)
    form = TaskMoveForm(request.POST, request.FILES, task=task, move=TaskMove(move))
    if not form.is_valid():
        return show(request, task, refused=(move, form), status=400)
    facts = dict(form.cleaned_data)
    try:
        _keep_pictures(task, facts.pop("photos", []), user)
        services.move_task(task_id=pk, move=move, by=user, door=DOOR, now=timezone.now(), **facts)
    except Invalid as refusal:
        tell_fields(form, refusal)
        return show(request, task, refused=(move, form), status=400)
    except Changed as refusal:
        messages.warning(request, str(refusal))
    except MoveRefused as refusal:
        flash(request, refusal)
    else:
        messages.success(request, _("“%(move)s”已完成。") % {"move": TaskMove(move).label})
    return redirect(back_to(request, "workorders:task-detail", pk))


def _keep_pictures(task: Task, pictures: list[Any], user: User) -> None:
    """Pictures that came with a result; raises Invalid with the field of the form."""
    for file in pictures:
        try:
            services.add_task_photo(
                task_id=task.pk,
                file=file,
                caption="",
                by=user,
                door=DOOR,
                now=timezone.now(),
            )
        except Invalid as refusal:
            sentences = [
                _("%(file)s：%(words)s") % {"file": file.name, "words": text}
                for text in refusal.fields.get("file", [])
            ]
            raise Invalid(fields={"photos": sentences}) from None


@login_required
@require_POST
def task_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Another wording or due day."""
    user = cast(User, request.user)
    task = selectors.task_for(user=user, pk=pk)
    form = TaskForm(request.POST)
    if not form.is_valid():
        return show(request, task, refused=("edit", form), status=400)
    try:
        services.edit_task(task_id=pk, by=user, door=DOOR, now=timezone.now(), **form.cleaned_data)
    except Invalid as refusal:
        tell_fields(form, refusal)
        return show(request, task, refused=("edit", form), status=400)
    except (Changed, MoveRefused) as refusal:
        flash(request, refusal)
    else:
        messages.success(request, _("任务已修改。"))
    return redirect("workorders:task-detail", pk=pk)


@login_required
@require_POST
def task_note(request: HttpRequest, pk: int) -> HttpResponse:
    """A remark."""
    user = cast(User, request.user)
    task = selectors.task_for(user=user, pk=pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return show(request, task, refused=("note", form), status=400)
    try:
        services.add_task_note(
            task_id=pk, by=user, door=DOOR, now=timezone.now(), **form.cleaned_data
        )
    except Invalid as refusal:
        tell_fields(form, refusal)
        return show(request, task, refused=("note", form), status=400)
    except Forbidden as refusal:
        flash(request, refusal)
    else:
        messages.success(request, _("备注已添加。"))
    return redirect("workorders:task-detail", pk=pk)


@login_required
@require_POST
def task_photo_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep one picture."""
    user = cast(User, request.user)
    task = selectors.task_for(user=user, pk=pk)
    form = PhotoForm(request.POST, request.FILES)
    if not form.is_valid():
        return show(request, task, refused=("photo", form), status=400)
    try:
        services.add_task_photo(
            task_id=pk, by=user, door=DOOR, now=timezone.now(), **form.cleaned_data
        )
    except Invalid as refusal:
        tell_fields(form, refusal)
        return show(request, task, refused=("photo", form), status=400)
    except MoveRefused as refusal:
        flash(request, refusal)
    else:
        messages.success(request, _("照片已上传。"))
    return redirect("workorders:task-detail", pk=pk)


@login_required
@require_safe
def task_photo_image(request: HttpRequest, pk: int) -> HttpResponse:
    """The picture."""
    return picture(selectors.task_photo_for(user=cast(User, request.user), pk=pk).image)


@login_required
@require_safe
def task_photo_thumbnail(request: HttpRequest, pk: int) -> HttpResponse:
    """The small one."""
    return picture(selectors.task_photo_for(user=cast(User, request.user), pk=pk).thumbnail)
