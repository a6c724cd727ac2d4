"""Which samples cannot be believed, told from the samples alone. Whole columns of many devices at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.drivers.counters import Counter, Odd, steps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# More than so many times the capacity of a place never flows (DOMAIN.md §2).
HEADROOM = 1.5
# A counter that should have moved by so many of its smallest steps in an hour, and at least so much.
STEPS_EXPECTED = 10
LEAST_KWH = 1.0


@dataclass(frozen=True, slots=True)
class Broken:
    """Readings of a counter from the first to the last place that are none, both included.

    is_open: it has not come back to the reading before, and may still do so.
    """

    first: int
    last: int
    has_fallen: bool
    is_open: bool


def still(columns: Any, starts: Ints) -> Floats:
    """The value at which each column stood through all samples of a device: devices × columns.

    NaN where it moved, has less than two samples, or is zero: nothing flows then, and nothing moves.
    """
    columns = np.asarray(columns, np.float64)
    low = np.fmin.reduceat(columns, starts, axis=0)
    high = np.fmax.reduceat(columns, starts, axis=0)
    count = np.add.reduceat(~np.isnan(columns), starts, axis=0, dtype=np.int64)
    return np.where((low == high) & (count > 1) & (low != 0), low, np.nan)


def most(columns: Any, starts: Ints) -> Floats:
    """The largest amount in any of the columns, by device; NaN where no sample tells."""
    columns = np.abs(np.asarray(columns, np.float64))
    if not columns.shape[1]:
        return np.full(len(starts), np.nan)
    return np.fmax.reduce(np.fmax.reduceat(columns, starts, axis=0), axis=1)


def mean(column: Any, starts: Ints) -> Floats:
    """The mean by device; NaN where no sample tells."""
    column = np.asarray(column, np.float64)
    there = ~np.isnan(column)
    count = np.add.reduceat(there, starts, dtype=np.int64)
    total = np.add.reduceat(np.where(there, column, 0.0), starts)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def leading(values: Sequence[float] | Floats, held: float) -> int:
    """How many samples at the beginning still are what was held; a hole is passed over."""
    values = np.asarray(values, np.float64)
    moved = np.flatnonzero((values != held) & ~np.isnan(values))
    until = int(moved[0]) if len(moved) else len(values)
    same = np.flatnonzero(values[:until] == held)
    return int(same[-1]) + 1 if len(same) else 0


def isolated(column: Any, device: Ints, largest_step: float) -> Ints:
    """Rows whose value is farther than the step from the sample before and from the one after.

    A level that stays is real, however far it went; the first and the last sample of a device have
    one neighbour only and are not judged.
    """
    column = np.asarray(column, np.float64)
    there = np.flatnonzero(~np.isnan(column))
    if len(there) < 3:
        return there[:0]
    value, of = column[there], device[there]
    far = np.abs(np.diff(value)) > largest_step
    same = of[1:] == of[:-1]
    lone = far[:-1] & far[1:] & same[:-1] & same[1:]
    return there[1:-1][lone]


def odd_counters(column: Floats, at_us: Ints, device: Ints, most_kw: Floats) -> Ints:
    """Rows of a counter that fell, or rose by more than can have flowed; most_kw by device, or NaN."""
    there = np.flatnonzero(~np.isnan(column))
    value, of = column[there], device[there]
    step, hours = np.diff(value), np.diff(at_us[there]) / 3.6e9
    with np.errstate(invalid="ignore"):
        jumped = step > HEADROOM * most_kw[of[1:]] * hours
    odd = (of[1:] == of[:-1]) & ((step < 0) | jumped)
    return there[1:][odd]


def broken(at_s: Sequence[float], readings: Sequence[float], counter: Counter) -> list[Broken]:
    """Stretches of false readings; the first reading is taken as right. No NaN among them.

    Past the end of the counter or across an exchange nothing is false. What fell or jumped is false
    until it comes back; as long as it has not, only its first reading is: perhaps it counts anew.
    """
    found: list[Broken] = []
    first: int | None = None
    has_fallen = False
    for place, step in enumerate(steps(at_s, readings, counter), start=1):
        if step.odd in {Odd.FELL, Odd.JUMPED} and first is None:
            first, has_fallen = place, step.odd == Odd.FELL
        elif step.odd == Odd.RECOVERED and first is not None:
            found.append(Broken(first, place - 1, has_fallen, is_open=False))
            first = None
        elif step.odd in {Odd.EXCHANGED, Odd.HALF}:
            first = None
    if first is not None:
        found.append(Broken(first, first, has_fallen, is_open=True))
    return found


def runs(marks: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last row of each run of marked rows."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marks, [False])).astype(np.int8)))
    return [(int(begin), int(end) - 1) for begin, end in edges.reshape(-1, 2)]


def named(flags: Sequence[bytes | None], points: int) -> NDArray[np.bool_]:
    """Rows × points that the flags name as bad (bit i, little endian, is position i)."""
    marks = np.zeros((len(flags), points), np.bool_)
    for row, bits in enumerate(flags):
        if bits:
            line = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little", count=points)
            marks[row] = line.view(np.bool_)
    return marks
