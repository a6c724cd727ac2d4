"""Alarms about the platform itself, on its own site, and about two DTUs with one id."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from alarms import services, tasks
from alarms.models import Alarm, Rule, RuleOverride
from alarms.rules.links import Verdict
from alarms.rules.selfcheck import Sight, judge, with_days
from alarms.rules.specs import RuleSpec
from alarms.services import selfcheck
from alarms.states import Condition
from devices import live
from devices.models import GatewaySession, PollShard, SampleLoss, StoragePlan
from devices.selectors import spool
from devices.tests.factories import make_gateway
from sites.models import Site
from sites.tests.factories import make_site, people

pytestmark = pytest.mark.django_db

DISK_RULES = (selfcheck.DISK, selfcheck.DISK_URGENT)


@pytest.fixture
def now() -> datetime:
    """Later than PostgreSQL was started, by more than any limit."""
    return timezone.now() + timedelta(hours=2)


@pytest.fixture(autouse=True)
def _nothing_waits() -> Iterator[None]:
    live.store_state.client.delete(spool.KEY)
    yield
    live.store_state.client.delete(spool.KEY)


@pytest.fixture
def home(db: None) -> Site:
    """The site that the platform runs at; on its disk is room for ever."""
    services.load_rules()
    site = make_site("机房")
    StoragePlan.objects.update(site=site, capacity_gb=1_000_000)
    return site


def found(condition: str = Condition.ACTIVE) -> set[tuple[str, int]]:
    rows = Alarm.objects.filter(condition=condition)
    return set(rows.values_list("rule__key", "scope_id"))


def lose(now: datetime) -> None:
    SampleLoss.objects.create(
        shard=0, thinned=300, dropped=20, first_at=now, last_at=now, noted_at=now
    )


def wait(now: datetime, minutes: float) -> None:
    """Let samples of shard 0 wait since so long."""
    facts = spool.SpoolFacts(900, 180_000, now.timestamp() - 60 * minutes)
    spool.tell(0, facts, now=now)


def test_calm_platform_raises_nothing(home: Site, now: datetime) -> None:
    selfcheck.sweep(now=now)

    assert not Alarm.objects.exists()


def test_disk_is_told_by_the_days_of_the_storage_plan(home: Site, now: datetime) -> None:
    StoragePlan.objects.update(capacity_gb=0, warn_days=45)

    selfcheck.sweep(now=now)

    assert found() == {(key, home.pk) for key in DISK_RULES}
    warning, urgent = Alarm.objects.order_by("rule__key")
    assert (warning.site, warning.value, warning.limit, warning.unit) == (home, 0.0, 45.0, "d")
    assert (warning.severity, urgent.severity, urgent.limit) == ("major", "critical", 14.0)
    StoragePlan.objects.update(capacity_gb=1_000_000)
    selfcheck.sweep(now=now)
    assert not found()


def test_samples_given_up_are_told_for_an_hour(home: Site, now: datetime) -> None:
    lose(now)
    for _twice in range(2):
        selfcheck.sweep(now=now + timedelta(minutes=1))
    alarm = Alarm.objects.get()

    assert (alarm.rule.key, alarm.severity, alarm.value) == ("SAMPLES_LOST", "critical", 320.0)
    assert (alarm.recurrences, alarm.log.get().facts["points"]) == (0, {"0": 320.0})
    lose(now + timedelta(minutes=40))
    selfcheck.sweep(now=now + timedelta(minutes=62))
    assert found() == {("SAMPLES_LOST", home.pk)}
    selfcheck.sweep(now=now + timedelta(minutes=101))
    assert found(Condition.RECOVERED) == {("SAMPLES_LOST", home.pk)}


def test_samples_that_wait_long_are_told_until_they_are_stored(home: Site, now: datetime) -> None:
    wait(now, 9)
    selfcheck.sweep(now=now)
    assert not found()
    wait(now, 11)
    selfcheck.sweep(now=now)
    assert found() == {("SPOOL_FILLING", home.pk)}

    # Fewer wait, but some: not over yet.
    wait(now, 5)
    selfcheck.sweep(now=now)
    assert found() == {("SPOOL_FILLING", home.pk)}
    live.store_state.client.delete(spool.KEY)
    selfcheck.sweep(now=now)
    assert not found()


def test_shard_that_nobody_polls_is_told(home: Site, now: datetime) -> None:
    make_gateway(shard=3)
    PollShard.objects.create(number=3, cycle_at=now - timedelta(seconds=100))
    PollShard.objects.create(number=4, cycle_at=now - timedelta(days=9))
    make_gateway(shard=4, is_enabled=False)
    selfcheck.sweep(now=now)
    assert not found(), "one was polled, the other has nothing to poll"

    selfcheck.sweep(now=now + timedelta(seconds=30))
    selfcheck.sweep(now=now + timedelta(seconds=90))

    alarm = Alarm.objects.get()
    assert (alarm.rule.key, alarm.value, alarm.peak, alarm.unit) == ("SHARD_IDLE", 130, 190, "s")
    PollShard.objects.filter(pk=3).update(cycle_at=now + timedelta(seconds=95))
    selfcheck.sweep(now=now + timedelta(seconds=100))
    assert not found()


def test_shard_without_a_worker_is_told_too(home: Site, now: datetime) -> None:
    make_gateway(shard=77)

    selfcheck.sweep(now=now)

    assert found() == {("SHARD_IDLE", home.pk)}


def test_what_was_down_as_a_whole_gets_time_to_come_up(home: Site, now: datetime) -> None:
    make_gateway(shard=3)

    selfcheck.sweep(now=now, began_at=now - timedelta(seconds=5))

    assert not found()


def test_without_a_site_nothing_is_raised_and_what_was_is_let_go(home: Site, now: datetime) -> None:
    lose(now)
    selfcheck.sweep(now=now)
    other = make_site()
    StoragePlan.objects.update(site=other)
    selfcheck.sweep(now=now)
    assert found() == {("SAMPLES_LOST", other.pk)}

    StoragePlan.objects.update(site=None)
    make_gateway(shard=77)
    selfcheck.sweep(now=now)

    assert not found()
    alarm = Alarm.objects.get(site=home)
    assert alarm.log.filter(facts={"reason": "not_applicable"}).count() == 1


def test_override_of_the_site_counts(home: Site, now: datetime) -> None:
    lose(now)
    make_gateway(shard=77)
    lost, idle = (Rule.objects.get(key=key) for key in ("SAMPLES_LOST", "SHARD_IDLE"))
    RuleOverride.objects.create(rule=lost, site=home, severity="minor", threshold=500)
    RuleOverride.objects.create(rule=idle, site=home, is_enabled=False)

    selfcheck.sweep(now=now)
    assert not found()
    lose(now)
    selfcheck.sweep(now=now)

    assert Alarm.objects.get().severity == "minor"
    Rule.objects.filter(pk=lost.pk).update(is_enabled=False)
    RuleOverride.objects.all().delete()
    Rule.objects.filter(pk=idle.pk).update(is_enabled=False)
    selfcheck.sweep(now=now)
    assert not found()


def test_two_dtus_with_one_id_are_told_until_they_are_calm(home: Site, now: datetime) -> None:
    StoragePlan.objects.update(site=None)
    gateway = make_gateway()
    PollShard.objects.create(number=0, cycle_at=now)
    session = GatewaySession.objects.create(gateway=gateway, month=now.date(), updated_at=now)
    selfcheck.sweep(now=now)
    assert not found()
    GatewaySession.objects.filter(pk=session.pk).update(doubled_at=now)

    for minutes in (0, 14):
        selfcheck.sweep(now=now + timedelta(minutes=minutes))

    alarm = Alarm.objects.get()
    assert (alarm.rule.key, alarm.gateway, alarm.site) == ("GW_DOUBLE", gateway, gateway.site)
    assert (alarm.condition, alarm.recurrences) == (Condition.ACTIVE, 0)
    selfcheck.sweep(now=now + timedelta(minutes=16))
    assert not found()


def test_alarm_of_the_platform_is_one_of_its_site(client: Client, now: datetime) -> None:
    cast = people()
    services.load_rules()
    StoragePlan.objects.update(site=cast.site, capacity_gb=1_000_000)
    lose(now)
    selfcheck.sweep(now=now)
    address = f"/alarms/{Alarm.objects.get().pk}/"
    pages = {}
    for user in (cast.adm, cast.bo, cast.cy):
        client.force_login(user)
        pages[user.username] = client.get(address)

    assert [page.status_code for page in pages.values()] == [200, 200, 404]
    # Records of all shards are for those who maintain the whole platform.
    assert "查看平台状态" in pages["adm"].content.decode()
    assert "查看平台状态" not in pages["bo"].content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_looks_at_once_raise_one(now: datetime) -> None:
    services.load_rules()
    StoragePlan.objects.update_or_create(
        pk=1, defaults={"site": make_site(), "capacity_gb": 1_000_000}
    )
    lose(now)
    start = Barrier(2)

    def look() -> None:
        try:
            start.wait(20)
            selfcheck.sweep(now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(look) for _ in range(2)]:
            done.result()

    alarm = Alarm.objects.get()
    assert (alarm.recurrences, alarm.log.count()) == (0, 1)


def test_task_looks(home: Site) -> None:
    lose(timezone.now())

    tasks.check_platform()

    assert found() == {("SAMPLES_LOST", home.pk)}


def _spec(threshold: float | None, reset: float | None) -> RuleSpec:
    return RuleSpec(
        id=1, kind="platform", codes=(), severity="major", threshold=threshold, reset=reset
    )


@pytest.mark.parametrize(
    ("spec", "sight", "verdict"),
    [
        (_spec(10, 1), Sight(10.1), "raise"),
        (_spec(10, 1), Sight(10.0), "unknown"),
        (_spec(10, 1), Sight(1.0), "up"),
        (_spec(10, 1), Sight(None), "unknown"),
        (_spec(10, None), Sight(10.0), "up"),
        (_spec(10, 99), Sight(10.0), "up"),
        (_spec(60, 66), Sight(59, is_low=True), "raise"),
        (_spec(60, 66), Sight(60, is_low=True), "unknown"),
        (_spec(60, 66), Sight(66, is_low=True), "up"),
        (_spec(None, None), Sight(5), "unknown"),
    ],
)
def test_judge(spec: RuleSpec, sight: Sight, verdict: str) -> None:
    assert judge(spec, sight) == Verdict(verdict)


def test_rule_with_a_limit_of_its_own_keeps_it() -> None:
    assert with_days(_spec(None, None), 20) == _spec(20.0, 22.0)
    assert with_days(_spec(30, None), 20) == _spec(30, None)
