"""What is laid over stored samples when they are read: flagged ones are left out, repaired ones stand in.

The samples themselves are never rewritten. Readers of samples, and the roll-ups that are made of
them, go through here; so a repair, and its way back, needs no more than its hours rolled up anew.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from devices.history.codec import Floats, Ints
from devices.states import FlagKind, Quality, RepairKind

Marks = NDArray[np.uint8]

# Rows of JSON lists in the order in which they lie over each other; the devices and a half-open
# period are to be filled in. An invalid sample has no number that could be left out.
SQL = f"""
coalesce((SELECT jsonb_agg(jsonb_build_array(
        device_id, code, kind, (extract(epoch FROM start_at) * 1000000)::bigint,
        (extract(epoch FROM end_at) * 1000000)::bigint, line_us, line, at_us, "values"
    ) ORDER BY rank, id)
FROM (
    SELECT 0 AS rank, id, device_id, code, '{RepairKind.BAD}' AS kind, start_at, end_at,
        '{{}}'::bigint[] AS line_us, '{{}}'::float8[] AS line,
        '{{}}'::bigint[] AS at_us, '{{}}'::float8[] AS "values"
    FROM devices_flaggedstretch
    WHERE is_excluded AND kind <> '{FlagKind.INVALID}'
        AND device_id = ANY(%s) AND start_at < %s AND end_at >= %s
    UNION ALL
    SELECT 1, id, device_id, code, kind, start_at, end_at, line_us, line, at_us, "values"
    FROM devices_repair
    WHERE undone_at IS NULL AND device_id = ANY(%s) AND start_at < %s AND end_at >= %s
) AS laid), '[]')
"""  # noqa: S608 - words of our own vocabularies
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Laid:
    """One thing that lies over the samples of a point; times in microseconds, both included."""

    device_id: int
    code: str
    kind: str
    start_us: int
    end_us: int
    line_us: Sequence[int]
    line: Sequence[float]
    at_us: Sequence[int]
    values: Sequence[float]

    def over(self, at_us: Ints, stored: Floats, value: Floats, marks: Marks) -> None:
        """Lie over a column of samples (ascending), and mark what is changed."""
        part = slice(
            int(np.searchsorted(at_us, self.start_us)),
            int(np.searchsorted(at_us, self.end_us, side="right")),
        )
        if self.kind == RepairKind.KEEP:
            value[part], marks[part] = stored[part], Quality.GOOD
        elif self.kind == RepairKind.BAD:
            marks[part] = np.where(np.isnan(stored[part]), marks[part], Quality.SUSPECT)
            value[part] = np.nan
        elif self.kind == RepairKind.SHEET:
            here = np.searchsorted(at_us, self.at_us)
            wanted, given = np.array(self.at_us, np.int64), np.array(self.values, np.float64)
            known = here < len(at_us)
            known[known] = at_us[here[known]] == wanted[known]
            value[here[known]], marks[here[known]] = given[known], Quality.SUBSTITUTED
        else:
            value[part] = np.interp(at_us[part], self.line_us, self.line)
            marks[part] = Quality.SUBSTITUTED


def given(device_ids: Collection[int], start: datetime, end: datetime) -> list[Any]:
    """The parameters of SQL."""
    return [list(device_ids), end, start] * 2


def read(rows: str | list[list[Any]]) -> list[Laid]:
    """What SQL found, in order."""
    found = json.loads(rows) if isinstance(rows, str) else rows
    return [Laid(*row) for row in found]


def laid_on(device_ids: Collection[int], start: datetime, end: datetime) -> list[Laid]:
    """What lies over samples of the devices in a half-open period; one query."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {SQL}", given(device_ids, start, end))
        return read(cursor.fetchone()[0])


def lay(
    found: Iterable[Laid], device_id: int, codes: Sequence[str], at_us: Ints, columns: Floats
) -> tuple[Floats, Marks]:
    """The columns of the codes with everything laid over them, and a mark per sample and code.

    A mark is SUBSTITUTED or SUSPECT (left out) of states.Quality, else GOOD.
    """
    marks = np.zeros(columns.shape, np.uint8)
    mine = [one for one in found if one.device_id == device_id and one.code in codes]
    if not mine:
        return columns, marks
    over = columns.copy()
    for one in mine:
        for place in (number for number, code in enumerate(codes) if code == one.code):
            one.over(at_us, columns[:, place], over[:, place], marks[:, place])
    return over, marks


def devices_in(hour: datetime) -> list[int]:
    """Devices over whose samples of an hour something lies, or lay."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT device_id FROM devices_flaggedstretch"
            " WHERE is_excluded AND kind <> %(invalid)s"
            " AND start_at < %(end)s AND end_at >= %(hour)s"
            " UNION SELECT device_id FROM devices_repair"
            " WHERE start_at < %(end)s AND end_at >= %(hour)s ORDER BY 1",
            {"hour": hour, "end": hour + _HOUR, "invalid": FlagKind.INVALID},
        )
        return [pk for (pk,) in cursor.fetchall()]


def hours_of(start: datetime, end: datetime) -> list[datetime]:
    """The hours (UTC) that a stretch touches, its end included."""
    first = start.replace(minute=0, second=0, microsecond=0)
    return [first + _HOUR * number for number in range(int((end - first) / _HOUR) + 1)]
