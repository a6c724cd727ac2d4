"""Tasks: every state, every move, every role; what they write; the figures of a month."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from core.errors import Changed, DomainError, Forbidden, Invalid, MoveRefused, NotFound
from sites.models import User
from sites.rules import Role
from sites.tests.factories import People, make_grant, make_user, people
from workorders import selectors, services
from workorders.models import Task, TaskLog
from workorders.states import TASK_LIFE, TaskMove, TaskState
from workorders.tests.factories import (
    NOW,
    REASON,
    bring_task,
    make_plan,
    make_task,
    picture,
    task_given_for,
)
from workorders.tests.test_two_at_once import at_once, fresh

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)
DESK = {"administrator", "manager", "dispatcher"}
CREW = DESK | {"assignee"}
WHO: dict[tuple[str, str], set[str]] = {
    ("new", "assign"): DESK,
    ("new", "cancel"): DESK,
    ("new", "withdraw"): set(),
    ("assigned", "assign"): DESK,
    ("assigned", "start"): CREW,
    ("assigned", "send_back"): CREW,
    ("assigned", "cancel"): DESK,
    ("in_progress", "finish"): CREW,
    ("in_progress", "cancel"): DESK,
    ("to_accept", "accept"): DESK,
    ("to_accept", "send_back"): DESK,
}


@pytest.fixture
def cast() -> People:
    return people()


def persons(cast: People) -> dict[str, User]:
    """Everybody by part; a technician beside the assignee, and two who see nothing."""
    colleague = make_user("bea")
    make_grant(colleague, Role.TECHNICIAN, cast.team)
    found = {role.value: user for role, user in cast.by_role().items()}
    found["assignee"] = found.pop("technician")
    return found | {"colleague": colleague, "stranger": cast.cy, "newcomer": make_user("new")}


def tried(task: Task, move: str, by: User, **given: Any) -> str:
    """The new state, or the code of the refusal; nothing remains."""
    try:
        with transaction.atomic():
            moved = services.move_task(
                task_id=task.pk, move=move, by=by, door="web", now=LATER, **given
            )
            transaction.set_rollback(True)
            return moved.state
    except DomainError as refusal:
        return refusal.code


@pytest.mark.parametrize("state", TaskState.values)
def test_every_move_of_everybody_is_the_tables_or_refused(cast: People, state: str) -> None:
    task = make_task(cast=cast, state=state)
    other = make_user("bill")
    make_grant(other, Role.TECHNICIAN, cast.site)

    for person, user in persons(cast).items():
        sees = person not in {"stranger", "newcomer"}
        offered = {edge.move.value for edge in selectors.task_moves_for(user=user, task=task)}
        for move in TaskMove.values:
            result = tried(task, move, user, **task_given_for(move, assignee=other))
            allowed = WHO.get((state, move))
            if not sees:
                assert result == NotFound.code
            elif allowed is None:
                assert result == MoveRefused.code
            elif person not in allowed:
                assert result == Forbidden.code
            else:
                assert result == TASK_LIFE.edge(state, move).target.value
            assert (move in offered) == (sees and allowed is not None and person in allowed)


def test_the_expectation_above_covers_the_table() -> None:
    assert set(WHO) == {(edge.source.value, edge.move.value) for edge in TASK_LIFE.edges}


@pytest.mark.parametrize(
    ("state", "move", "field"),
    [
        ("new", "assign", "assignee"),
        ("new", "cancel", "note"),
        ("in_progress", "finish", "result"),
        ("to_accept", "send_back", "note"),
    ],
)
def test_what_a_move_needs_is_asked_for(cast: People, state: str, move: str, field: str) -> None:
    task = make_task(cast=cast, state=state)
    facts = task_given_for(move, assignee=cast.bo)

    for empty in (None, cast.cy) if field == "assignee" else ("", "  ", "x" * 5000, "a\x00b"):
        assert tried(task, move, cast.di, **facts | {field: empty}) == Invalid.code

    assert tried(task, move, cast.di, **facts) == TASK_LIFE.edge(state, move).target


def test_a_task_goes_from_creation_to_done_with_every_step_on_record(cast: People) -> None:
    task = make_task(cast=cast, state=TaskState.DONE)

    assert task.number == "RW-20261120-0001"
    assert (task.starts_on, task.team) == (date(2026, 11, 20), cast.team)
    assert task.started_at == NOW + timedelta(minutes=2)
    assert task.finished_at == NOW + timedelta(minutes=3)
    assert task.closed_at == task.moved_at == task.updated_at == NOW + timedelta(minutes=4)
    assert task.result == "红外测温正常，最高 41 °C"
    steps = [(row.entry, row.move, row.target, row.by) for row in selectors.task_log_of(task)]
    assert steps == [
        ("created", "", "", cast.di),
        ("move", "assign", "assigned", cast.di),
        ("move", "start", "in_progress", cast.bo),
        ("move", "finish", "to_accept", cast.bo),
        ("move", "accept", "done", cast.di),
    ]


def test_sent_back_from_acceptance_it_goes_on_with_the_same_person(cast: People) -> None:
    task = make_task(cast=cast, state=TaskState.TO_ACCEPT)

    back = services.move_task(
        task_id=task.pk, move="send_back", by=cast.di, door="web", now=LATER, note=REASON
    )

    assert (back.assignee, back.finished_at, back.state) == (cast.bo, None, "in_progress")
    assert tried(make_task(cast=cast, state="assigned"), "send_back", cast.bo, note="x") == "new"


def test_the_second_of_two_is_told_who_was_first(cast: People) -> None:
    task = make_task(cast=cast, state=TaskState.IN_PROGRESS)
    services.move_task(
        task_id=task.pk, move="finish", by=cast.bo, door="web", now=LATER, result="正常"
    )

    with pytest.raises(Changed) as refusal:
        services.move_task(
            task_id=task.pk,
            move="cancel",
            by=cast.di,
            door="web",
            now=LATER,
            note=REASON,
            seen=task.seen,
        )

    assert refusal.value.facts == {
        "state": "to_accept",
        "seen": f"to_accept:{cast.bo.pk}",
        "assignee": "Bo",
        "by": "Bo",
        "at": LATER,
    }


@pytest.mark.django_db(transaction=True)
def test_of_two_who_act_at_once_one_wins() -> None:
    cast = people()
    bea = make_user("bea")
    make_grant(bea, Role.TECHNICIAN, cast.team)
    task = make_task(cast=cast)

    def assign(by: User, assignee: User) -> Any:
        return lambda: services.move_task(
            task_id=task.pk,
            move=TaskMove.ASSIGN,
            by=fresh(by),
            door="web",
            now=LATER,
            seen=task.seen,
            assignee=assignee,
        )

    results = at_once(assign(cast.di, cast.bo), assign(cast.ana, bea))

    assert sorted(type(result).__name__ for result in results) == ["Changed", "Task"]
    assert task.log.filter(entry="move").count() == 1


def test_the_database_keeps_the_record_and_refuses_the_impossible(cast: People) -> None:
    task = make_task(cast=cast, state=TaskState.IN_PROGRESS)

    for change in (task.log.all().delete, lambda: task.log.update(note="never happened")):
        with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
            change()
    with pytest.raises(IntegrityError, match="task_log_follows_table"), transaction.atomic():
        TaskLog.objects.create(
            task=task, at=NOW, entry="move", move="accept", source="new", target="done"
        )
    for columns, constraint in (
        ({"state": "done"}, "finished_task_has_result"),
        ({"assignee": None}, "assigned_task_has_assignee"),
        ({"state": "lost"}, "task_state_known"),
        ({"is_withdrawn": True}, "withdrawn_task_is_cancelled"),
        ({"starts_on": date(2027, 1, 1)}, "task_in_order"),
        ({"planned_on": date(2027, 1, 1)}, "task_of_plan_has_day"),
    ):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Task.objects.filter(pk=task.pk).update(**columns)


def test_photos_and_remarks_go_to_open_tasks(cast: People, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    task = make_task(cast=cast, state=TaskState.IN_PROGRESS)
    given: dict[str, Any] = {"by": cast.bo, "door": "web", "now": LATER}

    photo = services.add_task_photo(task_id=task.pk, file=picture(), caption="母排", **given)
    services.add_task_note(task_id=task.pk, note="已验电", **given)

    assert [row.entry for row in selectors.task_log_of(task)][-2:] == ["photo", "note"]
    assert selectors.task_photo_for(user=cast.ed, pk=photo.pk) == photo
    with pytest.raises(NotFound):
        selectors.task_photo_for(user=cast.cy, pk=photo.pk)
    with pytest.raises(Forbidden):
        services.add_task_photo(
            task_id=task.pk, file=picture(), caption="", **given | {"by": cast.gu}
        )
    done = make_task(cast=cast, state=TaskState.DONE)
    with pytest.raises(MoveRefused):
        services.add_task_photo(task_id=done.pk, file=picture(), caption="", **given)
    assert len(list(tmp_path.rglob("*.jpg"))) == 2


@pytest.mark.parametrize(
    ("field", "facts"),
    [
        ("title", {"title": " "}),
        ("due_on", {"due_on": NOW.date() - timedelta(days=1)}),
        ("due_on", {"due_on": date(2040, 1, 1)}),
        ("starts_on", {"starts_on": date(2027, 1, 1)}),
    ],
)
def test_what_cannot_be_a_task_is_said_beside_its_field(
    cast: People, field: str, facts: dict[str, Any]
) -> None:
    with pytest.raises(Invalid) as refusal:
        make_task(cast=cast, **facts)

    assert list(refusal.value.fields) == [field]


def test_the_month_counts_what_is_due_in_it(cast: People) -> None:
    on = {day: date(2026, 11, day) for day in (20, 21, 25, 30)}
    new = make_task(cast=cast, due_on=on[20])
    make_task(cast=cast, due_on=on[30])
    make_task(cast=cast, due_on=date(2026, 12, 1))
    make_task(cast=cast, due_on=on[25], state=TaskState.CANCELLED)
    make_task(cast=cast, due_on=on[25], state=TaskState.DONE)
    late = make_task(cast=cast, due_on=on[21])
    bring_task(late, TaskState.DONE, cast=cast, after_min=1000)
    make_plan(cast, by=cast.adm)
    now = datetime(2026, 11, 21, 6, tzinfo=UTC)

    month = selectors.task_month(user=cast.di, day=on[30], now=now)

    by_state = {stage.state: stage for stage in month.stages}
    assert [stage.state for stage in month.stages] == list(TaskState)
    assert (by_state["new"].count, by_state["new"].overdue) == (3, 1)
    assert by_state["new"].oldest_at == new.created_at
    assert (by_state["done"].count, by_state["done"].overdue) == (2, 0)
    assert by_state["cancelled"].count == 1
    assert (month.total, month.done, month.done_in_time) == (5, 2, 1)
    assert (month.done_percent, month.in_time_percent) == (40.0, 50.0)
    assert selectors.tasks_due_in_month(user=cast.di, day=on[20]).count() == 6
    nothing = selectors.task_month(user=cast.cy, day=on[30], now=now)
    assert (nothing.total, nothing.done_percent, nothing.in_time_percent) == (0, None, None)


def test_today_and_the_most_urgent(cast: People) -> None:
    today = date(2026, 11, 22)
    late = make_task(cast=cast, due_on=date(2026, 11, 21))
    due = make_task(cast=cast, due_on=today)
    make_task(cast=cast, due_on=today, state=TaskState.DONE)
    make_task(cast=cast, due_on=today, state=TaskState.CANCELLED)
    next_one = make_task(cast=cast, due_on=date(2026, 11, 23))
    # Half past midnight at the reader's, still the day before in UTC.
    now = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)

    found = selectors.tasks_today(user=cast.di, now=now, zone="Asia/Shanghai")

    assert (found.due, found.done, found.overdue) == (2, 1, 1)
    assert selectors.urgent_tasks(user=cast.di) == [late, due, next_one]
    assert selectors.urgent_tasks(user=cast.cy) == []
