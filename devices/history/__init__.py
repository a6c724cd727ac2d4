"""Readings at rest: the one writer, the one reader, and the partitions between them."""

from devices.history.append import Appended, append, prepare, within_range
from devices.history.edges import counters_at, means
from devices.history.late import LATE_S, note_late
from devices.history.layouts import Positions, positions
from devices.history.partitions import (
    Partition,
    drop_partitions,
    ensure_partitions,
    partitions,
)
from devices.history.samples import Batch, LayoutGroup
from devices.history.series import Series, series
from devices.history.tracks import Statistics
from devices.history.trends import Slice, trends

__all__ = [
    "LATE_S",
    "Appended",
    "Batch",
    "LayoutGroup",
    "Partition",
    "Positions",
    "Series",
    "Statistics",
    "Slice",
    "append",
    "counters_at",
    "drop_partitions",
    "ensure_partitions",
    "means",
    "note_late",
    "partitions",
    "positions",
    "prepare",
    "series",
    "trends",
    "within_range",
]
