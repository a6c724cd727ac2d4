"""An hour of samples from the hot table into blocks: what there is, what differs, the rewrite.

The quarters of the hour (rolling) are made in the same pass, and stand or fall with its blocks.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from django.db import connection, transaction

from devices.history import overlay
from devices.history.archive import handed_until
from devices.history.codec import VERSION, Block, Ints, Rows, joined
from devices.history.encoder import Columns
from devices.history.folding import LOCK
from devices.history.late import note_uncounted
from devices.history.layouts import positions
from devices.history.partitions import BLOCKS, QUARTERS, ensure_partitions
from devices.history.rolling import Rolled, clear, rolled, write
from devices.history.rows import OUT_COLUMNS, micros, rows_out

HOUR = timedelta(hours=1)
_QUARTER_US = 900 * 1_000_000
# Good or partial: what counts as a sample that came (services.tallies).
_WORST_GOOD = 1

_DIFFERING = """
SELECT hot.device_id FROM (
    SELECT device_id, layout_id, count(*) AS rows FROM reading
    WHERE at >= %(hour)s AND at < %(end)s GROUP BY device_id, layout_id
) hot
LEFT JOIN reading_block block ON block.device_id = hot.device_id
    AND block.layout_id = hot.layout_id AND block.hour = %(hour)s
WHERE %(all)s OR block.rows IS DISTINCT FROM hot.rows
GROUP BY hot.device_id ORDER BY hot.device_id
"""
_OUT = (
    f"COPY (SELECT {OUT_COLUMNS} FROM reading"  # noqa: S608 - names of columns
    " WHERE device_id = ANY(%s::bigint[]) AND at >= %s AND at < %s AND layout_id = %s)"
    " TO STDOUT (FORMAT BINARY)"
)
_INTO = (
    "COPY reading_block (device_id, hour, layout_id, version, rows,"
    " good_1, good_2, good_3, good_4, data) FROM STDIN (FORMAT BINARY)"
)
_INTO_TYPES = ["int8", "timestamptz", "int4", "int2", "int4", *["int2"] * 4, "bytea"]


@dataclass(frozen=True, slots=True)
class Written:
    """Blocks, rows in them and their bytes."""

    blocks: int = 0
    rows: int = 0
    size_bytes: int = 0

    def __add__(self, more: "Written") -> "Written":
        return Written(
            self.blocks + more.blocks, self.rows + more.rows, self.size_bytes + more.size_bytes
        )


def differing(hour: datetime, *, is_all: bool = False) -> list[int]:
    """Devices with rows in the hot table that are not in a block; ascending.

    Rows are only ever added there, so that equal numbers mean equal rows. Once rows may have left
    it, that is no longer so: is_all takes every device that has one.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERING, {"hour": hour, "end": hour + HOUR, "all": is_all})
        return [pk for (pk,) in cursor.fetchall()]


def total(hour: datetime) -> Written:
    """All blocks of an hour."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(sum(rows), 0), coalesce(sum(octet_length(data)), 0)"
            " FROM reading_block WHERE hour = %s",
            [hour],
        )
        return Written(*map(int, cursor.fetchone()))


def compact(hour: datetime, device_ids: Collection[int]) -> Written:
    """Write the blocks of some devices for an hour anew; one transaction, as often as one likes.

    Before the moment of the handover the blocks are the truth: late rows join them where the moment
    is not there yet, and leave the hot table. After it blocks are copies of the hot rows.
    """
    ensure_partitions([hour.date()], BLOCKS)
    ensure_partitions([hour.date()], QUARTERS)
    ids = list(device_ids)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK)
        moment = handed_until()
        is_handed = moment is not None and hour < moment
        hot = dict(_hot(hour, ids))
        kept = _with_blocks(hour, hot) if is_handed else hot
        written = _write(hour, ids if not is_handed else sorted({pk for pk, _l in hot}), kept)
        if is_handed:
            _leave(hot)
            note_uncounted([hour])
        return written


def roll(hour: datetime, device_ids: Collection[int]) -> None:
    """Make the quarters of some devices for an hour anew, out of its blocks."""
    ensure_partitions([hour.date()], QUARTERS)
    ids = list(device_ids)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK)
        kept = _blocks(hour, ids)
        laid = overlay.laid_on(ids, hour, hour + HOUR)
        summed = []
        for layout_id in {layout for _pk, layout in kept}:
            devices = [pk for pk, layout in kept if layout == layout_id]
            rows = joined([kept[pk, layout_id] for pk in devices])
            sizes = [len(kept[pk, layout_id]) for pk in devices]
            starts = np.cumsum([0, *sizes[:-1]])
            summed.append(rolled(hour, layout_id, devices, Columns(rows, starts), laid))
        clear(hour, ids)
        write(summed)


def stored(hour: datetime, device_ids: Collection[int]) -> dict[tuple[int, int], Rows]:
    """The samples of an hour as they came, by device and layout; nothing laid over them.

    Rows are read many times faster than blocks, as long as they are there.
    """
    moment = handed_until()
    if moment is None or hour >= moment:
        return dict(_hot(hour, list(device_ids)))
    return _blocks(hour, list(device_ids))


def with_blocks(hour: datetime, *, among: Collection[int] | None = None) -> list[int]:
    """Devices that have a block of an hour, of all or of these; ascending."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT device_id FROM reading_block"
            " WHERE hour = %s AND (%s::bigint[] IS NULL OR device_id = ANY(%s)) ORDER BY device_id",
            [hour, *[None if among is None else list(among)] * 2],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _blocks(hour: datetime, ids: list[int]) -> dict[tuple[int, int], Rows]:
    """The rows of blocks by device and layout."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT device_id, layout_id, version, data FROM reading_block"
            " WHERE hour = %s AND device_id = ANY(%s)",
            [hour, ids],
        )
        return {
            (pk, layout_id): Block(data, version).whole()
            for pk, layout_id, version, data in cursor.fetchall()
        }


def _hot(hour: datetime, ids: list[int]) -> Iterator[tuple[tuple[int, int], Rows]]:
    """Rows by device and layout, in the order of time."""
    period = hour, hour + HOUR
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT layout_id FROM reading"
            " WHERE device_id = ANY(%s) AND at >= %s AND at < %s",
            [ids, *period],
        )
        layouts = positions([pk for (pk,) in cursor.fetchall()])
        for layout_id, codes in layouts.items():
            with cursor.copy(_OUT, [ids, *period, layout_id]) as copy:
                data = b"".join(copy)
            found = rows_out(data, len(codes.value_codes), len(codes.counter_codes))
            flags: dict[tuple[int, int], bytes] = {}
            if found["has_flags"].any():
                flags = _flags(ids, period, layout_id)
            yield from _by_device(layout_id, found, flags)


def _flags(
    ids: list[int], period: tuple[datetime, datetime], layout_id: int
) -> dict[tuple[int, int], bytes]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT device_id, (extract(epoch FROM at) * 1000000)::bigint, flags FROM reading"
            " WHERE device_id = ANY(%s) AND at >= %s AND at < %s AND layout_id = %s"
            " AND flags IS NOT NULL",
            [ids, *period, layout_id],
        )
        return {(pk, at): bytes(flags) for pk, at, flags in cursor.fetchall()}


def _by_device(
    layout_id: int, found: np.ndarray, flags: dict[tuple[int, int], bytes]
) -> Iterator[tuple[tuple[int, int], Rows]]:
    device, at = found["device"].astype(np.int64), micros(found)
    order = np.lexsort((at, device))
    device, at = device[order], at[order]
    values = _array(found, "values", np.float32)[order]
    counters = _array(found, "counters", np.float64)[order]
    quality = found["quality"][order].astype(np.uint8)
    keys = zip(device.tolist(), at.tolist(), strict=True)
    marks: list[bytes | None] = [flags.get(key) for key in keys] if flags else [None] * len(at)
    starts = np.flatnonzero(np.diff(device, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(device)], strict=True):
        part = slice(start, end)
        yield (
            (int(device[start]), layout_id),
            Rows(at[part], values[part], counters[part], quality[part], marks[part]),
        )


def _array(found: np.ndarray, name: str, kind: type) -> np.ndarray:
    if name not in (found.dtype.names or ()):
        return np.empty((len(found), 0), kind)
    return found[name]["value"].astype(kind)


def _with_blocks(hour: datetime, hot: dict[tuple[int, int], Rows]) -> dict[tuple[int, int], Rows]:
    """Blocks and late rows together. A moment has one row, whatever its layout: the first one."""
    kept = _blocks(hour, sorted({pk for pk, _layout in hot}))
    taken: dict[int, set[int]] = {}
    for (pk, _layout), rows in kept.items():
        taken.setdefault(pk, set()).update(rows.at_us.tolist())
    for (pk, layout_id), rows in hot.items():
        known = np.fromiter(taken.get(pk, ()), np.int64)
        fresh = rows.take(np.flatnonzero(~np.isin(rows.at_us, known)))
        before = kept.get((pk, layout_id))
        if before is not None:
            both = joined([before, fresh])
            fresh = both.take(np.argsort(both.at_us, kind="stable"))
        if len(fresh):
            kept[pk, layout_id] = fresh
    return kept


def _write(hour: datetime, ids: list[int], kept: dict[tuple[int, int], Rows]) -> Written:
    written = Written()
    summed: list[Rolled] = []
    by_layout: dict[int, list[int]] = {}
    for pk, layout_id in kept:
        by_layout.setdefault(layout_id, []).append(pk)
    # Nothing can be asked while the copy is under way.
    laid = overlay.laid_on(ids, hour, hour + HOUR)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM reading_block WHERE hour = %s AND device_id = ANY(%s)", [hour, ids]
        )
        with connection.wrap_database_errors, cursor.copy(_INTO) as copy:
            copy.set_types(_INTO_TYPES)
            for layout_id, devices in by_layout.items():
                rows = joined([kept[pk, layout_id] for pk in devices])
                sizes = [len(kept[pk, layout_id]) for pk in devices]
                starts = np.cumsum([0, *sizes[:-1]])
                columns = Columns(rows, starts)
                blocks = [columns.block(number) for number in range(len(devices))]
                summed.append(rolled(hour, layout_id, devices, columns, laid))
                goods = _goods(hour, rows, starts)
                for pk, size, good, data in zip(devices, sizes, goods, blocks, strict=True):
                    copy.write_row((pk, hour, layout_id, VERSION, size, *good, data))
                written += Written(len(blocks), sum(sizes), sum(map(len, blocks)))
    clear(hour, ids)
    write(summed)
    return written


def _goods(hour: datetime, rows: Rows, starts: Ints) -> list[list[int]]:
    """Good samples of each block by quarters of its hour."""
    quarter = (rows.at_us - round(hour.timestamp()) * 1_000_000) // _QUARTER_US
    is_good = rows.quality <= _WORST_GOOD
    counts = [np.add.reduceat((quarter == q) & is_good, starts, dtype=np.int64) for q in range(4)]
    return np.stack(counts, 1).tolist()


def _leave(hot: dict[tuple[int, int], Rows]) -> None:
    """Take rows that are in a block now out of the hot table: these rows, and none that came since."""
    ids = [pk for (pk, _layout), rows in hot.items() for _row in range(len(rows))]
    moments = [
        datetime.fromtimestamp(at // 1_000_000, UTC) + timedelta(microseconds=at % 1_000_000)
        for rows in hot.values()
        for at in rows.at_us.tolist()
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM reading USING unnest(%s::bigint[], %s::timestamptz[]) AS gone (id, at)"
            " WHERE reading.device_id = gone.id AND reading.at = gone.at",
            [ids, moments],
        )
