"""Readings boiled down: counters at given moments, means per step.

The database does it for the hot table; what was handed over to blocks is added here. A row
without a device tells up to where that is.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import numpy as np
from django.db import connection

from devices.history import overlay
from devices.history.archive import HOT_FROM, Kept, kept, micros_of
from devices.history.codec import Floats
from devices.history.layouts import Positions
from devices.history.raw import column, layouts_with, rows
from devices.states import Quality

_COUNTERS = """
SELECT NULL::bigint, NULL::bigint, NULL::float8, handed_until FROM devices_handover
UNION ALL
SELECT edge.position - 1, device.id, newest.value, NULL
FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS edge (at, position)
CROSS JOIN unnest(%s::bigint[]) AS device (id)
CROSS JOIN LATERAL (
    SELECT {column} AS value FROM reading
    WHERE device_id = device.id AND at <= edge.at AND at > edge.at - make_interval(secs => %s)
        AND at >= {hot_from}
    ORDER BY at DESC LIMIT 1
) newest
"""

_MEANS = """
SELECT NULL::bigint, NULL::integer, NULL::float8, NULL::bigint, handed_until FROM devices_handover
UNION ALL
SELECT device_id, floor(extract(epoch FROM at - %s) / %s)::integer AS step,
    sum(nullif({column}, 'NaN')), count(nullif({column}, 'NaN')), NULL
FROM reading
WHERE device_id = ANY(%s) AND at >= %s AND at < %s AND at >= {hot_from} AND quality IN (0, 1)
GROUP BY device_id, step
"""
_WORST_GOOD = 1


def counters_at(
    *, device_ids: Collection[int], code: str, moments: Sequence[datetime], within: timedelta
) -> dict[int, Floats]:
    """The newest reading of a counter at each moment, by device; NaN when none is so young."""
    layouts = layouts_with({code})
    of_code = column(code, layouts)
    found = {pk: np.full(len(moments), np.nan) for pk in device_ids}
    # Where nothing of the hot table answers, a block may.
    is_open = {pk: np.ones(len(moments), np.bool_) for pk in device_ids}
    moment = None
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNTERS.format(column=of_code, hot_from=HOT_FROM),
            [list(moments), list(device_ids), within.total_seconds()],
        )
        for position, pk, value, handed in cursor.fetchall():
            if pk is None:
                moment = handed
                continue
            found[pk][position] = value
            is_open[pk][position] = False
    if not moments:
        return found
    last = max(moments) + timedelta(microseconds=1)
    for pk in _laid_over(device_ids, code, min(moments) - within, last):
        is_open[pk][:] = False
        found[pk] = _newest(pk, code, layouts, moments, within)
    if moment is None or min(moments) - within >= moment:
        return found
    start, end = min(moments) - within, min(moment, last)
    edges = np.array([micros_of(at) for at in moments])
    for pk, old in kept(device_ids=device_ids, codes=[code], start=start, end=end).items():
        place = np.searchsorted(old.at_us, edges, side="right") - 1
        young = edges - old.at_us[place] < round(within.total_seconds() * 1e6)
        taken = is_open[pk] & (place >= 0) & young
        found[pk][taken] = old.columns[place[taken], 0]
    return found


def _laid_over(device_ids: Collection[int], code: str, start: datetime, end: datetime) -> set[int]:
    """Devices whose samples of the point are not all as they were stored."""
    found = overlay.laid_on(device_ids, start, end)
    return {one.device_id for one in found if one.code == code}


def _newest(
    pk: int,
    code: str,
    layouts: dict[int, Positions],
    moments: Sequence[datetime],
    within: timedelta,
) -> Floats:
    """The newest good reading of one device at each moment, with what is laid over it."""
    last = max(moments) + timedelta(microseconds=1)
    samples = rows(pk, [code], layouts, min(moments) - within, last)
    samples = samples[~np.isnan(samples[:, 1])]
    edges = np.array([at.timestamp() for at in moments])
    place = np.searchsorted(np.rint(samples[:, 0] * 1e6), np.rint(edges * 1e6), side="right") - 1
    found = np.full(len(edges), np.nan)
    known = np.flatnonzero(place >= 0)
    young = edges[known] - samples[place[known], 0] < within.total_seconds()
    found[known[young]] = samples[place[known[young]], 1]
    return found


def means(
    *, device_ids: Collection[int], code: str, start: datetime, end: datetime, step_s: int
) -> dict[int, Floats]:
    """Means of the good samples of a point over steps of the half-open period, by device."""
    layouts = layouts_with({code})
    of_code = column(code, layouts)
    steps = int((end - start).total_seconds() // step_s)
    sums = {pk: np.zeros(steps) for pk in device_ids}
    counts = {pk: np.zeros(steps) for pk in device_ids}
    moment = None
    with connection.cursor() as cursor:
        cursor.execute(
            _MEANS.format(column=of_code, hot_from=HOT_FROM),
            [start, step_s, list(device_ids), start, end],
        )
        for pk, step, total, count, handed in cursor.fetchall():
            if pk is None:
                moment = handed
            elif count and step < steps:
                sums[pk][step], counts[pk][step] = total, count
    if moment is not None and start < moment:
        before = kept(device_ids=device_ids, codes=[code], start=start, end=min(end, moment))
        for pk, old in before.items():
            _add(old, (micros_of(start), step_s), sums[pk], counts[pk])
    for pk in _laid_over(device_ids, code, start, end):
        sums[pk][:] = counts[pk][:] = 0.0
        read = rows(pk, [code], layouts, start, end, with_quality=True)
        at_us = np.rint(read[:, 0] * 1e6).astype(np.int64)
        quality = np.where(read[:, 2] == Quality.SUBSTITUTED, Quality.GOOD, read[:, 2])
        old = Kept(at_us, quality.astype(np.uint8), read[:, 1:2])
        _add(old, (micros_of(start), step_s), sums[pk], counts[pk])
    with np.errstate(invalid="ignore"):
        return {pk: sums[pk] / counts[pk] for pk in sums}


def _add(old: Kept, steps: tuple[int, int], sums: Floats, counts: Floats) -> None:
    """Add the good samples to the sums and counts of their steps, (first, seconds)."""
    first_us, step_s = steps
    step = (old.at_us - first_us) // (step_s * 1_000_000)
    value = old.columns[:, 0]
    good = (old.quality <= _WORST_GOOD) & ~np.isnan(value) & (step < len(sums))
    sums += np.bincount(step[good], value[good], minlength=len(sums))
    counts += np.bincount(step[good], minlength=len(sums))
