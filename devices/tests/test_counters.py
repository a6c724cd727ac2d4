"""Energy across everything that counters do, with numbers."""

from datetime import UTC, datetime, timedelta
from math import nan
from zoneinfo import ZoneInfo

import pytest

from core.time import day_bounds
from devices.drivers.counters import Counter, Odd, Segment, steps

# A place of 100 kVA: 100 kWh an hour are much, 150 the most that is believed.
PLACE = Counter(most_kw=100)
HOUR = 3600.0


def told(
    readings: list[float], counter: Counter = PLACE, *, hours: list[float] | None = None
) -> tuple[list[float], list[str | None]]:
    """Energy of each step and what is odd about it; readings one hour apart."""
    at = [HOUR * n for n in (hours or range(len(readings)))]
    found = steps(at, readings, counter)
    return [round(step.kwh, 6) for step in found], [step.odd for step in found]


def test_plain_differences() -> None:
    assert told([1000, 1040, 1040, 1090]) == ([40, 0, 50], [None] * 3)


def test_unplugged_then_jump() -> None:
    """Nobody heard the meter for 30 hours; it went on counting."""
    readings, hours = [1000.0, 1050.0, 2400.0, 2440.0], [0.0, 1, 31, 32]

    assert told(readings, hours=hours) == ([50, 1350, 40], [None] * 3)


def test_a_gap_of_readings_is_one_step() -> None:
    assert told([1000, nan, nan, 1120, 1160]) == ([120, 40], [None, None])


def test_a_used_meter_added() -> None:
    """It comes with 52,340 kWh of somebody else: neither its first reading nor the jump to it count."""
    assert told([52340, 52390]) == ([50], [None])
    assert told([1000, 1040, 52340, 52390]) == ([40, 0, 50], [None, Odd.JUMPED, None])


def test_roll_over() -> None:
    """A display of 0 to 99,999.9 kWh (DOMAIN.md §2)."""
    counter = Counter((Segment(rolls_at=100_000),), most_kw=100)

    assert told([99_950, 99_980, 30, 80], counter) == ([30, 50, 50], [None, Odd.ROLLED, None])
    # Far from its end nothing rolls over: it was reset.
    assert told([60_000, 30, 80], counter) == ([0, 50], [Odd.FELL, None])
    # As many as fit between the end and the new reading do not flow in an hour.
    assert told([97_000, 30, 80], counter) == ([0, 50], [Odd.FELL, None])


def test_roll_over_counts_at_the_primary_side() -> None:
    counter = Counter((Segment(rolls_at=100_000, factor=40),), most_kw=4000)
    readings = [40 * one for one in (99_950.0, 99_980.0, 30.0)]

    assert told(readings, counter) == ([1200, 2000], [None, Odd.ROLLED])


def test_recovery_from_false_zeros() -> None:
    readings = [5000.0, 0, 0, 5090, 5120]

    assert told(readings) == ([0, 0, 90, 30], [Odd.FELL, None, Odd.RECOVERED, None])
    # Nor without knowing the place.
    assert told(readings, Counter()) == ([0, 0, 90, 30], [Odd.FELL, None, Odd.RECOVERED, None])


def test_a_false_reading_far_up_is_forgotten() -> None:
    assert told([5000, 900_000, 5050, 5090]) == ([0, 50, 40], [Odd.JUMPED, Odd.RECOVERED, None])


def test_a_reset_counts_on_from_nothing() -> None:
    """What flowed in the hour of the reset is unknown; passing the old reading later is no recovery."""
    assert told([80, 0, 40, 60, 100]) == ([0, 40, 20, 40], [Odd.FELL, None, None, None])


EXCHANGED = Counter(
    (
        Segment(end_s=2.5 * HOUR, last=1130),
        Segment(start_s=2.5 * HOUR, first=7.5),
    ),
    most_kw=100,
)


def test_an_exchange_counts_both_parts() -> None:
    """1100 → 1130 on the old meter, 7.5 → 20 on the new one: 42.5 kWh in that hour."""
    assert told([1000, 1050, 1100, 20, 60], EXCHANGED) == (
        [50, 50, 42.5, 40],
        [None, None, Odd.EXCHANGED, None],
    )


def test_an_exchange_over_a_gap_and_to_a_higher_reading() -> None:
    counter = Counter(
        (Segment(end_s=9 * HOUR, last=1300), Segment(start_s=9 * HOUR, first=52_340)), most_kw=100
    )

    found = told([1000, 52_360, 52_400], counter, hours=[0, 12, 13])

    assert found == ([320, 40], [Odd.EXCHANGED, None])


def test_what_nobody_wrote_down_is_said_to_be_missing() -> None:
    counter = Counter((Segment(end_s=2.5 * HOUR), Segment(start_s=2.5 * HOUR, first=0)))

    assert told([1000, 1050, 1100, 20], counter) == ([50, 50, 20], [None, None, Odd.HALF])


def test_two_exchanges_between_two_readings() -> None:
    counter = Counter(
        (
            Segment(end_s=HOUR, last=110),
            Segment(start_s=HOUR, end_s=2 * HOUR, first=0, last=30),
            Segment(start_s=2 * HOUR, first=500, factor=2),
        )
    )

    assert told([100, 2 * 505], counter, hours=[0.5, 2.5]) == ([10 + 30 + 2 * 5], [Odd.EXCHANGED])


def test_another_ratio_is_no_energy() -> None:
    """CT 40 becomes 60 between two readings of the same display: 1000 → 1001, not 40,000 → 60,060."""
    counter = Counter(
        (
            Segment(end_s=1.5 * HOUR, factor=40),
            Segment(start_s=1.5 * HOUR, factor=60, is_same_meter=True),
        ),
        most_kw=100,
    )

    assert told([40 * 999, 40 * 1000, 60 * 1001, 60 * 1002], counter) == ([40, 60, 60], [None] * 3)


def test_late_readings_make_steps_finer_and_change_no_sum() -> None:
    """The gap's readings came the day after: asked again, the same total falls on its hours."""
    gap, whole = [1000.0, nan, nan, nan, 1120.0], [1000.0, 1010.0, 1050.0, 1100.0, 1120.0]

    assert sum(told(gap)[0]) == sum(told(whole)[0]) == 120
    assert told(whole)[0] == [10, 40, 50, 20]


def test_late_readings_from_before_an_exchange() -> None:
    assert (
        sum(told([1000, nan, nan, 20], EXCHANGED)[0])
        == sum(told([1000, 1050, 1100, 20], EXCHANGED)[0])
        == 142.5
    )


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-03-30", 24), ("2026-10-25", 25)]
)
def test_a_day_has_the_hours_that_it_has(day: str, hours: int) -> None:
    """10 kWh in each real hour: a day of a zone with summer time has 230, 240 or 250."""
    start, end = day_bounds(datetime.fromisoformat(day).date(), "Europe/Berlin")
    assert start.astimezone(ZoneInfo("Europe/Berlin")).hour == 0
    count = int((end - start) / timedelta(hours=1))
    at = [(start + timedelta(hours=n)).astimezone(UTC).timestamp() for n in range(count + 1)]

    found = steps(at, [7000 + 10 * n for n in range(count + 1)], PLACE)

    assert (len(found), sum(step.kwh for step in found)) == (hours, 10 * hours)
