"""The reader: series of points over a period, thinned so that no peak is lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection

from devices.history.archive import HOT_FROM, kept
from devices.history.layouts import Positions, positions
from devices.history.tracks import Floats, Statistics, Track
from devices.models import Layout, PointCode

# Read in pieces of so many days, so that the memory does not grow with the period.
PIECE = timedelta(days=8)
# array_send: dimensions, flag of NULLs, type; then size and lower bound of the one dimension.
_ARRAY_HEADER_BYTES = 20


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

    Each column comes as one packed array, so that a curve costs no step per sample here.
    """
    hot, moment = _hot_rows(device_id, codes, layouts, start, end)
    if moment is None or start >= moment:
        return hot
    before = kept(device_ids=[device_id], codes=codes, start=start, end=min(end, moment))
    if device_id not in before:
        return hot
    old = before[device_id]
    return np.concatenate((np.column_stack((old.at_us / 1e6, old.columns)), hot))


def _hot_rows(
    device_id: int,
    codes: Sequence[str],
    layouts: dict[int, Positions],
    start: datetime,
    end: datetime,
) -> tuple[Floats, datetime | None]:
    """The rows from the handover on, and when that was."""
    names = [f"v{position}" for position in range(len(codes))]
    columns = ", ".join(
        f"{_column(code, layouts)} AS {name}" for code, name in zip(codes, names, strict=True)
    )
    packed = ", ".join(f"array_send(array_agg({name}))" for name in ("epoch", *names))
    query = (
        f"SELECT (SELECT handed_until FROM devices_handover), {packed} FROM"  # noqa: S608 - no text of users
        f" (SELECT date_part('epoch', at) AS epoch, {columns} FROM reading WHERE device_id = %s"
        f" AND at >= %s AND at < %s AND at >= {HOT_FROM} ORDER BY at) AS samples"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [device_id, start, end])
        moment, *found = cursor.fetchone()
    if found[0] is None:
        return np.empty((0, len(found))), moment
    return np.stack([_numbers(column) for column in found], axis=1), moment


def _column(code: str, layouts: dict[int, Positions]) -> str:
    cases = "".join(
        f" WHEN {layout_id} THEN {place[0]}[{place[1] + 1}]::float8"
        for layout_id, layout in layouts.items()
        if (place := layout.column_of(code))
    )
    return f"coalesce(CASE layout_id{cases} END, 'NaN')" if cases else "'NaN'::float8"


def _numbers(data: bytes) -> Floats:
    """A float8 array in its wire form: a header, then a length before each number."""
    cell: np.dtype[Any] = np.dtype([("len", ">i4"), ("number", ">f8")])
    return np.frombuffer(data, cell, offset=_ARRAY_HEADER_BYTES)["number"].astype(np.float64)


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
