"""Notes of hours that got samples late, so that somebody counts and compacts them again."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from django.db import connection

from devices.history.samples import Batch

# Younger samples are counted anyway: the counting looks back further than this at every run.
LATE_S = 12 * 60
_HOUR_S = 3600


def note_late(batch: Batch, *, now: datetime) -> None:
    """Note the hours of samples older than LATE_S; in the transaction that stores them.

    A note that is there already is renewed: whoever is at work on that hour then keeps it.
    """
    before = now.timestamp() - LATE_S
    hours: set[int] = set()
    for group in batch.groups:
        late = group.at[group.at < before]
        hours |= set(np.unique(late // _HOUR_S).astype(int).tolist())
    if not hours:
        return
    moments = [datetime.fromtimestamp(hour * _HOUR_S, UTC) for hour in sorted(hours)]
    note_uncounted(moments)
    note_reopened(moments)


def note_uncounted(hours: Sequence[datetime]) -> None:
    """Have these hours counted again (services.tallies)."""
    _note("devices_latehour", hours)


def note_reopened(hours: Sequence[datetime]) -> None:
    """Have these hours compacted again (services.compacting)."""
    _note("devices_reopenedhour", hours)


def _note(table: str, hours: Sequence[datetime]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (hour, noted_at)"  # noqa: S608 - names of tables
            " SELECT unnest(%s::timestamptz[]), clock_timestamp()"
            " ON CONFLICT (hour) DO UPDATE SET noted_at = excluded.noted_at",
            [list(hours)],
        )
