"""Which samples are stored already, as rows or in blocks."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from django.db import connection

from devices.history.archive import micros_of
from devices.history.codec import Block

# One look into the key's index per sample: a join would let the planner read whole days.
_IN_ROWS = """
SELECT given.place - 1 FROM unnest(%s::bigint[], %s::timestamptz[])
    WITH ORDINALITY AS given (device_id, at, place)
CROSS JOIN LATERAL (
    SELECT 1 FROM reading
    WHERE reading.device_id = given.device_id AND reading.at = given.at LIMIT 1
) AS found
"""
_BLOCKS = """
SELECT given.device_id, given.hour, found.version, found.data
FROM unnest(%s::bigint[], %s::timestamptz[]) AS given (device_id, hour)
CROSS JOIN LATERAL (
    SELECT version, data FROM reading_block
    WHERE reading_block.device_id = given.device_id AND reading_block.hour = given.hour
    LIMIT 100  -- of layouts; makes the look-up one of the index
) AS found
"""


def present(device_ids: Sequence[int], at: Sequence[datetime]) -> set[int]:
    """Positions of the samples (device, time) that are in the history, in two queries.

    Rows are asked for before blocks, since a row moves from there to here.
    """
    if not device_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_IN_ROWS, [list(device_ids), list(at)])
        found = {place for (place,) in cursor.fetchall()}
    return found | _in_blocks(device_ids, at)


def _in_blocks(device_ids: Sequence[int], at: Sequence[datetime]) -> set[int]:
    wanted: dict[tuple[int, datetime], list[int]] = defaultdict(list)
    for place, (pk, moment) in enumerate(zip(device_ids, at, strict=True)):
        wanted[pk, moment.replace(minute=0, second=0, microsecond=0)].append(place)
    pks, hours = zip(*wanted, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKS, [list(pks), list(hours)])
        blocks = cursor.fetchall()
    found: set[int] = set()
    for pk, hour, version, data in blocks:
        places = wanted[pk, hour]
        moments = np.array([micros_of(at[place]) for place in places])
        is_there = np.isin(moments, Block(data, version).at_us)
        found |= {place for place, there in zip(places, is_there.tolist(), strict=True) if there}
    return found
