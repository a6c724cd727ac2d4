"""Readings boiled down by the database: counters at given moments, means per step."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import numpy as np
from django.db import connection

from devices.history.series import Floats, _column, _layouts_with

_COUNTERS = """
SELECT edge.position - 1, device.id, newest.value
FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS edge (at, position)
CROSS JOIN unnest(%s::bigint[]) AS device (id)
CROSS JOIN LATERAL (
    SELECT {column} AS value FROM reading
    WHERE device_id = device.id AND at <= edge.at AND at > edge.at - make_interval(secs => %s)
    ORDER BY at DESC LIMIT 1
) newest
"""

_MEANS = """
SELECT device_id, floor(extract(epoch FROM at - %s) / %s)::integer AS step,
    avg(nullif({column}, 'NaN'))
FROM reading
WHERE device_id = ANY(%s) AND at >= %s AND at < %s AND quality IN (0, 1)
GROUP BY device_id, step
"""


def counters_at(
    *, device_ids: Collection[int], code: str, moments: Sequence[datetime], within: timedelta
) -> dict[int, Floats]:
    """The newest reading of a counter at each moment, by device; NaN when none is so young."""
    column = _column(code, _layouts_with({code}))
    found = {pk: np.full(len(moments), np.nan) for pk in device_ids}
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNTERS.format(column=column),
            [list(moments), list(device_ids), within.total_seconds()],
        )
        for position, pk, value in cursor.fetchall():
            found[pk][position] = value
    return found


def means(
    *, device_ids: Collection[int], code: str, start: datetime, end: datetime, step_s: int
) -> dict[int, Floats]:
    """Means of the good samples of a point over steps of the half-open period, by device."""
    column = _column(code, _layouts_with({code}))
    steps = int((end - start).total_seconds() // step_s)
    found = {pk: np.full(steps, np.nan) for pk in device_ids}
    with connection.cursor() as cursor:
        cursor.execute(_MEANS.format(column=column), [start, step_s, list(device_ids), start, end])
        for pk, step, value in cursor.fetchall():
            if value is not None and step < steps:
                found[pk][step] = value
    return found
