"""The one door for readings: history, then latest values, then batch subscribers, then browsers.

Every source comes through here, so that nothing is evaluated or shown that was not stored.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection, transaction
from psycopg_pool import PoolClosed, PoolTimeout

from core.errors import DomainError
from devices import history, live
from devices.history import Batch, LayoutGroup
from devices.models import PollShard

__all__ = [
    "AWAY",
    "Batch",
    "Fence",
    "FenceRefused",
    "IngestResult",
    "LayoutGroup",
    "StoreAway",
    "Subscriber",
    "ingest",
    "subscribe",
    "unsubscribe",
]

logger = logging.getLogger(__name__)

Subscriber = Callable[[Batch], None]

# What a database that is away raises, depending on when it went.
AWAY = (OperationalError, InterfaceError, PoolTimeout, PoolClosed)

_subscribers: list[Subscriber] = []


class StoreAway(DomainError):
    """PostgreSQL does not answer: nothing of the batch was stored, the caller keeps it."""

    code = "store_away"
    status = 503


class FenceRefused(DomainError):
    """Another worker owns the shard now: nothing of the batch was stored, nor should it be."""

    code = "fence_refused"


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to write for a shard, as of taking its lease."""

    shard: int
    number: int


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Rows written, rows that were there already, rows whose time is not believable."""

    stored: int
    duplicates: int
    refused: int


def subscribe(callback: Subscriber) -> None:
    """Have every stored live batch handed over, in this process, after its rows are committed.

    Arrays in, nothing out; what it raises is logged and stops nobody. Once per callback.
    """
    if callback not in _subscribers:
        _subscribers.append(callback)


def unsubscribe(callback: Subscriber) -> None:
    """Hand nothing over to it any more."""
    if callback in _subscribers:
        _subscribers.remove(callback)


def ingest(
    batch: Batch,
    *,
    now: datetime,
    fence: Fence | None = None,
    is_live: bool = True,
    with_subscribers: bool | None = None,
    news: Batch | None = None,
) -> IngestResult:
    """Store a batch and tell who wants to know.

    is_live=False is for back-fill: neither latest values nor browsers; subscribers only when
    `with_subscribers` says so. news: the rows of a mixed batch that are shown and judged, because
    nothing newer of their devices is known; the others are history only. Raises StoreAway and FenceRefused, with nothing stored.
    """
    with _store_away():
        kept, refused = history.within_range(batch, now=now)
    if refused:
        logger.warning("ingest.refused rows=%d reason=time", refused)
    if not kept.rows:
        return IngestResult(stored=0, duplicates=0, refused=refused)
    appended = _store(kept, fence, now)
    told = kept if news is None else news
    watched = live.store(told, now=now) if is_live and told.rows else {}
    if told.rows and (is_live if with_subscribers is None else with_subscribers):
        _tell(told)
    live.publish(watched)
    return IngestResult(stored=appended.stored, duplicates=appended.duplicates, refused=refused)


def _store(batch: Batch, fence: Fence | None, now: datetime) -> history.Appended:
    with _store_away():
        history.prepare(batch)
        with transaction.atomic():
            if fence is not None:
                _check(fence)
            appended = history.append(batch)
            history.note_late(batch, now=now)
            return appended


@contextmanager
def _store_away() -> Iterator[None]:
    try:
        yield
    except AWAY as reason:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        raise StoreAway(reason=str(reason)) from reason


def _check(fence: Fence) -> None:
    """Hold the fence until the commit: who takes the lease meanwhile waits for our rows."""
    current = (
        PollShard.objects.select_for_update(no_key=True)
        .filter(pk=fence.shard)
        .values_list("fence", flat=True)
        .first()
    )
    if current != fence.number:
        raise FenceRefused(shard=fence.shard, fence=fence.number, current=current)


def _tell(batch: Batch) -> None:
    for subscriber in _subscribers:
        try:
            subscriber(batch)
        except Exception:
            logger.exception("ingest.subscriber_failed subscriber=%s", subscriber)
