"""Make the tasks that plans ask for, ahead of time and never twice."""

import logging
from datetime import date, datetime, timedelta

from django.db import transaction

from core.time import day_bounds, local_day
from sites import services as site_services
from sites.models import Site
from workorders import selectors
from workorders.models import Task, TaskLog, TaskPlan
from workorders.states import TASK_LIFE

logger = logging.getLogger(__name__)

PREFIX = "RW"
# What was missed while nothing ran is made up for, so far back.
CATCH_UP_DAYS = 31
_AT_ONCE = 1000


def due_at(day: date, zone: str) -> datetime:
    """The last second of a day in a zone, also on days of 23 or 25 hours."""
    return day_bounds(day, zone)[1] - timedelta(seconds=1)


def generate(*, now: datetime, plan_ids: list[int] | None = None) -> int:
    """Make the missing tasks of all enabled plans (or of some); returns how many were made.

    Each plan is one transaction with the plan locked: two generators at once wait for each other,
    and the second finds nothing missing. Today is the site's own day.
    """
    plans = TaskPlan.objects.filter(is_enabled=True)
    if plan_ids is not None:
        plans = plans.filter(pk__in=plan_ids)
    made = 0
    for pk in plans.order_by("pk").values_list("pk", flat=True):
        made += _generate_one(pk, now)
    return made


@transaction.atomic
def _generate_one(plan_id: int, now: datetime) -> int:
    plan = TaskPlan.objects.select_for_update(of=("self",)).get(pk=plan_id)
    if not plan.is_enabled:
        return 0
    missing = _missing(plan, now)
    tasks: list[Task] = []
    for day, rows in _by_day_of_number(missing, now).items():
        numbers = site_services.take_numbers(prefix=PREFIX, day=day, count=len(rows))
        tasks += [
            task_of(plan, site, due_on, number=number, now=now)
            for number, (site, due_on) in zip(numbers, rows, strict=True)
        ]
    Task.objects.bulk_create(tasks, batch_size=_AT_ONCE)
    TaskLog.objects.bulk_create(
        [TaskLog(task=task, entry="created", at=now, facts=_facts(task)) for task in tasks],
        batch_size=_AT_ONCE,
    )
    if tasks:
        logger.info("tasks.generated plan=%s count=%s", plan.pk, len(tasks))
    return len(tasks)


def wanted_days(plan: TaskPlan, today: date) -> list[date]:
    """Due days for which the plan wants a task to exist today."""
    first = max(plan.effective_on, today - timedelta(days=CATCH_UP_DAYS))
    schedule = plan.schedule
    return list(schedule.due_days(first=first, last=schedule.horizon(today)))


def _missing(plan: TaskPlan, now: datetime) -> list[tuple[Site, date]]:
    """Sites and due days that have no task yet, by due day."""
    wanted = [
        (site, due_on)
        for site in selectors.plan_sites(plan)
        for due_on in wanted_days(plan, local_day(now, site.timezone))
    ]
    if not wanted:
        return []
    existing = set(
        Task.objects.filter(
            plan=plan, is_withdrawn=False, planned_on__gte=min(day for _site, day in wanted)
        ).values_list("site_id", "planned_on")
    )
    missing = [(site, day) for site, day in wanted if (site.pk, day) not in existing]
    return sorted(missing, key=lambda pair: (pair[1], pair[0].number))


def _by_day_of_number(
    missing: list[tuple[Site, date]], now: datetime
) -> dict[date, list[tuple[Site, date]]]:
    """Grouped by the day that stands in the number: today at the site."""
    grouped: dict[date, list[tuple[Site, date]]] = {}
    for site, due_on in missing:
        grouped.setdefault(local_day(now, site.timezone), []).append((site, due_on))
    # In one order for everybody, since each group locks its series.
    return dict(sorted(grouped.items()))


def task_of(plan: TaskPlan, site: Site, due_on: date, *, number: str, now: datetime) -> Task:
    """A new task as the plan asks for it, not saved."""
    return Task(
        number=number,
        plan=plan,
        planned_on=due_on,
        site=site,
        team_id=plan.team_id,
        title=plan.name,
        title_en=plan.name_en,
        instructions=plan.instructions,
        state=TASK_LIFE.initial,
        starts_on=plan.schedule.starts_on(due_on),
        due_on=due_on,
        due_at=due_at(due_on, site.timezone),
        created_at=now,
        moved_at=now,
        updated_at=now,
    )


def _facts(task: Task) -> dict[str, object]:
    return {"plan": task.plan_id, "plan_name": task.title, "due_on": task.due_on.isoformat()}
