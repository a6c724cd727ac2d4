"""Long ranges and days out of roll-ups are what the samples say, whatever has been rolled up yet."""

import math
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection

from core.time import day_bounds
from devices import history
from devices.history.partitions import forget_known
from devices.models import CompactedHour, Device, Retention, RolledDay
from devices.services import compacting, rolling
from devices.tests.factories import (
    make_bus,
    make_device,
    make_gateway,
    make_layout,
    make_template_version,
)
from devices.tests.samples import make_batch
from sites.tests.factories import make_site

# Summer time of this zone ends on 25 October and began on 29 March 2026.
ZONE = "Europe/Berlin"
AUTUMN, SPRING = date(2026, 10, 25), date(2026, 3, 29)
CODES = ("U", "Ia", "EPI")
Sample = tuple[float, float, float, float]


@pytest.fixture
def device(db: None) -> Device:
    # Another test's partitions were taken back with it.
    forget_known()
    version = make_template_version(value_codes=("U", "Ia"), counter_codes=("EPI",))
    bus = make_bus(gateway=make_gateway(site=make_site(timezone=ZONE), period_s=300))
    return make_device(bus=bus, unit_id=1, template_version=version)


def signal(start: datetime, end: datetime, seed: int = 1) -> list[Sample]:
    """A sample every five minutes or so: decimals and noise, holes, a pause, a counter set back."""
    chance = random.Random(seed)
    at, counter, found = start.timestamp(), 1000.0, []
    while at < end.timestamp():
        counter += chance.random()
        if chance.random() < 0.002:
            at += chance.choice([900, 20_000])
        if chance.random() < 0.005:
            counter = chance.choice([0.0, counter - 1])
        amps = math.nan if chance.random() < 0.2 else chance.gauss(20, 5)
        found.append((at, 230 + chance.randint(-30, 30) / 10, amps, round(counter, 2)))
        at += 300 + chance.randint(-2000, 2000) / 1000
    return [sample for sample in found if sample[0] < end.timestamp()]


def store(device: Device, samples: list[Sample], *, layout_id: int = 0) -> None:
    """Samples of the device's layout, or of one that has Ia and EPI only."""
    own = not layout_id
    batch = make_batch(
        layout_id=layout_id or device.template_version.layout_id,
        device_ids=[device.pk] * len(samples),
        at=[sample[0] for sample in samples],
        values=[sample[1:3] if own else sample[2:3] for sample in samples],
        counters=[[sample[3]] for sample in samples],
    )
    history.prepare(batch)
    history.append(batch)
    history.note_late(batch, now=datetime.fromtimestamp(samples[-1][0], UTC) + timedelta(days=9))


def roll(now: datetime, *, days: bool = True) -> None:
    while compacting.compact(now=now).hours:
        pass
    if days:
        rolling.roll_days(now=now)


def of_day(samples: list[Sample], place: int, day: date) -> list[tuple[float, float]]:
    """Times and values of a point in a local day."""
    start, end = (bound.timestamp() for bound in day_bounds(day, ZONE))
    return [
        (sample[0], sample[place])
        for sample in samples
        if start <= sample[0] < end and not math.isnan(sample[place])
    ]


def assert_days(device: Device, samples: list[Sample], first: date, count: int) -> None:
    """What history.days says, against a look at each sample."""
    points = [(device.pk, code) for code in CODES]
    until = first + timedelta(days=count)
    found = history.days(points=points, first=first, until=until, zone=ZONE)
    for place, code in enumerate(CODES, start=1):
        for number, known in enumerate(found[device.pk, code]):
            wanted = of_day(samples, place, first + timedelta(days=number))
            assert known.count == len(wanted), (code, number)
            if not wanted:
                continue
            values = [np.float64(np.float32(v)) if place < 3 else v for _at, v in wanted]
            low, high = values.index(min(values)), values.index(max(values))
            assert known.minimum == pytest.approx(values[low], abs=1e-9)
            assert known.maximum == pytest.approx(values[high], abs=1e-9)
            assert known.minimum_at == pytest.approx(wanted[low][0], abs=1e-6)
            assert known.maximum_at == pytest.approx(wanted[high][0], abs=1e-6)
            assert known.last == pytest.approx(values[-1], abs=1e-9)
            assert known.mean == pytest.approx(sum(values) / len(values), abs=0.06)
            if code == "EPI":
                steps = np.diff(values)
                assert known.increase == pytest.approx(steps[steps > 0].sum(), abs=1e-6)
                assert known.resets == (steps < 0).sum()


def rows_of_days() -> Iterator[tuple[date, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT timezone(%s, starts_at)::date, quarters FROM rollup_day ORDER BY starts_at",
            [ZONE],
        )
        yield from cursor.fetchall()


@pytest.mark.parametrize(("middle", "quarters"), [(AUTUMN, 100), (SPRING, 92)])
def test_days_of_23_and_25_hours_are_what_the_samples_say(
    device: Device, middle: date, quarters: int
) -> None:
    start = day_bounds(middle - timedelta(days=1), ZONE)[0] + timedelta(minutes=7)
    end = day_bounds(middle + timedelta(days=1), ZONE)[1]
    samples = signal(start, end)
    store(device, samples)
    assert_days(device, samples, middle - timedelta(days=2), 4)

    roll(end + timedelta(hours=3))

    assert list(rows_of_days()) == [
        (middle - timedelta(days=1), 96),
        (middle, quarters),
        (middle + timedelta(days=1), 96),
    ]
    assert_days(device, samples, middle - timedelta(days=2), 4)


def test_late_samples_count_at_once_and_are_rolled_up_again(device: Device) -> None:
    start, end = day_bounds(AUTUMN, ZONE)
    punctual = signal(start, end)
    later = end + timedelta(days=5)
    store(device, punctual)
    roll(later)
    while compacting.hand_over(now=later) or compacting.hand_over(now=later + timedelta(hours=1)):
        pass
    late = [(start.timestamp() + 7000.5, 500.0, 99.0, 0.5)]

    store(device, late)

    both = sorted(punctual + late)
    assert_days(device, both, AUTUMN, 1)
    roll(later, days=False)
    # The hour is done, its day is not yet.
    assert RolledDay.objects.get(day=AUTUMN, zone=ZONE).rolled_at is None
    assert_days(device, both, AUTUMN, 1)
    roll(later)
    assert RolledDay.objects.get(day=AUTUMN, zone=ZONE).rolled_at
    assert_days(device, both, AUTUMN, 1)


def test_a_change_of_layout_in_the_middle_of_a_day(device: Device) -> None:
    start, end = day_bounds(AUTUMN, ZONE)
    samples = signal(start, end)
    other = make_layout(value_codes=("Ia",), counter_codes=("EPI",)).pk
    cut = len(samples) // 2
    store(device, samples[:cut])
    store(device, samples[cut:], layout_id=other)
    seen = samples[:cut] + [(at, math.nan, amps, kwh) for at, _u, amps, kwh in samples[cut:]]

    roll(end + timedelta(hours=3))

    assert len(list(rows_of_days())) == 2
    assert_days(device, seen, AUTUMN, 1)


def test_days_are_answered_from_rows_of_days_alone(device: Device) -> None:
    """When the samples are gone the roll-ups still tell."""
    start = day_bounds(AUTUMN, ZONE)[0]
    samples = signal(start, start + timedelta(days=3, hours=1))
    store(device, samples)
    roll(start + timedelta(days=4))
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE reading, reading_block, rollup_quarter")

    assert_days(device, samples, AUTUMN, 3)


def test_a_long_curve_is_answered_from_quarters_and_keeps_every_peak(device: Device) -> None:
    start = day_bounds(AUTUMN, ZONE)[0]
    end = start + timedelta(days=12)
    samples = signal(start, end)
    store(device, samples)
    points = [(device.pk, code) for code in CODES]
    # Neither end is one of a quarter; the last hours are not rolled up.
    asked = {
        "points": points,
        "start": start + timedelta(minutes=8),
        "end": end - timedelta(minutes=8),
        "max_points": 200,
    }
    before = history.series(**asked)

    roll(end - timedelta(hours=5))
    after = history.series(**asked)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE reading SET values = '{1e9,1e9}' WHERE at < %s", [start])
        cursor.execute(
            "UPDATE reading SET values = '{1e9,1e9}' WHERE at >= %s AND at < %s",
            [start + timedelta(hours=1), end - timedelta(hours=10)],
        )
    rolled = history.series(**asked)

    for place, (was, row, again) in enumerate(zip(before, after, rolled, strict=True), start=1):
        assert row.at == was.at == again.at
        assert row.value == pytest.approx(was.value, abs=1e-9)
        # Not one of the samples was looked at.
        assert again.value == row.value
        assert row.gaps == was.gaps
        known = row.statistics
        inside = [
            s for s in samples if asked["start"].timestamp() <= s[0] < asked["end"].timestamp()
        ]
        inside = [sample for sample in inside if not math.isnan(sample[place])]
        top = max(inside, key=lambda sample: sample[place])
        assert (known.count, known.maximum_at) == (len(inside), pytest.approx(top[0], abs=1e-6))
        assert len(row.value) <= 200 + len(row.gaps)
        # Every bucket's extremes are samples at their own times.
        stored = {round(s[0] * 1e3): s[place] for s in inside}
        for at, value in zip(row.at, row.value, strict=True):
            if value is not None:
                assert value == pytest.approx(stored[round(at * 1e3)], rel=1e-6)
    pauses = [gap for gap in before[0].gaps if gap[1] - gap[0] > 10_000]
    assert pauses


def test_hours_that_were_compacted_before_there_were_roll_ups_get_them(device: Device) -> None:
    start, end = day_bounds(AUTUMN, ZONE)
    samples = signal(start, end)
    store(device, samples)
    later = end + timedelta(days=9)
    roll(later)
    while compacting.hand_over(now=later) or compacting.hand_over(now=later + timedelta(hours=1)):
        pass
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE rollup_quarter, rollup_day")
    CompactedHour.objects.update(is_rolled=False)
    RolledDay.objects.all().delete()
    assert_days(device, samples, AUTUMN, 1)

    roll(later)

    assert not CompactedHour.objects.filter(is_rolled=False).exists()
    assert (AUTUMN, 100) in list(rows_of_days())
    assert_days(device, samples, AUTUMN, 1)


def test_roll_ups_past_their_retention_go(device: Device) -> None:
    start, end = day_bounds(AUTUMN, ZONE)
    store(device, signal(start, end))
    roll(end + timedelta(hours=3))
    Retention.objects.filter(kind="quarters").update(days=31)

    dropped = rolling.forget_old(now=end + timedelta(days=60))

    assert {name.rpartition("_")[0] for name in dropped} == {"rollup_quarter"}
    assert (AUTUMN, 100) in list(rows_of_days())
    assert not rolling.forget_old(now=end + timedelta(days=7000))
    assert rolling.forget_old(now=end + timedelta(days=8000))


def count_of(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
        return int(cursor.fetchone()[0])


def test_quarters_fold_into_days_and_say_the_same(device: Device) -> None:
    start = day_bounds(AUTUMN, "UTC")[0]
    end = start + timedelta(days=3)
    samples = signal(start, end)
    store(device, samples)
    roll(end + timedelta(hours=3))
    asked: dict[str, Any] = {
        "points": [(device.pk, code) for code in CODES],
        "start": start,
        "end": end,
        "max_points": 150,
    }
    edges = [start + timedelta(hours=6 * number) for number in range(13)]
    before = history.series(**asked)
    used = history.energies(device_ids=[device.pk], code="EPI", edges=edges)[device.pk]

    assert rolling.fold_days(now=end + timedelta(hours=47)) == 2
    assert rolling.fold_days(now=end + timedelta(days=20)) == 1

    # The week's partition went with its last row.
    assert (count_of("rollup_quarter"), count_of("rollup_folded")) == (0, 3)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE reading SET values = '{1e9,1e9}' WHERE at > %s", [start])
    for was, now in zip(before, history.series(**asked), strict=True):
        # Times are whole seconds now; what is just a gap may be none then.
        told, known = (
            [pair for pair in zip(one.at, one.value, strict=True) if pair[1] is not None]
            for one in (now, was)
        )
        assert [value for _at, value in told] == pytest.approx([value for _at, value in known])
        assert [at for at, _value in told] == pytest.approx([at for at, _value in known], abs=1.0)
        assert now.statistics.count == was.statistics.count
        assert now.statistics.maximum == was.statistics.maximum
        assert now.statistics.minimum == was.statistics.minimum
        assert now.statistics.last == was.statistics.last
        assert now.statistics.mean == pytest.approx(was.statistics.mean, abs=0.06)
    again = history.energies(device_ids=[device.pk], code="EPI", edges=edges)[device.pk]
    assert again.amount.tolist() == pytest.approx(used.amount.tolist(), abs=1e-6)
    # Local days can be made of folded rows as well; a fourth one is over by now.
    RolledDay.objects.update(rolled_at=None)
    rolling.roll_days(now=end + timedelta(days=20))
    assert count_of("rollup_day") == 4


def test_a_late_sample_of_a_folded_day_counts_before_and_after_it_folds_again(
    device: Device,
) -> None:
    start, end = day_bounds(AUTUMN, ZONE)
    punctual = [(float(round(at)), *rest) for at, *rest in signal(start, end)]
    later = end + timedelta(days=5)
    store(device, punctual)
    roll(later)
    while compacting.hand_over(now=later) or compacting.hand_over(now=later + timedelta(hours=1)):
        pass
    rolling.fold_days(now=later)
    late = [(start.timestamp() + 7000.0, 500.0, 99.0, 0.5)]
    both = sorted(punctual + late)

    store(device, late)
    assert_days(device, both, AUTUMN, 1)
    roll(later)
    assert count_of("rollup_quarter") == 1
    assert CompactedHour.objects.filter(is_rolled=False).count() == 0
    RolledDay.objects.update(rolled_at=None)
    assert_days(device, both, AUTUMN, 1)
    assert rolling.fold_days(now=later) == 1

    assert count_of("rollup_quarter") == 0
    RolledDay.objects.update(rolled_at=None)
    assert_days(device, both, AUTUMN, 1)
