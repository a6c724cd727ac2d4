"""Closed hours of samples become blocks, and days whose every sample is in one leave the hot table.

An hour is compacted when nothing but late samples can come into it; late samples note their hour,
and it is done again. Work that is left over is the next run's. A day is handed over to the blocks,
and some time later its partition is dropped, only when a count of each device and hour finds all of
its samples in blocks; an hour that differs is compacted again and checked again.
"""

import logging
import struct
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from devices import history
from devices.history import Partition, Written
from devices.models import CompactedHour, Handover, LinkEvent, ReopenedHour, Retention
from devices.services import rolling

logger = logging.getLogger(__name__)

# Samples younger than history.LATE_S leave no note: by then they are in, and committed.
GRACE = timedelta(minutes=30)
# Devices per transaction; 30,000 rows of 40 points are 10 MB.
DEVICES_AT_A_TIME = 500
# A run stops after so long; the task may take 60 s.
BUDGET_S = 40.0
# Whoever reads by the old moment of the handover is done by then.
READER_PATIENCE = timedelta(minutes=10)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(slots=True)
class Run:
    """What a run did, and when it has to stop."""

    until_s: float
    hours: int = 0
    written: Written = Written()

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until_s


def compact(*, now: datetime, budget_s: float = BUDGET_S) -> Run:
    """Compact closed hours that were not, and those that late samples came into; oldest first."""
    run = Run(time.monotonic() + budget_s)
    notes = dict(ReopenedHour.objects.values_list("hour", "noted_at"))
    for hour in _due(now, set(notes)):
        if run.is_over:
            break
        try:
            _compact(hour, notes.get(hour), now, run)
        except (ValueError, struct.error):
            # Its rows stay where they are, and its day with them; other hours go on.
            logger.exception("compacting.failed hour=%s", hour)
    _roll_old(now, run)
    if run.hours:
        logger.info("compacting.done hours=%d blocks=%d", run.hours, run.written.blocks)
    return run


def hand_over(
    *, now: datetime, hot_days: int | None = None, budget_s: float = BUDGET_S
) -> list[str]:
    """Hand over days older than the hot ones, drop partitions that were; names of those dropped.

    Days go in their order: one that is not wholly in blocks keeps those after it, and is logged.
    """
    until_s = time.monotonic() + budget_s
    keep = hot_days or Retention.days_of(Retention.Kind.ROWS)
    before = now.astimezone(UTC).date() - timedelta(days=keep)
    dropped = []
    for partition in history.partitions():
        if partition.day >= before or not _is_safe(partition.day, until_s):
            break
        if _hand_over(partition.day, now) and _drop(partition, now):
            dropped.append(partition.name)
    return dropped


def forget_old(*, now: datetime) -> list[str]:
    """Drop samples past their retention, whatever became of them; names of the partitions."""
    keep = Retention.days_of(Retention.Kind.BLOCKS)
    before = now.astimezone(UTC).date() - timedelta(days=keep)
    start = datetime.combine(before, datetime.min.time(), UTC)
    dropped = history.drop_partitions(before=before)
    dropped += history.drop_partitions(before=before, table=history.BLOCKS)
    ReopenedHour.objects.filter(hour__lt=start).delete()
    # The roll-ups, too, are good for an hour only with its mark.
    quarters = Retention.days_of(Retention.Kind.QUARTERS)
    CompactedHour.objects.filter(hour__lt=start - (max(0, quarters - keep) + 7) * _DAY).delete()
    old_events = now - timedelta(days=Retention.days_of(Retention.Kind.LINK_EVENTS))
    LinkEvent.objects.filter(at__lt=old_events).delete()
    return dropped


def _due(now: datetime, reopened: set[datetime]) -> list[datetime]:
    """Closed hours to do, oldest first."""
    closed = (now - GRACE).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    days = [partition.day for partition in history.partitions()]
    hours = {hour for day in days for hour in _hours_of(day) if hour < closed} - set(
        CompactedHour.objects.values_list("hour", flat=True)
    )
    return sorted(hours | {hour for hour in reopened if hour < closed})


def _compact(hour: datetime, noted_at: datetime | None, now: datetime, run: Run) -> None:
    """Do what differs of an hour; it is not marked when time is up before its end."""
    moment = history.handed_until()
    ids = history.differing(hour, is_all=moment is not None and hour < moment)
    for place in range(0, len(ids), DEVICES_AT_A_TIME):
        if run.is_over:
            return
        run.written += history.compact(hour, ids[place : place + DEVICES_AT_A_TIME])
    if noted_at is not None and (laid := history.laid_in(hour)):
        # Noted because of what lies over its samples: these are as they were, its quarters are not.
        history.roll(hour, laid)
    total = history.total(hour)
    facts = {
        "blocks": total.blocks,
        "rows": total.rows,
        "size_bytes": total.size_bytes,
        "is_rolled": history.is_whole(hour),
        "is_folded": False,
    }
    with transaction.atomic():
        CompactedHour.objects.update_or_create(
            hour=hour, defaults=facts | {"compacted_at": now, "is_checked": False}
        )
        rolling.note(hour)
        # Not when another batch has come into the hour since.
        if noted_at is not None:
            ReopenedHour.objects.filter(hour=hour, noted_at=noted_at).delete()
    run.hours += 1


def _roll_old(now: datetime, run: Run) -> None:
    """Quarters of hours that were compacted before there were any; the latest first."""
    hours = CompactedHour.objects.filter(is_rolled=False).order_by("-hour")
    for hour in hours.values_list("hour", flat=True):
        ids = history.with_blocks(hour)
        for place in range(0, len(ids), DEVICES_AT_A_TIME):
            if run.is_over:
                return
            history.roll(hour, ids[place : place + DEVICES_AT_A_TIME])
        if run.is_over:
            return
        with transaction.atomic():
            CompactedHour.objects.filter(hour=hour).update(is_rolled=True, is_folded=False)
            rolling.note(hour)


def _drop(partition: Partition, now: datetime) -> bool:
    """Drop it unless samples came after the check: those left a note in the same transaction."""

    def let_go() -> bool:
        if _reopened(partition.day).exists():
            return False
        CompactedHour.objects.filter(_on(partition.day)).update(dropped_at=now, is_checked=False)
        return True

    return history.drop_partition(partition, if_=let_go)


def _is_safe(day: date, until_s: float) -> bool:
    """Whether every sample of a day's partition is in a block; the hours not checked yet are."""
    marks = {mark.hour: mark for mark in CompactedHour.objects.filter(_on(day))}
    if len(marks) < len(_hours_of(day)) or _reopened(day).exists():
        return False
    is_safe = True
    for mark in marks.values():
        if not mark.is_checked:
            if time.monotonic() >= until_s:
                return False
            is_safe &= _check(mark)
    return is_safe


def _check(mark: CompactedHour) -> bool:
    """Count the samples of an hour in the hot table and in blocks, per device."""
    differing = history.differing(mark.hour, is_all=mark.dropped_at is not None)
    CompactedHour.objects.filter(hour=mark.hour, compacted_at=mark.compacted_at).update(
        is_checked=not differing, differing=len(differing)
    )
    if differing:
        logger.warning("compacting.differs hour=%s devices=%d", mark.hour, len(differing))
        history.note_reopened([mark.hour])
    return not differing


def _hand_over(day: date, now: datetime) -> bool:
    """Let readers take a day from the blocks; True once nobody can be reading it from elsewhere."""
    until = datetime.combine(day, datetime.min.time(), UTC) + _DAY
    known = Handover.objects.first()
    if known is None or known.handed_until < until:
        Handover.objects.update_or_create(id=1, defaults={"handed_until": until, "handed_at": now})
        logger.info("compacting.handed_over until=%s", until)
        return False
    return now - known.handed_at >= READER_PATIENCE


def _hours_of(day: date) -> list[datetime]:
    start = datetime.combine(day, datetime.min.time(), UTC)
    return [start + _HOUR * hour for hour in range(24)]


def _on(day: date) -> Q:
    hours = _hours_of(day)
    return Q(hour__gte=hours[0], hour__lte=hours[-1])


def _reopened(day: date) -> QuerySet[ReopenedHour]:
    return ReopenedHour.objects.filter(_on(day))
