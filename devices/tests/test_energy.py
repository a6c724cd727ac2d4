"""Energy of periods from slots: which reading is whose, gaps told, the same from roll-ups as from samples.

What single steps are worth: test_counters.
"""

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.time import day_bounds
from devices import history
from devices.drivers.counters import Counter, Segment
from devices.history import Energies, energy_of
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


def test_what_a_fall_leaves_unknown_is_told_of_its_period() -> None:
    values = [5.0, 6.0, 1.0, 2.0, 3.0]
    found = used(values, edges=[T, T + MINUTE, T + 2 * MINUTE, T + 4 * MINUTE])

    assert found.amount.tolist() == [1.0, 0.0, 2.0]
    assert (found.odd.tolist(), found.unknown.tolist()) == ([0, 1, 0], [0, 1, 0])


def test_a_roll_over_is_odd_and_known() -> None:
    counter = Counter(segments=(Segment(rolls_at=1e8),))

    found = used([99_999_998.0, 99_999_999.0, 1.0, 3.0], counter=counter)

    assert (found.amount[0], found.odd[0], found.unknown[0]) == (5.0, 1, 0)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=200), st.integers(1, 20))
def test_quarters_give_what_their_readings_give(rises: list[int], every: int) -> None:
    values = np.cumsum(rises).astype(np.float64)
    step = MINUTE * every
    at = np.array([round((T + step * place).timestamp() * 1e6) for place in range(len(values))])
    samples = of_samples(at, values)
    edges = [T + HOUR * hour for hour in range(68)]

    fine = energy_of(samples, edges, Counter())
    coarse = energy_of(quarters(samples), edges, Counter())

    assert coarse.amount.tolist() == pytest.approx(fine.amount.tolist(), nan_ok=True)
    assert np.nansum(fine.amount) == values[-1] - values[0]


@pytest.mark.parametrize("is_rolled", [False, True])
@pytest.mark.parametrize(("day", "hours"), [(date(2026, 10, 25), 25), (date(2026, 3, 29), 23)])
def test_energy_of_a_day_of_25_or_23_hours(
    db: None, day: date, hours: int, *, is_rolled: bool
) -> None:
    """One kilowatt all the time, false zeros and an exchange, from roll-ups as from samples."""
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
    # Within another quarter the meter was exchanged, for one that begins at 7.
    new = int((start + 9 * HOUR - first) / (5 * MINUTE)) + 1
    moment = (at[new] - MINUTE).timestamp()
    closing = 500.0 + (new - 0.2) / 12
    values[new:] = [value - closing + 7.0 for value in values[new:]]
    segments = (Segment(end_s=moment, last=closing), Segment(start_s=moment, first=7.0))
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

    found = history.energies(
        device_ids=[device.pk],
        code="EPI",
        edges=[start, end],
        counters={device.pk: Counter(segments=segments)},
    )[device.pk]

    assert found.amount.tolist() == pytest.approx([hours])
    assert found.unknown[0] == 1
    assert found.gap_s[0] == 0


def make_meter() -> Device:
    version = make_template_version(value_codes=(), counter_codes=("EPI",))
    bus = make_bus(gateway=make_gateway(site=make_site(timezone="Europe/Berlin"), period_s=300))
    return make_device(bus=bus, unit_id=1, template_version=version)
