"""Partitions: one per UTC day of readings, wider ones of what is made of them; dropped by retention."""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import OperationalError, connection, transaction

logger = logging.getLogger(__name__)

# One creator at a time in the whole cluster; the number only has to be nobody else's.
_ADVISORY_LOCK = 0x6469616E
DROP_PATIENCE_MS = 2000
_NAME = re.compile(r".*_(\d{4})(\d{2})(\d{2})")


@dataclass(frozen=True, slots=True)
class Table:
    """A partitioned table of ours, how many days one part of it holds, and how that is stored."""

    name: str
    days: int
    options: str = ""

    def first_day(self, day: date) -> date:
        """The first day of the part that holds a day."""
        return date.fromordinal(day.toordinal() // self.days * self.days)


# Samples are written once and leave with their day: there is nothing to clean up before.
READING = Table("reading", 1, "WITH (autovacuum_vacuum_insert_threshold = -1)")
BLOCKS = Table("reading_block", 7)
QUARTERS = Table("rollup_quarter", 7)
FOLDED = Table("rollup_folded", 28)
DAYS = Table("rollup_day", 91)

# Days that were there when we last looked; a drop elsewhere shows in the COPY.
_known: dict[tuple[str, Table], set[date]] = {}


@dataclass(frozen=True, slots=True)
class Partition:
    """The part of a table from `day` on; `size_bytes` with its indexes."""

    name: str
    day: date
    size_bytes: int


def ensure_partitions(days: Iterable[date], table: Table = READING) -> None:
    """Make the partitions of these days where they are missing; any number may do so at once."""
    wanted = {table.first_day(day) for day in days}
    known = _known.setdefault((_database(), table), set())
    if wanted <= known:
        return
    missing = sorted(wanted - _existing(table))
    if missing:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
            for day in sorted(set(missing) - _existing(table)):
                _create(table, day)
    known |= wanted


def forget_known() -> None:
    """Look again before the next append."""
    for key in [key for key in _known if key[0] == _database()]:
        del _known[key]


def drop_partitions(*, before: date, table: Table = READING) -> list[str]:
    """Drop the partitions that end before `before`, whatever is in them; their names.

    One that is being read longer than DROP_PATIENCE_MS stays for the next run, so that a drop never
    queues up the writers behind a slow reader.
    """
    dropped = []
    for partition in partitions(table):
        if partition.day + timedelta(days=table.days) > before:
            continue
        if drop_partition(partition, if_=lambda: True):
            dropped.append(partition.name)
    return dropped


def drop_partition(partition: Partition, *, if_: Callable[[], bool]) -> bool:
    """Drop one when `if_` still says so while nobody writes or reads; whether it went.

    All writers are out: what they have not committed when the table is locked is not there.
    """
    parent = partition.name[:-9]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {DROP_PATIENCE_MS}")
            cursor.execute(f"LOCK TABLE ONLY {parent} IN ACCESS EXCLUSIVE MODE")
            if not if_():
                return False
            cursor.execute(f"DROP TABLE IF EXISTS {partition.name}")
    except OperationalError:
        logger.warning("partition.busy name=%s", partition.name)
        return False
    forget_known()
    logger.info("partition.dropped name=%s", partition.name)
    return True


def partitions(table: Table = READING) -> list[Partition]:
    """The partitions with their sizes, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text, pg_total_relation_size(inhrelid)"
            " FROM pg_inherits WHERE inhparent = %s::regclass ORDER BY 1",
            [table.name],
        )
        return [
            Partition(name=name, day=day, size_bytes=size)
            for name, size in cursor.fetchall()
            if (day := _day_of(name))
        ]


def _existing(table: Table) -> set[date]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass",
            [table.name],
        )
        return {day for (name,) in cursor.fetchall() if (day := _day_of(name))}


def _day_of(name: str) -> date | None:
    match = _NAME.fullmatch(name)
    return date(*map(int, match.groups())) if match else None


def _create(table: Table, day: date) -> None:
    """Made apart and attached: PARTITION OF would lock all readers and writers out."""
    name = f"{table.name}_{day:%Y%m%d}"
    starts_at = datetime.combine(day, time(), UTC)
    ends_at = starts_at + timedelta(days=table.days)
    like = "INCLUDING DEFAULTS INCLUDING INDEXES INCLUDING STORAGE"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} (LIKE {table.name} {like}) {table.options}")
        cursor.execute(
            f"ALTER TABLE {table.name} ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{starts_at.isoformat()}') TO ('{ends_at.isoformat()}')"
        )
    logger.info("partition.created name=%s", name)


def _database() -> str:
    return str(connection.settings_dict["NAME"])
