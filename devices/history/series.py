"""The reader: series of points over a period, thinned so that no peak is lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection

from devices.history.layouts import Positions, positions
from devices.history.tracks import Floats, Statistics, Track
from devices.models import Layout, PointCode

# Read in pieces of so many days, so that the memory does not grow with the period.
PIECE = timedelta(days=8)
# COPY BINARY: signature, flags and length of the extension; then -1 as the last field count.
_HEADER_BYTES, _TRAILER_BYTES = 19, 2


@dataclass(slots=True)
class Series:
    """One point over time. `at` is in epoch seconds, ascending; a None value marks a gap.

    When thinned (`is_reduced`) at most two values per bucket remain, its lowest and its highest, at
    their own times; `minimum` and `maximum` then hold the bucket's extremes, aligned with `at`.
    Otherwise they are empty. Values are at the meter's primary side, counters as they were read.
    """

    device_id: int
    code: str
    unit: str
    at: list[float] = field(default_factory=list)
    value: list[float | None] = field(default_factory=list)
    minimum: list[float | None] = field(default_factory=list)
    maximum: list[float | None] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    is_reduced: bool = False
    statistics: Statistics = field(default_factory=Statistics)


def series(
    *,
    points: Sequence[tuple[int, str]],
    start: datetime,
    end: datetime,
    max_points: int = 2000,
) -> list[Series]:
    """Series of (device id, point code) in the order asked, over the half-open period.

    At most `max_points` values each, besides the None of each gap; statistics are of all samples.
    """
    codes = {code for _device, code in points}
    layouts = _layouts_with(codes)
    units = dict(PointCode.objects.filter(code__in=codes).values_list("code", "unit"))
    period = start.timestamp(), end.timestamp()
    tracks = {point: Track(period, max_points) for point in points}
    for device_id in dict.fromkeys(device for device, _code in points):
        wanted = [code for device, code in tracks if device == device_id]
        for since, until in _pieces(start, end):
            rows = _rows(device_id, wanted, layouts, since, until)
            for position, code in enumerate(wanted, start=1):
                tracks[device_id, code].feed(rows[:, 0], rows[:, position])
    return [
        _shaped(Series(device_id=device, code=code, unit=units.get(code, "")), track)
        for (device, code), track in ((point, tracks[point]) for point in points)
    ]


def _pieces(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        until = min(start + PIECE, end)
        yield start, until
        start = until


def _layouts_with(codes: set[str]) -> dict[int, Positions]:
    ids = Layout.objects.filter(value_codes__overlap=list(codes)).values_list("pk", flat=True)
    more = Layout.objects.filter(counter_codes__overlap=list(codes)).values_list("pk", flat=True)
    return positions({*ids, *more})


def _rows(
    device_id: int,
    codes: Sequence[str],
    layouts: dict[int, Positions],
    start: datetime,
    end: datetime,
) -> Floats:
    """One row per sample: epoch seconds, then the codes; NaN where the layout lacks one.

    Read by COPY into an array, so that a month of a curve costs no step per sample.
    """
    columns = ", ".join(_column(code, layouts) for code in codes)
    query = (
        f"COPY (SELECT date_part('epoch', at), {columns} FROM reading"  # noqa: S608 - no text of users
        " WHERE device_id = %s"
        " AND at >= %s AND at < %s ORDER BY at) TO STDOUT (FORMAT BINARY)"
    )
    with connection.cursor() as cursor:
        # COPY takes no parameters of the protocol.
        statement = cursor.mogrify(query, [device_id, start, end])
        with connection.wrap_database_errors, cursor.copy(statement) as copy:
            data = b"".join(copy)
    return _numbers(data, 1 + len(codes))


def _column(code: str, layouts: dict[int, Positions]) -> str:
    cases = "".join(
        f" WHEN {layout_id} THEN {place[0]}[{place[1] + 1}]::float8"
        for layout_id, layout in layouts.items()
        if (place := layout.column_of(code))
    )
    return f"coalesce(CASE layout_id{cases} END, 'NaN')" if cases else "'NaN'::float8"


def _numbers(data: bytes, width: int) -> Floats:
    row: np.dtype[Any] = np.dtype(
        [("fields", ">i2"), ("cells", [("len", ">i4"), ("number", ">f8")], (width,))]
    )
    body = memoryview(data)[_HEADER_BYTES : len(data) - _TRAILER_BYTES]
    return np.frombuffer(body, row)["cells"]["number"].astype(np.float64)


def _shaped(result: Series, track: Track) -> Series:
    track.finish()
    at, value, lowest, highest = track.points()
    result.statistics, result.gaps = track.statistics, track.pauses.gaps
    result.is_reduced = track.is_reduced
    result.at, result.value = at.tolist(), value.tolist()
    result.minimum, result.maximum = lowest.tolist(), highest.tolist()
    _mark(result)
    return result


def _mark(result: Series) -> None:
    """Put a None into each gap that still lies between two of the values."""
    edges = np.searchsorted(result.at, [(start + end) / 2 for start, end in result.gaps])
    for place, (start, end) in reversed(list(zip(edges.tolist(), result.gaps, strict=True))):
        result.at.insert(place, (start + end) / 2)
        result.value.insert(place, None)
        if result.is_reduced:
            result.minimum.insert(place, None)
            result.maximum.insert(place, None)
