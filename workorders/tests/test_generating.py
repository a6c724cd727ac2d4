"""Planned work becomes tasks: ahead of time, once, on the site's own days, as the plan says now."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core.errors import Forbidden, Invalid, NotFound
from core.time import local_day
from sites.models import Site
from sites.rules import Role
from sites.tests.factories import People, make_grant, make_site, make_team, make_user, people
from workorders import services
from workorders.models import Task, TaskPlan
from workorders.states import Recurrence, TaskMove, TaskState
from workorders.tests.factories import NOW, bring_task, make_plan, plan_facts

pytestmark = pytest.mark.django_db

TODAY = NOW.date()


@pytest.fixture
def cast() -> People:
    return people()


def due_days(plan: TaskPlan, *, state: str | None = None) -> list[date]:
    tasks = plan.tasks.order_by("due_on", "pk")
    if state:
        tasks = tasks.filter(state=state)
    return [task.due_on for task in tasks]


def test_a_task_exists_from_its_day_of_generation_on_and_only_once(cast: People) -> None:
    due_on = TODAY + timedelta(days=20)
    plan = make_plan(cast, first_due_on=due_on, days_to_do=3, lead_days=7)
    day = NOW + timedelta(days=10)

    made = [services.generate(now=day + timedelta(days=n)) for n in range(4)]

    assert made == [0, 1, 0, 0]
    (task,) = plan.tasks.all()
    assert (task.due_on, task.planned_on) == (due_on, due_on)
    assert task.starts_on == due_on - timedelta(days=2)
    # 23:59:59 at the site, which is eight hours ahead.
    assert task.due_at == datetime(2026, 12, 10, 15, 59, 59, tzinfo=UTC)
    assert task.number == "RW-20261201-0001"
    assert (task.title, task.title_en, task.team) == (plan.name, "Monthly inspection", cast.team)
    (row,) = task.log.all()
    assert (row.entry, row.by, row.facts["plan"]) == ("created", None, plan.pk)


def test_all_sites_of_a_team_are_those_it_has_then(cast: People) -> None:
    make_site("在建站", team=cast.team, state=Site.State.CONSTRUCTION)
    plan = make_plan(cast, is_whole_team=True, sites=[], recurrence=Recurrence.WEEKLY)
    assert {task.site for task in plan.tasks.all()} == {cast.site}
    newcomer = make_site("新站", team=cast.team)
    Site.objects.filter(pk=cast.site.pk).update(team=make_team("二班"))

    services.generate(now=NOW + timedelta(days=7))

    assert {task.site for task in plan.tasks.filter(created_at__gt=NOW)} == {newcomer}


def test_today_is_the_days_of_each_site(cast: People) -> None:
    east = make_site("东", team=cast.team, timezone="Pacific/Auckland")
    west = make_site("西", team=cast.team, timezone="America/Los_Angeles")
    due_on = date(2026, 12, 10)
    plan = make_plan(cast, sites=[east, west], first_due_on=due_on, days_to_do=1, lead_days=0)

    services.generate(now=datetime(2026, 12, 9, 11, 30, tzinfo=UTC))
    first = {task.site for task in plan.tasks.all()}
    services.generate(now=datetime(2026, 12, 10, 8, 30, tzinfo=UTC))

    assert first == {east}
    by_site = {task.site: task for task in plan.tasks.all()}
    assert by_site[east].due_at == datetime(2026, 12, 10, 10, 59, 59, tzinfo=UTC)
    assert by_site[west].due_at == datetime(2026, 12, 11, 7, 59, 59, tzinfo=UTC)
    assert by_site[east].number == "RW-20261210-0001"


@pytest.mark.parametrize(
    ("day", "due_at"),
    [
        # The day of 23 hours, the day of 25, and one whose midnight does not exist (Santiago).
        (date(2027, 3, 14), datetime(2027, 3, 15, 3, 59, 59, tzinfo=UTC)),
        (date(2026, 11, 1), datetime(2026, 11, 2, 4, 59, 59, tzinfo=UTC)),
    ],
)
def test_days_of_another_length_end_at_their_own_midnight(
    cast: People, day: date, due_at: datetime
) -> None:
    site = make_site("纽约", team=cast.team, timezone="America/New_York")
    now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - timedelta(days=2)

    plan = make_plan(cast, now=now, sites=[site], first_due_on=day)

    assert [task.due_at for task in plan.tasks.all()][0] == due_at
    assert local_day(due_at, site.timezone) == day


def test_an_ended_and_a_paused_plan_make_nothing_and_a_pause_is_not_made_up_for(
    cast: People,
) -> None:
    weekly: dict[str, Any] = {"recurrence": Recurrence.WEEKLY, "days_to_do": 1, "lead_days": 0}
    ended = make_plan(cast, ends_on=TODAY + timedelta(days=4), **weekly)
    paused = make_plan(cast, **weekly)
    services.enable_plan(plan_id=paused.pk, is_enabled=False, by=cast.ana, now=NOW)

    for week in range(4):
        services.generate(now=NOW + timedelta(days=3 + 7 * week))
    assert (due_days(ended), due_days(paused)) == ([TODAY + timedelta(days=3)], [])

    back = NOW + timedelta(days=25)
    services.enable_plan(plan_id=paused.pk, is_enabled=True, by=cast.ana, now=back)
    services.generate(now=back + timedelta(days=6))
    assert due_days(paused) == [TODAY + timedelta(days=31)]


def test_what_was_missed_while_nothing_ran_is_made_up_for(cast: People) -> None:
    plan = make_plan(cast, recurrence=Recurrence.WEEKLY, days_to_do=1, lead_days=0)

    made = services.generate(now=NOW + timedelta(days=24))

    assert made == 4
    assert due_days(plan) == [TODAY + timedelta(days=3 + 7 * week) for week in range(4)]


def test_an_edited_plan_takes_along_what_nobody_has_been_given(cast: People) -> None:
    start = {"recurrence": Recurrence.WEEKLY, "days_to_do": 1, "lead_days": 30}
    plan = make_plan(cast, **start)
    first, second, *rest = plan.tasks.order_by("due_on")
    bring_task(first, TaskState.ASSIGNED, cast=cast)
    facts = plan_facts(cast, name="周检", every=2, instructions="抄表", **start | {"days_to_do": 2})

    services.edit_plan(plan_id=plan.pk, facts=facts, by=cast.ana, now=NOW)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.instructions) == (TaskState.ASSIGNED, "红外测温，紧固母排")
    assert (second.state, second.is_withdrawn) == (TaskState.CANCELLED, True)
    last = second.log.last()
    assert last is not None
    assert (last.move, last.by) == (TaskMove.WITHDRAW, cast.ana)
    kept = plan.tasks.filter(state=TaskState.NEW).order_by("due_on")
    assert [task.due_on - TODAY for task in kept] == [timedelta(days=17), timedelta(days=31)]
    assert {(task.title, task.instructions) for task in kept} == {("周检", "抄表")}
    assert kept[0].starts_on == kept[0].due_on - timedelta(days=1)
    assert kept[0] in rest

    back = plan_facts(cast, name="周检", **start)
    services.edit_plan(plan_id=plan.pk, facts=back, by=cast.ana, now=NOW)

    open_days = [task.due_on for task in plan.tasks.exclude(state=TaskState.CANCELLED)]
    assert sorted(open_days) == [TODAY + timedelta(days=3 + 7 * week) for week in range(5)]


def test_a_task_that_people_moved_or_cancelled_is_not_made_again(cast: People) -> None:
    plan = make_plan(cast, recurrence=Recurrence.WEEKLY, lead_days=8)
    moved, cancelled = plan.tasks.order_by("due_on")
    services.edit_task(
        task_id=moved.pk, due_on=TODAY + timedelta(days=5), by=cast.di, door="web", now=NOW
    )
    bring_task(cancelled, TaskState.CANCELLED, cast=cast)

    assert services.generate(now=NOW) == 0

    moved.refresh_from_db()
    assert (moved.due_on, moved.planned_on) == (
        TODAY + timedelta(days=5),
        TODAY + timedelta(days=3),
    )
    assert moved.due_at == datetime(2026, 11, 25, 15, 59, 59, tzinfo=UTC)
    facts = plan_facts(cast, recurrence=Recurrence.WEEKLY, lead_days=8)
    services.edit_plan(plan_id=plan.pk, facts=facts, by=cast.ana, now=NOW)
    moved.refresh_from_db()
    assert moved.due_on == TODAY + timedelta(days=5)


def test_the_database_refuses_a_double(cast: People) -> None:
    plan = make_plan(cast)
    task = plan.tasks.get()
    task.pk, task.number = None, "RW-X"

    with pytest.raises(IntegrityError, match="one_task_per_plan_site_day"), transaction.atomic():
        task.save(force_insert=True)


@pytest.mark.parametrize(
    ("field", "facts"),
    [
        ("name", {"name": "  "}),
        ("name", {"name": "月检"}),
        ("sites", {"sites": []}),
        ("sites", {"sites": "other"}),
        ("every", {"every": 0}),
        ("days_to_do", {"days_to_do": 91}),
        ("lead_days", {"lead_days": 181}),
        ("recurrence", {"recurrence": "hourly"}),
        ("ends_on", {"ends_on": TODAY}),
        ("first_due_on", {"first_due_on": date(2300, 1, 1)}),
        ("instructions", {"instructions": "a\x00b"}),
    ],
)
def test_what_cannot_be_planned_is_said_beside_its_field(
    cast: People, field: str, facts: dict[str, Any]
) -> None:
    make_plan(cast, name="月检")
    if facts.get("sites") == "other":
        facts = {"sites": [cast.other_site]}

    with pytest.raises(Invalid) as refusal:
        make_plan(cast, **facts)

    assert list(refusal.value.fields) == [field]
    assert TaskPlan.objects.count() == 1


def test_who_plans(cast: People) -> None:
    plan = make_plan(cast)
    facts = plan_facts(cast)
    seen = {}
    for role, person in cast.by_role().items():
        seen[role] = TaskPlan.objects.visible_to(person).exists()
        if role in {Role.ADMINISTRATOR, Role.MANAGER}:
            make_plan(cast, by=person)
            continue
        with pytest.raises(Forbidden):
            make_plan(cast, by=person)
        with pytest.raises(Forbidden if seen[role] else NotFound):
            services.edit_plan(plan_id=plan.pk, facts=facts, by=person, now=NOW)
        with pytest.raises(Forbidden if seen[role] else NotFound):
            services.enable_plan(plan_id=plan.pk, is_enabled=False, by=person, now=NOW)
    with pytest.raises(NotFound):
        services.edit_plan(plan_id=plan.pk, facts=facts, by=cast.cy, now=NOW)
    with pytest.raises(Forbidden):
        make_plan(cast, by=cast.cy)

    # A plan names the team's sites: only whoever sees the whole team sees it.
    assert {role for role, is_seen in seen.items() if is_seen} == {
        Role.ADMINISTRATOR,
        Role.MANAGER,
        Role.DISPATCHER,
        Role.TECHNICIAN,
        Role.DISTRICT_VIEWER,
    }


def test_a_manager_of_one_site_does_not_plan_for_the_team(cast: People) -> None:
    small = make_user("small")
    make_grant(small, Role.MANAGER, cast.site)

    with pytest.raises(Forbidden):
        make_plan(cast, by=small)


@pytest.mark.django_db(transaction=True)
def test_two_generators_at_once_make_each_task_once() -> None:
    cast = people()
    for _ in range(6):
        make_site(team=cast.team)
    plan = make_plan(cast, is_whole_team=True, sites=[], recurrence=Recurrence.WEEKLY)
    before = plan.tasks.count()
    start = Barrier(2)

    def run(_n: int) -> int:
        try:
            connection.ensure_connection()
            start.wait(timeout=20)
            return services.generate(now=NOW + timedelta(days=40))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        made = list(threads.map(run, range(2)))

    tasks = Task.objects.filter(plan=plan)
    assert sorted(made)[0] == 0
    assert sum(made) == tasks.count() - before > 0
    assert len({(task.site_id, task.due_on) for task in tasks}) == tasks.count()
    assert len({task.number for task in tasks}) == tasks.count()
    assert all(task.log.count() == 1 for task in tasks)
