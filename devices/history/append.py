"""The writer: one COPY per batch into the partitions of its days."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from devices.history.partitions import ensure_partitions, forget_known
from devices.history.rows import COLUMNS, HEADER, TRAILER, copy_rows
from devices.history.samples import Batch
from devices.models import Retention

_UNIQUE_VIOLATION = "23505"
# "no partition of relation found for row" is a check violation.
_CHECK_VIOLATION = "23514"
_DAY_S = 86_400
# A changed retention is seen by the door so soon.
_DAYS_CHECK_S = 60.0
_days: dict[str, tuple[int, float]] = {}


@dataclass(frozen=True, slots=True)
class Appended:
    """Rows written and rows whose (device, time) was there already."""

    stored: int
    duplicates: int


def within_range(batch: Batch, *, now: datetime) -> tuple[Batch, int]:
    """The rows whose time is believable, and how many were not.

    From as long ago as samples are kept to `READING_FUTURE_S` ahead: a wrong clock must neither make
    partitions at will nor write rows that the next clean-up drops.
    """
    oldest = (now - timedelta(days=kept_days())).timestamp()
    newest = now.timestamp() + settings.READING_FUTURE_S
    groups, refused = [], 0
    for group in batch.groups:
        good = (group.at >= oldest) & (group.at <= newest)
        bad = len(group) - int(np.count_nonzero(good))
        refused += bad
        kept = group.take(good) if bad else group
        if len(kept):
            groups.append(kept)
    return Batch(groups), refused


def kept_days() -> int:
    """How many days samples are kept; looked up now and then, the door asks for each batch."""
    found, since = _days.get(connection.settings_dict["NAME"], (0, 0.0))
    if not found or time.monotonic() - since > _DAYS_CHECK_S:
        found = Retention.days_of(Retention.Kind.BLOCKS)
        _days[connection.settings_dict["NAME"]] = found, time.monotonic()
    return found


def prepare(batch: Batch) -> None:
    """Make the partitions the batch needs; call it outside the transaction of the COPY."""
    days: set[int] = set()
    for group in batch.groups:
        first, last = int(group.at.min() // _DAY_S), int(group.at.max() // _DAY_S)
        days |= {first} if first == last else set(np.unique(group.at // _DAY_S).tolist())
    ensure_partitions(datetime.fromtimestamp(day * _DAY_S, UTC).date() for day in days)


def append(batch: Batch) -> Appended:
    """Write a batch whose times are within range. Atomic: all rows or none.

    A row whose device and time are there already is left as it is and counted.
    """
    data = b"".join((HEADER, *(copy_rows(group) for group in batch.groups), TRAILER))
    try:
        with transaction.atomic():
            _copy(data, "reading")
    except IntegrityError as refusal:
        code = getattr(refusal.__cause__, "sqlstate", "")
        if code not in {_UNIQUE_VIOLATION, _CHECK_VIOLATION}:
            raise
        if code == _CHECK_VIOLATION:
            forget_known()
            prepare(batch)
        stored = _merge(data)
        return Appended(stored=stored, duplicates=batch.rows - stored)
    return Appended(stored=batch.rows, duplicates=0)


def _merge(data: bytes) -> int:
    """Store through a stage what is not there yet; how many rows that were."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS reading_stage (LIKE reading) ON COMMIT DELETE ROWS"
        )
        # In a test the transaction that emptied the stage may never come.
        cursor.execute("TRUNCATE reading_stage")
        _copy(data, "reading_stage")
        # In order of the key: two writers of the same rows wait for each other, never in a circle.
        cursor.execute(
            f"INSERT INTO reading ({COLUMNS}) SELECT {COLUMNS} FROM reading_stage"  # noqa: S608
            " ORDER BY device_id, at ON CONFLICT DO NOTHING"
        )
        return int(cursor.rowcount)


def _copy(data: bytes, table: str) -> None:
    with connection.cursor() as cursor:
        statement = f"COPY {table} ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
        # Django does not know COPY: without this the driver's own errors come out.
        with connection.wrap_database_errors, cursor.copy(statement) as copy:
            copy.write(data)
