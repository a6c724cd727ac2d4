"""Readings at rest: the one writer, the one reader, and the partitions between them."""

from devices.history.append import Appended, append, kept_days, prepare, within_range
from devices.history.archive import HOT_FROM, Kept, handed_until, kept
from devices.history.edges import counters_at, means
from devices.history.hours import Written, compact, differing, total
from devices.history.late import LATE_S, note_late, note_reopened, note_uncounted
from devices.history.layouts import Positions, positions
from devices.history.partitions import (
    BLOCKS,
    Partition,
    drop_partition,
    drop_partitions,
    ensure_partitions,
    partitions,
)
from devices.history.present import present
from devices.history.samples import Batch, LayoutGroup
from devices.history.series import Series, series
from devices.history.tracks import Statistics
from devices.history.trends import Slice, trends

__all__ = [
    "BLOCKS",
    "HOT_FROM",
    "LATE_S",
    "Appended",
    "Batch",
    "Kept",
    "LayoutGroup",
    "Partition",
    "Positions",
    "Series",
    "Slice",
    "Statistics",
    "Written",
    "append",
    "compact",
    "counters_at",
    "differing",
    "drop_partition",
    "drop_partitions",
    "ensure_partitions",
    "handed_until",
    "kept",
    "kept_days",
    "means",
    "note_late",
    "note_reopened",
    "note_uncounted",
    "partitions",
    "positions",
    "prepare",
    "present",
    "series",
    "total",
    "trends",
    "within_range",
]
