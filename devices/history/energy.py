"""Energy of periods out of roll-ups: which readings of a counter to look at, and whose each step is.

What a step is worth is told in one place, drivers.counters. A step belongs to the period in which it
ends, a reading on the edge of two to the earlier one. What was used across a gap is known from its
two ends, when exactly is not: it counts where the readings come back, and the gap is told of every
period that it touches, never filled with zero.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from devices.drivers.counters import UNKNOWN, Counter, steps
from devices.history import wide
from devices.history.archive import micros_of
from devices.history.codec import Floats, Ints
from devices.history.layouts import Positions
from devices.history.raw import layouts_with, reader
from devices.history.slots import QUARTER_US, Slots, of_samples

# How long before the first period a reading is looked for.
LEAD = timedelta(hours=1)


@dataclass(slots=True)
class Energies:
    """Of one device, a number per period; the amount is in the counter's unit.

    `amount` is NaN where no two readings tell. `gap_s`: seconds without readings. `odd`: steps that
    were no plain difference, `unknown` those of them of which part is unknown (counters.UNKNOWN).
    """

    amount: Floats
    gap_s: Floats
    odd: Ints
    unknown: Ints

    @property
    def is_whole(self) -> NDArray[np.bool_]:
        """Periods of which everything is known."""
        return ~np.isnan(self.amount) & (self.gap_s == 0) & (self.unknown == 0)


def energies(
    *,
    device_ids: Collection[int],
    code: str,
    edges: Sequence[datetime],
    counters: Mapping[int, Counter] | None = None,
) -> dict[int, Energies]:
    """Energy of a counter in the periods between the edges (ascending), by device.

    `counters` as selectors.counters gives them: exchanges, where it rolls over, what can flow.
    """
    layouts = layouts_with({code})
    ranges = wide.Ranges.of(edges[0] - LEAD, edges[-1] + timedelta(microseconds=1))
    known = counters or {}
    return {
        pk: energy_of(
            _readings(pk, code, layouts, ranges, edges, known.get(pk, Counter())),
            edges,
            known.get(pk, Counter()),
        )
        for pk in device_ids
    }


def energy_of(slots: Slots, edges: Sequence[datetime], counter: Counter) -> Energies:
    """Energy in the periods between the edges from slots in order, among them readings before.

    Plain Python: a slot may be a single reading (slots.of_samples).
    """
    borders = np.array([micros_of(at) for at in edges], np.int64)
    count = len(edges) - 1
    found = Energies(np.full(count, np.nan), np.zeros(count), *np.zeros((2, count), np.int64))
    _gaps(slots, borders, found)
    at_us, value = _looked_at(slots, borders)
    walked = steps((at_us / 1e6).tolist(), value.tolist(), counter)
    # The first reading ends no step.
    place = np.searchsorted(borders, at_us[1:], side="left") - 1
    for step, period in zip(walked, place.tolist(), strict=True):
        if 0 <= period < count:
            found.amount[period] = np.nan_to_num(found.amount[period]) + step.kwh
            found.odd[period] += step.odd is not None
            found.unknown[period] += step.odd in UNKNOWN
    return found


def _looked_at(slots: Slots, borders: Ints) -> tuple[Ints, Floats]:
    """The last reading of each slot, and the first where a period or the data begin anew."""
    follows = np.zeros(len(slots), np.bool_)
    follows[1:] = np.diff(slots["start"]) == QUARTER_US
    is_first = (slots["first_at"] < slots["last_at"]) & (
        ~follows | np.isin(slots["first_at"], borders)
    )
    at_us = np.concatenate((slots["first_at"][is_first], slots["last_at"]))
    order = np.argsort(at_us, kind="stable")
    return at_us[order], np.concatenate((slots["first"][is_first], slots["last"]))[order]


def _readings(  # noqa: PLR0913
    device_id: int,
    code: str,
    layouts: dict[int, Positions],
    ranges: wide.Ranges,
    edges: Sequence[datetime],
    counter: Counter,
) -> Slots:
    """Slots over the period; single readings where a slot would hide a fall, a jump or an edge."""
    read = reader(layouts)
    ((_code, slots),) = wide.slots_between(device_id, [code], layouts, ranges, read)
    moments_us = [micros_of(at) for at in edges]
    moments_us += [round(one.start_s * 1e6) for one in counter.segments[1:]]
    cut = {at // QUARTER_US * QUARTER_US for at in moments_us if at % QUARTER_US}
    is_special = np.isin(slots["start"], list(cut)) | (slots["drops"] > 0)
    if counter.most_kw is not None:
        is_special |= slots["last"] - slots["first"] > counter.most_kw / 4
    if len(slots):
        # Where it comes back to what it was.
        highest = np.maximum.accumulate(slots["high"])[:-1]
        is_special[1:] |= (slots["first"][1:] < highest) & (slots["last"][1:] >= highest)
    is_special &= slots["count"] > 1
    parts = [slots[~is_special]]
    for start in slots["start"][is_special].tolist():
        begin, end = max(start, ranges.start_us), min(start + QUARTER_US, ranges.end_us)
        (rows,) = read(device_id, [code], wide.moment(begin), wide.moment(end))
        samples = of_samples(np.rint(rows[:, 0] * 1e6).astype(np.int64), rows[:, 1])
        # Samples go sooner than roll-ups.
        parts.append(samples if len(samples) else slots[slots["start"] == start])
    return wide.in_order(parts)


def _gaps(slots: Slots, borders: Ints, found: Energies) -> None:
    """Seconds of each period that lie in a gap, or before the first and after the last reading."""
    ends = borders / 1e6
    if not len(slots):
        found.gap_s += np.diff(ends)
        return
    gaps = wide.gaps(slots)
    steps_s = np.diff(slots["first_at"]) / 1e6
    usual_s = float(np.median(steps_s)) if len(steps_s) else QUARTER_US / 1e6
    if slots["first_at"][0] > borders[0]:
        gaps.append((ends[0], slots["first_at"][0] / 1e6))
    if ends[-1] - slots["last_at"][-1] / 1e6 > 2 * usual_s:
        gaps.append((slots["last_at"][-1] / 1e6, ends[-1]))
    for begin, end in gaps:
        found.gap_s += np.clip(np.minimum(end, ends[1:]) - np.maximum(begin, ends[:-1]), 0, None)
