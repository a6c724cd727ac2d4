"""The tables of quarters and days: written beside the blocks, read by point.

`rollup_quarter` has a row per device, layout and hour, `rollup_day` one per device, layout and local
day of the device's site; both hold the slots of all points in packed form.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from devices.history import overlay
from devices.history.archive import micros_of
from devices.history.codec import Ints, Rows
from devices.history.encoder import Columns
from devices.history.folding import FoldedDays
from devices.history.layouts import Positions, positions
from devices.history.packing import BITS, VERSION, Opened, decimals_of, packed
from devices.history.slots import QUARTER_US, QUARTERS, Slots, none, table_of
from devices.states import Quality

_INTO = "COPY rollup_quarter (device_id, hour, layout_id, version, data) FROM STDIN (FORMAT BINARY)"
_INTO_TYPES = ["int8", "timestamptz", "int4", "int2", "bytea"]
_MISSING = """
SELECT EXISTS (
    SELECT FROM reading_block block WHERE hour = %(hour)s AND NOT EXISTS (
        SELECT FROM rollup_quarter WHERE device_id = block.device_id
            AND layout_id = block.layout_id AND hour = %(hour)s
    ) AND NOT EXISTS (
        SELECT FROM rollup_folded WHERE device_id = block.device_id
            AND layout_id = block.layout_id AND hours & %(bit)s > 0
            AND day = date_trunc('day', %(hour)s::timestamptz, 'UTC')
    )
)
"""


@dataclass(frozen=True, slots=True)
class Rolled:
    """The quarters of an hour of some devices of one layout, ready to be written."""

    hour: datetime
    layout_id: int
    device_ids: Sequence[int]
    data: Sequence[bytes]


def rolled(
    hour: datetime,
    layout_id: int,
    device_ids: Sequence[int],
    columns: Columns,
    laid: Sequence[overlay.Laid],
) -> Rolled:
    """The quarters of rows that are at hand as columns for their blocks, and of what lies over them."""
    starts, start_us = columns.starts, micros_of(hour)
    values = columns.rows.values.shape[1]
    decimals = decimals_of(columns.kinds, values)
    rows = _laid_over(layout_id, device_ids, columns, laid, decimals) if laid else columns.rows
    table = table_of(rows, starts, start_us)
    times = np.split(rows.at_us - start_us, starts[1:])
    data = packed(table, decimals, values, times)
    return Rolled(hour, layout_id, device_ids, data)


def _laid_over(
    layout_id: int,
    device_ids: Sequence[int],
    columns: Columns,
    laid: Sequence[overlay.Laid],
    decimals: NDArray[np.uint8],
) -> Rows:
    """The rows as readers see them; numbers put in go by their bits."""
    stored = columns.rows
    values, counters = stored.values.copy(), stored.counters.copy()
    layout = positions([layout_id])[layout_id]
    ends = [*columns.starts[1:].tolist(), len(stored)]
    places = {pk: number for number, pk in enumerate(device_ids)}
    for pk, code in {(one.device_id, one.code) for one in laid}:
        column = layout.column_of(code)
        if column is None or pk not in places:
            continue
        part = slice(int(columns.starts[places[pk]]), ends[places[pk]])
        into = values if column[0] == "values" else counters
        over, marks = overlay.lay(
            laid, pk, [code], stored.at_us[part], into[part, column[1], None].astype(np.float64)
        )
        into[part, column[1]] = over[:, 0]
        if (marks == Quality.SUBSTITUTED).any():
            decimals[places[pk], layout.place_of(code)] = BITS
    return replace(stored, values=values, counters=counters)


def clear(hour: datetime, device_ids: Collection[int]) -> None:
    """Take the quarters of some devices away."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM rollup_quarter WHERE hour = %s AND device_id = ANY(%s)",
            [hour, list(device_ids)],
        )


def write(parts: Iterable[Rolled]) -> None:
    """Write quarters."""
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(_INTO) as copy,
    ):
        copy.set_types(_INTO_TYPES)
        for part in parts:
            for pk, data in zip(part.device_ids, part.data, strict=True):
                copy.write_row((pk, part.hour, part.layout_id, VERSION, data))


def is_whole(hour: datetime) -> bool:
    """Whether each block of an hour has its quarters, be they folded already."""
    with connection.cursor() as cursor:
        cursor.execute(_MISSING, {"hour": hour, "bit": 1 << hour.astimezone(UTC).hour})
        return not cursor.fetchone()[0]


def rolled_hours(start: datetime, end: datetime) -> Ints:
    """Beginnings (µs) of the hours of a period whose quarters are all there and up to date."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(array_agg(extract(epoch FROM hour)::bigint ORDER BY hour), '{}')"
            " FROM devices_compactedhour done WHERE is_rolled AND hour >= %s AND hour < %s"
            " AND NOT EXISTS (SELECT FROM devices_reopenedhour again WHERE again.hour = done.hour)",
            [start, end],
        )
        return np.array(cursor.fetchone()[0], np.int64) * 1_000_000


class Quarters:
    """The quarters of one device over a period, opened; read by point."""

    def __init__(
        self, device_id: int, layouts: dict[int, Positions], start: datetime, end: datetime
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT layout_id, version, extract(epoch FROM hour)::bigint, data"
                " FROM rollup_quarter WHERE device_id = %s AND hour >= %s AND hour < %s"
                " ORDER BY hour",
                [device_id, start, end],
            )
            every = cursor.fetchall()
        self._layouts = layouts
        self._folded = FoldedDays(device_id, layouts, start, end)
        # An hour that was made again counts for all layouts.
        self._renewed_us = np.unique([row[2] for row in every]).astype(np.int64) * 1_000_000
        rows = [row for row in every if row[0] in layouts]
        self._opened: dict[int, Opened] = {}
        for layout_id, version in {row[:2] for row in rows}:
            mine = [row for row in rows if row[:2] == (layout_id, version)]
            layout = layouts[layout_id]
            shape = QUARTERS, len(layout.value_codes), len(layout.counter_codes)
            starts = np.array([row[2] for row in mine], np.int64) * 1_000_000
            self._opened[layout_id] = Opened((row[3] for row in mine), starts, shape, version)

    def of(self, code: str) -> Slots:
        """The slots of a point in the order of their first samples, of all layouts."""
        found = [
            opened.point(place, QUARTER_US)
            for layout_id, opened in self._opened.items()
            if (place := self._layouts[layout_id].place_of(code)) is not None
        ]
        slots = np.concatenate([none(), self._folded.of(code, self._renewed_us), *found])
        return slots[np.argsort(slots["first_at"], kind="stable")]
