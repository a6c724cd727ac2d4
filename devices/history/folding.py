"""Quarters that stay: the rows of hours of a day (UTC) fold into one small row per device and layout.

`rollup_quarter` has what was written beside the blocks, `rollup_folded` what of it is some days old.
Where both have an hour of a device, that of `rollup_quarter` counts: it was made again since.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from devices.history import dayrows, daywriting
from devices.history.archive import micros_of
from devices.history.codec import Ints
from devices.history.dayrows import ABSENT, SLOTS, DayRow
from devices.history.layouts import Positions, positions
from devices.history.packing import Opened
from devices.history.partitions import (
    FOLDED,
    QUARTERS,
    drop_partition,
    ensure_partitions,
    partitions,
)
from devices.history.slots import QUARTER_US, SLOT, Slots, none
from devices.history.slots import QUARTERS as OF_HOUR

HOUR_US = OF_HOUR * QUARTER_US
DAY_US = SLOTS * QUARTER_US
LOCK = "SELECT pg_advisory_xact_lock(hashtext('devices.blocks'))"
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_INTO = (
    "COPY rollup_folded (device_id, day, layout_id, hours, version, data)"
    " FROM STDIN (FORMAT BINARY)"
)
_INTO_TYPES = ["int8", "timestamptz", "int4", "int4", "int2", "bytea"]
_HOURS_SQL = (
    "SELECT device_id, layout_id, version, extract(epoch FROM hour)::bigint, data"
    " FROM rollup_quarter WHERE device_id = ANY(%s) AND hour > %s AND hour < %s"
    " ORDER BY device_id, hour"
)
_FOLDED_SQL = (
    "SELECT device_id, layout_id, version, extract(epoch FROM day)::bigint, data, hours"
    " FROM rollup_folded WHERE device_id = ANY(%s) AND day > %s AND day < %s"
    " ORDER BY device_id, day"
)


@dataclass(slots=True)
class Quartered:
    """Quarters of devices of one layout: devices × quarters × points, none where the count is 0.

    `decimals`: devices × points. `hours`: bits of the hours (UTC) of the day that rows were there for.
    """

    layout_id: int
    layout: Positions
    device_ids: list[int]
    slots: Slots
    decimals: NDArray[np.uint8]
    hours: Ints


def quarters_of_devices(
    start: datetime, end: datetime, device_ids: Collection[int]
) -> Iterator[Quartered]:
    """The quarters from start to end, both on a quarter, by layout; in the order of layouts."""
    ids = list(device_ids)
    with connection.cursor() as cursor:
        cursor.execute(_HOURS_SQL, [ids, start - _HOUR, end])
        hours = cursor.fetchall()
        cursor.execute(_FOLDED_SQL, [ids, start - _DAY, end])
        days = cursor.fetchall()
    renewed = np.unique([_key(row[0], row[3]) for row in hours])
    layouts = positions({row[1] for row in (*hours, *days)})
    for layout_id in sorted(layouts):
        mine = [row for row in hours if row[1] == layout_id]
        folded = [row for row in days if row[1] == layout_id]
        pks = sorted({row[0] for row in (*mine, *folded)})
        filled = _Filled.empty(layouts[layout_id], pks, micros_of(start), micros_of(end))
        for version in sorted({row[2] for row in mine}):
            filled.add_hours([row for row in mine if row[2] == version], version)
        for row in folded:
            filled.add_day(row, renewed)
        yield Quartered(
            layout_id, layouts[layout_id], pks, filled.slots, filled.decimals, filled.hours
        )


def _key(device_id: int, hour_s: int) -> int:
    """A number for each device and hour; of hours since 1970 there are fewer than 2 ** 24."""
    return (device_id << 24) + hour_s // 3600


@dataclass(slots=True)
class _Filled:
    layout: Positions
    device_ids: Ints
    start_us: int
    slots: Slots
    decimals: NDArray[np.uint8]
    hours: Ints

    @classmethod
    def empty(cls, layout: Positions, pks: list[int], start_us: int, end_us: int) -> "_Filled":
        points = len(layout.value_codes) + len(layout.counter_codes)
        return cls(
            layout=layout,
            device_ids=np.array(pks, np.int64),
            start_us=start_us,
            slots=np.zeros((len(pks), (end_us - start_us) // QUARTER_US, points), SLOT),
            decimals=np.zeros((len(pks), points), np.uint8),
            hours=np.zeros(len(pks), np.int64),
        )

    def add_hours(self, rows: list[Any], version: int) -> None:
        starts = np.array([row[3] for row in rows], np.int64) * 1_000_000
        shape = OF_HOUR, len(self.layout.value_codes), len(self.layout.counter_codes)
        opened = Opened((row[4] for row in rows), starts, shape, version)
        device = np.searchsorted(self.device_ids, [row[0] for row in rows])
        # One that is a decimal in one hour and none in another goes by its bits.
        np.maximum.at(self.decimals, device, opened.decimals)
        np.bitwise_or.at(self.hours, device, 1 << starts // HOUR_US % 24)
        for place in range(opened.points):
            slots, row = opened.point_and_row(place, QUARTER_US)
            self._put(slots, device[row], place)

    def add_day(self, row: Any, renewed: Ints) -> None:
        pk, _layout, version, day_s, data, hours = row
        shape = len(self.layout.value_codes), len(self.layout.counter_codes)
        opened = DayRow(data, shape, day_s * 1_000_000, version)
        of_day = day_s + 3600 * np.arange(24)
        fresh = np.isin([_key(pk, hour) for hour in of_day.tolist()], renewed)
        device = int(np.searchsorted(self.device_ids, pk))
        known = np.where(opened.decimals == ABSENT, 0, opened.decimals)
        self.decimals[device] = np.maximum(self.decimals[device], known)
        self.hours[device] |= hours & ~int((fresh << np.arange(24)).sum())
        for place in range(opened.points):
            slots = opened.point(place)
            slots = slots[~fresh[slots["start"] // HOUR_US % 24]]
            self._put(slots, np.full(len(slots), device), place)

    def _put(self, slots: Slots, device: Ints, place: int) -> None:
        number = (slots["start"] - self.start_us) // QUARTER_US
        inside = (number >= 0) & (number < self.slots.shape[1])
        self.slots[device[inside], number[inside], place] = slots[inside]


def unfolded(day: date) -> list[int]:
    """Devices that have rows of hours of a day (UTC)."""
    start = _start(day)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT device_id FROM rollup_quarter WHERE hour >= %s AND hour < %s"
            " ORDER BY 1",
            [start, start + _DAY],
        )
        return [pk for (pk,) in cursor.fetchall()]


def fold(day: date, device_ids: Collection[int]) -> None:
    """Make the rows of hours of some devices part of their row of the day; one transaction."""
    ensure_partitions([day], FOLDED)
    start, ids = _start(day), list(device_ids)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK)
        made = [
            (pk, start, part.layout_id, int(hours), dayrows.VERSION, data)
            for part in quarters_of_devices(start, start + _DAY, ids)
            for pk, hours, data in zip(
                part.device_ids, part.hours, _packed(part, start), strict=True
            )
            if hours
        ]
        period: list[Any] = [ids, start, start + _DAY]
        for table, column in ((QUARTERS, "hour"), (FOLDED, "day")):
            cursor.execute(
                f"DELETE FROM {table.name} WHERE device_id = ANY(%s)"  # noqa: S608 - our own names
                f" AND {column} >= %s AND {column} < %s",
                period,
            )
        with connection.wrap_database_errors, cursor.copy(_INTO) as copy:
            copy.set_types(_INTO_TYPES)
            for row in made:
                copy.write_row(row)


def _packed(part: Quartered, start: datetime) -> list[bytes]:
    values = len(part.layout.value_codes)
    return daywriting.packed(part.slots, part.decimals, values, micros_of(start))


def drop_folded(*, before: date) -> list[str]:
    """Drop partitions of rows of hours that end before a day and in which nothing is left."""
    dropped = []
    for part in partitions(QUARTERS):
        if part.day + timedelta(days=QUARTERS.days) > before or not _is_empty(part.name):
            continue
        if drop_partition(part, if_=partial(_is_empty, part.name)):
            dropped.append(part.name)
    return dropped


def _is_empty(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT NOT EXISTS (SELECT FROM {name})")  # noqa: S608 - of pg_inherits
        return bool(cursor.fetchone()[0])


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


class FoldedDays:
    """The rows of days of one device over a period, opened; read by point."""

    def __init__(
        self, device_id: int, layouts: dict[int, Positions], start: datetime, end: datetime
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_FOLDED_SQL, [[device_id], start - _DAY, end])
            rows = cursor.fetchall()
        self._rows = [
            (
                layouts[layout_id],
                DayRow(
                    data,
                    (len(layouts[layout_id].value_codes), len(layouts[layout_id].counter_codes)),
                    day_s * 1_000_000,
                    version,
                ),
            )
            for _pk, layout_id, version, day_s, data, _hours in rows
            if layout_id in layouts
        ]

    def of(self, code: str, renewed_us: Ints) -> Slots:
        """The slots of a point but for hours that begin at one of these moments."""
        found = [
            row.point(place)
            for layout, row in self._rows
            if (place := layout.place_of(code)) is not None
        ]
        slots = np.concatenate([none(), *found])
        return slots[~np.isin(slots["start"] // HOUR_US * HOUR_US, renewed_us)]
