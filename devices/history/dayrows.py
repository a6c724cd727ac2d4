"""A day's quarters of a device as bytes: small enough to stay for years.

What a meter shows hangs together: apparent power follows the currents, line voltages the phases', and
where one has its peak so have others. So each value is told by what it is off from a sum of up to four
values before it, weighted by factors of the day, and the place of an extreme by whether it is that of
another one. What is left goes into as few bits as it needs (history.bits).

Whole numbers are counted in the steps that a point showed that day; the mean of a slot, too. Extremes,
first and last are what they were to the bit. Times are cut to whole seconds, of meters that are read
more often than every 20 seconds to milliseconds.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.history import bits
from devices.history.codec import BadBlock, Floats, Ints
from devices.history.packing import BITS
from devices.history.slots import QUARTER_US, SLOT, Slots

VERSION = 1
SLOTS = 96
# Of a point without a sample that day.
ABSENT = 254
REFERENCES = 4
NONE = 0xFFFF
SECOND_US, MILLI_US = 1_000_000, 1_000
HEAD = struct.Struct("<HBII")
_VALUE_RUNS, _COUNTER_RUNS = 4, 7

Bytes = NDArray[np.uint8]


def lengths_of(runs: int, rows: int) -> Ints:
    """Of the runs: one a slot; then those of two a row."""
    return np.array([SLOTS] * runs + [rows] * 2, np.int64)


def weighted(factors: list[Any], others: list[Ints]) -> Ints:
    """The same to the bit wherever it is worked out: products and sums one after the other."""
    told = np.zeros(others[0].shape)
    for factor, other in zip(factors, others, strict=True):
        told = told + np.float64(factor) * other
    return np.rint(told).astype(np.int64)


def scale_of(decimals: NDArray[Any]) -> Floats:
    """What makes a number whole; 1 for what is told by its bits or not at all."""
    return np.where(decimals >= ABSENT, 1.0, 10.0 ** np.minimum(decimals, 18))


def before(number: Ints) -> Ints:
    """The number of the slot before, along the last axis; 0 before the first."""
    return np.concatenate((np.zeros_like(number[..., :1]), number[..., :-1]), axis=-1)


@dataclass(slots=True)
class _Told:
    """Whole numbers of a point's slots; the last three of counters only."""

    low: Ints
    high: Ints
    last: Ints
    mean: Ints
    first: Ints | None = None
    down: Ints | None = None
    drops: Ints | None = None


class DayRow:
    """A row opened; a point's slots are worked out when somebody asks."""

    def __init__(self, data: bytes, shape: tuple[int, int], day_us: int, version: int) -> None:
        """`shape`: values, counters; `day_us`: the beginning of the day."""
        if version != VERSION:
            raise BadBlock(f"version {version}")
        self.values, counters = shape
        self.points, self._day_us = self.values + counters, day_us
        self._offs: dict[int, Ints] = {}
        self._known: dict[int, _Told] = {}
        try:
            self._open(data)
        except (ValueError, IndexError, zlib.error, struct.error) as reason:
            raise BadBlock(str(reason)) from reason

    def _open(self, data: bytes) -> None:
        size, unit, usual, rows = HEAD.unpack_from(data)
        begin = HEAD.size + size
        self._head, self._at = np.frombuffer(zlib.decompress(data[HEAD.size : begin]), np.uint8), 0
        self.decimals = self._cut("<u1", self.points)
        self._step, self._base = self._cut("<i8", self.points), self._cut("<i8", self.points)
        self._usual = self._cut("<i8", 2 * self.values).reshape(self.values, 2)
        references = self._cut("<u2", self.values * REFERENCES)
        factors = np.zeros(references.shape, np.float16)
        factors[references != NONE] = self._cut("<f2", int((references != NONE).sum()))
        self._references = references.reshape(self.values, REFERENCES)
        self._factors = factors.reshape(self.values, REFERENCES)
        same_as = self._cut("<u2", 2 * self.points).astype(np.int64)
        counters = self.points - self.values
        runs = 2 + 3 * self.points + _VALUE_RUNS * self.values + _COUNTER_RUNS * counters
        width = self._cut("<u1", runs + 2)
        wide = np.repeat(width, lengths_of(runs, rows))
        some = wide != bits.NOTHING
        body = np.frombuffer(data, np.uint8)[begin:]
        numbers, used = bits.read(body, wide[some])
        found = np.zeros(len(wide), np.int64)
        found[some] = bits.unzigzag(numbers)
        times, over = found[runs * SLOTS :].reshape(2, rows)
        at = np.cumsum((times + 1) * usual + over) * (MILLI_US if unit else SECOND_US)
        # One more, for slots at the end of the day that have none.
        self._moments = self._day_us + np.append(at, 0)
        self._cut_runs(found[: runs * SLOTS].reshape(runs, SLOTS))
        self._open_places(body[used:], same_as)

    def _cut_runs(self, found: Ints) -> None:
        most, self._sizes = np.cumsum(found[:2], axis=1)
        self._begins = np.cumsum(self._sizes) - self._sizes
        lacking, self._first, last = found[2 : 2 + 3 * self.points].reshape(3, self.points, SLOTS)
        is_there = (self.decimals != ABSENT)[:, None]
        self.count = np.where(is_there, most - lacking, 0)
        self._last = np.maximum(self._sizes - 1 - last, 0)
        at = 2 + 3 * self.points
        until = at + _VALUE_RUNS * self.values
        self._misses = found[at:until].reshape(self.values, _VALUE_RUNS, SLOTS)
        self._counted = found[until:].reshape(-1, _COUNTER_RUNS, SLOTS)

    def _cut(self, kind: str, count: int) -> NDArray[Any]:
        width = np.dtype(kind).itemsize
        part = self._head[self._at : self._at + width * count]
        self._at += width * count
        return np.ascontiguousarray(part.reshape(width, count).T).view(kind).reshape(count)

    def _open_places(self, data: Bytes, same_as: Ints) -> None:
        """Rows of the extremes within their slots: marks first, then what they do not tell."""
        told = [self._told_of(point) for point in range(self.points)]
        flat = np.stack([one.low == one.high for one in told])
        needed = np.repeat((self.count > 0) & ~flat, 2, axis=0)
        marked = needed & (same_as != NONE)[:, None]
        size = -(-int(marked.sum()) // 8)
        agrees = np.zeros(needed.shape, np.bool_)
        agrees[marked] = np.unpackbits(data[:size], count=int(marked.sum())).view(np.bool_)
        odd = needed & ~agrees
        width, count = int(max(1, self._sizes.max()) - 1).bit_length(), int(odd.sum())
        found = np.unpackbits(data[size:], count=width * count).reshape(count, width)
        places = np.repeat(self._first, 2, axis=0)
        places[odd] = found.astype(np.int64) @ (1 << np.arange(width, dtype=np.int64))
        for run in np.flatnonzero(same_as != NONE).tolist():
            places[run] = np.where(agrees[run], places[same_as[run]], places[run])
        self._low, self._high = places[0::2], places[1::2]

    def point(self, position: int) -> Slots:
        """The slots of a point (values first, then counters) that have samples."""
        found = np.zeros(SLOTS, SLOT)
        found["start"] = self._day_us + np.arange(SLOTS) * QUARTER_US
        found["count"] = self.count[position]
        places = {"low": self._low, "high": self._high, "first": self._first, "last": self._last}
        for name, place in places.items():
            found[f"{name}_at"] = self._moments[
                np.minimum(self._begins + place[position], len(self._moments) - 1)
            ]
        told = self._told_of(position)
        for name in ("low", "high", "last"):
            found[name] = self._number(position, getattr(told, name))
        # Rounding may have put it outside.
        mean = np.clip(self._number(position, told.mean), found["low"], found["high"])
        found["total"] = mean * found["count"]
        if told.first is None or told.down is None:
            found["first"] = np.nan
        else:
            found["first"] = self._number(position, told.first)
            found["down"], found["drops"] = self._number(position, told.down), told.drops
        return found[self.count[position] > 0]

    def _off(self, point: int) -> Ints:
        """What a value's four runs are, with what others tell of them."""
        if point not in self._offs:
            places = np.flatnonzero(self._references[point] != NONE).tolist()
            off = self._misses[point]
            if places:
                others = [self._off(int(self._references[point, place])) for place in places]
                off = off + weighted([self._factors[point, place] for place in places], others)
            self._offs[point] = off
        return self._offs[point]

    def _told_of(self, point: int) -> "_Told":
        if point not in self._known:
            self._known[point] = self._value(point) if point < self.values else self._counter(point)
        return self._known[point]

    def _value(self, point: int) -> "_Told":
        rise, below, above, after = self._off(point)
        mean = self._base[point] + np.cumsum(rise + before(after))
        low = mean - below - self._usual[point, 0]
        return _Told(low, mean + above + self._usual[point, 1], mean + after, mean)

    def _counter(self, point: int) -> "_Told":
        turn, below, above, after, ahead, down, drops = self._counted[point - self.values]
        rise = np.cumsum(turn)
        mean, half = self._base[point] + np.cumsum(rise), rise >> 1
        low, high = mean - below - half, mean + above + half
        return _Told(low, high, high + after, mean, low + ahead, down, drops)

    def _number(self, point: int, whole: Ints) -> Floats:
        is_value = point < self.values
        if self.decimals[point] == BITS:
            if is_value:
                whole = np.where(whole < 0, whole ^ 0x7FFFFFFF, whole)
                return whole.astype(np.int32).view(np.float32).astype(np.float64)
            return np.where(whole < 0, whole ^ np.iinfo(np.int64).max, whole).view(np.float64)
        number = whole * self._step[point] / scale_of(self.decimals[point])
        return number.astype(np.float32).astype(np.float64) if is_value else number
