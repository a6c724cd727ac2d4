"""Long ranges: the slots of points over a period, from the roll-ups where those are up to date.

Hours that are not rolled up, hours into which samples came late, and quarters that the period cuts
are asked for sample by sample; the answer is the same as if all were.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from devices.history.archive import micros_of
from devices.history.codec import Floats, Ints
from devices.history.folding import HOUR_US
from devices.history.layouts import Positions
from devices.history.raw import Reader
from devices.history.rolling import Quarters, rolled_hours
from devices.history.slots import (
    QUARTER_US,
    Slots,
    joined,
    none,
    of_samples,
    quarters,
)
from devices.history.tracks import NEIGHBOURS, Statistics, medians, wide_steps

_HOUR = timedelta(hours=1)
# A stretch is whole when its samples are not further apart than usual, give or take so much.
_SLACK = 1.1


@dataclass(slots=True)
class Ranges:
    """A period, and which of its hours the roll-ups answer for."""

    start_us: int
    end_us: int
    hours: Ints

    @classmethod
    def of(cls, start: datetime, end: datetime) -> "Ranges":
        """Looks up once for all points what is rolled."""
        first = micros_of(start) // HOUR_US * HOUR_US
        return cls(micros_of(start), micros_of(end), rolled_hours(moment(first), end))

    def asked(self, without: Ints) -> list[tuple[int, int]]:
        """The stretches to be asked for by sample: everything but whole quarters of rolled hours."""
        first = -(-self.start_us // QUARTER_US) * QUARTER_US
        last = self.end_us // QUARTER_US * QUARTER_US
        hours = self.hours[~np.isin(self.hours, without)]
        begins = np.maximum(hours, first)
        ends = np.minimum(hours + HOUR_US, last)
        is_some = begins < ends
        edges = np.concatenate(
            ([self.start_us], np.stack((begins[is_some], ends[is_some]), 1).ravel(), [self.end_us])
        )
        return [(begin, end) for begin, end in edges.reshape(-1, 2).tolist() if begin < end]

    def is_rolled(self, slots: Slots, without: Ints) -> NDArray[np.bool_]:
        """Which slots of roll-ups count: whole within the period, of an hour that is up to date."""
        hour = slots["start"] // HOUR_US * HOUR_US
        inside = (slots["start"] >= self.start_us) & (slots["start"] + QUARTER_US <= self.end_us)
        return inside & np.isin(hour, self.hours) & ~np.isin(hour, without)


def moment(at_us: int) -> datetime:
    """A moment of microseconds since 1970."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC) + timedelta(
        microseconds=at_us % 1_000_000
    )


def slots_between(
    device_id: int,
    codes: Sequence[str],
    layouts: dict[int, Positions],
    ranges: Ranges,
    read: Reader,
) -> Iterator[tuple[str, Slots]]:
    """Each code's quarters over the period, those that have a sample."""
    rolled: dict[str, Slots] = {}
    mixed = np.empty(0, np.int64)
    if len(ranges.hours):
        opened = Quarters(
            device_id, layouts, moment(int(ranges.hours[0])), moment(int(ranges.hours[-1])) + _HOUR
        )
        rolled = {code: opened.of(code) for code in codes}
        mixed = np.unique(
            np.concatenate([slots["start"][crossed(slots)] for slots in rolled.values()])
        )
        mixed = np.unique(mixed // HOUR_US * HOUR_US)
    parts: dict[str, list[Slots]] = {code: [] for code in codes}
    for code, slots in rolled.items():
        parts[code].append(slots[ranges.is_rolled(slots, mixed)])
    for begin, end in ranges.asked(mixed):
        for rows in read(device_id, codes, moment(begin), moment(end)):
            at_us = np.rint(rows[:, 0] * 1e6).astype(np.int64)
            for place, code in enumerate(codes, start=1):
                parts[code].append(quarters(of_samples(at_us, rows[:, place])))
    for code in codes:
        # Two layouts may share a quarter, one after the other.
        yield code, quarters(in_order(parts[code]))


def crossed(slots: Slots) -> NDArray[np.bool_]:
    """Which of slots in the order of their first samples begin before one before them has ended.

    So it is when samples of two layouts lie across each other.
    """
    across = slots["first_at"][1:] <= np.maximum.accumulate(slots["last_at"])[:-1]
    return np.concatenate((np.zeros(min(1, len(slots)), np.bool_), across))


def in_order(parts: Iterable[Slots]) -> Slots:
    """All slots in the order of their first samples."""
    slots = np.concatenate([none(), *parts])
    return slots[np.argsort(slots["first_at"], kind="stable")]


@dataclass(frozen=True, slots=True)
class Buckets:
    """Equal stretches of whole quarters that cover a period, no more than there may be."""

    width_us: int

    @classmethod
    def of(cls, start_us: int, end_us: int, most: int) -> "Buckets | None":
        """None when a bucket would be shorter than a quarter: samples are asked for then."""
        if (end_us - start_us) < most * QUARTER_US:
            return None
        width = -(-(end_us - start_us) // most // QUARTER_US) * QUARTER_US
        width = max(width, QUARTER_US)
        while (end_us - 1) // width - start_us // width >= most:
            width += QUARTER_US
        return cls(width)

    def of_slots(self, slots: Slots) -> Slots:
        """A slot per bucket that has a sample."""
        return joined(slots, slots["start"] // self.width_us * self.width_us)


def points(buckets: Slots) -> tuple[Floats, Floats, Floats, Floats]:
    """As Extremes.points: times (s), values, and the extremes of each value's bucket; ascending."""
    both = np.flatnonzero(buckets["low_at"] != buckets["high_at"])
    place = np.concatenate((np.arange(len(buckets)), both))
    at = np.concatenate((buckets["low_at"], buckets["high_at"][both])) / 1e6
    value = np.concatenate((buckets["low"], buckets["high"][both]))
    order = np.argsort(at, kind="stable")
    place = place[order]
    return at[order], value[order], buckets["low"][place], buckets["high"][place]


def figures(slots: Slots, *, is_counter: bool) -> tuple[Statistics, list[tuple[float, float]]]:
    """Statistics of all samples, and the gaps between quarters.

    The mean weighs each quarter by the time that its samples stand for. Gaps shorter than a quarter
    are not listed; `covered_s` leaves them out. Only a counter has a first value and an increase.
    """
    if not len(slots):
        return Statistics(), []
    (whole,) = joined(slots, np.zeros(len(slots), np.int64))
    pauses, usual_s, covered_s = _covered(slots)
    known = Statistics(
        count=int(whole["count"]),
        minimum=float(whole["low"]),
        minimum_at=whole["low_at"] / 1e6,
        maximum=float(whole["high"]),
        maximum_at=whole["high_at"] / 1e6,
        mean=float((slots["total"] * usual_s).sum() / (slots["count"] * usual_s).sum()),
        first_at=whole["first_at"] / 1e6,
        last=float(whole["last"]),
        last_at=whole["last_at"] / 1e6,
        covered_s=covered_s,
    )
    if is_counter:
        known.first = float(whole["first"])
        known.increase = float(whole["last"] - whole["first"] + whole["down"])
        known.resets = int(whole["drops"])
    return known, pauses


def _covered(slots: Slots) -> tuple[list[tuple[float, float]], Floats, float]:
    """Gaps between slots; the usual step about each slot; seconds that are no gap.

    What is usual is taken from the steps over the edges of slots, as for single samples.
    """
    inside_s = (slots["last_at"] - slots["first_at"]) / 1e6
    counted = slots["count"] - 1
    if len(slots) == 1:
        usual = inside_s / counted if counted[0] else np.ones(1)
        return [], usual, float(inside_s.sum())
    steps, wide = _steps(slots)
    usual_s = _usual(steps)
    expected_s = counted * usual_s
    inside_s = np.where(inside_s > _SLACK * expected_s, expected_s, inside_s)
    between_s = float(steps.sum() - steps[wide].sum())
    return gaps(slots), usual_s, between_s + float(inside_s.sum())


def gaps(slots: Slots) -> list[tuple[float, float]]:
    """Begin and end (s) of the pauses between slots that are longer than is usual there."""
    if len(slots) < 2:
        return []
    _step, wide = _steps(slots)
    begins, ends = slots["last_at"][wide] / 1e6, slots["first_at"][wide + 1] / 1e6
    return list(zip(begins.tolist(), ends.tolist(), strict=True))


def _steps(slots: Slots) -> tuple[Floats, NDArray[np.intp]]:
    """Seconds from each slot's last sample to the next one's first, and which of them are gaps."""
    steps = (slots["first_at"][1:] - slots["last_at"][:-1]) / 1e6
    return steps, wide_steps(steps, 0, len(steps))


def _usual(steps: Floats) -> Floats:
    """The median of the steps about each slot, in seconds."""
    half = NEIGHBOURS // 2
    padded = np.pad(steps, (half, half + 1), constant_values=np.nan)
    return medians(sliding_window_view(padded, NEIGHBOURS))
