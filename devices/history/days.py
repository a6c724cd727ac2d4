"""Days: the quarters of a local day joined to one slot per point, written and read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from core.time import day_bounds
from devices.history import wide
from devices.history.archive import micros_of
from devices.history.codec import Ints
from devices.history.folding import Quartered, quarters_of_devices
from devices.history.layouts import Positions, positions
from devices.history.packing import ROWS, VERSION, Opened, packed
from devices.history.partitions import DAYS, ensure_partitions
from devices.history.raw import layouts_with, reader
from devices.history.slots import QUARTER_US, SLOT, Slots, Table, joined
from devices.history.tracks import Statistics

_INTO = (
    "COPY rollup_day (device_id, starts_at, layout_id, quarters, version, data)"
    " FROM STDIN (FORMAT BINARY)"
)
_INTO_TYPES = ["int8", "timestamptz", "int4", "int2", "int2", "bytea"]


@dataclass(frozen=True, slots=True)
class DaysWritten:
    """Rows and their bytes."""

    rows: int = 0
    size_bytes: int = 0


def roll_day(start: datetime, end: datetime, device_ids: Collection[int]) -> DaysWritten:
    """Make the day of some devices out of its quarters, anew; one transaction."""
    ensure_partitions([start.date()], DAYS)
    ids = list(device_ids)
    with transaction.atomic(), connection.cursor() as cursor:
        parts = list(quarters_of_devices(start, end, ids))
        cursor.execute(
            "DELETE FROM rollup_day WHERE starts_at = %s AND device_id = ANY(%s)", [start, ids]
        )
        made = [(pk, part.layout_id, data) for part in parts for pk, data in _days(part, start)]
        length = (micros_of(end) - micros_of(start)) // QUARTER_US
        with connection.wrap_database_errors, cursor.copy(_INTO) as copy:
            copy.set_types(_INTO_TYPES)
            for pk, layout_id, data in made:
                copy.write_row((pk, start, layout_id, length, VERSION, data))
    return DaysWritten(len(made), sum(len(data) for _pk, _layout, data in made))


def _days(part: Quartered, start: datetime) -> list[tuple[int, bytes]]:
    """The packed day of each device of one layout."""
    days = np.zeros((len(part.device_ids), part.slots.shape[2]), SLOT)
    for place in range(part.slots.shape[2]):
        slots = part.slots[:, :, place]
        there = slots["count"] > 0
        found = joined(slots[there], np.nonzero(there)[0])
        days[found["start"], place] = found
    values = len(part.layout.value_codes)
    return _packed(part.device_ids, days, part.decimals, values, micros_of(start))


def _packed(
    pks: list[int], days: Slots, decimals: NDArray[np.uint8], values: int, start_us: int
) -> list[tuple[int, bytes]]:
    there = days["count"] > 0
    times, rows = [], np.zeros((len(ROWS), *days.shape), np.int64)
    for number in range(len(pks)):
        at = np.stack([days[f"{name}_at"][number] for name in ROWS])
        at = np.where(there[number], at - start_us, 0)
        known, place = np.unique(at, return_inverse=True)
        times.append(known)
        rows[:, number] = place.reshape(at.shape)
    table = Table(
        count=days["count"][:, None],
        rows={name: rows[number][:, None] for number, name in enumerate(ROWS)},
        low=days["low"][:, None],
        high=days["high"][:, None],
        last=days["last"][:, None],
        mean=(days["total"] / np.maximum(days["count"], 1))[:, None],
        first=days["first"][:, None, values:],
        down=days["down"][:, None, values:],
        drops=days["drops"][:, None, values:],
    )
    found = packed(table, decimals, values, times)
    some = np.flatnonzero(there.any(axis=1)).tolist()
    return [(pks[number], found[number]) for number in some]


def days(
    *, points: Sequence[tuple[int, str]], first: date, until: date, zone: str
) -> dict[tuple[int, str], list[Statistics]]:
    """Figures of each local day of a zone from the first on, before `until`, by (device id, code).

    A day without a sample has the count 0. The mean is of samples; what lies between two days is
    nobody's increase (see energy).
    """
    layouts = layouts_with({code for _device, code in points})
    count = (until - first).days
    bounds = [day_bounds(first + timedelta(days=number), zone) for number in range(count)]
    rolled = _rolled_days(first, until, zone)
    found: dict[tuple[int, str], list[Statistics]] = {}
    for pk in dict.fromkeys(pk for pk, _code in points):
        codes = list(dict.fromkeys(code for device, code in points if device == pk))
        of_days = _days_of(pk, codes, layouts, bounds, rolled)
        for code in codes:
            is_counter = all(layout.counts(code) for layout in layouts.values())
            found[pk, code] = [_figures(slot, is_counter=is_counter) for slot in of_days[code]]
    return found


def _figures(slot: Any, *, is_counter: bool) -> Statistics:
    if not slot["count"]:
        return Statistics()
    known = Statistics(
        count=int(slot["count"]),
        minimum=float(slot["low"]),
        minimum_at=slot["low_at"] / 1e6,
        maximum=float(slot["high"]),
        maximum_at=slot["high_at"] / 1e6,
        mean=float(slot["total"] / slot["count"]),
        first_at=slot["first_at"] / 1e6,
        last=float(slot["last"]),
        last_at=slot["last_at"] / 1e6,
    )
    if is_counter:
        known.first = float(slot["first"])
        known.increase = float(slot["last"] - slot["first"] + slot["down"])
        known.resets = int(slot["drops"])
    return known


def _rolled_days(first: date, until: date, zone: str) -> set[int]:
    """Numbers, from the first day on, of those that are rolled up and up to date."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day - %(first)s FROM devices_rolledday done"
            " WHERE zone = %(zone)s AND day >= %(first)s AND day < %(until)s"
            " AND rolled_at IS NOT NULL AND NOT EXISTS ("
            "SELECT FROM devices_reopenedhour WHERE hour > timezone(zone, day::timestamp)"
            " - interval '1 hour' AND hour < timezone(zone, (day + 1)::timestamp))",
            {"zone": zone, "first": first, "until": until},
        )
        return {number for (number,) in cursor.fetchall()}


def _days_of(
    pk: int,
    codes: Sequence[str],
    layouts: dict[int, Positions],
    bounds: Sequence[tuple[datetime, datetime]],
    rolled: set[int],
) -> dict[str, Slots]:
    """A slot per day, of each code; what no row answers is asked of quarters and samples."""
    starts = np.array([micros_of(start) for start, _end in bounds], np.int64)
    found = {code: np.zeros(len(bounds), SLOT) for code in codes}
    known = np.zeros(len(bounds), np.bool_)
    opened = _opened_days(pk, layouts, [bounds[number][0] for number in rolled])
    for part, _layout in opened:
        known[np.searchsorted(starts, part.starts)] = True
    for code in codes:
        slots = wide.in_order(
            part.point(place, 0)
            for part, layout in opened
            if (place := layout.place_of(code)) is not None
        )
        day = np.searchsorted(starts, slots["start"])
        # Two layouts in turns: only their samples tell.
        known[day[wide.crossed(slots)]] = False
        of_day = joined(slots, day)
        found[code][of_day["start"]] = of_day
    for first, last in _runs(np.flatnonzero(~known)):
        ranges = wide.Ranges.of(bounds[first][0], bounds[last][1])
        for code, slots in wide.slots_between(pk, codes, layouts, ranges, reader(layouts)):
            day = np.searchsorted(starts, slots["start"], side="right") - 1
            found[code][first : last + 1] = np.zeros(last + 1 - first, SLOT)
            of_day = joined(slots, day)
            found[code][of_day["start"]] = of_day
    return found


def _opened_days(
    pk: int, layouts: dict[int, Positions], starts: list[datetime]
) -> list[tuple[Opened, Positions]]:
    """The rows of a device's days, by layout; of layouts that have none of the codes too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT layout_id, version, extract(epoch FROM starts_at)::bigint, data"
            " FROM rollup_day WHERE device_id = %s AND starts_at = ANY(%s) ORDER BY starts_at",
            [pk, starts],
        )
        rows = cursor.fetchall()
    opened = []
    known = positions({row[0] for row in rows})
    for layout_id, version in sorted({row[:2] for row in rows}):
        mine = [row for row in rows if row[:2] == (layout_id, version)]
        layout = known[layout_id]
        shape = 1, len(layout.value_codes), len(layout.counter_codes)
        begins = np.array([row[2] for row in mine], np.int64) * 1_000_000
        opened.append((Opened((row[3] for row in mine), begins, shape, version), layout))
    return opened


def _runs(numbers: Ints) -> list[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    cuts = np.flatnonzero(np.diff(numbers) > 1) + 1
    return [(int(run[0]), int(run[-1])) for run in np.split(numbers, cuts) if len(run)]
