"""When good samples came: their times alone, of many devices and stretches in few statements."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from django.db import connection

from devices.history.codec import Block, Floats
from devices.history.raw import numbers

# Good or partial: what counts as a sample that came (services.tallies).
_WORST_GOOD = 1

# Late rows stay here for a while beside the blocks of their hour; a moment counts once.
_IN_ROWS = """
SELECT given.device_id, found.packed
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS given (device_id, begins, ends)
CROSS JOIN LATERAL (
    SELECT array_send(array_agg(date_part('epoch', at))) AS packed FROM reading
    WHERE reading.device_id = given.device_id
        AND reading.at >= given.begins AND reading.at < given.ends AND quality <= %s
) AS found
WHERE found.packed IS NOT NULL
"""
_IN_BLOCKS = """
SELECT given.device_id, found.version, found.data
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS given (device_id, begins, ends)
CROSS JOIN LATERAL (
    SELECT version, data FROM reading_block WHERE reading_block.device_id = given.device_id
        AND hour > given.begins - interval '1 hour' AND hour < given.ends
        AND good_1 + good_2 + good_3 + good_4 > 0
        AND hour < (SELECT handed_until FROM devices_handover)
    OFFSET 0  -- one look into the index per stretch
) AS found
"""

# A device, and a stretch of time, half-open.
Stretch = tuple[int, datetime, datetime]


def moments(stretches: Sequence[Stretch]) -> dict[int, Floats]:
    """Epoch seconds of the good samples of devices within their stretches, ascending, in two queries.

    Blocks answer whole hours, so that a few samples from beside a stretch may be among them. Rows
    are asked for before blocks, since a row moves from there to here.
    """
    if not stretches:
        return {}
    given = [list(column) for column in zip(*stretches, strict=True)]
    parts: dict[int, list[Floats]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_IN_ROWS, [*given, _WORST_GOOD])
        for pk, data in cursor.fetchall():
            parts[pk].append(numbers(data))
        cursor.execute(_IN_BLOCKS, given)
        for pk, version, data in cursor.fetchall():
            block = Block(data, version)
            parts[pk].append(block.at_us[block.quality <= _WORST_GOOD] / 1e6)
    return {pk: np.unique(np.concatenate(of_device)) for pk, of_device in parts.items()}
