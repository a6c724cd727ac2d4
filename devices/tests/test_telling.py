"""What a worker tells of itself: its cycles by the hour, the lines that are slow, who is silent."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers import DeviceRead
from devices.drivers.backoff import Backoffs
from devices.drivers.pace import SILENT, SLOWEST, Digest, Pace, digest
from devices.models import PollHour
from devices.selectors.told import told
from devices.services.plan import Plan, planned_version
from devices.services.polling import Poller
from devices.services.telling import Teller, forget_old
from devices.tests.factories import make_bus, make_device, make_gateway
from devices.tests.meters import Line, Meter, listening

NOW = datetime(2026, 11, 26, 4, 30, tzinfo=UTC)
S = timedelta(seconds=1)
SHARD = 41


@dataclass
class FakeLine:
    """The books of a bus without its wire."""

    pace: Pace
    backoffs: Backoffs = field(default_factory=lambda: Backoffs(0))
    is_connected: bool = True
    queued: int = 1


@given(st.lists(st.floats(0.001, 10), min_size=1, max_size=50))
def test_a_pace_lies_between_its_answers(took: list[float]) -> None:
    pace = Pace()
    for one in took:
        pace.note(one)

    assert min(took) <= pace.mean_s * 1.000001
    assert pace.mean_s <= pace.peak_s * 1.000001
    assert pace.peak_s <= max(took)


def test_a_peak_fades_and_the_mean_follows() -> None:
    pace = Pace()
    pace.note(9.0)
    for _ in range(100):
        pace.note(0.1)
    assert 0.1 < pace.mean_s < 0.2
    assert 1.0 < pace.peak_s < 9.0


def test_a_digest_names_the_slowest_and_the_longest_silent_and_counts_all() -> None:
    lines = {key: FakeLine(Pace(mean_s=key / 1000)) for key in range(100)}
    for device in range(SILENT + 10):
        lines[3].backoffs.note_silence(device, float(device))
    lines[5].backoffs.note_no_link(100.0, "refused")

    found = digest(lines, now=101.0)

    assert (found.buses, found.connected, found.queued) == (100, 100, 100)
    assert [key for key, _mean, _peak in found.slowest] == list(range(99, 99 - SLOWEST, -1))
    assert found.away == [(5, 1, 1.0)]
    assert (found.silent_count, len(found.silent)) == (SILENT + 10, SILENT)
    assert found.silent[0] == (0, 1, 0.0)


def note(teller: Teller, *errors: str | None, is_late: bool = False) -> None:
    reads = [DeviceRead(number, 0.0, error=error) for number, error in enumerate(errors)]
    teller.note(reads, stored=1, took_ms=100.0 + is_late, is_late=is_late)


@pytest.mark.django_db
def test_hours_add_up_also_over_a_database_that_was_away() -> None:
    teller = Teller(SHARD, "somebody")
    plan = Plan(key="")
    note(teller, None, "timeout")

    assert not teller.tell(plan, Digest, now=NOW, is_store_away=False)
    assert not teller.tell(plan, Digest, now=NOW + 9 * S, is_store_away=False)
    assert teller.tell(plan, Digest, now=NOW + 10 * S, is_store_away=True)
    heard = told([SHARD, SHARD + 1], now=NOW + 10 * S)
    assert heard.keys() == {SHARD}
    assert (heard[SHARD].reads_per_s, heard[SHARD].errors) == (0.2, {"timeout": 1})
    assert told([SHARD], now=NOW + 90 * S) == {}

    note(teller, None, is_late=True)
    teller.tell(plan, Digest, now=NOW + 20 * S, is_store_away=False)
    note(teller, None)
    teller.tell(plan, Digest, now=NOW + 30 * S, is_store_away=False)

    [hour] = PollHour.objects.filter(shard=SHARD)
    assert hour.hour == NOW.replace(minute=0)
    assert (hour.cycles, hour.late_cycles, hour.slowest_ms) == (3, 1, 101.0)
    assert (hour.reads, hour.failed_reads, hour.stored) == (4, 1, 3)
    # Totals only grow, also when hours go.
    for _ in range(2):
        forget_old(now=NOW + timedelta(days=91))
    [total] = PollHour.objects.filter(shard=SHARD)
    assert (total.hour, total.cycles, total.stored) == (PollHour.LONG_AGO, 3, 3)


@pytest.fixture
def line() -> Iterator[Line]:
    with listening() as opened:
        yield opened


@pytest.mark.django_db
def test_a_worker_tells_of_a_meter_that_answers_and_one_that_does_not(line: Line) -> None:
    gateway = make_gateway(period_s=1, shard=SHARD)
    bus = make_bus(gateway=gateway, port=line.port, timeout_ms=50)
    well, silent = make_device(bus=bus, unit_id=1), make_device(bus=bus, unit_id=2)
    profile = planned_version(well.template_version).profile
    line.units[1] = Meter(profile)
    line.units[1].show({"Ua": 230.5})
    line.units[2] = Meter(profile, is_silent=True)
    start = timezone.now()
    poller = Poller(SHARD)
    try:
        for number in range(13):
            now = start + number * S
            poller.cycle(now=now, deadline_s=1.0)
    finally:
        poller.stop(now=now)

    heard = told([SHARD], now=now)[SHARD]
    assert heard.lines.connected == 1
    assert heard.lines.slowest[0][0] == bus.pk
    assert [device for device, *_rest in heard.lines.silent] == [silent.pk]
    assert heard.errors["timeout"] >= 1
    assert heard.stored >= 8
    assert sum(PollHour.objects.values_list("stored", flat=True)) == heard.stored
