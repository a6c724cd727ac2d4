"""Energy from counters: what is known, what is known across a fall, and what is not."""

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.time import day_bounds
from devices import history
from devices.history import Counter, Energies, Exchange, energy_of
from devices.history.partitions import forget_known
from devices.history.slots import of_samples, quarters
from devices.models import Device
from devices.services import compacting
from devices.tests.factories import make_bus, make_device, make_gateway, make_template_version
from devices.tests.samples import make_batch
from sites.tests.factories import make_site

T = datetime(2026, 11, 10, tzinfo=UTC)
NAN = math.nan
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def used(
    values: list[float],
    *,
    step: timedelta = MINUTE,
    counter: Counter | None = None,
    edges: list[datetime] | None = None,
) -> Energies:
    """Readings from T on, one per step, over one period that ends with the last of them."""
    at = np.array([round((T + step * place).timestamp() * 1e6) for place in range(len(values))])
    slots = of_samples(at, np.array(values, np.float64))
    end = T + step * (len(values) - 1)
    return energy_of(slots, edges or [T, max(end, T + MINUTE)], counter or Counter())


def test_energy_is_the_sum_of_the_steps() -> None:
    found = used([10.0, 12.0, 15.0])

    assert found.amount.tolist() == [5.0]
    assert found.is_whole.all()


def test_nothing_known_is_no_zero() -> None:
    assert math.isnan(used([7.0]).amount[0])
    assert math.isnan(used([NAN, NAN]).amount[0])
    nothing = used([])
    assert math.isnan(nothing.amount[0])
    assert nothing.gap_s.tolist() == [60.0]


def test_a_reading_on_the_edge_belongs_to_the_period_before() -> None:
    found = used([0, 1, 3, 6, 10], step=HOUR, edges=[T, T + 2 * HOUR, T + 4 * HOUR])

    assert found.amount.tolist() == [3.0, 7.0]


def test_across_a_gap_the_energy_is_known_and_the_gap_is_told() -> None:
    values = [100.0 + place for place in range(20)] + [NAN] * 100 + [300.0, 301.0, 302.0]
    found = used(values, edges=[T, T + HOUR, T + 122 * MINUTE])

    # From minute 19 to minute 120 nothing was read.
    assert found.amount.tolist() == [19.0, 302.0 - 119.0]
    assert found.gap_s.tolist() == [41 * 60.0, 60 * 60.0]
    assert not found.is_whole.any()


# The four cases of a counter that does not simply rise, with numbers.


def test_unplugged_then_a_jump() -> None:
    """Off for five hours while the meter went on: the energy counts once it is back."""
    values = [1000.0, 1000.5, 1001.0, 1001.5] + [NAN] * 300 + [1248.5, 1249.0]
    found = used(values)
    assert (found.amount[0], found.resets[0]) == (249.0, 0)
    assert found.gap_s[0] > 0

    # What no feeder of 30 kW can have used in five hours is told and not counted.
    found = used(values, counter=Counter(most_per_h=45.0))
    assert (found.amount[0], found.jumps[0]) == (2.0, 1)


def test_a_used_meter_added() -> None:
    """A meter with history on it: what it showed before is nobody's energy here."""
    found = used([NAN] * 30 + [48_211.0, 48_212.5])
    assert (found.amount[0], found.resets[0]) == (1.5, 0)

    counter = Counter(exchanges=[Exchange(T + 2 * MINUTE, closing=501.0, opening=48_210.0)])
    found = used([499.0, 500.0, 48_211.0, 48_212.5], counter=counter)
    # 1 of the old one, 1 until it went, 1 since the new one came, 1.5.
    assert (found.amount[0], found.exchanges[0], found.resets[0]) == (4.5, 1, 0)


def test_an_exchange_of_which_a_reading_is_missing_is_a_reset() -> None:
    counter = Counter(exchanges=[Exchange(T + 2 * MINUTE, closing=501.0)])

    found = used([499.0, 500.0, 48_211.0, 48_212.5], counter=counter)

    assert (found.amount[0], found.exchanges[0], found.resets[0]) == (2.5, 0, 1)


def test_a_roll_over() -> None:
    values = [99_999_998.0, 99_999_999.0, 1.0, 3.0]
    found = used(values, counter=Counter(rolls_over_at=100_000_000.0))
    assert (found.amount[0], found.rollovers[0], found.resets[0]) == (5.0, 1, 0)

    # Without knowing where it rolls over, it is a reset.
    found = used(values)
    assert (found.amount[0], found.rollovers[0], found.resets[0]) == (3.0, 0, 1)


def test_recovery_from_false_zeros() -> None:
    found = used([1000.0, 1001.0, 0.0, 0.0, 0.0, 1004.0, 1005.0])

    assert (found.amount[0], found.false[0], found.resets[0]) == (5.0, 3, 0)


def test_a_counter_set_to_zero_that_rises_past_where_it_was_is_a_reset() -> None:
    found = used([2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 4.0])

    assert (found.amount[0], found.false[0], found.resets[0]) == (5.0, 0, 1)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=200))
def test_quarters_give_what_their_readings_give(rises: list[int]) -> None:
    values = np.cumsum(rises).astype(np.float64)
    at = np.array(
        [round((T + MINUTE * 7 * place).timestamp() * 1e6) for place in range(len(values))]
    )
    samples = of_samples(at, values)
    edges = [T + HOUR * hour for hour in range(25)]

    fine = energy_of(samples, edges, Counter())
    coarse = energy_of(quarters(samples), edges, Counter())

    assert coarse.amount.tolist() == pytest.approx(fine.amount.tolist(), nan_ok=True)
    assert np.nansum(fine.amount) == values[-1] - values[0]


@pytest.mark.parametrize("is_rolled", [False, True])
@pytest.mark.parametrize(("day", "hours"), [(date(2026, 10, 25), 25), (date(2026, 3, 29), 23)])
def test_energy_of_a_day_of_25_or_23_hours(
    db: None, day: date, hours: int, *, is_rolled: bool
) -> None:
    """One kilowatt all the time, a fall in the middle of a quarter, from roll-ups as from samples."""
    forget_known()
    device = make_meter()
    start, end = day_bounds(day, "Europe/Berlin")
    assert (end - start) / HOUR == hours
    first = start - 2 * HOUR
    count = int((end - first) / (5 * MINUTE)) + 24
    at = [first + 5 * MINUTE * place for place in range(count)]
    values = [500.0 + place / 12 for place in range(count)]
    # False zeros for twenty minutes; they begin within a quarter.
    low = int((start + 5 * HOUR - first) / (5 * MINUTE)) + 1
    values[low : low + 4] = [0.0] * 4
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk] * count,
        at=[moment.timestamp() for moment in at],
        values=[[]] * count,
        counters=[[value] for value in values],
    )
    history.prepare(batch)
    history.append(batch)
    if is_rolled:
        while compacting.compact(now=end + 5 * HOUR).hours:
            pass

    found = history.energies(device_ids=[device.pk], code="EPI", edges=[start, end])[device.pk]

    assert found.amount.tolist() == pytest.approx([hours])
    assert (found.false[0], found.resets[0]) == (4, 0)
    assert found.gap_s[0] == 25 * 60


def make_meter() -> Device:
    version = make_template_version(value_codes=(), counter_codes=("EPI",))
    bus = make_bus(gateway=make_gateway(site=make_site(timezone="Europe/Berlin"), period_s=300))
    return make_device(bus=bus, unit_id=1, template_version=version)
