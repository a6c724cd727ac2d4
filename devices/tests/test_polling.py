"""From the meter's socket to the tables: what is read is stored, whoever fails on the way."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from devices import history, live
from devices.history import series
from devices.models import Bus, Device, Gateway, LinkEvent, PointOverride, PollShard, Ratio
from devices.services.plan import planned_version
from devices.services.polling import Cycle, Poller
from devices.states import Quality
from devices.tests.factories import (
    make_bus,
    make_device,
    make_gateway,
    make_point,
    make_template_version,
)
from devices.tests.meters import Line, Meter, listening

pytestmark = pytest.mark.django_db

VALUES = {"Ua": 230.5, "Ub": 229.25, "Uc": 231.0, "Ia": 12.5, "P": 8.25, "EPI": 1234.5, "DI1": 1.0}


@pytest.fixture
def line() -> Iterator[Line]:
    with listening() as opened:
        yield opened


@pytest.fixture
def bus(line: Line) -> Bus:
    return make_bus(gateway=make_gateway(period_s=1), port=line.port, timeout_ms=150)


Polls = Callable[..., Cycle]


@pytest.fixture
def poller() -> Iterator[Poller]:
    made = Poller(0)
    yield made
    made.stop(now=timezone.now())


@pytest.fixture
def poll(poller: Poller) -> Polls:
    """One cycle in which every gateway is due: its clock moves on by the longest period."""
    moments = iter(range(1, 10_000))
    start = timezone.now()

    def cycle(**facts: Any) -> Cycle:
        now = start + timedelta(seconds=next(moments))
        done = poller.cycle(now=now, deadline_s=2.0, **facts)
        assert done is not None
        return done

    poller.cycle(now=start, deadline_s=0)
    return cycle


def add_meter(line: Line, bus: Bus, **facts: Any) -> tuple[Device, Meter]:
    device = make_device(bus=bus, **facts)
    meter = Meter(planned_version(device.template_version).profile)
    meter.show(VALUES)
    line.units[device.unit_id] = meter
    return device, meter


def stored(device: Device) -> dict[str, float]:
    """The newest stored sample by code."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT values, counters FROM reading WHERE device_id = %s ORDER BY at DESC LIMIT 1",
            [device.pk],
        )
        values, counters = cursor.fetchone()
    layout = device.template_version.layout
    return dict(
        zip([*layout.value_codes, *layout.counter_codes], [*values, *counters], strict=True)
    )


def count(device: Device) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reading WHERE device_id = %s", [device.pk])
        return int(cursor.fetchone()[0])


def test_what_the_meter_shows_is_stored_and_shown(line: Line, bus: Bus, request: Any) -> None:
    device, _meter = add_meter(line, bus)
    poll: Polls = request.getfixturevalue("poll")

    cycle = poll()

    assert (cycle.gateways, cycle.reads, cycle.stored, cycle.backlog) == (1, 1, 1, 0)
    assert {code: stored(device)[code] for code in VALUES} == VALUES
    newest = live.latest(device_ids=[device.pk])[device.pk]
    assert newest.counters[0] == 1234.5
    device.refresh_from_db()
    assert device.is_online is True
    assert PollShard.objects.get(pk=0).cycle_at is not None


def test_a_gateway_is_asked_once_per_period(line: Line, bus: Bus, poller: Poller) -> None:
    device, meter = add_meter(line, bus)
    Gateway.objects.update(period_s=60)
    start = timezone.now()

    for second in range(181):
        poller.cycle(now=start + timedelta(seconds=second), deadline_s=2.0)

    assert meter.asked == 3
    assert count(device) == 3


def test_secondary_values_are_brought_to_the_primary_side(
    line: Line, bus: Bus, request: Any
) -> None:
    version = make_template_version(values_are="secondary")
    device, _meter = add_meter(line, bus, template_version=version)
    Ratio.objects.create(
        device=device, ct=40, pt=100, valid_from=timezone.now() - timedelta(days=1)
    )
    poll: Polls = request.getfixturevalue("poll")

    poll()

    found = stored(device)
    assert found["Ua"] == 23050.0
    assert found["Ia"] == 500.0
    assert found["P"] == 33000.0
    assert found["EPI"] == 4938000.0
    assert found["DI1"] == 1.0


def test_a_ratio_begins_at_its_moment(line: Line, bus: Bus, request: Any) -> None:
    version = make_template_version(values_are="secondary")
    device, _meter = add_meter(line, bus, template_version=version)
    now = timezone.now()
    later = now + timedelta(seconds=3)
    Ratio.objects.create(device=device, ct=2, valid_from=now - timedelta(days=1), valid_to=later)
    Ratio.objects.create(device=device, ct=3, valid_from=later)
    poll: Polls = request.getfixturevalue("poll")

    poll()
    before = stored(device)["Ia"]
    for _again in range(6):
        poll()

    assert (before, stored(device)["Ia"]) == (25.0, 37.5)


def test_primary_values_ignore_the_ratio(line: Line, bus: Bus, request: Any) -> None:
    device, _meter = add_meter(line, bus)
    Ratio.objects.create(device=device, ct=40, valid_from=timezone.now() - timedelta(days=1))
    poll: Polls = request.getfixturevalue("poll")

    poll()

    assert stored(device)["Ia"] == 12.5


def test_a_point_that_is_not_connected_is_not_stored(line: Line, bus: Bus, request: Any) -> None:
    device, meter = add_meter(line, bus)
    meter.show({"IR": float("nan")})
    PointOverride.objects.create(device=device, point=make_point("IR"), is_enabled=False)
    PointOverride.objects.create(device=device, point=make_point("EPI"), is_enabled=False)
    poll: Polls = request.getfixturevalue("poll")

    poll()

    newest = live.latest(device_ids=[device.pk])[device.pk]
    found = stored(device)
    assert found["IR"] != found["IR"]
    assert found["EPI"] != found["EPI"]
    assert found["Ua"] == 230.5
    assert newest.quality == Quality.GOOD


def test_a_bad_point_is_named(line: Line, bus: Bus, request: Any) -> None:
    device, meter = add_meter(line, bus)
    meter.show({"Ub": float("nan")})
    poll: Polls = request.getfixturevalue("poll")

    poll()

    points = {p.code: p for p in live.latest_points(device_ids=[device.pk])[device.pk]}
    assert points["Ub"].quality == Quality.BAD
    assert points["Ua"].quality == Quality.GOOD


def test_a_dead_meter_costs_its_time_out_once_and_does_not_delay_its_bus(
    line: Line, bus: Bus, request: Any
) -> None:
    dead, silent = add_meter(line, bus)
    alive = [add_meter(line, bus)[0] for _number in range(3)]
    silent.is_silent = True
    poll: Polls = request.getfixturevalue("poll")

    first = poll()
    durations = [poll().duration_ms for _again in range(5)]

    assert first.duration_ms >= 150
    assert max(durations) < 150
    assert count(dead) == 0
    assert [count(device) for device in alive] == [6, 6, 6]


def test_one_slow_line_does_not_delay_the_others(line: Line, bus: Bus, request: Any) -> None:
    with listening() as other:
        second = make_bus(gateway=make_gateway(period_s=1), port=other.port, timeout_ms=5000)
        slow, slow_meter = add_meter(other, second)
        slow_meter.delay_s = 0.6
        quick, _meter = add_meter(line, bus)
        poll: Polls = request.getfixturevalue("poll")

        first = poll()

        assert first.duration_ms < 500
        assert (count(quick), count(slow)) == (1, 0)

        deadline = time.monotonic() + 5
        while count(slow) == 0 and time.monotonic() < deadline:
            poll()
        assert count(slow) == 1


def test_down_is_said_once_and_up_once(line: Line, bus: Bus, request: Any) -> None:
    Gateway.objects.update(offline_after_s=5)
    device, meter = add_meter(line, bus)
    poll: Polls = request.getfixturevalue("poll")
    poll()
    line.stop()

    for _again in range(12):
        poll()

    device.refresh_from_db()
    assert device.is_online is False
    gateway = Gateway.objects.get()
    assert gateway.is_online is False
    assert device.link_error == gateway.link_error == "refused"

    line.start()
    deadline = time.monotonic() + 20
    while not Device.objects.get().is_online and time.monotonic() < deadline:
        poll()

    of_device = list(LinkEvent.objects.filter(device=device).order_by("pk"))
    of_gateway = list(LinkEvent.objects.filter(gateway=gateway).order_by("pk"))
    assert [event.is_online for event in of_device] == [True, False, True]
    assert [event.is_online for event in of_gateway] == [True, False, True]


def test_a_change_of_the_tables_is_followed(line: Line, bus: Bus, request: Any) -> None:
    device, _meter = add_meter(line, bus)
    poll: Polls = request.getfixturevalue("poll")
    poll()

    added, _other = add_meter(line, bus)
    device.is_enabled = False
    device.save()
    before = count(device)
    for _again in range(4):
        poll()

    assert count(added) >= 1
    assert count(device) <= before + 2
    after = count(device)
    poll()
    assert count(device) == after


def test_a_change_behind_the_newest_one_is_found_within_two_minutes(
    line: Line, bus: Bus, poller: Poller, request: Any
) -> None:
    add_meter(line, bus)
    poll: Polls = request.getfixturevalue("poll")
    poll()
    # As a transaction that began before the newest one and was committed after it.
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        late, _meter = add_meter(line, bus, unit_id=9)
        Device.objects.filter(pk=late.pk).update(updated_at=timezone.now() - timedelta(days=1))
        cursor.execute("SET session_replication_role = DEFAULT")
    for seconds in (120, 121, 122):
        poller.cycle(now=timezone.now() + timedelta(seconds=seconds), deadline_s=2.0)

    assert count(late) >= 1


def test_two_rows_with_one_address_share_its_line(line: Line, bus: Bus, request: Any) -> None:
    add_meter(line, bus)
    twin = make_bus(gateway=make_gateway(period_s=1), port=line.port)
    add_meter(line, twin, unit_id=9)
    poll: Polls = request.getfixturevalue("poll")

    assert poll().stored == 2

    assert len(line.connections) == 1


def test_connections_are_kept_between_cycles(line: Line, bus: Bus, request: Any) -> None:
    add_meter(line, bus)
    poll: Polls = request.getfixturevalue("poll")
    poll()
    connections = list(line.connections)

    for _again in range(5):
        poll()

    assert line.connections == connections


@pytest.fixture
def table_lock(transactional_db: None) -> Iterator[psycopg.Connection]:
    """A connection that can keep everybody from writing; our own waits only briefly."""
    facts = connection.get_connection_params()
    name = facts["dbname"]
    other = psycopg.connect(**{k: facts[k] for k in ("dbname", "host", "user") if facts.get(k)})
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET lock_timeout = '50ms'")
    connection.close()
    connection.close_pool()
    yield other
    other.close()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} RESET lock_timeout")
    connection.close()
    connection.close_pool()
    history.drop_partitions(before=date.max)


def test_a_database_that_refuses_loses_nothing(
    table_lock: psycopg.Connection, line: Line, bus: Bus, request: Any
) -> None:
    device, _meter = add_meter(line, bus)
    poll: Polls = request.getfixturevalue("poll")
    poll()

    table_lock.execute("LOCK TABLE reading")
    backlogs = [poll().backlog for _again in range(3)]
    table_lock.rollback()
    cycle = poll()

    assert backlogs == [1, 2, 3]
    assert (cycle.stored, cycle.backlog) == (4, 0)
    (ua,) = series(
        points=[(device.pk, "Ua")],
        start=timezone.now() - timedelta(minutes=5),
        end=timezone.now() + timedelta(minutes=5),
    )
    assert [value for value in ua.value if value is not None] == [230.5] * 5
    assert ua.at == sorted(ua.at)


def test_a_sample_can_be_given_another_time(line: Line, bus: Bus, request: Any) -> None:
    device, _meter = add_meter(line, bus)
    poll: Polls = request.getfixturevalue("poll")
    moment = timezone.now().replace(microsecond=0) - timedelta(hours=1)

    poll(stamp_s=moment.timestamp())

    newest = live.latest(device_ids=[device.pk])[device.pk]
    assert datetime.fromtimestamp(newest.at, UTC) == moment
