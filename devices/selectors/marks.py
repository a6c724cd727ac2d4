"""What has to be said of the samples in a slot of time: some were invalid, left out, or put in."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from devices import history
from devices.history.codec import Ints
from devices.models import FlaggedStretch, Repair
from devices.states import FlagKind, Quality, RepairKind

Point = tuple[int, str]
# First and last moment (microseconds since 1970, both included) and what is said of it.
Piece = tuple[int, int, Quality]
SAID = (Quality.BAD, Quality.SUSPECT, Quality.SUBSTITUTED)


@dataclass(frozen=True, slots=True)
class SlotMarks:
    """Pieces of time of points, none over another but values of sheets."""

    pieces: dict[Point, list[Piece]]

    def on(self, points: Iterable[Point], edges_us: Ints) -> NDArray[np.uint8]:
        """A number per slot between the edges, with the bit of each quality of any of the points."""
        found = np.zeros(max(0, len(edges_us) - 1), np.uint8)
        for point in points:
            for first, last, quality in self.pieces.get(point, ()):
                begin = int(np.searchsorted(edges_us, first, side="right")) - 1
                until = int(np.searchsorted(edges_us, last, side="right"))
                found[max(0, begin) : until] |= 1 << quality
        return found


def qualities(mark: int) -> list[Quality]:
    """Those whose bits are set."""
    return [quality for quality in SAID if mark >> quality & 1]


def slot_marks(*, points: Collection[Point], start: datetime, end: datetime) -> SlotMarks:
    """What is said of points in a half-open period; two queries.

    A later repair hides what it lies over; a sheet, which says nothing of the samples between its
    values, only adds to it.
    """
    facts = {"device__in": {pk for pk, _code in points}, "end_at__gte": start, "start_at__lt": end}
    found: dict[Point, list[Piece]] = {}
    for row in FlaggedStretch.objects.filter(is_excluded=True, **facts):
        quality = Quality.BAD if row.kind == FlagKind.INVALID else Quality.SUSPECT
        found.setdefault((row.device_id, row.code), []).append((*_ends(row), quality))
    for repair in Repair.objects.filter(undone_at=None, **facts).order_by("pk"):
        pieces = found.setdefault((repair.device_id, repair.code), [])
        if repair.kind == RepairKind.SHEET:
            pieces += [(at, at, Quality.SUBSTITUTED) for at in repair.at_us]
            continue
        first, last = _ends(repair)
        pieces[:] = _without(pieces, first, last)
        if repair.kind != RepairKind.KEEP:
            is_bad = repair.kind == RepairKind.BAD
            pieces.append((first, last, Quality.SUSPECT if is_bad else Quality.SUBSTITUTED))
    return SlotMarks(found)


def _ends(row: FlaggedStretch | Repair) -> tuple[int, int]:
    return history.micros_of(row.start_at), history.micros_of(row.end_at)


def _without(pieces: Iterable[Piece], first: int, last: int) -> Iterator[Piece]:
    """What of the pieces lies outside."""
    for begin, end, quality in pieces:
        if end < first or begin > last:
            yield begin, end, quality
            continue
        if begin < first:
            yield begin, first - 1, quality
        if end > last:
            yield last + 1, end, quality
