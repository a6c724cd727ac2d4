"""Readings at rest: the one writer, the one reader, and the partitions between them."""

from devices.history.append import Appended, append, kept_days, prepare, within_range
from devices.history.archive import HOT_FROM, Kept, handed_until, kept, micros_of
from devices.history.days import DaysWritten, days, roll_day
from devices.history.derived import (
    HELD_PERIODS,
    Calculation,
    Input,
    TooLong,
    derived_series,
    derived_slots,
    is_too_long,
    of_means,
)
from devices.history.edges import counters_at, means
from devices.history.energy import Energies, energies, energy_of
from devices.history.folding import drop_folded, fold, unfolded
from devices.history.grid import Grid, Lines, aligned, by_sample, edges_of, on_slots
from devices.history.hours import Written, compact, differing, roll, stored, total, with_blocks
from devices.history.late import LATE_S, note_late, note_reopened, note_uncounted
from devices.history.layouts import Positions, positions
from devices.history.moments import moments
from devices.history.overlay import devices_in as laid_in
from devices.history.overlay import hours_of
from devices.history.partitions import (
    BLOCKS,
    DAYS,
    FOLDED,
    QUARTERS,
    READING,
    Partition,
    Table,
    drop_partition,
    drop_partitions,
    ensure_partitions,
    partitions,
)
from devices.history.present import present
from devices.history.put_in import put_in
from devices.history.rolling import is_whole
from devices.history.samples import Batch, LayoutGroup
from devices.history.series import Series, series, series_of
from devices.history.tracks import Statistics, Track
from devices.history.trends import Slice, trends

__all__ = [
    "BLOCKS",
    "DAYS",
    "FOLDED",
    "HELD_PERIODS",
    "HOT_FROM",
    "LATE_S",
    "QUARTERS",
    "READING",
    "Appended",
    "Batch",
    "Calculation",
    "DaysWritten",
    "Energies",
    "Grid",
    "Input",
    "Kept",
    "LayoutGroup",
    "Lines",
    "Partition",
    "Positions",
    "Series",
    "Slice",
    "Statistics",
    "Table",
    "TooLong",
    "Track",
    "Written",
    "aligned",
    "append",
    "by_sample",
    "compact",
    "counters_at",
    "days",
    "derived_series",
    "derived_slots",
    "is_too_long",
    "differing",
    "drop_folded",
    "drop_partition",
    "drop_partitions",
    "edges_of",
    "energies",
    "energy_of",
    "ensure_partitions",
    "fold",
    "handed_until",
    "hours_of",
    "is_whole",
    "kept",
    "kept_days",
    "laid_in",
    "means",
    "micros_of",
    "moments",
    "note_late",
    "note_reopened",
    "note_uncounted",
    "of_means",
    "on_slots",
    "partitions",
    "positions",
    "prepare",
    "present",
    "put_in",
    "roll",
    "roll_day",
    "series",
    "series_of",
    "stored",
    "total",
    "trends",
    "unfolded",
    "with_blocks",
    "within_range",
]
