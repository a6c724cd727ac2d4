"""Points side by side: on common slots of time, or sample by sample. In pieces of bounded size.

A slot has the mean of its samples, of counters and states the last one; a slot without a sample has
no value. Slots of whole quarters (UTC) are answered from roll-ups where these are up to date.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from devices.history import raw, wide
from devices.history.archive import micros_of
from devices.history.codec import Floats, Ints
from devices.history.layouts import Positions
from devices.history.slots import QUARTER_US, Slots, of_samples

_SECOND_US = 1_000_000
_DAY_US = 86_400 * _SECOND_US
# What is read at once: samples, or roll-ups.
_PIECE_US = 2 * _DAY_US
_ROLLED_PIECE_US = 32 * _DAY_US

Point = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Grid:
    """Slots by their beginnings (epoch seconds, ascending), a column per point; NaN is no value.

    `count`: samples behind each value.
    """

    at: Floats
    value: Floats
    count: Ints


@dataclass(frozen=True, slots=True)
class Lines:
    """Samples at their own times (epoch seconds, ascending), a column per point.

    `quality` (states.Quality): of what was left out or put in its own, else that of the sample; -1
    where the point has none at that time.
    """

    at: Floats
    value: Floats
    quality: NDArray[np.int8]


def on_slots(
    *, points: Sequence[Point], edges_us: Ints, last_of: Collection[str] = ()
) -> Iterator[Grid]:
    """Points on the slots between the edges (microseconds since 1970, ascending).

    last_of: codes of which the last sample of a slot counts, not the mean.
    """
    layouts = raw.layouts_with({code for _device, code in points})
    is_rolled = not (edges_us % QUARTER_US).any()
    for edges in _pieces(edges_us, _ROLLED_PIECE_US if is_rolled else _PIECE_US):
        value = np.full((len(edges) - 1, len(points)), np.nan)
        count = np.zeros(value.shape, np.int64)
        for device_id, places in _by_device(points).items():
            codes = [points[place][1] for place in places]
            found = _slots(device_id, codes, layouts, edges, is_rolled=is_rolled)
            for place, code, slots in zip(places, codes, found, strict=True):
                _fill(value[:, place], count[:, place], edges, slots, is_last=code in last_of)
        yield Grid(edges[:-1] / 1e6, value, count)


def _pieces(edges_us: Ints, longest_us: int) -> Iterator[Ints]:
    """Runs of edges of at most that length, at least one slot each."""
    begin, last = 0, len(edges_us) - 1
    while begin < last:
        end = int(np.searchsorted(edges_us, edges_us[begin] + longest_us, side="right")) - 1
        end = min(max(end, begin + 1), last)
        yield edges_us[begin : end + 1]
        begin = end


def _by_device(points: Sequence[Point]) -> dict[int, list[int]]:
    """Places of the points by device."""
    found: dict[int, list[int]] = {}
    for place, (device_id, _code) in enumerate(points):
        found.setdefault(device_id, []).append(place)
    return found


def _slots(
    device_id: int,
    codes: list[str],
    layouts: dict[int, Positions],
    edges: Ints,
    *,
    is_rolled: bool,
) -> list[Slots]:
    start, end = wide.moment(int(edges[0])), wide.moment(int(edges[-1]))
    read = raw.reader(layouts)
    unique = list(dict.fromkeys(codes))
    if is_rolled:
        ranges = wide.Ranges.of(start, end)
        found = dict(wide.slots_between(device_id, unique, layouts, ranges, read))
    else:
        rows = np.concatenate([*read(device_id, unique, start, end)])
        at_us = np.rint(rows[:, 0] * 1e6).astype(np.int64)
        found = {}
        for place, code in enumerate(unique, start=1):
            found[code] = of_samples(at_us, rows[:, place])
            found[code]["start"] = found[code]["first_at"]
    return [found[code] for code in codes]


def _fill(value: Floats, count: Ints, edges: Ints, slots: Slots, *, is_last: bool) -> None:
    """Join finer slots, in order, to those between the edges."""
    place = np.searchsorted(edges, slots["start"], side="right") - 1
    inside = (place >= 0) & (place < len(value))
    place, slots = place[inside], slots[inside]
    size = len(value)
    count += np.bincount(place, slots["count"], minlength=size).astype(np.int64)
    if is_last:
        # Of several assignments the last one stays: the latest.
        value[place] = slots["last"]
        return
    known = count > 0
    value[known] = np.bincount(place, slots["total"], minlength=size)[known] / count[known]


def by_sample(*, points: Sequence[Point], start: datetime, end: datetime) -> Iterator[Lines]:
    """Every sample of the half-open period, a day at a time; samples of one moment share a line."""
    layouts = raw.layouts_with({code for _device, code in points})
    devices = _by_device(points)
    for since in _days(start, end):
        until = min(since + timedelta(days=1), end)
        found = {
            device_id: raw.rows(
                device_id,
                [points[place][1] for place in places],
                layouts,
                since,
                until,
                with_quality=True,
            )
            for device_id, places in devices.items()
        }
        at = np.unique(np.concatenate([rows[:, 0] for rows in found.values()]))
        if not len(at):
            continue
        value = np.full((len(at), len(points)), np.nan)
        quality = np.full(value.shape, -1, np.int8)
        for device_id, rows in found.items():
            line = np.searchsorted(at, rows[:, 0])
            columns = len(devices[device_id])
            for column, place in enumerate(devices[device_id], start=1):
                value[line, place] = rows[:, column]
                quality[line, place] = rows[:, columns + column]
        yield Lines(at, value, quality)


def _days(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += timedelta(days=1)


def edges_of(start: datetime, end: datetime, step_s: int) -> Ints:
    """Edges of equal slots over the period, on whole multiples of the step since 1970."""
    step_us = step_s * _SECOND_US
    first = micros_of(start) // step_us * step_us
    count = -(-(micros_of(end) - first) // step_us)
    return first + step_us * np.arange(count + 1, dtype=np.int64)


def aligned(
    *, points: Sequence[Point], edges_us: Ints, last_of: Collection[str], holds: bool
) -> Iterator[Grid]:
    """As `on_slots`, for calculating with several points at once.

    holds: a slot without a sample takes the value of the slot just before it. For slots that are
    hardly longer than the period of polling, where a sample falls now on this side, now on that.
    """
    before: Floats = np.full((1, len(points)), np.nan)
    for grid in on_slots(points=points, edges_us=edges_us, last_of=last_of):
        earlier = np.concatenate((before, grid.value[:-1]))
        before = grid.value[-1:].copy()
        value = np.where(np.isnan(grid.value), earlier, grid.value) if holds else grid.value
        yield Grid(grid.at, value, grid.count)
