"""Plans of recurring work: made, changed, paused; what nobody has taken up follows the plan."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from alarms.rules.texts import text
from core.errors import Forbidden, Invalid
from core.time import local_day
from sites.models import Site, Team, User
from sites.rules import Ability
from workorders import selectors
from workorders.models import Task, TaskPlan
from workorders.services import journal
from workorders.services.generating import generate
from workorders.states import Recurrence, TaskMove, TaskState

logger = logging.getLogger(__name__)

NAME_LENGTH, NAME_EN_LENGTH = 120, 160
RANGES = {"every": (1, 60), "days_to_do": (1, 90), "lead_days": (0, 180)}
FARTHEST = timedelta(days=10 * 366)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """What a person says about a plan; `sites` is empty for all sites of the team."""

    name: str
    team: Team
    recurrence: str
    first_due_on: date
    name_en: str = ""
    is_whole_team: bool = False
    sites: Collection[Site] = ()
    instructions: str = ""
    every: int = 1
    ends_on: date | None = None
    days_to_do: int = 1
    lead_days: int = 7


def create_plan(*, facts: PlanFacts, by: User, now: datetime) -> TaskPlan:
    """Make a plan and the tasks that it already asks for.

    Nothing is made for due days before today. Raises Forbidden without the ability to plan for the
    team, Invalid for what cannot be kept.
    """
    _require(by, facts.team)
    columns = _checked(facts, now)
    with transaction.atomic():
        plan = TaskPlan(
            **columns,
            is_enabled=True,
            effective_on=local_day(now, by.timezone),
            created_by=by,
            created_at=now,
            updated_at=now,
        )
        _save(plan, facts)
        generate(now=now, plan_ids=[plan.pk])
    logger.info("plan.created plan=%s by=%s", plan.pk, by.pk)
    return plan


def edit_plan(*, plan_id: int, facts: PlanFacts, by: User, now: datetime) -> TaskPlan:
    """Change a plan; tasks that nobody has been given yet and that are not due yet follow it.

    They take over team, texts and days to do; those that the plan no longer asks for are
    withdrawn, new ones are made. What is assigned, in work or done stays as it is.
    Raises NotFound, Forbidden without the ability to plan for the old and the new team, Invalid.
    """
    selectors.plan_for(user=by, pk=plan_id, ability=Ability.PLAN_TASK)
    _require(by, facts.team)
    columns = _checked(facts, now)
    with transaction.atomic():
        plan = TaskPlan.objects.select_for_update(of=("self",)).get(pk=plan_id)
        for name, value in columns.items():
            setattr(plan, name, value)
        # What the old calendar missed is not made up for by the new one.
        plan.effective_on = max(plan.effective_on, local_day(now, by.timezone))
        plan.updated_at = now
        _save(plan, facts)
        _follow(plan, by=by, now=now)
        generate(now=now, plan_ids=[plan.pk])
    logger.info("plan.edited plan=%s by=%s", plan.pk, by.pk)
    return plan


@transaction.atomic
def enable_plan(*, plan_id: int, is_enabled: bool, by: User, now: datetime) -> TaskPlan:
    """Pause a plan or let it go on; tasks that exist stay, what was due meanwhile is not made.

    Raises NotFound, Forbidden without the ability to plan for the team.
    """
    selectors.plan_for(user=by, pk=plan_id, ability=Ability.PLAN_TASK)
    plan = TaskPlan.objects.select_for_update(of=("self",)).get(pk=plan_id)
    if plan.is_enabled != is_enabled:
        plan.is_enabled, plan.updated_at = is_enabled, now
        if is_enabled:
            plan.effective_on = max(plan.effective_on, local_day(now, by.timezone))
        plan.save(update_fields=["is_enabled", "effective_on", "updated_at"])
        generate(now=now, plan_ids=[plan.pk])
    return plan


def _require(by: User, team: Team) -> None:
    """Raises Forbidden when the person may not plan for the team."""
    mine = Team.objects.visible_to(by, ability=Ability.PLAN_TASK)
    if not mine.filter(pk=team.pk).exists():
        raise Forbidden


def _checked(facts: PlanFacts, now: datetime) -> dict[str, object]:
    """The plan's columns. Raises Invalid with every objection at once."""
    wrong: dict[str, list[str]] = {}
    for name, (least, most) in RANGES.items():
        if not least <= getattr(facts, name) <= most:
            message = _("请输入 %(least)d 至 %(most)d 之间的整数。")
            wrong[name] = [message % {"least": least, "most": most}]
    if facts.recurrence not in Recurrence.values:
        wrong["recurrence"] = [_("请选择有效的选项。")]
    if abs(facts.first_due_on - now.date()) > FARTHEST:
        wrong["first_due_on"] = [_("日期与今天相差不能超过十年。")]
    if facts.ends_on is not None and facts.ends_on < facts.first_due_on:
        wrong["ends_on"] = [_("结束日期不能早于首次到期日。")]
    wrong |= _wrong_sites(facts)
    if wrong:
        raise Invalid(fields=wrong)
    columns = {field.name: getattr(facts, field.name) for field in fields(facts)}
    del columns["sites"]
    columns["name"] = text(facts.name, field="name", limit=NAME_LENGTH, is_required=True)
    columns["name_en"] = text(facts.name_en, field="name_en", limit=NAME_EN_LENGTH)
    columns["instructions"] = text(facts.instructions, field="instructions")
    return columns


def _wrong_sites(facts: PlanFacts) -> dict[str, list[str]]:
    if facts.is_whole_team:
        return {}
    if not facts.sites:
        return {"sites": [_("请至少选择一个站点，或选择班组的全部站点。")]}
    if any(site.team_id != facts.team.pk for site in facts.sites):
        return {"sites": [_("只能选择该班组负责的站点。")]}
    return {}


def _save(plan: TaskPlan, facts: PlanFacts) -> None:
    """The row and its sites. Raises Invalid when the team has another plan of this name."""
    try:
        with transaction.atomic():
            plan.save()
    except IntegrityError as error:
        if "plan_name_per_team" not in str(error):
            raise
        raise Invalid(fields={"name": [_("该班组已有同名计划。")]}) from None
    plan.sites.set([] if facts.is_whole_team else facts.sites)


def _follow(plan: TaskPlan, *, by: User, now: datetime) -> None:
    """Bring the plan's tasks that wait for somebody into line with it."""
    waiting = (
        Task.objects.select_for_update(of=("self",))
        .filter(plan=plan, state=TaskState.NEW, due_at__gte=now)
        .select_related("site")
    )
    sites = set(selectors.plan_sites(plan).values_list("pk", flat=True))
    schedule = plan.schedule
    for task in waiting:
        day = task.planned_on
        if day is None or task.site_id not in sites or not schedule.has(day):
            _withdraw(task, by=by, now=now)
        else:
            _take_over(task, plan, by=by, now=now)


def _withdraw(task: Task, *, by: User, now: datetime) -> None:
    source = task.state
    task.state, task.is_withdrawn = TaskState.CANCELLED, True
    task.moved_at = task.closed_at = task.updated_at = now
    task.save(update_fields=["state", "is_withdrawn", "moved_at", "closed_at", "updated_at"])
    journal.write(
        task,
        "move",
        by=by,
        door="system",
        now=now,
        move=TaskMove.WITHDRAW,
        source=source,
        target=TaskState.CANCELLED,
    )


def _take_over(task: Task, plan: TaskPlan, *, by: User, now: datetime) -> None:
    """Texts, team and first day; a due day that people have moved stays."""
    wanted = {
        "title": plan.name,
        "title_en": plan.name_en,
        "instructions": plan.instructions,
        "team_id": plan.team_id,
        "starts_on": plan.schedule.starts_on(task.due_on),
    }
    news = {name: value for name, value in wanted.items() if getattr(task, name) != value}
    if not news:
        return
    facts = {name: [str(getattr(task, name)), str(value)] for name, value in news.items()}
    for name, value in news.items():
        setattr(task, name, value)
    task.updated_at = now
    task.save(update_fields=[*(name.removesuffix("_id") for name in news), "updated_at"])
    journal.write(task, "edit", by=by, door="system", now=now, facts=facts)
