"""Small curves of many points at once: lowest and highest per slice of time, in one query."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isnan
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Q

from devices.history import overlay, raw
from devices.history.archive import HOT_FROM, Kept, kept
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
    devices = sorted({device for device, _code in points})
    answer = _hot(devices, codes, layouts, start, end, slices)
    laid = {one.device_id for one in overlay.laid_on(devices, start, end) if one.code in codes}
    moment = next((row[-1] for row in answer if row[0] is None), None)
    rows: list[Sequence[Any]] = [row for row in answer if row[0] not in {None, *laid}]
    period = start.timestamp(), end.timestamp()
    if moment is not None and start < moment:
        before = kept(device_ids=devices, codes=codes, start=start, end=min(end, moment))
        rows += [
            line
            for pk, old in before.items()
            if pk not in laid
            for line in _sliced(pk, old, period, slices)
        ]
    for pk in laid:
        read = raw.rows(pk, codes, layouts, start, end)
        if len(read):
            at_us = np.rint(read[:, 0] * 1e6).astype(np.int64)
            old = Kept(at_us, np.zeros(len(at_us), np.uint8), read[:, 1:])
            rows += _sliced(pk, old, period, slices)
    return _by_point(rows, codes, set(points))


def _by_point(
    rows: Iterable[Sequence[Any]], codes: Sequence[str], wanted: set[tuple[int, str]]
) -> dict[tuple[int, str], list[Slice]]:
    """Of two rows of one slice, as on both sides of the handover, the extremes of both."""
    found: dict[tuple[int, str], dict[int, Slice]] = {}
    for device_id, number, *extremes in rows:
        for code, low, high in zip(codes, extremes[:-1:2], extremes[1::2], strict=False):
            if low is None or (device_id, code) not in wanted:
                continue
            slices = found.setdefault((device_id, code), {})
            known = slices.get(number, Slice(number, low, high))
            slices[number] = Slice(number, min(low, known.low), max(high, known.high))
    return {
        point: [slices[number] for number in sorted(slices)]
        for point, slices in sorted(found.items())
    }


def _sliced(pk: int, old: Kept, period: tuple[float, float], slices: int) -> Iterator[list[Any]]:
    """Rows as the database gives them: device, slice, extremes per code, nothing."""
    start, end = period
    share = (old.at_us / 1e6 - start) / (end - start)
    number = np.minimum((slices * share).astype(np.intp), slices - 1)
    begins = np.flatnonzero(np.diff(number, prepend=-1))
    low = np.fmin.reduceat(old.columns, begins, axis=0)
    high = np.fmax.reduceat(old.columns, begins, axis=0)
    both = np.stack((low, high), axis=2).reshape(len(begins), -1)
    for place, line in zip(number[begins].tolist(), both.tolist(), strict=True):
        yield [pk, place, *(None if isnan(value) else value for value in line), None]


def _hot(  # noqa: PLR0913
    device_ids: Sequence[int],
    codes: Sequence[str],
    layouts: dict[int, Positions],
    start: datetime,
    end: datetime,
    slices: int,
) -> list[tuple]:
    """The slices of the hot table; a row without a device tells where it begins."""
    columns = ", ".join(
        f"min({column}), max({column})" for column in (_column(code, layouts) for code in codes)
    )
    nothing = ", ".join("NULL, NULL" for _code in codes)
    query = (
        f"SELECT NULL, NULL, {nothing}, handed_until FROM devices_handover UNION ALL ("  # noqa: S608 - numbers of layouts and positions only
        "SELECT device_id, width_bucket(date_part('epoch', at), %s, %s, %s) - 1 AS slice, "
        f"{columns}, NULL FROM reading "
        f"WHERE device_id = ANY(%s) AND at >= %s AND at < %s AND at >= {HOT_FROM} "
        "GROUP BY 1, 2)"
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
