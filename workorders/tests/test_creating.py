"""Opening orders, by hand and from an alarm."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from alarms.models import Alarm
from alarms.states import Handling
from alarms.tests.factories import make_alarm
from core.errors import Changed, Forbidden, Invalid, MoveRefused, NotFound
from devices.tests.factories import make_device
from sites.tests.factories import People, make_circuit, make_room, make_team, people
from workorders import selectors, services
from workorders.models import WorkOrder
from workorders.states import Kind, Priority, State
from workorders.tests.factories import NOW, facts_of, make_order

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def cast() -> People:
    return people()


def test_an_order_by_hand_gets_a_number_the_sites_team_and_a_log_row(cast: People) -> None:
    order = services.create(site=cast.site, by=cast.di, **facts_of())

    assert order.number == "GD-20261120-0001"
    assert (order.state, order.team, order.assignee) == (State.NEW, cast.team, None)
    (row,) = selectors.log_of(order)
    assert (row.entry, row.by, row.facts["priority"]) == ("created", cast.di, Priority.HIGH)


def test_the_number_carries_the_day_at_the_site(cast: People) -> None:
    evening = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)

    order = make_order(cast=cast, now=evening, due_at=evening + timedelta(hours=1))

    assert order.number.startswith("GD-20261121-")


def test_an_order_from_an_alarm_takes_its_place_and_moves_it(cast: People) -> None:
    room = make_room(site=cast.site)
    circuit = make_circuit(room=room)
    device = make_device(site=cast.site, room=room, circuit=circuit)
    alarm = make_alarm(device=device, handling=Handling.VERIFIED)

    order = services.create(site=cast.site, by=cast.di, alarm_id=alarm.pk, **facts_of())

    assert (order.room, order.circuit, order.device) == (room, circuit, device)
    alarm.refresh_from_db()
    assert alarm.handling == Handling.IN_ORDER
    row = alarm.log.order_by("-id").first()
    assert row is not None
    assert (row.move, row.facts["order"], row.by) == ("create_order", order.number, cast.di)


@pytest.mark.parametrize("handling", [Handling.UNVERIFIED, Handling.IGNORED, Handling.ARCHIVED])
def test_only_a_verified_alarm_becomes_an_order(cast: People, handling: Handling) -> None:
    alarm = make_alarm(site=cast.site, handling=handling)

    with pytest.raises(MoveRefused):
        services.create(site=cast.site, by=cast.di, alarm_id=alarm.pk, **facts_of())

    assert not WorkOrder.objects.exists()
    assert Alarm.objects.get(pk=alarm.pk).handling == handling


def test_an_alarm_becomes_an_order_once(cast: People) -> None:
    alarm = make_alarm(site=cast.site, handling=Handling.VERIFIED)
    make_order(cast=cast, alarm_id=alarm.pk)

    with pytest.raises(MoveRefused):
        make_order(cast=cast, alarm_id=alarm.pk)
    with pytest.raises(Changed):
        make_order(cast=cast, alarm_id=alarm.pk, seen="verified")

    assert WorkOrder.objects.count() == 1


def test_an_order_that_is_refused_leaves_the_alarm_as_it_was(cast: People) -> None:
    alarm = make_alarm(site=cast.site, handling=Handling.VERIFIED)

    with pytest.raises(Invalid):
        make_order(cast=cast, alarm_id=alarm.pk, title=" ")

    assert Alarm.objects.get(pk=alarm.pk).handling == Handling.VERIFIED


@pytest.mark.parametrize(
    ("who", "error"),
    [
        ("bo", Forbidden),
        ("ed", Forbidden),
        ("gu", Forbidden),
        ("cy", NotFound),
    ],
)
def test_orders_are_created_by_those_who_may(
    cast: People, who: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        services.create(site=cast.site, by=getattr(cast, who), **facts_of())


def test_another_sites_alarm_is_not_found(cast: People) -> None:
    alarm = make_alarm(site=cast.other_site, handling=Handling.VERIFIED)

    with pytest.raises(NotFound):
        make_order(cast=cast, alarm_id=alarm.pk)


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "party"},
        {"priority": "now"},
        {"title": ""},
        {"title": "长" * 161},
        {"title": "a\x00b"},
        {"description": "长" * 4001},
        {"due_at": NOW},
        {"due_at": NOW - timedelta(days=1)},
        {"due_at": NOW + timedelta(days=366 * 6)},
    ],
)
def test_facts_that_make_no_sense_are_refused_by_name(cast: People, facts: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        make_order(cast=cast, **facts)

    assert list(refusal.value.fields) == list(facts)


def test_parts_of_another_site_are_refused(cast: People) -> None:
    room = make_room(site=cast.other_site)

    with pytest.raises(Invalid) as refusal:
        make_order(
            cast=cast,
            room=room,
            circuit=make_circuit(room=room),
            device=make_device(site=cast.other_site),
            team=make_team(),
        )

    assert set(refusal.value.fields) == {"room", "circuit", "device", "team"}


def test_another_team_of_the_same_company_may_be_asked(cast: People) -> None:
    team = make_team(organisation=cast.organisation)

    assert make_order(cast=cast, team=team).team == team


def test_remarks_are_kept_from_those_who_may_and_in_every_state(cast: People) -> None:
    order = make_order(cast=cast, state=State.CLOSED)

    services.add_note(
        order_id=order.pk, note="<script>alert(1)</script>", by=cast.ed, door="web", now=LATER
    )

    last = selectors.log_of(order).last()
    assert last is not None
    assert (last.entry, last.note, last.by) == ("note", "<script>alert(1)</script>", cast.ed)
    for who, error in (("gu", Forbidden), ("cy", NotFound)):
        with pytest.raises(error):
            services.add_note(
                order_id=order.pk, note="x", by=getattr(cast, who), door="web", now=NOW
            )
    with pytest.raises(Invalid):
        services.add_note(order_id=order.pk, note=" ", by=cast.bo, door="web", now=NOW)


def test_an_edit_keeps_old_and_new_on_record(cast: People) -> None:
    order = make_order(cast=cast, title="旧标题")
    due = NOW + timedelta(days=2)

    edited = services.edit(
        order_id=order.pk,
        by=cast.di,
        door="web",
        now=NOW + timedelta(minutes=1),
        title="新标题",
        priority=Priority.URGENT,
        due_at=due,
    )

    assert (edited.title, edited.priority, edited.due_at) == ("新标题", "urgent", due)
    assert edited.updated_at == NOW + timedelta(minutes=1)
    last = selectors.log_of(order).last()
    assert last is not None
    assert last.facts["title"] == ["旧标题", "新标题"]
    assert last.facts["priority"] == ["high", "urgent"]
    assert last.facts["due_at"][1] == due.isoformat()


def test_edits_are_refused_when_they_are_not_ones_own_late_or_empty(cast: People) -> None:
    order = make_order(cast=cast, state=State.ASSIGNED)
    closed = make_order(cast=cast, state=State.CANCELLED)
    act = {"door": "web", "now": NOW}

    with pytest.raises(Forbidden):
        services.edit(order_id=order.pk, by=cast.bo, title="x", **act)
    with pytest.raises(NotFound):
        services.edit(order_id=order.pk, by=cast.cy, title="x", **act)
    with pytest.raises(MoveRefused):
        services.edit(order_id=closed.pk, by=cast.di, title="x", **act)
    with pytest.raises(Changed):
        services.edit(order_id=order.pk, by=cast.di, title="x", seen="new:", **act)
    for facts in ({}, {"title": order.title}, {"title": " "}, {"due_at": NOW}):
        with pytest.raises(Invalid):
            services.edit(order_id=order.pk, by=cast.di, **act, **facts)


def test_stages_count_what_one_sees_with_empty_stages_and_what_is_late(cast: People) -> None:
    make_order(cast=cast)
    make_order(cast=cast, kind=Kind.DEFECT, state=State.IN_PROGRESS)
    make_order(cast=cast, state=State.CANCELLED)
    late = NOW + timedelta(days=1)

    rows = {row.state: (row.count, row.overdue) for row in selectors.stages(user=cast.bo, now=late)}
    nothing = selectors.stages(user=cast.cy, now=late)
    before = selectors.stages(user=cast.bo, now=late, end=NOW)

    assert list(rows) == list(State)
    assert rows[State.NEW] == rows[State.IN_PROGRESS] == (1, 1)
    assert rows[State.CANCELLED] == (1, 0)
    assert rows[State.CLOSED] == (0, 0)
    assert {row.count for row in nothing} == {row.count for row in before} == {0}


def test_a_title_in_english_is_what_english_readers_see_until_the_title_changes(
    cast: People,
) -> None:
    order = make_order(cast=cast, title="接点过热", title_en="Joint hot")
    with translation.override("en"):
        assert order.label == "Joint hot"
    assert order.label == "接点过热"
    act = {"by": cast.di, "door": "web", "now": LATER}
    edited = services.edit(order_id=order.pk, title="接点温度偏高", **act)
    with translation.override("en"):
        assert edited.label == "接点温度偏高"
