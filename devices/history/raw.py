"""Samples of one device: packed columns out of rows and blocks, with what is laid over them."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection

from devices.history import overlay
from devices.history.archive import HOT_FROM, kept
from devices.history.codec import Floats
from devices.history.layouts import Positions, positions
from devices.models import Layout

# Read in pieces of so many days, so that the memory does not grow with the period.
PIECE = timedelta(days=8)
# array_send: dimensions, flag of NULLs, type; then size and lower bound of the one dimension.
_ARRAY_HEADER_BYTES = 20

# Samples of a device in pieces: epoch seconds, then a column per code, from a moment to another.
Reader = Callable[[int, Sequence[str], datetime, datetime], Iterator[Floats]]


def reader(layouts: dict[int, Positions]) -> Reader:
    """Reads points of these layouts, a few days at a time."""

    def read(
        device_id: int, codes: Sequence[str], start: datetime, end: datetime
    ) -> Iterator[Floats]:
        for since, until in _pieces(start, end):
            yield rows(device_id, codes, layouts, since, until)

    return read


def _pieces(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        until = min(start + PIECE, end)
        yield start, until
        start = until


def layouts_with(codes: set[str]) -> dict[int, Positions]:
    """The layouts that have any of the codes."""
    ids = Layout.objects.filter(value_codes__overlap=list(codes)).values_list("pk", flat=True)
    more = Layout.objects.filter(counter_codes__overlap=list(codes)).values_list("pk", flat=True)
    return positions({*ids, *more})


def rows(  # noqa: PLR0913
    device_id: int,
    codes: Sequence[str],
    layouts: dict[int, Positions],
    start: datetime,
    end: datetime,
    *,
    with_quality: bool = False,
    as_stored: bool = False,
) -> Floats:
    """One row per sample: epoch seconds, then the codes; NaN where the layout lacks one.

    Each column comes as one packed array, so that a curve costs no step per sample here.
    with_quality: then as many columns with the quality of each (states.Quality). as_stored: nothing
    is laid over the samples.
    """
    asked = [column(code, layouts) for code in codes]
    asked += ["quality::float8"]
    found, moment, laid = _hot_rows(device_id, asked, start, end)
    if moment is not None and start < moment:
        before = kept(device_ids=[device_id], codes=codes, start=start, end=min(end, moment))
        if device_id in before:
            old = before[device_id]
            columns = np.column_stack((old.at_us / 1e6, old.columns, old.quality))
            found = np.concatenate((columns, found))
    at, value, quality = found[:, :1], found[:, 1:-1], found[:, -1:]
    marks = np.zeros(value.shape, np.uint8)
    if laid and not as_stored:
        at_us = np.rint(at[:, 0] * 1e6).astype(np.int64)
        value, marks = overlay.lay(laid, device_id, codes, at_us, value)
    if with_quality:
        return np.column_stack((at, value, np.where(marks, marks, quality)))
    return np.column_stack((at, value))


def _hot_rows(
    device_id: int, asked: Sequence[str], start: datetime, end: datetime
) -> tuple[Floats, datetime | None, list[overlay.Laid]]:
    """The rows from the handover on, when that was, and what lies over all of the period."""
    names = [f"v{position}" for position in range(len(asked))]
    columns = ", ".join(f"{sql} AS {name}" for sql, name in zip(asked, names, strict=True))
    packed = ", ".join(f"array_send(array_agg({name}))" for name in ("epoch", *names))
    query = (
        f"SELECT (SELECT handed_until FROM devices_handover), {overlay.SQL}, {packed} FROM"  # noqa: S608 - no text of users
        f" (SELECT date_part('epoch', at) AS epoch, {columns} FROM reading WHERE device_id = %s"
        f" AND at >= %s AND at < %s AND at >= {HOT_FROM} ORDER BY at) AS samples"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [*overlay.given([device_id], start, end), device_id, start, end])
        moment, laid, *found = cursor.fetchone()
    over = overlay.read(laid)
    if found[0] is None:
        return np.empty((0, len(found))), moment, over
    return np.stack([numbers(column) for column in found], axis=1), moment, over


def column(code: str, layouts: dict[int, Positions]) -> str:
    """The SQL of a point: its position by layout, NaN where there is none."""
    cases = "".join(
        f" WHEN {layout_id} THEN {place[0]}[{place[1] + 1}]::float8"
        for layout_id, layout in layouts.items()
        if (place := layout.column_of(code))
    )
    return f"coalesce(CASE layout_id{cases} END, 'NaN')" if cases else "'NaN'::float8"


def numbers(data: bytes) -> Floats:
    """A float8 array in its wire form: a header, then a length before each number."""
    cell: np.dtype[Any] = np.dtype([("len", ">i4"), ("number", ">f8")])
    return np.frombuffer(data, cell, offset=_ARRAY_HEADER_BYTES)["number"].astype(np.float64)
