"""Device samples in PostgreSQL's binary COPY format, built by numpy for a whole group at once.

Source: PostgreSQL manual, COPY, "Binary Format"; array_send and timestamptz_send of the server.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from devices.history.samples import LayoutGroup

COLUMNS = "device_id, at, layout_id, values, counters, quality, flags"
# What copy_out() takes: every row of a layout is as long as the next.
OUT_COLUMNS = "device_id, at, layout_id, values, counters, quality, flags IS NOT NULL"
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_FIELDS = 7
_NULL = -1
_FLOAT4, _FLOAT8 = 700, 701
_ARRAY_HEADER_BYTES = 20
# Seconds from 1970 to 2000, where PostgreSQL's clock begins.
_EPOCH_S = 946_684_800


@lru_cache(maxsize=256)
def _row_type(values: int, counters: int, *, is_out: bool = False) -> np.dtype[Any]:
    return np.dtype(
        [
            ("fields", ">i2"),
            ("device_len", ">i4"),
            ("device", ">i8"),
            ("at_len", ">i4"),
            ("at", ">i8"),
            ("layout_len", ">i4"),
            ("layout", ">i4"),
            *_array("values", values, ">f4"),
            *_array("counters", counters, ">f8"),
            ("quality_len", ">i4"),
            ("quality", ">i2"),
            ("flags_len", ">i4"),
            *([("has_flags", "?")] if is_out else []),
        ]
    )


def _array(name: str, size: int, kind: str) -> list[tuple[Any, ...]]:
    """The wire form of a one-dimensional array without NULLs; an empty one has no dimension."""
    head = [(f"{name}_len", ">i4"), (f"{name}_dims", ">i4"), (f"{name}_nulls", ">i4")]
    head.append((f"{name}_type", ">i4"))
    if not size:
        return head
    head += [(f"{name}_size", ">i4"), (f"{name}_first", ">i4")]
    return [*head, (name, [("len", ">i4"), ("value", kind)], (size,))]


def _fill_array(rows: Any, name: str, data: Any, type_oid: int) -> None:
    size, width = data.shape[1], data.dtype.itemsize
    rows[f"{name}_type"] = type_oid
    if not size:
        rows[f"{name}_len"] = 12
        return
    rows[f"{name}_len"] = _ARRAY_HEADER_BYTES + size * (4 + width)
    rows[f"{name}_dims"] = rows[f"{name}_first"] = 1
    rows[f"{name}_size"] = size
    rows[name]["len"] = width
    rows[name]["value"] = data


def copy_rows(group: LayoutGroup) -> bytes:
    """The rows of a group, without header and trailer."""
    values = np.asarray(group.values, np.float32)
    counters = np.asarray(group.counters, np.float64)
    rows = np.zeros(len(group), _row_type(values.shape[1], counters.shape[1]))
    rows["fields"] = _FIELDS
    rows["device_len"] = rows["at_len"] = 8
    rows["device"] = group.device_ids
    rows["at"] = np.rint((group.at - _EPOCH_S) * 1e6)
    rows["layout_len"] = 4
    rows["layout"] = group.layout_id
    _fill_array(rows, "values", values, _FLOAT4)
    _fill_array(rows, "counters", counters, _FLOAT8)
    rows["quality_len"] = 2
    rows["quality"] = group.quality
    rows["flags_len"] = _NULL
    if not any(group.flags):
        return rows.tobytes()
    return b"".join(
        rows[row].tobytes()
        if not flags
        else rows[row].tobytes()[:-4] + len(flags).to_bytes(4, "big") + flags
        for row, flags in enumerate(group.flags)
    )


def rows_out(data: bytes, values: int, counters: int) -> Any:
    """The rows of a COPY of OUT_COLUMNS of one layout: a record array, big endian.

    Raises ValueError when a row is not of the layout.
    """
    kind = _row_type(values, counters, is_out=True)
    body = data[len(HEADER) : -len(TRAILER)]
    if len(body) % kind.itemsize:
        raise ValueError(f"{len(body)} bytes are no rows of {values} values, {counters} counters")
    rows = np.frombuffer(body, kind)
    for name, size in (("values", values), ("counters", counters)):
        if size and (rows[f"{name}_size"] != size).any():
            raise ValueError(f"a row without {size} {name}")
    return rows


def micros(rows: Any) -> Any:
    """Times of such rows in microseconds since 1970."""
    return rows["at"].astype(np.int64) + _EPOCH_S * 1_000_000
