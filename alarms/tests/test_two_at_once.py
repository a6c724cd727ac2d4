"""Two people, or two workers, at the same moment, each with a connection of his own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction

from alarms import services
from alarms.models import Alarm, AlarmLog
from alarms.services import watching
from alarms.tests.factories import NOW, fault_of, make_alarm, make_rule, recover
from alarms.tests.samples import at, keep, sample
from core.errors import Changed, MoveRefused
from devices.tests.factories import make_bus, make_device, make_gateway
from sites.tests.factories import people

pytestmark = pytest.mark.django_db(transaction=True)

LATER = NOW + timedelta(minutes=5)
PATIENCE_S = 20


class Stage:
    """Lets the second begin while the first has written and not committed."""

    def __init__(self) -> None:
        self.has_written = Event()
        self.may_commit = Event()
        self._pool = ThreadPoolExecutor(2)

    def first(self, work: Callable[[], Any]) -> Future[Any]:
        def whole() -> Any:
            try:
                with transaction.atomic():
                    done = work()
                    self.has_written.set()
                    assert self.may_commit.wait(PATIENCE_S)
                return done
            finally:
                self.has_written.set()
                connection.close()

        return self._pool.submit(whole)

    def second(self, work: Callable[[], Any]) -> Future[Any]:
        assert self.has_written.wait(PATIENCE_S)

        def whole() -> Any:
            try:
                return work()
            finally:
                connection.close()

        future = self._pool.submit(whole)
        self._until_it_waits()
        self.may_commit.set()
        return future

    @staticmethod
    def _until_it_waits() -> None:
        """Until PostgreSQL says that somebody waits for a lock, the second is where we want it."""
        for _look in range(2000):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
                if cursor.fetchone()[0]:
                    return
                cursor.execute("SELECT pg_sleep(0.005)")
        raise AssertionError("the second never came to wait for the first")


def test_one_wins_and_the_other_is_told_the_fresh_facts() -> None:
    cast = people()
    alarm = make_alarm(site=cast.site)
    stage = Stage()
    facts = {"alarm_id": alarm.pk, "door": "web", "seen": "unverified"}

    one = stage.first(lambda: services.verify(verdict="real", by=cast.ana, now=LATER, **facts))
    other = stage.second(
        lambda: services.ignore(
            until=LATER + timedelta(hours=1), note="检修", by=cast.di, now=LATER, **facts
        )
    )

    assert one.result(PATIENCE_S).handling == "verified"
    with pytest.raises(Changed) as refusal:
        other.result(PATIENCE_S)
    assert refusal.value.facts["handling"] == "verified"
    assert refusal.value.facts["by"] == "Ana"
    assert str(refusal.value) == "Ana 已于 14:05 查核。"
    assert list(alarm.log.values_list("move", flat=True)) == ["raise", "verify"]


def test_alarm_that_is_raised_again_meanwhile_is_not_archived() -> None:
    alarm = make_alarm(handling="verified", is_active=False)
    stage = Stage()

    one = stage.first(
        lambda: services.raise_batch(
            faults=[fault_of(rule=alarm.rule, device=alarm.device, at=LATER)], now=LATER
        )
    )
    other = stage.second(
        lambda: services.archive(alarm_id=alarm.pk, by=None, door="web", now=LATER)
    )

    assert one.result(PATIENCE_S) == [alarm.pk]
    with pytest.raises(MoveRefused) as refusal:
        other.result(PATIENCE_S)
    assert refusal.value.facts["condition"] == "active"


def test_alarm_that_is_archived_meanwhile_is_raised_as_a_new_one() -> None:
    alarm = make_alarm(handling="verified", is_active=False)
    stage = Stage()

    one = stage.first(lambda: services.archive(alarm_id=alarm.pk, by=None, door="web", now=LATER))
    other = stage.second(
        lambda: services.raise_batch(
            faults=[fault_of(rule=alarm.rule, device=alarm.device, at=LATER)], now=LATER
        )
    )

    assert one.result(PATIENCE_S).handling == "archived"
    (fresh,) = other.result(PATIENCE_S)
    assert fresh != alarm.pk
    assert Alarm.objects.get(pk=fresh).handling == "unverified"


def test_one_fault_raised_twice_is_one_alarm() -> None:
    device, rule = make_device(), make_rule()
    fault = fault_of(rule=rule, device=device)
    stage = Stage()

    one = stage.first(lambda: services.raise_batch(faults=[fault], now=NOW))
    other = stage.second(lambda: services.raise_batch(faults=[fault], now=NOW))

    assert len(one.result(PATIENCE_S)) == 1
    assert other.result(PATIENCE_S) == []
    assert Alarm.objects.count() == AlarmLog.objects.count() == 1


def test_one_recurrence_seen_twice_is_one() -> None:
    alarm = make_alarm(is_active=False)
    fault = fault_of(rule=alarm.rule, device=alarm.device, at=LATER)
    stage = Stage()

    one = stage.first(lambda: services.raise_batch(faults=[fault], now=LATER))
    other = stage.second(lambda: services.raise_batch(faults=[fault], now=LATER))

    assert one.result(PATIENCE_S) == [alarm.pk]
    assert other.result(PATIENCE_S) == []
    alarm.refresh_from_db()
    assert (alarm.recurrences, alarm.condition) == (1, "active")
    recover(alarm, at=LATER)


def test_two_workers_with_one_device_evaluate_each_sample_once() -> None:
    """A worker that lost its shard is still at it when the next one has begun."""
    rule = make_rule(delay_s=0.0, reset_delay_s=0.0)
    device = make_device(bus=make_bus(gateway=make_gateway(period_s=10)))
    calm = sample([(device, 0, {})])
    keep(calm)
    workers = [watching.Watcher(watching.read_rulebook()) for _worker in range(2)]
    for worker in workers:
        worker.follow(calm, now=at(0))
    bad = sample([(device, 10, {"IR": 400.0}), (device, 20, {}), (device, 30, {"IR": 410.0})])
    keep(bad)
    stage = Stage()

    one = stage.first(lambda: workers[0].follow(bad, now=at(30)))
    other = stage.second(lambda: workers[1].follow(bad, now=at(30)))

    assert one.result(PATIENCE_S) == []
    assert other.result(PATIENCE_S) == [device.pk]
    assert workers[1].follow(bad, now=at(31)) == []
    alarm = Alarm.objects.get(rule=rule)
    assert (alarm.condition, alarm.recurrences) == ("active", 1)
    assert alarm.log.count() == 3
