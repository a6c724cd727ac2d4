"""Time on line as intervals, against plain counting second by second."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.conf import settings
from hypothesis import example, given
from hypothesis import strategies as st

from devices.drivers.intervals import Change, intervals, online_time
from devices.models import Device, LinkEvent
from devices.selectors import online
from devices.services import links
from devices.services.links import Verdict, decide
from devices.tests.factories import make_bus, make_device, make_gateway

START = datetime(2026, 11, 19, 22, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SHARD = 79


@example([(0, True), (1, False), (1, True)], 3)
@given(
    st.lists(
        st.tuples(st.integers(-20, 60), st.sampled_from([True, False, None])), max_size=12
    ).map(lambda rows: sorted(rows, key=lambda row: row[0])),
    st.integers(1, 40),
)
def test_intervals_say_what_each_second_was(
    rows: list[tuple[int, bool | None]], length: int
) -> None:
    changes = [Change(START + at * SECOND, state, str(at)) for at, state in rows]
    end = START + length * SECOND

    found = intervals(changes, start=START, end=end)

    said = [
        next(one.is_online for one in found if one.start <= START + second * SECOND < one.end)
        for second in range(length)
    ]
    assert said == [
        next((state for at, state in reversed(rows) if at <= second), None)
        for second in range(length)
    ]
    assert [(one.start, one.end) for one in found] == [
        (start, end)
        for start, end in zip(
            [START, *(one.end for one in found)],
            [*(one.start for one in found[1:]), end],
            strict=False,
        )
    ]
    neighbours = zip(found, found[1:], strict=False)
    assert all(one.is_online != other.is_online for one, other in neighbours)
    total = online_time(found)
    assert total.online_s == said.count(True)
    assert total.offline_s == said.count(False)


@pytest.fixture
def device(db: None) -> Iterator[Device]:
    yield make_device(bus=make_bus(gateway=make_gateway(shard=SHARD)))
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(f"poll:lease:{SHARD}", f"poll:orphan:{SHARD}")


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def turn(device: Device, at: datetime, *, is_online: bool, reason: str = "") -> None:
    decide([], [Verdict(device.pk, is_online=is_online, at=at, reason=reason)])


def test_days_are_the_sites_and_retirement_is_neither(device: Device) -> None:
    turn(device, minute(0), is_online=True)
    turn(device, minute(60), is_online=False, reason="timeout")
    turn(device, minute(90), is_online=True)
    Device.objects.update(is_enabled=False)
    links.sweep(now=minute(150))
    Device.objects.update(is_enabled=True)
    turn(device, minute(210), is_online=True)
    device.refresh_from_db()

    # Midnight of Shanghai is 16:00 of UTC; that of UTC lies within the period.
    found = online(thing=device, start=minute(-30), end=minute(600), zone="UTC", now=minute(240))

    assert [
        ((one.start - START) / timedelta(minutes=1), one.is_online, one.reason)
        for one in found.intervals
    ] == [
        (-30, None, ""),
        (0, True, ""),
        (60, False, "timeout"),
        (90, True, ""),
        (150, None, "retired"),
        (210, True, ""),
    ]
    assert found.end == minute(240)
    assert found.time.percent == pytest.approx(100 * 150 / 180)
    assert found.interruptions == [found.intervals[2]]
    assert [(day.day.day, day.time.online_s / 60) for day in found.days] == [(19, 90), (20, 60)]


def test_what_the_row_says_counts_when_its_events_are_gone(device: Device) -> None:
    turn(device, minute(0), is_online=True)
    LinkEvent.objects.all().delete()
    device.refresh_from_db()

    found = online(thing=device, start=minute(10), end=minute(20), zone="UTC", now=minute(30))

    assert found.time.percent == 100
