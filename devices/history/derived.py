"""Values that formulas make of points, over time: sample by sample, or of means where that is exact.

The input that is sampled most seldom sets the moments. Of every other input counts the sample of the
same round, up to half its period later, or else the one before, for no longer than two periods. At
a moment without one of the values there is none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from devices.drivers.formulas import Formula
from devices.history import raw, wide
from devices.history.archive import micros_of
from devices.history.codec import Floats, Ints
from devices.history.grid import Grid, aligned, edges_of
from devices.history.layouts import Positions
from devices.history.series import Series, series_of
from devices.history.slots import QUARTER_US
from devices.history.tracks import Track

# How many periods a value counts when none newer came.
HELD_PERIODS = 2
# Above so many samples of all inputs means of quarters have to do.
MOST_SAMPLES = 2_000_000
_QUARTER_S = QUARTER_US // 1_000_000
_PIECE = timedelta(days=2)
# Steps that are so much of one another are the same.
_ALIKE = 0.9
# How far before a piece the values are looked for that are held into it.
_BEFORE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Input:
    """A point of a device under its word in formulas; `is_last`: its means are no values (counters)."""

    word: str
    device_id: int
    code: str
    period_s: int
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Calculation:
    """What a derived point is made of: points of devices, and formulas in the order of calculating.

    The last of the formulas is its own; those before it are of the derived points that it uses.
    """

    inputs: tuple[Input, ...]
    steps: tuple[tuple[str, Formula], ...]

    @property
    def is_linear(self) -> bool:
        return all(formula.is_linear for _word, formula in self.steps)

    @property
    def period_s(self) -> int:
        """Of the input that is sampled most seldom."""
        return max(one.period_s for one in self.inputs)

    @property
    def pairs(self) -> list[tuple[int, str]]:
        return [(one.device_id, one.code) for one in self.inputs]

    def samples(self, start: datetime, end: datetime) -> float:
        """About how many samples of inputs lie in a period."""
        span_s = (end - start).total_seconds()
        return sum(span_s / one.period_s for one in self.inputs)

    def longest(self) -> timedelta:
        """The longest period that is calculated sample by sample."""
        return timedelta(seconds=MOST_SAMPLES / sum(1 / one.period_s for one in self.inputs))

    def values(self, columns: Floats) -> Floats:
        """A value per row of the inputs' columns; NaN is none."""
        of: dict[str, Floats] = {
            one.word: columns[:, place] for place, one in enumerate(self.inputs)
        }
        for word, formula in self.steps:
            of[word] = formula.values(of, len(columns))
        return of[self.steps[-1][0]]


class TooLong(Exception):
    """A formula for which means do not do, over more samples than are calculated at once."""


def derived_series(
    calculation: Calculation,
    *,
    word: str,
    unit: str,
    start: datetime,
    end: datetime,
    max_points: int = 2000,
) -> Series:
    """As `history.series`: thinned so that the lowest and highest calculated values stay.

    Over more than MOST_SAMPLES a linear formula is calculated of means of quarters (`of_means`
    tells), any other raises TooLong.
    """
    if of_means(calculation, start, end):
        pieces = _of_quarters(calculation, start, end)
    elif calculation.samples(start, end) > MOST_SAMPLES:
        raise TooLong
    else:
        pieces = _of_samples(calculation, start, end)
    track = Track((start.timestamp(), end.timestamp()), max_points)
    for at, value in pieces:
        track.feed(at, value)
    return series_of(0, word, unit, track)


def of_means(calculation: Calculation, start: datetime, end: datetime) -> bool:
    """Whether a series over the period is one of means of quarters of an hour."""
    return calculation.is_linear and calculation.samples(start, end) > MOST_SAMPLES


def is_too_long(calculation: Calculation, edges_us: Ints) -> bool:
    """Whether slots between the edges are of more samples than are calculated for a page."""
    if len(edges_us) < 2 or _is_of_slots(calculation, edges_us):
        return False
    start, end = wide.moment(int(edges_us[0])), wide.moment(int(edges_us[-1]))
    return calculation.samples(start, end) > MOST_SAMPLES


def _is_of_slots(calculation: Calculation, edges_us: Ints) -> bool:
    return calculation.is_linear and not (edges_us % QUARTER_US).any()


def derived_slots(calculation: Calculation, edges_us: Ints) -> tuple[Floats, Ints]:
    """Its mean in each of the slots between the edges, NaN for none, and how many values it is of.

    Slots of whole quarters are made of the inputs' means when the formula is linear.
    """
    if _is_of_slots(calculation, edges_us):
        found = [
            (calculation.values(grid.value), grid.count.min(axis=1))
            for grid in _aligned(calculation, edges_us)
        ]
        value, count = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return value, np.where(np.isnan(value), 0, count)
    size = len(edges_us) - 1
    total, count = np.zeros(size), np.zeros(size, np.int64)
    start, end = wide.moment(int(edges_us[0])), wide.moment(int(edges_us[-1]))
    for at, value in _of_samples(calculation, start, end):
        is_there = ~np.isnan(value)
        at_us = np.rint(at[is_there] * 1e6).astype(np.int64)
        place = np.searchsorted(edges_us, at_us, side="right") - 1
        total += np.bincount(place, value[is_there], minlength=size)
        count += np.bincount(place, minlength=size)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), count


def _aligned(calculation: Calculation, edges_us: Ints) -> Iterator[Grid]:
    last_of = {one.code for one in calculation.inputs if one.is_last}
    holds = bool((np.diff(edges_us) < HELD_PERIODS * calculation.period_s * 1_000_000).any())
    return aligned(points=calculation.pairs, edges_us=edges_us, last_of=last_of, holds=holds)


def _of_quarters(
    calculation: Calculation, start: datetime, end: datetime
) -> Iterator[tuple[Floats, Floats]]:
    """At the beginnings of the whole quarters of the period."""
    edges_us = edges_of(start, end, _QUARTER_S)
    edges_us = edges_us[(edges_us >= micros_of(start)) & (edges_us <= micros_of(end))]
    for grid in _aligned(calculation, edges_us):
        yield grid.at, calculation.values(grid.value)


def _of_samples(
    calculation: Calculation, start: datetime, end: datetime
) -> Iterator[tuple[Floats, Floats]]:
    """At the moments of the input that is sampled most seldom, a few days at a time."""
    layouts = raw.layouts_with({one.code for one in calculation.inputs})
    period = timedelta(seconds=calculation.period_s)
    before = max(_BEFORE, HELD_PERIODS * period)
    while start < end:
        until = min(start + _PIECE, end)
        read = _samples(calculation.inputs, layouts, start - before, until + period / 2)
        at, columns = held(calculation.inputs, read, (start.timestamp(), until.timestamp()))
        yield at, calculation.values(columns)
        start = until


def _samples(
    inputs: Sequence[Input], layouts: dict[int, Positions], start: datetime, end: datetime
) -> list[tuple[Floats, Floats]]:
    """Times and values of each input, in order, without what was not sampled."""
    rows: dict[int, Floats] = {}
    codes: Mapping[int, list[str]] = {
        device_id: [one.code for one in inputs if one.device_id == device_id]
        for device_id in dict.fromkeys(one.device_id for one in inputs)
    }
    for device_id, several in codes.items():
        rows[device_id] = raw.rows(device_id, several, layouts, start, end)
    found = []
    for one in inputs:
        of_device = rows[one.device_id]
        value = of_device[:, 1 + codes[one.device_id].index(one.code)]
        is_there = ~np.isnan(value)
        found.append((of_device[is_there, 0], value[is_there]))
    return found


def held(
    inputs: Sequence[Input],
    samples: Sequence[tuple[Floats, Floats]],
    period: tuple[float, float],
) -> tuple[Floats, Floats]:
    """The moments of a half-open period (epoch seconds), and a column per input; NaN is none.

    samples: times, ascending, and values of each input. One that is read more seldom than its
    device counts with the step that its samples have.
    """
    steps = [
        max(float(one.period_s), float(np.median(np.diff(at))) if len(at) > 1 else 0.0)
        for one, (at, _value) in zip(inputs, samples, strict=True)
    ]
    # Of those that differ by no more than some jitter the first.
    lead = next(place for place, step in enumerate(steps) if step > _ALIKE * max(steps))
    moments = samples[lead][0]
    moments = moments[(moments >= period[0]) & (moments < period[1])]
    columns = np.full((len(moments), len(inputs)), np.nan)
    for place, ((at, value), step) in enumerate(zip(samples, steps, strict=True)):
        if not len(at):
            continue
        until = moments if place == lead else moments + step / 2
        newest = np.searchsorted(at, until, side="right") - 1
        counts = (newest >= 0) & (moments - at[newest] <= HELD_PERIODS * step)
        columns[counts, place] = value[newest[counts]]
    return moments, columns
