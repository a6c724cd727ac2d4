"""Partitions of the reading table: one per UTC day, made ahead of time, dropped by retention."""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import OperationalError, connection, transaction

logger = logging.getLogger(__name__)

# One creator at a time in the whole cluster; the number only has to be nobody else's.
_ADVISORY_LOCK = 0x6469616E
DROP_PATIENCE_MS = 2000
_NAME = re.compile(r"reading_(\d{4})(\d{2})(\d{2})")

# Days that were there when we last looked, per database; a drop elsewhere shows in the COPY.
_known: dict[str, set[date]] = {}


@dataclass(frozen=True, slots=True)
class Partition:
    """One day of readings; `size_bytes` with its index."""

    name: str
    day: date
    size_bytes: int


def ensure_partitions(days: Iterable[date]) -> None:
    """Make the partitions of these days where they are missing; any number may do so at once."""
    wanted = set(days)
    known = _known.setdefault(_database(), set())
    if wanted <= known:
        return
    missing = sorted(wanted - _existing())
    if missing:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
            for day in sorted(set(missing) - _existing()):
                _create(day)
    known |= wanted


def forget_known() -> None:
    """Look again before the next append."""
    _known.pop(_database(), None)


def drop_partitions(*, before: date) -> list[str]:
    """Drop the partitions of days before `before`; their names.

    One that is being read longer than DROP_PATIENCE_MS stays for the next run, so that a drop never
    queues up the writers behind a slow reader.
    """
    dropped = []
    for partition in partitions():
        if partition.day >= before:
            continue
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {DROP_PATIENCE_MS}")
                cursor.execute(f"DROP TABLE IF EXISTS {partition.name}")
        except OperationalError:
            logger.warning("partition.busy name=%s", partition.name)
            continue
        dropped.append(partition.name)
    if dropped:
        forget_known()
        logger.info("partition.dropped count=%d last=%s", len(dropped), dropped[-1])
    return dropped


def partitions() -> list[Partition]:
    """The partitions with their sizes, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text, pg_total_relation_size(inhrelid)"
            " FROM pg_inherits WHERE inhparent = 'reading'::regclass ORDER BY 1"
        )
        return [
            Partition(name=name, day=day, size_bytes=size)
            for name, size in cursor.fetchall()
            if (day := _day_of(name))
        ]


def _existing() -> set[date]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'reading'::regclass"
        )
        return {day for (name,) in cursor.fetchall() if (day := _day_of(name))}


def _day_of(name: str) -> date | None:
    match = _NAME.fullmatch(name)
    return date(*map(int, match.groups())) if match else None


def _create(day: date) -> None:
    """Made apart and attached: PARTITION OF would lock all readers and writers out."""
    name = f"reading_{day:%Y%m%d}"
    starts_at = datetime.combine(day, time(), UTC)
    ends_at = starts_at + timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} (LIKE reading INCLUDING DEFAULTS INCLUDING INDEXES)")
        cursor.execute(
            f"ALTER TABLE reading ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{starts_at.isoformat()}') TO ('{ends_at.isoformat()}')"
        )
    logger.info("partition.created name=%s", name)


def _database() -> str:
    return str(connection.settings_dict["NAME"])
