"""Slots: what is kept of the samples of a stretch of time, in plain numpy.

Slots of one point can be joined to wider ones without a loss: a day is the join of its quarters,
and a sample is a slot of one. So whatever is answered from slots is the same whether these came out
of a table or were made of samples a moment ago.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.history.codec import Floats, Ints, Rows

QUARTER_US = 900 * 1_000_000
QUARTERS = 4
# Of one point; times in microseconds since 1970. `start`: where the slot begins. `down`: the sum of
# the steps downwards between its samples, and `drops` their number: what a counter was set back by.
SLOT = np.dtype(
    [
        *((name, "i8") for name in ("start", "count", "low_at", "high_at", "first_at", "last_at")),
        *((name, "f8") for name in ("total", "low", "high", "first", "last", "down")),
        ("drops", "i8"),
    ]
)
_NO_ROW = 65_535

Slots = NDArray[Any]


def none() -> Slots:
    """No slot at all."""
    return np.empty(0, SLOT)


def of_samples(at_us: Ints, value: Floats) -> Slots:
    """A slot per sample, beginning with its quarter of an hour; NaN is no sample."""
    sampled = ~np.isnan(value)
    at_us, value = at_us[sampled], value[sampled]
    found = np.zeros(len(at_us), SLOT)
    found["start"] = at_us // QUARTER_US * QUARTER_US
    found["count"] = 1
    for name in ("low", "high", "first", "last"):
        found[name], found[f"{name}_at"] = value, at_us
    found["total"] = value
    return found


def joined(slots: Slots, starts: Ints) -> Slots:
    """One slot for each of the `starts`, where each slot belongs to; ascending, as the slots are.

    Of equal extremes the earliest stays.
    """
    if not len(slots):
        return none()
    begins = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    ends = np.append(begins[1:], len(slots)) - 1
    found = np.zeros(len(begins), SLOT)
    found["start"] = starts[begins]
    for name in ("count", "total", "down", "drops"):
        found[name] = np.add.reduceat(slots[name], begins)
    for name, places in (("first", begins), ("last", ends)):
        found[name], found[f"{name}_at"] = slots[name][places], slots[f"{name}_at"][places]
    of_slot = np.repeat(np.arange(len(begins)), ends + 1 - begins)
    for name, extreme in (("low", np.minimum), ("high", np.maximum)):
        best = extreme.reduceat(slots[name], begins)
        hits = np.where(slots[name] == best[of_slot], slots[f"{name}_at"], np.iinfo(np.int64).max)
        found[name], found[f"{name}_at"] = best, np.minimum.reduceat(hits, begins)
    steps = np.diff(slots["first"], prepend=slots["first"][:1])
    steps[1:] = slots["first"][1:] - slots["last"][:-1]
    steps[begins] = 0.0
    back = np.where(steps < 0, -steps, 0.0)
    found["down"] += np.add.reduceat(back, begins)
    found["drops"] += np.add.reduceat((back > 0).astype(np.int64), begins)
    return found


def quarters(slots: Slots) -> Slots:
    """The same, one slot a quarter of an hour."""
    return joined(slots, slots["start"])


@dataclass(slots=True)
class Table:
    """Slots of many points of many devices: arrays of devices × slots × points.

    Values first, then counters. `low_row` and the like are rows of the device, counted from 0;
    numbers of a slot whose `count` is 0 mean nothing. `first`, `down` and `drops` are of counters
    only. `mean` of counters too.
    """

    count: Ints
    rows: dict[str, Ints]
    low: Floats
    high: Floats
    last: Floats
    mean: Floats
    first: Floats
    down: Floats
    drops: Ints


def table_of(rows: Rows, starts: Ints, hour_us: int) -> Table:
    """The quarters of an hour's rows of many devices; `starts` are the rows where devices begin."""
    sizes = np.diff(np.append(starts, len(rows)))
    device = np.repeat(np.arange(len(starts)), sizes)
    slot = device * QUARTERS + (rows.at_us - hour_us) // QUARTER_US
    begins = np.flatnonzero(np.diff(slot, prepend=-1))
    cut = _Cut(begins, slot[begins], starts[device[begins]], np.arange(len(rows)) - starts[device])
    values, counters = cut.stats(rows.values), cut.stats(rows.counters)
    first = cut.at(rows.counters, counters["first_row"])
    down, drops = cut.falls(rows.counters)
    wide = len(starts) * QUARTERS

    def dense(found: NDArray[Any]) -> NDArray[Any]:
        filled = np.zeros((wide, found.shape[1]), found.dtype)
        filled[cut.slots] = found
        return filled.reshape(len(starts), QUARTERS, -1)

    both = {name: dense(np.concatenate((values[name], counters[name]), axis=1)) for name in values}
    return Table(
        count=both["count"],
        rows={name: both[f"{name}_row"] for name in ("low", "high", "first", "last")},
        low=both["low"],
        high=both["high"],
        last=both["last"],
        mean=both["mean"],
        first=dense(first),
        down=dense(down),
        drops=dense(drops),
    )


@dataclass(slots=True)
class _Cut:
    """Where the slots lie: first row, number, first row of the device; and each row's own number."""

    begins: Ints
    slots: Ints
    device_begins: Ints
    number: Ints

    def stats(self, data: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Figures by slot and column."""
        if not data.shape[1]:
            empty = np.empty((len(self.begins), 0))
            names = "count mean low high last low_row high_row first_row last_row"
            return dict.fromkeys(names.split(), empty)
        nan = np.isnan(data)
        number = self.number.astype(np.int32)[:, None]
        begins, of_slot = self.begins, self._of_row()
        holes = bool(nan.any())
        low_of = np.where(nan, np.inf, data).astype(data.dtype) if holes else data
        high_of = np.where(nan, -np.inf, data).astype(data.dtype) if holes else data
        low = np.minimum.reduceat(low_of, begins, axis=0)
        high = np.maximum.reduceat(high_of, begins, axis=0)
        if holes:
            count = np.add.reduceat(~nan, begins, axis=0, dtype=np.int64)
            first_row = np.minimum.reduceat(np.where(nan, _NO_ROW, number), begins, axis=0)
            last_row = np.maximum.reduceat(np.where(nan, 0, number), begins, axis=0)
        else:
            sizes = np.diff(np.append(begins, len(data)))
            count = np.broadcast_to(sizes[:, None], low.shape)
            first_row = np.broadcast_to(number[begins], low.shape)
            last_row = np.broadcast_to(number[begins + sizes - 1], low.shape)
        total = np.add.reduceat(np.where(nan, 0.0, data), begins, axis=0, dtype=np.float64)
        return {
            "count": count,
            "mean": total / np.maximum(count, 1),
            "low": low.astype(np.float64),
            "high": high.astype(np.float64),
            "last": self.at(data, last_row),
            "low_row": np.minimum.reduceat(
                np.where(low_of == low[of_slot], number, _NO_ROW), begins, axis=0
            ),
            "high_row": np.minimum.reduceat(
                np.where(high_of == high[of_slot], number, _NO_ROW), begins, axis=0
            ),
            "first_row": first_row,
            "last_row": last_row,
        }

    def at(self, data: NDArray[Any], row: Ints) -> Floats:
        """The numbers in these rows of the devices."""
        if not data.shape[1]:
            return np.empty((len(self.begins), 0))
        place = self.device_begins[:, None] + np.where(row == _NO_ROW, 0, row)
        return np.take_along_axis(data, place, axis=0).astype(np.float64)

    def falls(self, counters: Floats) -> tuple[Floats, Ints]:
        """By how much, and how often, each counter fell within its slot."""
        shape = len(self.begins), counters.shape[1]
        down, drops = np.zeros(shape), np.zeros(shape, np.int64)
        of_row = self._of_row()
        for column in range(shape[1]):
            value = counters[:, column]
            there = np.flatnonzero(~np.isnan(value))
            step, of = np.diff(value[there]), of_row[there]
            fell = np.flatnonzero((step < 0) & (of[1:] == of[:-1]))
            np.add.at(down[:, column], of[1:][fell], -step[fell])
            np.add.at(drops[:, column], of[1:][fell], 1)
        return down, drops

    def _of_row(self) -> Ints:
        sizes = np.diff(np.append(self.begins, len(self.number)))
        return np.repeat(np.arange(len(self.begins)), sizes)
