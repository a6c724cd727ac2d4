"""Notes of hours that got samples after they were counted, so that somebody counts them again."""

from datetime import UTC, datetime

import numpy as np
from django.db import connection

from devices.history.samples import Batch

# Younger samples are counted anyway: the counting looks back further than this at every run.
LATE_S = 12 * 60
_HOUR_S = 3600


def note_late(batch: Batch, *, now: datetime) -> None:
    """Note the hours of samples older than LATE_S; in the transaction that stores them.

    A note that is there already is renewed: whoever is counting that hour then keeps it.
    """
    before = now.timestamp() - LATE_S
    hours: set[int] = set()
    for group in batch.groups:
        late = group.at[group.at < before]
        hours |= set(np.unique(late // _HOUR_S).astype(int).tolist())
    if not hours:
        return
    moments = [datetime.fromtimestamp(hour * _HOUR_S, UTC) for hour in sorted(hours)]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO devices_latehour (hour, noted_at)"
            " SELECT unnest(%s::timestamptz[]), clock_timestamp()"
            " ON CONFLICT (hour) DO UPDATE SET noted_at = excluded.noted_at",
            [moments],
        )
