"""What the history takes on the disk, what it will take, and for how many days there is room."""

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import numpy as np
from django.db import DatabaseError, connection, transaction
from django.db.models import Avg, TextChoices
from django.utils.translation import pgettext_lazy

from devices import history
from devices.history import Partition, Table
from devices.models import CompactedHour, Retention, RolledDay, StoragePlan

# What is measured is the latest week; a day or two say little of one.
MEASURED_DAYS = 7
# Nobody plans further ahead.
HORIZON_DAYS = 3660
_GB = 1_000_000_000
# Less than this says nothing of a day.
_LEAST_DAYS = 0.25
# Bytes with their pages and the index.
_PAGES = 1.2
_DAY = timedelta(days=1)
TABLES: dict[Retention.Kind, Table] = {
    Retention.Kind.ROWS: history.READING,
    Retention.Kind.BLOCKS: history.BLOCKS,
    Retention.Kind.QUARTERS: history.QUARTERS,
    Retention.Kind.DAYS: history.DAYS,
}


class Level(TextChoices):
    """How scarce the room is."""

    FINE = "fine", pgettext_lazy("storage", "充足")
    WARNING = "warning", pgettext_lazy("storage", "偏少")
    URGENT = "urgent", pgettext_lazy("storage", "告急")
    UNKNOWN = "unknown", pgettext_lazy("storage", "未知")


@dataclass(frozen=True, slots=True)
class KindStorage:
    """One kind of data: bytes with indexes, rows and bytes that a day adds, days kept and reached."""

    kind: Retention.Kind
    size_bytes: int
    rows_per_day: float
    bytes_per_day: float
    keep_days: int
    age_days: int

    @property
    def label(self) -> str:
        return str(self.kind.label)

    def grown_bytes(self, days: np.ndarray) -> np.ndarray:
        """What it has grown by after so many days: until as much is dropped as comes."""
        left = max(0, self.keep_days - self.age_days)
        return np.minimum(days, left) * self.bytes_per_day


@dataclass(frozen=True, slots=True)
class Storage:
    """The disk: `free_bytes` None when nobody says; `days_left` None when it will not be full.

    `days_left` looks HORIZON_DAYS ahead at the present rate, each kind dropped by its retention.
    """

    kinds: list[KindStorage]
    database_bytes: int
    free_bytes: int | None
    is_planned: bool
    days_left: int | None
    level: Level

    @property
    def bytes_per_day(self) -> float:
        """What a day adds to all kinds before anything is dropped."""
        return sum(kind.bytes_per_day for kind in self.kinds)


def storage(*, now: datetime) -> Storage:
    """Look at partitions, marks and the disk; about ten queries, none over samples."""
    plan = StoragePlan.current()
    kinds = [_folded(_kind(kind, table, now), now) for kind, table in TABLES.items()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        size = int(cursor.fetchone()[0])
    free = _free_bytes() if plan.capacity_gb is None else max(0, plan.capacity_gb * _GB - size)
    days = _days_left(kinds, free)
    level = _level(days, plan, is_known=free is not None)
    return Storage(kinds, size, free, plan.capacity_gb is not None, days, level)


def _kind(kind: Retention.Kind, table: Table, now: datetime) -> KindStorage:
    parts = [part for part in history.partitions(table) if _start(part) <= now]
    rows, size = _per_day(kind, now)
    if kind != Retention.Kind.DAYS:
        size = _bytes_per_day(parts, table, now)
    return KindStorage(
        kind=kind,
        size_bytes=sum(part.size_bytes for part in parts),
        rows_per_day=rows,
        bytes_per_day=size,
        keep_days=Retention.days_of(kind),
        age_days=(now - _start(parts[0])).days if parts else 0,
    )


def _folded(kind: KindStorage, now: datetime) -> KindStorage:
    """Quarters go into rows of days after some days: what stays is these, as soon as there are any."""
    if kind.kind != Retention.Kind.QUARTERS:
        return kind
    parts = history.partitions(history.FOLDED)
    size = sum(part.size_bytes for part in parts)
    hours = CompactedHour.objects.filter(is_folded=True)
    days = hours.filter(hour__gte=_start(parts[0])).count() / 24 if parts else 0.0
    age = (now - _start(parts[0])).days if parts else 0
    return replace(
        kind,
        size_bytes=kind.size_bytes + size,
        rows_per_day=kind.rows_per_day / 24 if days else kind.rows_per_day,
        bytes_per_day=size / days if days else kind.bytes_per_day,
        age_days=max(kind.age_days, age),
    )


def _start(part: Partition) -> datetime:
    return datetime.combine(part.day, time(), UTC)


def _bytes_per_day(parts: list[Partition], table: Table, now: datetime) -> float:
    """Of the latest partitions, by the time in which they were filled; the present hour is not."""
    first = CompactedHour.objects.order_by("hour").values_list("hour", flat=True).first() or now
    days, size = 0.0, 0
    for part in reversed(parts):
        until = min(now, _start(part) + table.days * _DAY)
        filled = (until - max(_start(part), first)) / _DAY
        if filled <= 0 or (table.days == 1 and until == now):
            continue
        days, size = days + filled, size + part.size_bytes
        if days >= MEASURED_DAYS:
            break
    return size / max(days, _LEAST_DAYS) if days else 0.0


def _per_day(kind: Retention.Kind, now: datetime) -> tuple[float, float]:
    """Rows of a day and their bytes, from the marks of the latest week; bytes of days only."""
    since = now - MEASURED_DAYS * _DAY
    if kind == Retention.Kind.DAYS:
        done = RolledDay.objects.filter(rolled_at__isnull=False, day__gte=since.date())
        zones = max(1, done.order_by().values("zone").distinct().count())
        found = done.aggregate(rows=Avg("rows"), size=Avg("size_bytes"))
        return float(found["rows"] or 0) * zones, float(found["size"] or 0) * zones * _PAGES
    marks = CompactedHour.objects.filter(hour__gte=since)
    found = marks.aggregate(rows=Avg("rows"), blocks=Avg("blocks"))
    name = "rows" if kind == Retention.Kind.ROWS else "blocks"
    return 24 * float(found[name] or 0), 0.0


def _days_left(kinds: list[KindStorage], free: int | None) -> int | None:
    if free is None:
        return None
    days = np.arange(HORIZON_DAYS + 1)
    grown = sum((kind.grown_bytes(days) for kind in kinds), np.zeros(len(days)))
    full = np.flatnonzero(grown >= free)
    return int(full[0]) if len(full) else None


def _level(days: int | None, plan: StoragePlan, *, is_known: bool) -> Level:
    if not is_known:
        return Level.UNKNOWN
    if days is None or days >= plan.warn_days:
        return Level.FINE
    return Level.WARNING if days >= plan.urgent_days else Level.URGENT


def _free_bytes() -> int | None:
    """What is free where PostgreSQL keeps its files; None when that is not here or not told."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('data_directory'),"
                " coalesce(inet_server_addr(), '127.0.0.1') << inet '127.0.0.0/8'"
                " OR inet_server_addr() = inet '::1'"
            )
            folder, is_here = cursor.fetchone()
        # Another machine may have a folder of the same name: then its lock file is not here.
        return shutil.disk_usage(folder).free if is_here and Path(folder).exists() else None
    except (DatabaseError, OSError):
        return None
