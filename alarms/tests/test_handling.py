"""The two lives of an alarm, move by move: by the services and by the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from alarms import services
from alarms.models import Alarm, AlarmLog
from alarms.services import ignoring
from alarms.states import (
    CONDITION,
    HANDLING,
    Condition,
    Entry,
    Handling,
    Move,
    Verdict,
)
from alarms.tests.factories import NOW, bring, fault_of, make_alarm, make_rule, recover
from core.errors import Changed, Forbidden, Invalid, MoveRefused, NotFound
from devices.tests.factories import make_device
from sites.rules import ABILITIES, Role
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=5)
BY_HAND: dict[Move, Callable[..., Alarm]] = {
    Move.VERIFY: lambda **act: services.verify(verdict=Verdict.REAL, **act),
    Move.IGNORE: lambda **act: services.ignore(
        until=LATER + timedelta(hours=1), note="检修", **act
    ),
    Move.CREATE_ORDER: lambda **act: services.move_for_order(
        move=Move.CREATE_ORDER, order_number="GD-1", **act
    ),
    Move.ORDER_CANCELLED: lambda **act: services.move_for_order(
        move=Move.ORDER_CANCELLED, order_number="GD-1", **act
    ),
    Move.ARCHIVE: services.archive,
}


def edges() -> dict[tuple[str, str], str]:
    return {(e.source.value, e.move.value): e.target.value for e in HANDLING.edges}


def act(alarm: Alarm, **facts: Any) -> dict[str, Any]:
    return {"alarm_id": alarm.pk, "by": None, "door": "web", "now": LATER} | facts


@pytest.fixture
def cast() -> People:
    return people()


@pytest.mark.parametrize(("handling", "move"), list(product(Handling.values, BY_HAND)))
def test_every_move_leads_where_the_table_says_or_is_refused(handling: str, move: Move) -> None:
    alarm = make_alarm(handling=handling, is_active=False)
    target = edges().get((handling, move.value))

    if target is None:
        with pytest.raises(MoveRefused) as refusal:
            BY_HAND[move](**act(alarm))
        assert refusal.value.facts == {"state": handling, "move": move.value}
        assert Alarm.objects.get(pk=alarm.pk).handling == handling
        return
    moved = BY_HAND[move](**act(alarm))

    assert moved.handling == target
    assert moved.updated_at == LATER
    row = alarm.log.filter(entry=Entry.HANDLING).last()
    assert (row.move, row.source, row.target, row.at) == (move, handling, target, LATER)


@pytest.mark.parametrize("handling", Handling.values)
def test_ignoring_that_is_over_is_the_only_move_of_the_clock(handling: str) -> None:
    alarm = make_alarm(handling=handling)

    came_back = ignoring.end_over(now=NOW + timedelta(days=2))

    assert came_back == ([alarm.pk] if (handling, "unignore") in edges() else [])
    alarm.refresh_from_db()
    assert alarm.handling == edges().get((handling, "unignore"), handling)


def test_database_takes_the_tables_handling_moves_only() -> None:
    every = product([*Handling.values, ""], Move.values, [*Handling.values, ""])
    known = {(e.source.value, e.move.value, e.target.value) for e in HANDLING.edges}

    taken = {move for move in every if written(Entry.HANDLING, *move)}

    assert taken == known | {("", "raise", "unverified")}


def test_database_takes_the_tables_condition_moves_only() -> None:
    every = product([*Condition.values, ""], Move.values, [*Condition.values, ""])

    taken = {move for move in every if written(Entry.CONDITION, *move)}

    assert taken == {(e.source.value, e.move.value, e.target.value) for e in CONDITION.edges}


def written(entry: str, source: str, move: str, target: str) -> bool:
    """Whether the database takes the row; the alarm it names is nobody's, which is seen later."""
    row = AlarmLog(alarm_id=1, at=NOW, entry=entry, source=source, move=move, target=target)
    try:
        with transaction.atomic():
            row.save()
            transaction.set_rollback(True)
    except IntegrityError as refusal:
        if "alarm_log_follows_table" not in str(refusal):
            raise
        return False
    return True


@pytest.mark.parametrize("condition", Condition.values)
def test_condition_follows_its_table(condition: str) -> None:
    alarm = make_alarm(is_active=condition == Condition.ACTIVE)
    begun = alarm.log.count()

    again = services.raise_batch(
        faults=[fault_of(rule=alarm.rule, device=alarm.device, at=LATER)], now=LATER
    )
    assert again == ([] if condition == Condition.ACTIVE else [alarm.pk])
    for _twice in range(2):
        recover(alarm, at=LATER + timedelta(seconds=1))

    alarm.refresh_from_db()
    assert alarm.condition == Condition.RECOVERED
    moves = list(alarm.log.values_list("move", flat=True))[begun:]
    assert moves == (["recover"] if condition == Condition.ACTIVE else ["recur", "recover"])


@pytest.mark.parametrize(
    "columns",
    [
        {"handling": "archived"},
        {"handling": "ignored"},
        {"handling": "verified"},
        {"handling": "in_order"},
        {"handling": "lost"},
        {"condition": "lost"},
        {"ignored_until": LATER},
    ],
    ids=str,
)
def test_database_refuses_impossible_rows(columns: dict[str, Any]) -> None:
    alarm = make_alarm()

    with pytest.raises(IntegrityError), transaction.atomic():
        Alarm.objects.filter(pk=alarm.pk).update(**columns)


def test_database_refuses_a_second_open_alarm() -> None:
    alarm = make_alarm()
    alarm.pk, alarm.number = None, "GJ-COPY"

    with pytest.raises(IntegrityError, match="one_open_alarm"), transaction.atomic():
        alarm.save(force_insert=True)


@pytest.mark.parametrize("statement", ["UPDATE alarms_alarmlog SET note = 'x'",
                                       "DELETE FROM alarms_alarmlog"])  # fmt: skip
def test_log_can_only_grow(statement: str) -> None:
    make_alarm()

    with (
        pytest.raises(DatabaseError, match="alarm_log_append_only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_verdict_is_kept_and_logged(cast: People) -> None:
    alarm = make_alarm(site=cast.site)

    moved = services.verify(
        alarm_id=alarm.pk, verdict="false", cause="  传感器 ", note="换过", by=cast.di,
        door="api", now=LATER, seen="unverified",
    )  # fmt: skip

    assert (moved.verdict, moved.cause, moved.verified_at) == ("false", "传感器", LATER)
    assert moved.verified_by == cast.di
    row = alarm.log.last()
    assert (row.by, row.door, row.note) == (cast.di, "api", "换过")
    assert row.facts == {"verdict": "false", "cause": "传感器"}


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"verdict": "maybe"}, "verdict"),
        ({"verdict": "real", "cause": "x" * 201}, "cause"),
        ({"verdict": "real", "note": "a\x00b"}, "note"),
        ({"verdict": "real", "note": "\ud800"}, "note"),
    ],
    ids=str,
)
def test_wrong_verdict_says_which_field(facts: dict[str, str], field: str) -> None:
    alarm = make_alarm()

    with pytest.raises(Invalid) as refusal:
        services.verify(**act(alarm), **facts)

    assert list(refusal.value.fields) == [field]


@pytest.mark.parametrize(
    ("until", "note", "field"),
    [
        (LATER, "检修", "until"),
        (LATER + services.IGNORE_AT_MOST + timedelta(seconds=1), "检修", "until"),
        (LATER + timedelta(hours=1), "  ", "note"),
    ],
)
def test_ignoring_needs_an_end_and_a_reason(until: Any, note: str, field: str) -> None:
    alarm = make_alarm()

    with pytest.raises(Invalid) as refusal:
        services.ignore(until=until, note=note, **act(alarm))

    assert list(refusal.value.fields) == [field]


@pytest.mark.parametrize("handling", ["verified", "in_order", "ignored"])
def test_active_alarm_is_not_archived(handling: str) -> None:
    alarm = make_alarm(handling=handling)

    with pytest.raises(MoveRefused) as refusal:
        services.archive(**act(alarm))

    assert refusal.value.facts["condition"] == "active"
    assert str(refusal.value) == "告警尚未恢复，不能归档。"


def test_refusal_names_state_and_move() -> None:
    alarm = make_alarm(is_active=False)

    with pytest.raises(MoveRefused) as refusal:
        services.archive(**act(alarm))

    assert str(refusal.value) == "“待查核”的告警不能执行“归档”。"


def test_archived_alarm_makes_room_for_a_new_one() -> None:
    alarm = make_alarm(handling="archived")

    (pk,) = services.raise_batch(
        faults=[fault_of(rule=alarm.rule, device=alarm.device, at=LATER)], now=LATER
    )

    assert pk != alarm.pk
    assert Alarm.objects.get(pk=pk).handling == "unverified"


def test_ignored_alarm_swallows_its_recurrences_until_its_time_is_over() -> None:
    alarm = make_alarm(handling="ignored")
    fault = fault_of(rule=alarm.rule, device=alarm.device, at=LATER, value=999.0)
    recover(alarm, at=LATER)

    services.raise_batch(faults=[fault], now=LATER)
    alarm.refresh_from_db()
    assert (alarm.handling, alarm.condition, alarm.recurrences) == ("ignored", "active", 1)
    assert (alarm.raised_at, alarm.last_raised_at) == (NOW, LATER)
    assert (alarm.value, alarm.peak) == (420.0, 999.0)
    assert alarm.log.last().move == "recur"
    recover(alarm, at=LATER)
    assert not ignoring.end_over(now=NOW + timedelta(days=1)), "nothing left to look at"
    services.raise_batch(faults=[fault], now=NOW + timedelta(days=1))

    alarm.refresh_from_db()
    assert (alarm.handling, alarm.ignored_until, alarm.recurrences) == ("unverified", None, 2)


def test_alarm_that_was_verified_before_it_was_ignored_is_asked_about_again() -> None:
    alarm = make_alarm(handling="verified")
    services.ignore(until=LATER + timedelta(hours=1), note="检修", **act(alarm))

    services.sweep(now=LATER + timedelta(hours=2))

    alarm.refresh_from_db()
    assert (alarm.handling, alarm.verdict, alarm.verified_at) == ("unverified", "", None)


def test_second_person_learns_who_was_first(cast: People) -> None:
    alarm = make_alarm(site=cast.site)
    services.verify(**act(alarm, by=cast.ana, seen="unverified"), verdict="real")

    with pytest.raises(Changed) as refusal:
        services.ignore(
            **act(alarm, by=cast.di, seen="unverified"), until=LATER + timedelta(hours=1), note="x"
        )

    assert str(refusal.value) == "Ana 已于 14:05 查核。"
    assert refusal.value.facts == {
        "handling": "verified",
        "handling_label": "已查核",
        "by": "Ana",
        "at": LATER.isoformat(),
    }


def test_who_does_not_care_moves_on_from_the_fresh_state(cast: People) -> None:
    alarm = make_alarm(site=cast.site)
    services.verify(**act(alarm, by=cast.ana), verdict="real")

    moved = services.ignore(**act(alarm, by=cast.di), until=LATER + timedelta(hours=1), note="检修")

    assert moved.handling == "ignored"


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("move", BY_HAND)
def test_roles_may_what_the_table_says(cast: People, role: Role, move: Move) -> None:
    edge = next(edge for edge in HANDLING.edges if edge.move == move)
    alarm = make_alarm(handling=edge.source, is_active=False, site=cast.site)
    person = cast.by_role()[role]

    if not edge.ability or edge.ability in ABILITIES[role]:
        assert BY_HAND[move](**act(alarm, by=person)).handling == edge.target
    else:
        with pytest.raises(Forbidden):
            BY_HAND[move](**act(alarm, by=person))


@pytest.mark.parametrize("move", BY_HAND)
def test_alarm_of_a_foreign_site_does_not_exist(cast: People, move: Move) -> None:
    alarm = make_alarm(site=cast.site)

    with pytest.raises(NotFound):
        BY_HAND[move](**act(alarm, by=cast.cy))


def test_alarm_that_does_not_exist_is_not_found(cast: People) -> None:
    with pytest.raises(NotFound):
        services.archive(alarm_id=0, by=cast.ana, door="web", now=NOW)


def test_comment_goes_to_the_log_only(cast: People) -> None:
    alarm = make_alarm(handling="archived", site=cast.site)

    services.comment(alarm_id=alarm.pk, note=" 已通知用户 ", by=cast.ed, door="web", now=LATER)

    row = alarm.log.last()
    assert (row.entry, row.note, row.by, row.move) == ("comment", "已通知用户", cast.ed, "")
    assert Alarm.objects.get(pk=alarm.pk).handling == "archived"
    with pytest.raises(Forbidden):
        services.comment(alarm_id=alarm.pk, note="x", by=cast.gu, door="web", now=LATER)
    with pytest.raises(Invalid):
        services.comment(alarm_id=alarm.pk, note=" ", by=cast.ed, door="web", now=LATER)


def test_closed_order_over_an_active_alarm_is_put_on_record(cast: People) -> None:
    alarm = make_alarm(handling="in_order", site=cast.site)

    services.note_order_closed(
        alarm_id=alarm.pk, order_number="GD-20261120-0001", by=cast.di, door="web", now=LATER
    )

    row = alarm.log.last()
    assert (row.entry, row.move) == (Entry.HANDLING, Move.ORDER_CLOSED)
    assert row.facts == {"event": "order_closed_while_active", "order": "GD-20261120-0001"}


def test_order_follows_only_its_own_moves() -> None:
    alarm = make_alarm(handling="verified", is_active=False)

    with pytest.raises(MoveRefused):
        services.move_for_order(**act(alarm), move=Move.ARCHIVE, order_number="GD-1")


def test_alarm_keeps_its_history_when_it_is_raised_again() -> None:
    device, rule = make_device(), make_rule()
    alarm = make_alarm(device=device, rule=rule, is_active=False)
    bring(alarm, "verified")

    services.raise_batch(faults=[fault_of(rule=rule, device=device, at=LATER)], now=LATER)

    alarm.refresh_from_db()
    assert (alarm.handling, alarm.condition) == ("verified", "active")
