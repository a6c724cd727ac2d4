"""What a district has besides its equipment: records, tasks, loads, completeness, views, changes.

Like the region itself it is written in bulk past the services, and made to fit what they leave.
"""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from core.time import day_bounds, local_day
from devices.models import Device, Gateway
from reports.selectors.loads import SLOT_S
from sites.models import Circuit, Enterprise, Room, SavedView, Site, Team, Transformer, User
from workorders.models import Task, TaskPlan
from workorders.states import Recurrence, TaskState

CHUNK = 2000
SEED = 20_261_126
# Of every device there are so many days of counted samples; of the first sites a whole month.
TALLY_DAYS, MONTH_DAYS = 2, 30
MONTH_SITES = 20
# One row of so many was changed once; a person makes a few of them at a time.
CHANGED_OF, PER_REQUEST = 5, 20
CHANGED: tuple[type[Model], ...] = (Enterprise, Site, Room, Transformer, Circuit, Gateway, Device)
VIEWS = {
    "alarms": "view=all&severity=critical",
    "sites": "condition=abnormal",
    "orders": "view=all&overdue=true",
    "tasks": "view=all&overdue=true",
}
VIEWS_OF_EACH = 4


@dataclass(frozen=True, slots=True)
class Made:
    """What is there already, and who looks at it."""

    sites: list[Site]
    teams: list[Team]
    workers: list[User]
    people: dict[str, User]
    tasks: int
    now: datetime


def write(made: Made) -> None:
    """All of it; foreign keys and triggers must be off."""
    _loads(made)
    _tallies(made)
    _tasks(made)
    for statement in _RECORDS:
        _execute(statement)
    _views(made)
    _changes(made)


def _loads(made: Made) -> None:
    """Power taken a moment ago, and a quiet day before it."""
    zone = made.sites[0].timezone
    day = local_day(made.now, zone)
    start, end = day_bounds(day, zone)
    slots = np.full(int((end - start).total_seconds()) // SLOT_S, np.nan, np.float32)
    slots[: int((made.now - start).total_seconds()) // SLOT_S + 1] = 60.0
    _execute(
        "INSERT INTO reports_siteload (site_id, at, power_kw, fresh, meters, day, slots)"
        " SELECT id, %s, 20 + id %% 60, 1, 1, %s, %s FROM sites_site",
        [made.now, day, slots.tobytes()],
    )


def _tallies(made: Made) -> None:
    today = local_day(made.now, made.sites[0].timezone)
    first = today - timedelta(days=MONTH_DAYS - 1)
    near = today - timedelta(days=TALLY_DAYS - 1)
    _execute(
        "INSERT INTO devices_sitetally (site_id, day, good, expected, counted_until)"
        " SELECT id, day::date, 1440 * (0.95 + 0.05 * random()), 1440, %s"
        " FROM sites_site, generate_series(%s::date, %s::date, '1 day') AS day",
        [made.now, first, today],
    )
    _execute(
        "INSERT INTO devices_tally"
        " (device_id, day, good, expected, good_total, expected_total, counted_until)"
        " SELECT id, day::date, array_fill((57 + id %% 4)::smallint, ARRAY[24]),"
        " array_fill(60::float8, ARRAY[24]), 24 * (57 + id %% 4), 1440, %s"
        " FROM devices_device, generate_series(%s::date, %s::date, '1 day') AS day"
        " WHERE day >= %s OR site_id = ANY(%s)",
        [made.now, first, today, near, [site.pk for site in made.sites[:MONTH_SITES]]],
    )


def _tasks(made: Made) -> None:
    """A plan per team; a year of its tasks, the next weeks' among them."""
    dice = random.Random(SEED)
    today = local_day(made.now, made.sites[0].timezone)
    plans = TaskPlan.objects.bulk_create(
        TaskPlan(
            name="月度巡视",
            team=team,
            is_whole_team=True,
            recurrence=Recurrence.MONTHLY,
            first_due_on=today - timedelta(days=400),
            effective_on=today - timedelta(days=400),
            days_to_do=5,
            created_at=made.now,
            updated_at=made.now,
        )
        for team in made.teams
    )
    places = len(made.teams)
    Task.objects.bulk_create(
        [
            _task(n, made, plans[n % places], today + timedelta(days=dice.randint(-330, 25)), dice)
            for n in range(made.tasks)
        ],
        batch_size=CHUNK,
        ignore_conflicts=True,
    )


def _task(n: int, made: Made, plan: TaskPlan, due: date, dice: random.Random) -> Task:
    """Those due longer than a week ago are done; sites lie in the order of their teams."""
    places = len(made.teams)
    site = made.sites[n % places + places * dice.randrange(len(made.sites) // places)]
    is_past = due < timezone.localdate(made.now) - timedelta(days=7)
    some = dice.choice((TaskState.NEW, TaskState.ASSIGNED, TaskState.IN_PROGRESS))
    state = TaskState.DONE if is_past else some
    at = made.now - timedelta(days=dice.randint(1, 5))
    end = day_bounds(due, site.timezone)[1] - timedelta(seconds=1)
    done_at = end - timedelta(hours=12) if is_past else None
    return Task(
        number=f"RW-{n:08d}",
        plan=plan,
        planned_on=due,
        site=site,
        team_id=site.team_id,
        assignee=None if state == TaskState.NEW else made.workers[n % len(made.workers)],
        title="月度巡视",
        state=state,
        starts_on=due - timedelta(days=4),
        due_on=due,
        due_at=end,
        result="正常" if is_past else "",
        created_at=min(at, end - timedelta(days=12)),
        moved_at=done_at or at,
        started_at=done_at,
        finished_at=done_at,
        closed_at=done_at,
        updated_at=done_at or at,
    )


def _views(made: Made) -> None:
    SavedView.objects.bulk_create(
        SavedView(
            owner=user,
            page=page,
            name=f"视图 {n + 1}",
            query=query,
            created_at=made.now,
        )
        for user in made.people.values()
        for page, query in VIEWS.items()
        for n in range(VIEWS_OF_EACH)
    )


def _changes(made: Made) -> None:
    """Every row was added a year ago; some were changed since, by one of the people."""
    by = made.people["dispatcher"].pk
    begin = made.now - timedelta(days=365)
    for model in CHANGED:
        table = model._meta.db_table  # noqa: SLF001 - Django's documented name
        kept = [name for name in _columns(f"{table}event") if not name.startswith("pgh_")]
        names = {"table": table, "events": f"{table}event", "facts": ", ".join(kept)}
        for statement in _CHANGES:
            _execute(
                statement.format_map(names),
                {
                    "table": table,
                    "begin": begin,
                    "now": made.now,
                    "by": by,
                    "of": CHANGED_OF,
                    "span": PER_REQUEST * CHANGED_OF,
                },
            )


def _columns(table: str) -> list[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_description(cursor, table)
    return [column.name for column in found]


_RECORDS = (
    # Every alarm was raised; those with a verdict were verified, the archived ones archived.
    """
    INSERT INTO alarms_alarmlog (alarm_id, at, entry, move, source, target, door, note, facts)
    SELECT id, raised_at, 'handling', 'raise', '', 'unverified', 'system', '', '{}'
    FROM alarms_alarm
    """,
    """
    INSERT INTO alarms_alarmlog (alarm_id, at, entry, move, source, target, door, note, facts)
    SELECT id, recovered_at, 'condition', 'recover', 'active', 'recovered', 'system', '', '{}'
    FROM alarms_alarm WHERE recovered_at IS NOT NULL
    """,
    """
    INSERT INTO alarms_alarmlog (alarm_id, at, entry, move, source, target, door, note, facts)
    SELECT id, verified_at, 'handling', 'verify', 'unverified', 'verified', 'web', '', '{}'
    FROM alarms_alarm WHERE verified_at IS NOT NULL
    """,
    """
    INSERT INTO alarms_alarmlog (alarm_id, at, entry, move, source, target, door, note, facts)
    SELECT id, archived_at, 'handling', 'archive', 'verified', 'archived', 'web', '', '{}'
    FROM alarms_alarm WHERE archived_at IS NOT NULL
    """,
    """
    INSERT INTO workorders_workorderlog (order_id, at, entry, move, source, target, door, note, facts)
    SELECT id, created_at, 'created', '', '', 'new', 'web', '', '{}' FROM workorders_workorder
    """,
    """
    INSERT INTO workorders_tasklog (task_id, at, entry, move, source, target, door, note, facts)
    SELECT id, created_at, 'created', '', '', 'new', 'system', '', '{}' FROM workorders_task
    """,
)


_CHANGES = (
    """
    INSERT INTO {events} (pgh_created_at, pgh_label, pgh_obj_id, pgh_context_id, {facts})
    SELECT %(begin)s, 'insert', id, NULL, {facts} FROM {table}
    """,
    """
    INSERT INTO pghistory_context (id, created_at, updated_at, metadata)
    SELECT md5(%(table)s || n)::uuid, %(begin)s, %(begin)s,
        jsonb_build_object('user', %(by)s::int, 'door', 'web')
    FROM generate_series(0, (SELECT max(id) FROM {table}) / %(span)s) AS n
    """,
    """
    INSERT INTO {events} (pgh_created_at, pgh_label, pgh_obj_id, pgh_context_id, {facts})
    SELECT %(now)s - interval '1 minute' * (max(id) OVER () - id), 'update', id,
        md5(%(table)s || id / %(span)s)::uuid, {facts}
    FROM {table} WHERE id %% %(of)s = 0 ORDER BY id
    """,
)


def _execute(statement: str, facts: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, facts)
