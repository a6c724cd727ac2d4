"""Thinning, gaps and statistics against plain Python, without a database."""

from itertools import pairwise
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.history.tracks import Track

PERIOD = (0.0, 1000.0)


def track_of(
    samples: list[tuple[float, float]], *, cuts: list[int] | None = None, most: int = 20
) -> Track:
    track = Track(PERIOD, most)
    at, value = np.array([row[0] for row in samples]), np.array([row[1] for row in samples])
    bounds = [0, *sorted(cuts or []), len(samples)]
    for first, last in pairwise(bounds):
        track.feed(at[first:last], value[first:last])
    track.finish()
    return track


samples_of = st.lists(
    st.tuples(
        st.integers(0, 999).map(float),
        st.one_of(st.integers(-50, 50).map(float), st.just(float("nan"))),
    ),
    min_size=1,
    max_size=150,
    unique_by=lambda row: row[0],
).map(sorted)


@given(samples=samples_of, data=st.data(), width=st.integers(1, 15))
def test_every_peak_and_trough_stays_at_two_points_per_pixel(
    samples: list[tuple[float, float]], data: st.DataObject, width: int
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(samples)), max_size=4))
    known = [(at, value) for at, value in samples if value == value]

    track = track_of(samples, cuts=cuts, most=2 * width)

    at, value, lowest, highest = (part.tolist() for part in track.points())
    kept = list(zip(at, value, strict=True))
    assert at == sorted(at)
    assert set(kept) <= set(known)
    assert len(kept) <= 2 * width
    if not track.is_reduced:
        assert kept == known
        return
    for pixel in range(width):
        here = [value for moment, value in known if int(moment * width / 1000) == pixel]
        places = [n for n, moment in enumerate(at) if int(moment * width / 1000) == pixel]
        assert len(places) <= 2
        if here:
            assert {min(here), max(here)} == {value[n] for n in places}
            assert {(lowest[n], highest[n]) for n in places} == {(min(here), max(here))}


@given(samples=samples_of, data=st.data())
def test_statistics_are_those_of_all_samples(
    samples: list[tuple[float, float]], data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(samples)), max_size=4))
    known = [(at, value) for at, value in samples if value == value]

    track = track_of(samples, cuts=cuts, most=2)

    told = track.statistics
    assert told.count == len(known)
    if not known:
        assert (told.minimum, told.mean, told.last_at) == (None, None, None)
        return
    lowest = min(known, key=lambda row: (row[1], row[0]))
    highest = min(known, key=lambda row: (-row[1], row[0]))
    assert (told.minimum_at, told.minimum) == lowest
    assert (told.maximum_at, told.maximum) == highest
    assert (told.last_at, told.last) == known[-1]
    steps = [after[1] - before[1] for before, after in pairwise(known)]
    assert told.increase == pytest.approx(sum(step for step in steps if step > 0))
    assert told.resets == sum(step < 0 for step in steps)
    gaps = sum(end - start for start, end in track.pauses.gaps)
    assert told.covered_s + gaps == pytest.approx(known[-1][0] - known[0][0])
    assert lowest[1] - 1e-9 <= told.mean <= highest[1] + 1e-9


def test_the_mean_counts_time_and_leaves_gaps_out() -> None:
    dense = [(float(at), 10.0) for at in range(0, 100, 1)]
    sparse = [(float(at), 20.0) for at in range(100, 200, 10)]
    late = [(float(at), 20.0) for at in range(800, 900, 10)]

    track = track_of([*dense, *sparse, *late])

    assert track.pauses.gaps == [(190.0, 800.0)]
    assert track.statistics.mean == pytest.approx((99 * 10 + 1 * 15 + 90 * 20 + 90 * 20) / 280)
    assert fmean(value for _at, value in dense + sparse) < 12 < track.statistics.mean


@pytest.mark.parametrize("cuts", [[], [30], [99, 100, 101]])
def test_a_change_of_the_polling_period_is_no_gap(cuts: list[int]) -> None:
    slow = [(float(at), 1.0) for at in range(0, 300, 10)]
    quick = [(float(at), 1.0) for at in range(300, 400)]
    assert track_of([*slow, *quick], cuts=cuts).pauses.gaps == []
    assert track_of([*slow[:-3], *quick], cuts=cuts).pauses.gaps == [(260.0, 300.0)]


def test_a_counter_that_starts_again_never_counts_down() -> None:
    track = track_of([(0.0, 95.0), (10.0, 99.0), (20.0, 2.0), (30.0, 5.0)])
    assert (track.statistics.increase, track.statistics.resets) == (7.0, 1)
