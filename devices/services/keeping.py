"""What was read is kept: in the tables at once, or on the disk until they take it.

While PostgreSQL is away, and until all that waits has been stored, batches go through the spool, so
that the rules meet the samples in their order and alarms get their own times. Browsers see the
newest at once: it is safe by then.
"""

import logging
import time
from collections import deque
from datetime import UTC, datetime

import psycopg
from django.conf import settings
from django.db import connection

from core.patience import Patience
from devices import live
from devices.ingest import Batch, Fence, FenceRefused, StoreAway, ingest
from devices.models import SampleLoss
from devices.selectors import spool as spooled
from devices.services.spool import Limits, Spool

logger = logging.getLogger(__name__)

# In memory, when even the disk takes nothing.
HELD_ROWS = 200_000
# A batch that the tables refuse so often, for whatever reason, does not hold up those behind it.
TRIES = 5
_CONNECT_S = 2
_MB = 1024 * 1024


class Keeper:
    """The samples of one shard on their way into the tables. For one thread at a time."""

    def __init__(self, shard: int) -> None:
        limits = Limits(settings.SPOOL_MB * _MB, settings.SPOOL_FREE_MB * _MB)
        self.shard = shard
        self.spool = Spool(settings.SPOOL_ROOT / str(shard), limits)
        self.store = Patience()
        self._held: deque[Batch] = deque()
        self._refusals = 0
        self._is_told = True

    @property
    def backlog(self) -> int:
        """Rows that wait."""
        return self.spool.rows + sum(batch.rows for batch in self._held)

    def keep(self, batch: Batch, fence: Fence, *, now: datetime, until_s: float) -> int:
        """Store what waits, as far as there is time, and the batch behind it; rows stored.

        until_s: on the monotonic clock. Whatever the tables refuse waits on the disk. Raises
        FenceRefused.
        """
        stored = 0
        try:
            stored = self.replay(fence, now=now, until_s=until_s)
            if batch.rows and not self.backlog and not self.store.is_away:
                stored += ingest(batch, now=now, fence=fence).stored
                return stored
        except StoreAway as reason:
            self.note_away(reason.facts["reason"])
        except FenceRefused:
            self.put(batch)
            raise
        except Exception:
            # It will be tried again from the disk, where it cannot be lost.
            logger.exception("spool.not_stored shard=%d", self.shard)
        if batch.rows:
            self.put(batch)
            live.show(batch, now=now)
        return stored

    def replay(self, fence: Fence | None, *, now: datetime, until_s: float) -> int:
        """Store what waits, in order, one batch at least; rows stored.

        Without a fence another worker owns the shard: then the samples are history, and only that.
        Raises FenceRefused.
        """
        stored = 0
        self._tidy()
        if not self._is_there():
            return 0
        while (batch := self._first()) is not None:
            done = self._store(batch, fence, now)
            if done is None:
                break
            stored += done
            self._refusals = 0
            self._taken()
            if time.monotonic() >= until_s:
                break
        if stored:
            logger.info("spool.stored shard=%d rows=%d left=%d", self.shard, stored, self.backlog)
        return stored

    def put(self, batch: Batch) -> None:
        """Put a batch behind all that waits; when the disk refuses, into memory for a while."""
        if not batch.rows:
            return
        self._held.append(batch)
        self._tidy()
        while len(self._held) > 1 and sum(b.rows for b in self._held) > HELD_ROWS:
            dropped = self._held.popleft()
            logger.error("spool.dropped shard=%d rows=%d", self.shard, dropped.rows)
            for group in dropped.groups:
                first, last = float(group.at.min()), float(group.at.max())
                self.spool.losses.note(first, last, dropped=len(group))

    def tell(self, *, now: datetime) -> None:
        """Say how things are: in Redis what waits, in the tables what was given up.

        Raises the database's errors; it is told next time then.
        """
        if self.backlog or self._is_told:
            waits = spooled.SpoolFacts(self.backlog, self.spool.bytes, self.spool.oldest_at)
            spooled.tell(self.shard, waits, now=now)
            self._is_told = bool(self.backlog)
        losses = self.spool.losses
        if losses and not self.store.is_away:
            SampleLoss.objects.create(
                shard=self.shard,
                thinned=losses.thinned,
                dropped=losses.dropped,
                first_at=datetime.fromtimestamp(losses.first_at, UTC),
                last_at=datetime.fromtimestamp(losses.last_at, UTC),
                noted_at=now,
            )
            self.spool.forget_losses()

    def close(self) -> None:
        """Leave what waits to the next process."""
        self._tidy()
        if rows := sum(batch.rows for batch in self._held):
            logger.error("spool.dropped shard=%d rows=%d", self.shard, rows)
        self._held.clear()
        self.spool.close()

    def note_away(self, reason: object) -> None:
        """The database does not take what it is given."""
        if self.store.is_missing():
            logger.warning("poll.store_away shard=%d reason=%s", self.shard, reason)

    def _store(self, batch: Batch, fence: Fence | None, now: datetime) -> int | None:
        """Rows stored of what waits longest; None when it has to wait on. Raises FenceRefused."""
        is_ours = fence is not None
        try:
            done = ingest(batch, now=now, fence=fence, is_live=False, with_subscribers=is_ours)
        except StoreAway as reason:
            self.note_away(reason.facts["reason"])
            return None
        except FenceRefused:
            raise
        except Exception:
            self._refusals += 1
            logger.exception("spool.not_stored shard=%d try=%d", self.shard, self._refusals)
            if self._refusals < TRIES:
                return None
            # It must not hold up for ever what is behind it.
            self.spool.set_aside(batch)
            return 0
        self._note_back()
        return done.stored

    def _note_back(self) -> None:
        if self.store.answered():
            logger.info("poll.store_back shard=%d", self.shard)

    def _is_there(self) -> bool:
        """Whether it is worth a try: while it is away that is asked without waiting for the pool."""
        if not self.store.is_away:
            return True
        if not self.store.may_ask():
            return False
        if not _answers():
            self.store.failed()
            return False
        if not self.backlog:
            self._note_back()
        return True

    def _tidy(self) -> None:
        """Take over what a killed process left, and bring to the disk what it refused before."""
        try:
            self.spool.adopt()
            while self._held:
                self.spool.append(self._held[0])
                self._held.popleft()
        except OSError as reason:
            logger.warning("spool.refused shard=%d reason=%s", self.shard, reason)

    def _first(self) -> Batch | None:
        waiting = self.spool.first()
        return waiting if waiting is not None or not self._held else self._held[0]

    def _taken(self) -> None:
        if self.spool.rows:
            self.spool.taken()
        else:
            self._held.popleft()


def _answers() -> bool:
    """Ask the database over a line of its own; when it answers, forget the lines that broke."""
    if connection.in_atomic_block:
        return True
    facts = connection.get_connection_params() | {"connect_timeout": _CONNECT_S}
    facts.pop("pool", None)
    try:
        psycopg.connect(**facts).close()
    except psycopg.OperationalError:
        return False
    _drop_lines()
    return True


def _drop_lines() -> None:
    """The pool would try again by itself, but ever more seldom."""
    pool = getattr(connection, "pool", None)
    connection.close()
    if pool is not None:
        connection.close_pool()  # type: ignore[attr-defined]
        connection.pool.timeout = pool.timeout  # type: ignore[attr-defined]
