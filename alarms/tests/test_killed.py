"""Workers killed again and again, anywhere: no alarm is lost, none is doubled, the log is whole."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any

import pytest
from django.db import connection

from alarms.models import Alarm, AlarmLog, Rule
from alarms.tests.factories import make_digital_rule, make_rule
from alarms.tests.killed_worker import BEGIN_S, CYCLES, STEP_S, breaker, main, residual_ma
from devices import history
from devices.models import Device
from devices.tests.factories import make_bus, make_device, make_gateway

# Half a minute alone.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DEVICES, KILLS, SEED = 5, 12, 7
DELAY_S, RESET_DELAY_S = 15.0, 10.0


@pytest.fixture
def devices(transactional_db: None) -> Iterator[list[Device]]:
    bus = make_bus(gateway=make_gateway(period_s=int(STEP_S)))
    first = make_device(bus=bus)
    yield [
        first,
        *(
            make_device(bus=bus, template_version=first.template_version)
            for _device in range(DEVICES - 1)
        ),
    ]
    history.drop_partitions(before=date.max)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> ForkServerContext:
    """What makes them: a process beside this one, on the tests' database."""
    url = os.environ["DATABASE_URL"]
    named = url.replace("/dianwu?", f"/{connection.settings_dict['NAME']}?")
    assert named != url
    monkeypatch.setenv("DATABASE_URL", named)
    monkeypatch.setenv("DIANWU_LOG_LEVEL", "ERROR")
    context = get_context("forkserver")
    context.set_forkserver_preload([main.__module__])
    return context


def worker(workers: ForkServerContext, devices: list[Device]) -> tuple[Any, Connection]:
    """One that has begun, and the line that it speaks on."""
    line, theirs = workers.Pipe(duplex=False)
    process = workers.Process(target=main, args=([device.pk for device in devices], theirs))
    process.start()
    theirs.close()
    assert line.recv() == "up"
    return process, line


def moment(cycle: int) -> datetime:
    return datetime.fromtimestamp(BEGIN_S + cycle * STEP_S, UTC)


def limit_story(place: int) -> list[tuple[str, datetime]]:
    """What must be on record of the limit: raised after the delay, recovered after its own."""
    story: list[tuple[str, datetime]] = []
    is_active, since = False, None
    for cycle in range(CYCLES):
        is_wanted = (residual_ma(place, cycle) > 300) != is_active
        since = (cycle if since is None else since) if is_wanted else None
        wait_s = RESET_DELAY_S if is_active else DELAY_S
        if since is not None and (cycle - since) * STEP_S >= wait_s:
            is_active, since = not is_active, None
            moves = [move for move, _at in story]
            raised = "recur" if "raise" in moves else "raise"
            story.append((raised if is_active else "recover", moment(cycle)))
    return story


def trip_story(place: int) -> list[tuple[str, datetime]]:
    """What must be on record of the breaker: every opening, if only for one sample."""
    story: list[tuple[str, datetime]] = []
    for cycle in range(1, CYCLES):
        before, now = breaker(place, cycle - 1), breaker(place, cycle)
        if (before, now) == (1.0, 0.0):
            story.append(("recur" if story else "raise", moment(cycle)))
        elif (before, now) == (0.0, 1.0) and story:
            story.append(("recover", moment(cycle)))
    return story


def on_record(rule: Rule, device: Device) -> list[tuple[str, datetime]]:
    alarm = Alarm.objects.get(rule=rule, device=device)
    return list(AlarmLog.objects.filter(alarm=alarm).order_by("pk").values_list("move", "at"))


def test_no_alarm_is_lost_and_none_doubled(
    devices: list[Device], workers: ForkServerContext
) -> None:
    limit = make_rule(delay_s=DELAY_S, reset_delay_s=RESET_DELAY_S)
    trip = make_digital_rule(to_value=0)
    dice = random.Random(SEED)

    for _kill in range(KILLS):
        process, _line = worker(workers, devices)
        process.join(dice.uniform(0.02, 0.8))
        process.kill()
        process.join(10)
    last, line = worker(workers, devices)
    assert line.poll(400)
    assert line.recv() == "done"
    last.join(10)

    for place, device in enumerate(devices):
        assert on_record(limit, device) == limit_story(place), place
        assert on_record(trip, device) == trip_story(place), place
    assert Alarm.objects.count() == 2 * DEVICES
