"""A new task by hand."""

from datetime import timedelta
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.errors import Invalid
from core.http import tell_fields
from core.time import local_day
from sites import selectors as site_selectors
from sites.models import Site, User
from sites.rules import Ability
from workorders import services
from workorders.forms import TaskForm
from workorders.models import Task
from workorders.views.creating import choose_site, key_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def task_create(request: HttpRequest) -> HttpResponse:
    """A task by hand; its site is chosen first."""
    user = cast(User, request.user)
    pk = key_of(request, "site")
    if pk is None:
        return choose_site(request, user, Ability.ASSIGN_TASK, "workorders/task_choose_site.html")
    site = site_selectors.site_for(user=user, pk=pk, ability=Ability.ASSIGN_TASK)
    due_on = local_day(timezone.now(), site.timezone) + timedelta(days=7)
    form = TaskForm(request.POST or None, initial={"due_on": due_on})
    if request.method == "POST" and form.is_valid():
        task = _create(form, site, user)
        if task is not None:
            messages.success(request, _("任务 %(number)s 已创建。") % {"number": task.number})
            return redirect("workorders:task-detail", pk=task.pk)
    context = {"form": form, "site": site}
    status = 400 if form.errors else 200
    return render(request, "workorders/task_create.html", context, status=status)


def _create(form: TaskForm, site: Site, user: User) -> Task | None:
    """The task; None when the form has to be shown again."""
    facts = {name: value for name, value in form.cleaned_data.items() if name != "seen"}
    try:
        return services.create_task(site=site, by=user, door="web", now=timezone.now(), **facts)
    except Invalid as refusal:
        tell_fields(form, refusal)
        return None
