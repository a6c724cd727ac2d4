"""Small curves of many points at once: lowest and highest per slice of time, in one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from devices.history.layouts import Positions, positions
from devices.models import Layout


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice of a trend: its number from 0, and the extremes of its samples."""

    number: int
    low: float
    high: float


def trends(
    *, points: Sequence[tuple[int, str]], start: datetime, end: datetime, slices: int
) -> dict[tuple[int, str], list[Slice]]:
    """Slices by (device id, point code), in order; what has no sample in the period is left out.

    A slice without a sample is missing, so that a gap can be told.
    """
    codes = sorted({code for _device, code in points})
    of_points = Q(value_codes__overlap=codes) | Q(counter_codes__overlap=codes)
    layouts = positions(Layout.objects.filter(of_points).values_list("pk", flat=True))
    if not layouts:
        return {}
    rows = _rows(sorted({device for device, _code in points}), codes, layouts, start, end, slices)
    wanted = set(points)
    found: dict[tuple[int, str], list[Slice]] = {}
    for device_id, number, *extremes in rows:
        for code, low, high in zip(codes, extremes[::2], extremes[1::2], strict=True):
            if low is not None and (device_id, code) in wanted:
                found.setdefault((device_id, code), []).append(Slice(number, low, high))
    return found


def _rows(  # noqa: PLR0913
    device_ids: Sequence[int],
    codes: Sequence[str],
    layouts: dict[int, Positions],
    start: datetime,
    end: datetime,
    slices: int,
) -> list[tuple]:
    columns = ", ".join(
        f"min({column}), max({column})" for column in (_column(code, layouts) for code in codes)
    )
    query = (
        "SELECT device_id, width_bucket(date_part('epoch', at), %s, %s, %s) - 1 AS slice, "  # noqa: S608 - numbers of layouts and positions only
        f"{columns} FROM reading "
        "WHERE device_id = ANY(%s) AND at >= %s AND at < %s GROUP BY 1, 2 ORDER BY 1, 2"
    )
    given: list[Any] = [start.timestamp(), end.timestamp(), slices, list(device_ids), start, end]
    with connection.cursor() as cursor:
        cursor.execute(query, given)
        return cursor.fetchall()


def _column(code: str, layouts: dict[int, Positions]) -> str:
    cases = "".join(
        f" WHEN {layout_id} THEN {place[0]}[{place[1] + 1}]::float8"
        for layout_id, layout in layouts.items()
        if (place := layout.column_of(code))
    )
    return f"nullif(CASE layout_id{cases} END, 'NaN'::float8)" if cases else "NULL::float8"
