"""The tables of quarters and days: written beside the blocks, read by point.

`rollup_quarter` has a row per device, layout and hour, `rollup_day` one per device, layout and local
day of the device's site; both hold the slots of all points in packed form.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection

from devices.history.archive import micros_of
from devices.history.codec import Ints
from devices.history.encoder import Columns
from devices.history.layouts import Positions
from devices.history.packing import VERSION, Opened, decimals_of, packed
from devices.history.slots import QUARTER_US, QUARTERS, Slots, none, table_of

HOUR_US = QUARTERS * QUARTER_US
_INTO = "COPY rollup_quarter (device_id, hour, layout_id, version, data) FROM STDIN (FORMAT BINARY)"
_INTO_TYPES = ["int8", "timestamptz", "int4", "int2", "bytea"]


@dataclass(frozen=True, slots=True)
class Rolled:
    """The quarters of an hour of some devices of one layout, ready to be written."""

    hour: datetime
    layout_id: int
    device_ids: Sequence[int]
    data: Sequence[bytes]


def rolled(hour: datetime, layout_id: int, device_ids: Sequence[int], columns: Columns) -> Rolled:
    """The quarters of rows that are at hand as columns for their blocks."""
    rows, starts = columns.rows, columns.starts
    start_us = micros_of(hour)
    values = rows.values.shape[1]
    table = table_of(rows, starts, start_us)
    times = np.split(rows.at_us - start_us, starts[1:])
    data = packed(table, decimals_of(columns.kinds, values), values, times)
    return Rolled(hour, layout_id, device_ids, data)


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


def quarters_of(hour: datetime) -> int:
    """How many rows hold the quarters of an hour: as many as there are blocks, or some are missing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM rollup_quarter WHERE hour = %s", [hour])
        return int(cursor.fetchone()[0])


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
                " AND layout_id = ANY(%s) ORDER BY hour",
                [device_id, start, end, list(layouts)],
            )
            rows = cursor.fetchall()
        self._layouts = layouts
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
        if not found:
            return none()
        slots = np.concatenate(found)
        return slots[np.argsort(slots["first_at"], kind="stable")]
