"""Plans: their list, one plan with its next days and tasks, new, changed, paused."""

from datetime import date, timedelta
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import Forbidden, Invalid, NotFound
from core.http import tell_fields
from core.time import local_day
from sites.models import Site, Team, User, access_for
from sites.rules import Ability
from workorders import selectors, services
from workorders.forms import PlanForm
from workorders.models import TaskPlan
from workorders.rules.recurrence import Schedule
from workorders.states import TASK_OPEN, Recurrence

SHOWN_DAYS = 6
SHOWN_SITES = 50
SHOWN_TASKS = 10


def _today(user: User) -> date:
    return local_day(timezone.now(), user.timezone)


@login_required
@require_safe
def plan_list(request: HttpRequest) -> HttpResponse:
    """Plans of the teams that the person sees, with the next due day."""
    user = cast(User, request.user)
    plans = (
        TaskPlan.objects.visible_to(user)
        .select_related("team")
        .annotate(
            open_count=Count("tasks", filter=Q(tasks__state__in=TASK_OPEN), distinct=True),
            site_count=Count("sites", distinct=True),
        )
        .order_by("-is_enabled", "team__name", "name", "pk")
    )
    today = _today(user)
    rows = [
        (plan, next(iter(plan.schedule.next_days(first=today, limit=1)), None)) for plan in plans
    ]
    context = {"rows": rows, "may_plan": access_for(user).has_anywhere(Ability.PLAN_TASK)}
    return render(request, "workorders/plan_list.html", context)


@login_required
@require_safe
def plan_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One plan."""
    user = cast(User, request.user)
    plan = selectors.plan_for(user=user, pk=pk)
    sites = selectors.plan_sites(plan)
    named = 0 if plan.is_whole_team else plan.sites.count()
    count = sites.count()
    context = {
        "plan": plan,
        "days": preview_of(plan.schedule, _today(user)) if plan.is_enabled else [],
        "sites": Site.objects.visible_to(user).filter(pk__in=sites.values("pk"))[:SHOWN_SITES],
        "site_count": count,
        "left_out": max(0, named - count),
        "tasks": plan.tasks.visible_to(user).with_place().order_by("-due_at", "-pk")[:SHOWN_TASKS],
        "now": timezone.now(),
        "may_plan": TaskPlan.objects.visible_to(user, ability=Ability.PLAN_TASK)
        .filter(pk=pk)
        .exists(),
    }
    return render(request, "workorders/plan_detail.html", context)


def preview_of(schedule: Schedule, today: date) -> list[tuple[date, date, date]]:
    """The next due days, each with its first day of work and the day it is generated."""
    days = schedule.next_days(first=today, limit=SHOWN_DAYS)
    return [(schedule.starts_on(day), day, max(today, schedule.generated_on(day))) for day in days]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def plan_create(request: HttpRequest) -> HttpResponse:
    """A new plan; its team is chosen first unless there is only one."""
    user = cast(User, request.user)
    teams = Team.objects.visible_to(user, ability=Ability.PLAN_TASK).select_related("organisation")
    if not access_for(user).has_anywhere(Ability.PLAN_TASK):
        raise Forbidden
    team = _team(request, list(teams))
    if team is None:
        return render(request, "workorders/plan_choose_team.html", {"teams": teams})
    first = _today(user) + timedelta(days=7)
    form = PlanForm(request.POST or None, team=team, user=user, initial={"first_due_on": first})
    if request.method == "POST" and form.is_valid():
        try:
            plan = services.create_plan(facts=form.facts(), by=user, now=timezone.now())
        except Invalid as refusal:
            tell_fields(form, refusal)
        else:
            messages.success(request, _("计划“%(name)s”已创建。") % {"name": plan.label})
            return redirect("workorders:plan-detail", pk=plan.pk)
    return _form(request, form, team, None)


def _team(request: HttpRequest, teams: list[Team]) -> Team | None:
    """The team of the address, or the only one. Raises NotFound for another's."""
    asked = request.GET.get("team", "")
    if not asked:
        return teams[0] if len(teams) == 1 else None
    found = [team for team in teams if str(team.pk) == asked]
    if not found:
        raise NotFound
    return found[0]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def plan_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Another calendar, other sites or words."""
    user = cast(User, request.user)
    plan = selectors.plan_for(user=user, pk=pk, ability=Ability.PLAN_TASK)
    initial = PlanForm.initial_of(plan)
    form = PlanForm(request.POST or None, team=plan.team, user=user, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_plan(plan_id=pk, facts=form.facts(), by=user, now=timezone.now())
        except Invalid as refusal:
            tell_fields(form, refusal)
        else:
            messages.success(request, _("计划已保存，未派发的任务已随之更新。"))
            return redirect("workorders:plan-detail", pk=pk)
    return _form(request, form, plan.team, plan)


def _form(request: HttpRequest, form: PlanForm, team: Team, plan: TaskPlan | None) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "team": team, "plan": plan}
    context |= _preview(form, cast(User, request.user))
    status = 400 if form.errors else 200
    return render(request, "workorders/plan_form.html", context, status=status)


@login_required
@require_safe
def plan_preview(request: HttpRequest) -> HttpResponse:
    """The next days of a calendar that somebody is just typing."""
    user = cast(User, request.user)
    form = PlanForm(request.GET, user=user)
    return render(request, "workorders/plan_form.html#preview", _preview(form, user))


def _preview(form: PlanForm, user: User) -> dict[str, Any]:
    """Days from what the form shows now, or nothing while it makes no sense."""
    names = ("recurrence", "every", "first_due_on", "ends_on", "days_to_do", "lead_days")
    try:
        said = {name: form.fields[name].clean(form[name].value()) for name in names}
    except ValidationError:
        return {"days": None}
    if said["ends_on"] and said["ends_on"] < said["first_due_on"]:
        return {"days": None}
    schedule = Schedule(**said | {"recurrence": Recurrence(said["recurrence"])})
    return {"days": preview_of(schedule, _today(user))}


@login_required
@require_POST
def plan_enable(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause a plan, or let it go on."""
    is_enabled = request.POST.get("enabled") == "true"
    services.enable_plan(
        plan_id=pk, is_enabled=is_enabled, by=cast(User, request.user), now=timezone.now()
    )
    said = _("计划已恢复。") if is_enabled else _("计划已暂停，不再生成新任务。")
    messages.success(request, said)
    return redirect("workorders:plan-detail", pk=pk)
