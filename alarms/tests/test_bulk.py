"""Many alarms at once: a verdict each; undo as moves of its own; two people on one bulk."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alarms import selectors, services
from alarms.models import Alarm
from alarms.services import bulk
from alarms.states import Handling, Move
from alarms.tests.factories import NOW, bring, fault_of, make_alarm, make_rule, recover
from core.errors import Invalid, MoveRefused
from devices.tests.factories import make_device
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def cast() -> People:
    return people()


def act(cast: People, **facts: Any) -> dict[str, Any]:
    return {"by": cast.di, "door": "web", "now": LATER} | facts


def test_each_alarm_has_its_verdict(cast: People) -> None:
    device = make_device(site=cast.site)
    alarms = [make_alarm(device=device) for _ in range(2)]
    archived = make_alarm(device=device, handling=Handling.ARCHIVED, by=cast.ana)
    foreign = make_alarm(site=cast.other_site)
    ids = [*(alarm.pk for alarm in alarms), archived.pk, foreign.pk, alarms[0].pk]

    outcome = services.move_many(move="verify", alarm_ids=ids, verdict="real", **act(cast))

    assert outcome.done == [alarm.pk for alarm in alarms]
    assert [(row.alarm_id, row.number, row.brief) for row in outcome.skipped] == [
        (archived.pk, archived.number, "已归档"),
        (foreign.pk, "", "找不到"),
    ]
    assert outcome.summary == "成功 2，跳过 2（已归档、找不到）"
    assert Alarm.objects.get(pk=foreign.pk).handling == Handling.UNVERIFIED


def test_the_second_of_two_people_is_told_who_was_first(cast: People) -> None:
    mine, theirs = make_alarm(site=cast.site), make_alarm(site=cast.site)
    bring(theirs, Handling.VERIFIED, by=cast.ana, now=LATER)

    outcome = services.move_many(
        move="verify", alarm_ids=[mine.pk, theirs.pk], verdict="false", **act(cast)
    )

    assert outcome.done == [mine.pk]
    assert outcome.skipped[0].reason == "Ana 已于 14:05 查核。"
    assert Alarm.objects.get(pk=theirs.pk).verdict == "real"


def test_wrong_facts_and_too_many_move_nothing(
    cast: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm = make_alarm(site=cast.site)

    with pytest.raises(Invalid):
        services.move_many(move="verify", alarm_ids=[alarm.pk], verdict="x", **act(cast))
    monkeypatch.setattr(bulk, "ALARMS_AT_ONCE", 1)
    with pytest.raises(Invalid, match="一次最多处理 1 条，已选 2 条"):
        services.move_many(move="archive", alarm_ids=[1, 2], **act(cast))
    assert Alarm.objects.get(pk=alarm.pk).handling == Handling.UNVERIFIED


def facts_of(alarm: Alarm) -> dict[str, Any]:
    names = ("handling", "verdict", "cause", "verified_by_id", "verified_at")
    row = Alarm.objects.get(pk=alarm.pk)
    return {name: getattr(row, name) for name in (*names, "ignored_until", "archived_at")}


@pytest.mark.parametrize(
    ("handling", "move"),
    [
        ("unverified", "verify"),
        ("ignored", "verify"),
        ("unverified", "ignore"),
        ("verified", "ignore"),
        ("verified", "archive"),
        ("in_order", "archive"),
        ("ignored", "archive"),
    ],
)
def test_undo_restores_every_column_by_a_move_of_its_own(
    cast: People, handling: str, move: str
) -> None:
    alarm = make_alarm(site=cast.site, handling=handling, is_active=False, by=cast.ana)
    if handling == "in_order":
        assert alarm.verdict
    before = facts_of(alarm)
    facts: dict[str, Any] = {
        "verify": {"verdict": "test", "cause": "传动试验"},
        "ignore": {"until": LATER + timedelta(hours=1), "note": "检修"},
        "archive": {},
    }[move]
    services.move_many(move=move, alarm_ids=[alarm.pk], **facts, **act(cast))
    assert facts_of(alarm) != before

    outcome = services.undo_many(
        alarm_ids=[alarm.pk], **act(cast, now=LATER + timedelta(minutes=1))
    )

    assert outcome.done == [alarm.pk]
    assert facts_of(alarm) == before
    row = alarm.log.last()
    assert (row.move, row.by_id) == (f"undo_{handling}", cast.di.pk)


def test_undo_is_for_oneself_for_a_short_time_and_once(cast: People) -> None:
    alarm = make_alarm(site=cast.site)
    services.verify(alarm_id=alarm.pk, verdict="real", **act(cast))
    soon = LATER + timedelta(seconds=30)

    with pytest.raises(MoveRefused, match="没有可以撤销的操作"):
        services.undo(alarm_id=alarm.pk, **act(cast, by=cast.ana, now=soon))
    with pytest.raises(MoveRefused, match="已超过"):
        services.undo(alarm_id=alarm.pk, **act(cast, now=LATER + timedelta(minutes=3)))
    services.undo(alarm_id=alarm.pk, **act(cast, now=soon))
    with pytest.raises(MoveRefused):
        services.undo(alarm_id=alarm.pk, **act(cast, now=soon))


def test_undo_gives_way_to_a_new_alarm_at_the_spot(cast: People) -> None:
    device, rule = make_device(site=cast.site), make_rule()
    alarm = make_alarm(device=device, rule=rule, handling="verified", is_active=False)
    services.archive(alarm_id=alarm.pk, **act(cast))
    services.raise_batch(faults=[fault_of(rule=rule, device=device, at=LATER)], now=LATER)

    with pytest.raises(MoveRefused, match="同一测点已有新的告警"):
        services.undo(alarm_id=alarm.pk, **act(cast))
    assert Alarm.objects.get(pk=alarm.pk).handling == Handling.ARCHIVED


def test_ways_back_are_no_buttons(cast: People) -> None:
    alarm = make_alarm(site=cast.site, handling="archived")

    assert selectors.moves_for(user=cast.di, alarm=alarm) == []


def test_a_second_order_can_follow_a_closed_one(cast: People) -> None:
    alarm = make_alarm(site=cast.site, handling="in_order")

    services.note_order_closed(
        alarm_id=alarm.pk, order_number="GD-1", by=cast.di, door="web", now=LATER
    )

    assert Alarm.objects.get(pk=alarm.pk).handling == Handling.VERIFIED
    assert alarm.log.last().move == Move.ORDER_CLOSED
    services.move_for_order(
        alarm_id=alarm.pk, move=Move.CREATE_ORDER, order_number="GD-2", **act(cast)
    )


def test_bulk_by_the_page_counts_tells_and_takes_back(cast: People, client: Client) -> None:
    device = make_device(site=cast.site)
    at = timezone.now() - timedelta(minutes=3)
    alarms = [make_alarm(device=device, at=at, severity="critical") for _ in range(3)]
    recover(alarms[0], at=timezone.now())
    bring(alarms[0], Handling.VERIFIED, by=cast.ana, now=timezone.now())
    client.force_login(cast.di)
    url = "/alarms/bulk/verify/?all=1&query=severity%3Dcritical&next=/alarms/"

    form = client.get(url)
    facts = {"verify-verdict": "real", "next": "/alarms/"}
    facts["shown_at"] = form.context["shown_at"]
    done = client.post(url, facts, follow=True)

    assert (form.context["count"], form.context["movable"], form.context["skipping"]) == (3, 2, 1)
    told = done.content.decode()
    assert "查核：成功 2，跳过 1（已查核）" in told
    assert "Ana 已于" in told
    assert "/alarms/undo/" in told
    client.post("/alarms/undo/", {"next": "/alarms/"})
    handlings = [Alarm.objects.get(pk=alarm.pk).handling for alarm in alarms]
    assert handlings == ["verified", "unverified", "unverified"]
    assert "没有可以撤销的操作" in client.post("/alarms/undo/", {}, follow=True).content.decode()


def test_bulk_by_query_moves_only_what_was_there_when_it_was_shown(
    cast: People, client: Client
) -> None:
    device, then = make_device(site=cast.site), timezone.now() - timedelta(minutes=3)
    seen = make_alarm(device=device, at=then)
    client.force_login(cast.di)
    url = "/alarms/bulk/verify/?all=1&query="
    facts = {"verify-verdict": "real", "shown_at": client.get(url).context["shown_at"]}
    later = make_alarm(device=device, at=timezone.now() + timedelta(seconds=1))

    told = client.post(url, facts, follow=True).content.decode()

    assert "成功 1，跳过 1（新触发）" in told
    assert f"{later.number} 打开表单后又触发，未处理。" in told
    assert Alarm.objects.get(pk=seen.pk).handling == Handling.VERIFIED
    assert Alarm.objects.get(pk=later.pk).handling == Handling.UNVERIFIED
    for wrong in ("", "yesterday", "nan", "1e99", "-1e18"):
        told = client.post(url, facts | {"shown_at": wrong}, follow=True).content.decode()
        assert f"{later.number} 打开表单后又触发，未处理。" in told
        assert Alarm.objects.get(pk=later.pk).handling == Handling.UNVERIFIED


def test_orders_for_many_alarms(cast: People, client: Client) -> None:
    device = make_device(site=cast.site)
    ready = [make_alarm(device=device, handling="verified") for _ in range(2)]
    other = make_alarm(device=device)
    client.force_login(cast.di)
    query = "&".join(f"id={alarm.pk}" for alarm in [*ready, other])

    page = client.post(f"/orders/from-alarms/?{query}", {"description": "带梯子"}, follow=True)

    assert "成功 2，跳过 1（待查核）" in page.content.decode()
    for alarm in ready:
        order = alarm.orders.get()
        assert order.description.startswith("带梯子")
        assert Alarm.objects.get(pk=alarm.pk).handling == Handling.IN_ORDER
