"""Energy from counters: differences between readings, never negative, with what is not known said.

The one place where readings become energy. A step belongs to the period in which it ends, a reading
on the edge of two to the earlier one. What was used across a gap is known from its two ends, when
exactly is not: it is counted where the readings come back, and the gap is told of every period that
it touches. A counter that falls was set back, unless it is known why: its meter was exchanged, it
rolled over, or the low readings were false and it came back.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from devices.history import wide
from devices.history.archive import micros_of
from devices.history.codec import Floats, Ints
from devices.history.layouts import Positions
from devices.history.raw import layouts_with, reader
from devices.history.slots import QUARTER_US, Slots, of_samples

# How long before the first period a reading is looked for.
LEAD = timedelta(hours=1)
# A fall from close to where a counter rolls over to close to nothing is a roll-over.
_CLOSE = 0.1
# False readings end with a step that makes up for at least so much of the fall.
_BACK = 0.5
_HOUR_US = 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """A meter was exchanged: what the old one showed last and the new one first, as stored values."""

    at: datetime
    closing: float | None = None
    opening: float | None = None


@dataclass(frozen=True, slots=True)
class Counter:
    """What is known of a device's counter, in its own unit.

    `rolls_over_at`: the first number that it cannot show. `most_per_h`: more than that in an hour
    cannot be true (DOMAIN §3: 1.5 × Sn).
    """

    exchanges: Sequence[Exchange] = ()
    rolls_over_at: float | None = None
    most_per_h: float | None = None


@dataclass(slots=True)
class Energies:
    """Of one device, a number per period; the amount is in the counter's unit.

    `amount` is NaN where no two readings tell. `gap_s`: seconds without readings. `resets`: falls
    of which nothing is known; `jumps`: steps that cannot be true; both count as none.
    `rollovers`, `exchanges`: falls that are known and counted. `false`: readings that were left out.
    """

    amount: Floats
    gap_s: Floats
    resets: Ints
    jumps: Ints
    rollovers: Ints
    exchanges: Ints
    false: Ints

    @classmethod
    def none(cls, count: int) -> "Energies":
        """Nothing known of so many periods."""
        numbers = [np.zeros(count, np.int64) for _kind in range(5)]
        return cls(np.full(count, np.nan), np.zeros(count), *numbers)

    @property
    def is_whole(self) -> NDArray[np.bool_]:
        """Periods of which everything is known."""
        return ~np.isnan(self.amount) & (self.gap_s == 0) & (self.resets + self.jumps == 0)


def energies(
    *,
    device_ids: Collection[int],
    code: str,
    edges: Sequence[datetime],
    counters: Mapping[int, Counter] | None = None,
) -> dict[int, Energies]:
    """Energy of a counter in the periods between the edges (ascending), by device."""
    layouts = layouts_with({code})
    first, last = edges[0] - LEAD, edges[-1] + timedelta(microseconds=1)
    ranges = wide.Ranges.of(first, last)
    found = {}
    for pk in device_ids:
        readings = _Readings(pk, code, layouts, (counters or {}).get(pk, Counter()))
        found[pk] = energy_of(readings.between(ranges, edges), edges, readings.counter)
    return found


@dataclass(slots=True)
class _Readings:
    """Readings of one counter: slots where nothing happens, samples where something does."""

    device_id: int
    code: str
    layouts: dict[int, Positions]
    counter: Counter

    def between(self, ranges: wide.Ranges, edges: Sequence[datetime]) -> Slots:
        """Slots over a period, none of which hides a fall, a jump, an exchange or an edge."""
        read = reader(self.layouts)
        ((_code, slots),) = wide.slots_between(
            self.device_id, [self.code], self.layouts, ranges, read
        )
        special = {
            micros_of(at) // QUARTER_US * QUARTER_US for at in edges if micros_of(at) % QUARTER_US
        }
        special |= {micros_of(one.at) // QUARTER_US * QUARTER_US for one in self.counter.exchanges}
        is_special = np.isin(slots["start"], list(special)) | (slots["drops"] > 0)
        if self.counter.most_per_h is not None:
            is_special |= slots["last"] - slots["first"] > self.counter.most_per_h / 4
        # Where it comes back to what it was.
        highest = np.maximum.accumulate(slots["high"])[:-1]
        is_special[1:] |= (slots["first"][1:] < highest) & (slots["last"][1:] >= highest)
        is_special &= slots["count"] > 1
        parts = [slots[~is_special]]
        for start in slots["start"][is_special].tolist():
            begin, end = max(start, ranges.start_us), min(start + QUARTER_US, ranges.end_us)
            (rows,) = read(self.device_id, [self.code], wide.moment(begin), wide.moment(end))
            samples = of_samples(np.rint(rows[:, 0] * 1e6).astype(np.int64), rows[:, 1])
            # Samples go sooner than roll-ups.
            parts.append(samples if len(samples) else slots[slots["start"] == start])
        return wide.in_order(parts)


def energy_of(slots: Slots, edges: Sequence[datetime], counter: Counter) -> Energies:
    """Energy in the periods between the edges from slots in order, among them readings before.

    Plain numpy: a slot may be a single reading (slots.of_samples).
    """
    borders = np.array([micros_of(at) for at in edges], np.int64)
    found = Energies.none(len(edges) - 1)
    kept = _without_false(slots, borders, found)
    _gaps(kept, borders, found)
    if not len(kept):
        return found
    _count(
        found,
        borders,
        kept["last_at"],
        kept["last"] - kept["first"] + kept["down"],
        kept["count"] > 1,
    )
    place = _period(borders, kept["last_at"])
    inside = (place >= 0) & (place < len(found.resets))
    np.add.at(found.resets, place[inside], kept["drops"][inside])
    amount = _steps(kept, borders, counter, found)
    _count(found, borders, kept["first_at"][1:], amount, np.ones(len(amount), np.bool_))
    return found


def _period(borders: Ints, at_us: Ints) -> Ints:
    """The period of each moment; a moment on an edge belongs to the earlier one."""
    return np.searchsorted(borders, at_us, side="left") - 1


def _count(
    found: Energies, borders: Ints, at_us: Ints, amount: Floats, is_step: NDArray[np.bool_]
) -> None:
    place = _period(borders, at_us)
    inside = is_step & (place >= 0) & (place < len(found.amount))
    known = np.nan_to_num(found.amount)
    np.add.at(known, place[inside], amount[inside])
    is_known = ~np.isnan(found.amount)
    is_known[place[inside]] = True
    found.amount = np.where(is_known, known, np.nan)


def _steps(kept: Slots, borders: Ints, counter: Counter, found: Energies) -> Floats:
    """The energy of each step from a slot to the next."""
    amount = kept["first"][1:] - kept["last"][:-1]
    at_us, before_us = kept["first_at"][1:], kept["last_at"][:-1]
    place = _period(borders, at_us)

    def note(numbers: Ints, steps: Ints) -> None:
        inside = place[steps]
        np.add.at(numbers, inside[(inside >= 0) & (inside < len(numbers))], 1)

    across = np.zeros(len(amount), np.bool_)
    for one in counter.exchanges:
        moment_us = micros_of(one.at)
        steps = np.flatnonzero((before_us < moment_us) & (at_us >= moment_us))
        known = [_across(one, float(kept["last"][n]), float(kept["first"][n + 1])) for n in steps]
        amount[steps], across[steps] = [used or 0.0 for used in known], True
        note(found.resets if None in known else found.exchanges, steps)
    fell = np.flatnonzero(amount < 0)
    over = _is_over(kept["last"][fell], kept["first"][fell + 1], counter.rolls_over_at)
    amount[fell] = np.where(over, amount[fell] + (counter.rolls_over_at or 0.0), 0.0)
    note(found.rollovers, fell[over])
    note(found.resets, fell[~over])
    most = (counter.most_per_h or np.inf) * (at_us - before_us) / _HOUR_US
    jumps = np.flatnonzero((amount > most) & ~across)
    amount[jumps] = 0.0
    note(found.jumps, jumps)
    return amount


def _across(one: Exchange, before: float, after: float) -> float | None:
    """What was used about an exchange; None when a reading of it is missing or cannot be true."""
    if one.closing is None or one.opening is None:
        return None
    old, new = one.closing - before, after - one.opening
    return None if old < 0 or new < 0 else old + new


def _is_over(before: Floats, after: Floats, full: float | None) -> NDArray[np.bool_]:
    """Which falls are from close to where the counter rolls over to close to nothing."""
    if full is None:
        return np.zeros(len(before), np.bool_)
    return np.asarray((before >= (1 - _CLOSE) * full) & (after <= _CLOSE * full))


def _without_false(slots: Slots, borders: Ints, found: Energies) -> Slots:
    """Without low readings from which the counter came back in one step to where it was."""
    keep = np.ones(len(slots), np.bool_)
    place = 1
    while place < len(slots):
        fell = np.flatnonzero(slots["first"][place:] < slots["last"][place - 1 : -1])
        if not len(fell):
            break
        low = place + int(fell[0])
        high = float(slots["last"][low - 1])
        back = np.flatnonzero(slots["first"][low + 1 :] >= high)
        place = low + 1
        if len(back):
            until = low + 1 + int(back[0])
            step = float(slots["first"][until] - slots["last"][until - 1])
            if step >= _BACK * (high - float(slots["first"][low])):
                keep[low:until] = False
                place = until + 1
    periods = _period(borders, slots["last_at"][~keep])
    inside = (periods >= 0) & (periods < len(found.false))
    np.add.at(found.false, periods[inside], slots["count"][~keep][inside])
    return slots[keep]


def _gaps(slots: Slots, borders: Ints, found: Energies) -> None:
    """Seconds of each period that lie in a gap, or before the first and after the last reading."""
    gaps = wide.gaps(slots) if len(slots) else []
    ends = borders / 1e6
    if not len(slots):
        gaps = [(ends[0], ends[-1])]
    else:
        steps = np.diff(slots["first_at"]) / 1e6
        usual_s = float(np.median(steps)) if len(steps) else QUARTER_US / 1e6
        if slots["first_at"][0] > borders[0]:
            gaps.append((ends[0], slots["first_at"][0] / 1e6))
        if ends[-1] - slots["last_at"][-1] / 1e6 > 2 * usual_s:
            gaps.append((slots["last_at"][-1] / 1e6, ends[-1]))
    for begin, end in gaps:
        found.gap_s += np.clip(np.minimum(end, ends[1:]) - np.maximum(begin, ends[:-1]), 0, None)
