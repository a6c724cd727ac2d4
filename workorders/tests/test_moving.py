"""Moves: every state, every move, every role; what they write; what they do to the alarm."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, transaction
from django.utils.translation import override

from alarms.models import Alarm
from alarms.states import Handling
from alarms.tests.factories import make_alarm, recover
from core.errors import Changed, DomainError, Forbidden, Invalid, MoveRefused, NotFound
from sites.models import User
from sites.rules import Role
from sites.tests.factories import People, make_grant, make_user, people
from workorders import selectors, services
from workorders.models import WorkOrder, WorkOrderLog
from workorders.signals import workorder_moved
from workorders.states import LIFE, Move, State
from workorders.tests.factories import NOW, REASON, bring, facts_of, given_for, make_order

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)
DESK = {"administrator", "manager", "dispatcher"}
CREW = DESK | {"assignee"}
WHO: dict[tuple[str, str], set[str]] = {
    ("new", "assign"): DESK,
    ("new", "cancel"): DESK,
    ("assigned", "assign"): DESK,
    ("assigned", "start"): CREW,
    ("assigned", "send_back"): CREW,
    ("assigned", "cancel"): DESK,
    ("in_progress", "hold"): CREW,
    ("in_progress", "finish"): CREW,
    ("in_progress", "cancel"): DESK,
    ("on_hold", "resume"): CREW,
    ("on_hold", "cancel"): DESK,
    ("to_accept", "accept"): DESK,
    ("to_accept", "send_back"): DESK,
}
PERSONS = [
    *(role.value for role in Role if role != Role.TECHNICIAN),
    "assignee",
    "colleague",
    "stranger",
    "newcomer",
]


@pytest.fixture
def cast() -> People:
    return people()


def person_of(cast: People, name: str) -> User:
    if name == "assignee":
        return cast.bo
    if name == "colleague":
        colleague = make_user("bea")
        make_grant(colleague, Role.TECHNICIAN, cast.team)
        return colleague
    if name == "stranger":
        return cast.cy
    if name == "newcomer":
        return make_user("new")
    return cast.by_role()[Role(name)]


def tried(order: WorkOrder, move: str, by: User, **given: Any) -> str:
    """The new state, or the code of the refusal; nothing remains."""
    try:
        with transaction.atomic():
            moved = services.move(
                order_id=order.pk, move=move, by=by, door="web", now=LATER, **given
            )
            state = moved.order.state
            transaction.set_rollback(True)
            return state
    except DomainError as refusal:
        return refusal.code


@pytest.mark.parametrize("person", PERSONS)
@pytest.mark.parametrize("state", State.values)
def test_every_move_of_everybody_is_the_tables_or_refused(
    cast: People, state: str, person: str
) -> None:
    order = make_order(cast=cast, state=state)
    user = person_of(cast, person)
    other = make_user("bill")
    make_grant(other, Role.TECHNICIAN, cast.site)
    sees = person not in {"stranger", "newcomer"}

    offered = {edge.move.value for edge in selectors.moves_for(user=user, order=order)}

    for move in Move.values:
        result = tried(order, move, user, **given_for(move, assignee=other))
        allowed = WHO.get((state, move))
        if not sees:
            assert result == NotFound.code
        elif allowed is None:
            assert result == MoveRefused.code
        elif person not in allowed:
            assert result == Forbidden.code
        else:
            assert result == LIFE.edge(state, move).target.value
        assert (move in offered) == (sees and allowed is not None and person in allowed)


def test_the_expectation_above_covers_the_table() -> None:
    assert set(WHO) == {(edge.source.value, edge.move.value) for edge in LIFE.edges}


@pytest.mark.parametrize("move", Move.values)
def test_what_a_move_needs_is_asked_for(cast: People, move: str) -> None:
    edge = next(edge for edge in LIFE.edges if edge.move == move)
    order = make_order(cast=cast, state=edge.source)
    facts = given_for(move, assignee=cast.bo)
    if edge.source == State.ASSIGNED and move == Move.ASSIGN:
        pytest.skip("starts from a new order in the table")

    for name in facts:
        for empty in (None,) if name == "assignee" else ("", "  ", "x" * 5000, "a\x00b"):
            assert tried(order, move, cast.di, **facts | {name: empty}) == Invalid.code

    assert tried(order, move, cast.di, **facts) == edge.target.value


def test_an_order_goes_from_creation_to_closing_with_every_step_on_record(cast: People) -> None:
    order = make_order(cast=cast, state=State.CLOSED)

    assert order.started_at == NOW + timedelta(minutes=2)
    assert order.finished_at == NOW + timedelta(minutes=3)
    assert order.closed_at == NOW + timedelta(minutes=4)
    assert order.updated_at == order.closed_at
    assert (order.finding, order.measures) == ("电缆头受潮", "更换电缆头")
    steps = [(row.entry, row.move, row.target, row.by) for row in selectors.log_of(order)]
    assert steps == [
        ("created", "", "", cast.di),
        ("move", "assign", "assigned", cast.di),
        ("move", "start", "in_progress", cast.bo),
        ("move", "finish", "to_accept", cast.bo),
        ("move", "accept", "closed", cast.di),
    ]


def test_assigning_again_names_both_people(cast: People) -> None:
    order = make_order(cast=cast, state=State.ASSIGNED)
    bea = person_of(cast, "colleague")
    bea.name, bea.name_en = "贝师傅", "Bea, technician"

    services.move(
        order_id=order.pk, move=Move.ASSIGN, by=cast.di, door="web", now=LATER, assignee=bea
    )

    last = selectors.log_of(order).last()
    assert last is not None
    assert (last.facts["before"], last.facts["assignee"]) == (cast.bo.pk, bea.pk)
    assert last.assignee_name == "贝师傅"
    with override("en"):
        assert last.assignee_name == "Bea, technician"
    assert tried(order, Move.START, cast.bo) == Forbidden.code
    assert tried(order, Move.START, bea) == State.IN_PROGRESS


@pytest.mark.parametrize("who", ["di", "cy", "ed", "bo"])
def test_work_is_given_only_to_who_may_do_it_and_does_not_have_it(cast: People, who: str) -> None:
    order = make_order(cast=cast, state=State.ASSIGNED)

    result = tried(order, Move.ASSIGN, cast.di, assignee=getattr(cast, who))

    assert result == Invalid.code


def test_an_assigned_order_sent_back_is_nobodys(cast: People) -> None:
    order = make_order(cast=cast, state=State.ASSIGNED)

    moved = services.move(
        order_id=order.pk, move=Move.SEND_BACK, by=cast.bo, door="api", now=LATER, note=REASON
    )

    assert (moved.order.state, moved.order.assignee) == (State.NEW, None)
    last = selectors.log_of(order).last()
    assert last is not None
    assert (last.note, last.door) == (REASON, "api")


def test_a_finished_order_sent_back_goes_on_with_the_same_person(cast: People) -> None:
    order = make_order(cast=cast, state=State.TO_ACCEPT)

    moved = services.move(
        order_id=order.pk, move=Move.SEND_BACK, by=cast.di, door="web", now=LATER, note=REASON
    )

    assert moved.order.assignee == cast.bo
    assert moved.order.finished_at is None
    assert moved.order.finding == "电缆头受潮"


def test_the_second_of_two_is_told_who_was_first(cast: People) -> None:
    order = make_order(cast=cast, state=State.IN_PROGRESS)
    services.move(order_id=order.pk, move=Move.HOLD, by=cast.bo, door="web", now=LATER, note=REASON)

    with pytest.raises(Changed) as refusal:
        services.move(
            order_id=order.pk,
            move=Move.CANCEL,
            by=cast.di,
            door="web",
            now=LATER,
            note=REASON,
            seen=order.seen,
        )

    assert refusal.value.facts == {
        "state": "on_hold",
        "seen": f"on_hold:{cast.bo.pk}",
        "assignee": "Bo",
        "by": "Bo",
        "at": LATER,
    }


def test_assigning_what_somebody_else_assigned_meanwhile_is_noticed(cast: People) -> None:
    order = make_order(cast=cast, state=State.ASSIGNED)
    bea = person_of(cast, "colleague")
    services.move(
        order_id=order.pk, move=Move.ASSIGN, by=cast.ana, door="web", now=LATER, assignee=bea
    )

    with pytest.raises(Changed):
        services.move(
            order_id=order.pk,
            move=Move.ASSIGN,
            by=cast.di,
            door="web",
            now=LATER,
            assignee=make_user("x"),
            seen=order.seen,
        )


@pytest.mark.parametrize("seen", ["", "assigned", "assigned:{bo}"])
def test_what_was_seen_may_be_told_in_short(cast: People, seen: str) -> None:
    order = make_order(cast=cast, state=State.ASSIGNED)

    result = tried(order, Move.START, cast.bo, seen=seen.format(bo=cast.bo.pk))

    assert result == State.IN_PROGRESS


def test_cancelling_gives_the_alarm_back(cast: People) -> None:
    alarm = make_alarm(site=cast.site, handling=Handling.VERIFIED)
    order = make_order(cast=cast, alarm_id=alarm.pk)

    services.move(
        order_id=order.pk, move=Move.CANCEL, by=cast.di, door="web", now=LATER, note=REASON
    )

    alarm.refresh_from_db()
    assert alarm.handling == Handling.VERIFIED
    again = make_order(cast=cast, alarm_id=alarm.pk)
    assert again.alarm == alarm


def test_cancelling_leaves_an_archived_alarm_alone(cast: People) -> None:
    alarm = make_alarm(site=cast.site, handling=Handling.VERIFIED)
    order = make_order(cast=cast, alarm_id=alarm.pk)
    Alarm.objects.filter(pk=alarm.pk).update(handling="archived", condition="recovered")

    result = tried(order, Move.CANCEL, cast.di, note=REASON)

    assert result == State.CANCELLED


@pytest.mark.parametrize("is_active", [True, False])
def test_closing_over_an_active_alarm_says_so(cast: People, is_active: bool) -> None:  # noqa: FBT001
    alarm = make_alarm(site=cast.site, handling=Handling.VERIFIED)
    order = make_order(cast=cast, alarm_id=alarm.pk)
    bring(order, State.TO_ACCEPT, cast=cast)
    if not is_active:
        recover(alarm, at=NOW)

    moved = services.move(order_id=order.pk, move=Move.ACCEPT, by=cast.di, door="web", now=LATER)

    assert moved.is_alarm_active is is_active
    last = selectors.log_of(order).last()
    assert last is not None
    assert last.facts == ({"is_alarm_active": True} if is_active else {})
    notices = alarm.log.filter(facts__event="order_closed_while_active")
    assert [row.facts["order"] for row in notices] == ([order.number] if is_active else [])
    alarm.refresh_from_db()
    # Given back while it is active, so that a second order can follow.
    assert alarm.handling == (Handling.VERIFIED if is_active else Handling.IN_ORDER)


def test_a_move_is_announced_after_commit_and_only_then(
    cast: People, django_capture_on_commit_callbacks: Any
) -> None:
    heard: list[int] = []

    def hear(sender: object, order_id: int, **_rest: Any) -> None:
        heard.append(order_id)

    workorder_moved.connect(hear)
    try:
        with django_capture_on_commit_callbacks() as callbacks:
            order = make_order(cast=cast)
            assert heard == []
        for callback in callbacks:
            callback()
    finally:
        workorder_moved.disconnect(hear)

    assert heard == [order.pk]


def test_the_database_refuses_a_log_row_that_is_no_edge(cast: People) -> None:
    order = make_order(cast=cast)
    row = {"order": order, "at": NOW, "entry": "move", "by": cast.di}

    for move, source, target in [
        ("accept", "new", "closed"),
        ("", "new", "closed"),
        ("assign", "new", "closed"),
    ]:
        with pytest.raises(IntegrityError, match="order_log_follows_table"), transaction.atomic():
            WorkOrderLog.objects.create(**row, move=move, source=source, target=target)


def test_the_database_keeps_the_log_as_it_was_written(cast: People) -> None:
    order = make_order(cast=cast)

    for change in (order.log.all().delete, lambda: order.log.update(note="never happened")):
        with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("state", "columns", "constraint"),
    [
        ("new", {"state": "assigned"}, "assigned_has_assignee"),
        ("assigned", {"state": "lost"}, "order_state_known"),
        ("assigned", {"state": "to_accept"}, "handed_over_with_result"),
        ("to_accept", {"state": "closed", "measures": ""}, "handed_over_with_result"),
    ],
)
def test_the_database_refuses_impossible_orders(
    cast: People, state: str, columns: dict[str, str], constraint: str
) -> None:
    order = make_order(cast=cast, state=state)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        WorkOrder.objects.filter(pk=order.pk).update(**columns)


def test_the_database_refuses_two_open_orders_of_one_alarm(cast: People) -> None:
    alarm = make_alarm(site=cast.site, handling=Handling.VERIFIED)
    order = make_order(cast=cast, alarm_id=alarm.pk)
    order.pk, order.number = None, "GD-X"

    with pytest.raises(IntegrityError, match="one_open_order_per_alarm"), transaction.atomic():
        order.save(force_insert=True)


def test_an_unknown_move_or_order_is_refused(cast: People) -> None:
    order = make_order(cast=cast)

    assert tried(order, "explode", cast.di) == MoveRefused.code
    with pytest.raises(MoveRefused) as refusal:
        services.move(order_id=order.pk, move=Move.START, by=cast.di, door="web", now=LATER)
    assert (refusal.value.facts["state"], refusal.value.facts["move"]) == ("new", "start")
    assert str(State.NEW.label) in str(refusal.value)
    with pytest.raises(NotFound):
        services.move(order_id=0, move=Move.CANCEL, by=cast.di, door="web", now=LATER)
    assert facts_of()["door"] == "web"
