"""One point's samples as they pass by: extremes per bucket, gaps, statistics, in bounded memory."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

# A pause longer than this many usual steps is a gap.
GAP_STEPS = 2.0
# The usual step at a pause is the larger of the medians of so many steps before and after it, so
# that a change of the polling period is none.
NEIGHBOURS = 7

Floats = NDArray[np.float64]
_NONE = np.empty(0)


@dataclass(slots=True)
class Statistics:
    """Figures of all samples of a period, not of the thinned ones. Times in epoch seconds.

    `mean` is weighted by time between samples, gaps left out. `covered_s`: seconds that are no gap,
    between the first and the last sample. `increase`: the sum of a counter's steps upwards; a step
    downwards is a reset (`resets`) and never counts.
    """

    count: int = 0
    minimum: float | None = None
    minimum_at: float | None = None
    maximum: float | None = None
    maximum_at: float | None = None
    mean: float | None = None
    first: float | None = None
    first_at: float | None = None
    last: float | None = None
    last_at: float | None = None
    covered_s: float = 0.0
    increase: float = 0.0
    resets: int = 0


class Extremes:
    """The lowest and the highest sample of each of equal buckets of a period, at their own times."""

    def __init__(self, period: tuple[float, float], buckets: int) -> None:
        self.start, self.end = period
        self.low, self.low_at, self.high, self.high_at = np.full((4, buckets), np.nan)

    def feed(self, at: Floats, value: Floats) -> None:
        """More samples in ascending order, none twice."""
        buckets = len(self.low)
        scale = buckets / (self.end - self.start)
        bucket = np.clip((at - self.start) * scale, 0, buckets - 1).astype(np.intp)
        begins = np.flatnonzero(np.diff(bucket, prepend=-1))
        places = bucket[begins]
        for best, best_at, extreme, better in (
            (self.low, self.low_at, np.minimum, np.less),
            (self.high, self.high_at, np.maximum, np.greater),
        ):
            found = extreme.reduceat(value, begins)
            of_all = np.full(buckets, np.nan)
            of_all[places] = found
            hits = np.flatnonzero(value == of_all[bucket])[::-1]
            found_at = np.full(buckets, np.nan)
            # Of several assignments the last one stays: the earliest sample.
            found_at[bucket[hits]] = at[hits]
            is_new = places[np.isnan(best[places]) | better(found, best[places])]
            best[is_new], best_at[is_new] = of_all[is_new], found_at[is_new]

    def points(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Times, values, and the extremes of each value's bucket; ascending."""
        filled = np.flatnonzero(~np.isnan(self.low))
        both = filled[self.low_at[filled] != self.high_at[filled]]
        place = np.concatenate((filled, both))
        at = np.concatenate((self.low_at[filled], self.high_at[both]))
        value = np.concatenate((self.low[filled], self.high[both]))
        order = np.argsort(at, kind="stable")
        place = place[order]
        return at[order], value[order], self.low[place], self.high[place]


class Pauses:
    """Gaps between samples, and the mean over what is none."""

    def __init__(self) -> None:
        self.gaps: list[tuple[float, float]] = []
        self.covered_s = 0.0
        self.weighted = 0.0
        self._at, self._value = _NONE, _NONE
        self._judged = 0

    def feed(self, at: Floats, value: Floats, *, is_last: bool = False) -> None:
        """More samples in ascending order; the newest steps are judged when more is known."""
        self._at = np.concatenate((self._at, at))
        self._value = np.concatenate((self._value, value))
        steps = np.diff(self._at)
        until = len(steps) - (0 if is_last else NEIGHBOURS)
        if until <= self._judged:
            return
        wide = wide_steps(steps, self._judged, until)
        starts = self._at[wide].tolist()
        self.gaps += zip(starts, self._at[wide + 1].tolist(), strict=True)
        span = slice(self._judged, until)
        weight = steps[span].copy()
        weight[wide - self._judged] = 0.0
        middles = (self._value[:-1][span] + self._value[1:][span]) / 2
        self.covered_s += float(weight.sum())
        self.weighted += float((weight * middles).sum())
        keep = max(0, until - NEIGHBOURS)
        self._at, self._value = self._at[keep:], self._value[keep:]
        self._judged = until - keep


def wide_steps(steps: Floats, begin: int, end: int) -> NDArray[np.intp]:
    """Positions of the steps from begin to end that are gaps."""
    judged = steps[begin:end]
    usually = np.partition(judged, len(judged) // 10)[len(judged) // 10]
    candidates = np.flatnonzero(judged > GAP_STEPS * min(usually, np.median(judged))) + begin
    if not len(candidates):
        return candidates
    padded = np.pad(steps, NEIGHBOURS, constant_values=np.nan)
    windows = sliding_window_view(padded, NEIGHBOURS)
    before, after = medians(windows[candidates]), medians(windows[candidates + NEIGHBOURS + 1])
    return candidates[steps[candidates] > GAP_STEPS * np.fmax(before, after)]


def medians(rows: Floats) -> Floats:
    """The lower median of each row without its NaNs; NaN where nothing is left."""
    known = NEIGHBOURS - np.isnan(rows).sum(axis=1)
    place = np.maximum(known - 1, 0) // 2
    return np.sort(rows, axis=1)[np.arange(len(rows)), place]


class Track:
    """Everything about one point over a period, fed in ascending pieces.

    Up to `max_points` samples are kept whole; of more, two per bucket.
    """

    def __init__(self, period: tuple[float, float], max_points: int) -> None:
        self.statistics = Statistics()
        self.pauses = Pauses()
        self.extremes = Extremes(period, max(1, max_points // 2))
        self.max_points = max_points
        self._whole: list[tuple[Floats, Floats]] = []

    @property
    def is_reduced(self) -> bool:
        return self.statistics.count > self.max_points

    def feed(self, at: Floats, value: Floats) -> None:
        """More samples, later than all before; NaN is no sample."""
        sampled = ~np.isnan(value)
        at, value = at[sampled], value[sampled]
        if not len(at):
            return
        self._count(at, value)
        self.pauses.feed(at, value)
        self.extremes.feed(at, value)
        if self.is_reduced:
            self._whole.clear()
        else:
            self._whole.append((at, value))

    def _count(self, at: Floats, value: Floats) -> None:
        known = self.statistics
        low, high = int(value.argmin()), int(value.argmax())
        if known.minimum is None or value[low] < known.minimum:
            known.minimum, known.minimum_at = float(value[low]), float(at[low])
        if known.maximum is None or value[high] > known.maximum:
            known.maximum, known.maximum_at = float(value[high]), float(at[high])
        steps = np.diff(value, prepend=value[0] if known.last is None else known.last)
        known.increase += float(steps[steps > 0].sum())
        known.resets += int((steps < 0).sum())
        if known.first is None:
            known.first, known.first_at = float(value[0]), float(at[0])
        known.last, known.last_at = float(value[-1]), float(at[-1])
        known.count += len(at)

    def finish(self) -> None:
        """No more samples: judge the last steps, work out the mean."""
        self.pauses.feed(_NONE, _NONE, is_last=True)
        known = self.statistics
        known.covered_s = self.pauses.covered_s
        known.mean = self.pauses.weighted / known.covered_s if known.covered_s else known.first

    def points(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Times and values; when reduced also the extremes of each value's bucket."""
        if self.is_reduced:
            return self.extremes.points()
        if not self._whole:
            return _NONE, _NONE, _NONE, _NONE
        at, value = (np.concatenate(parts) for parts in zip(*self._whole, strict=True))
        return at, value, _NONE, _NONE
