"""Days are rolled up once all of their hours are; a day into which samples came late again.

Some days later the quarters of the hours of a day fold into one row per device, which takes a quarter
of the room; what was rolled up before there were such rows folds the same way, the oldest day first.

A day that is due is a row, noted in the transaction that marks one of its hours as compacted. What a
run leaves over is the next one's.
"""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Q

from core.time import day_bounds, local_day
from devices import history
from devices.history import DaysWritten
from devices.models import CompactedHour, Device, ReopenedHour, Retention, RolledDay
from sites.models import Site

logger = logging.getLogger(__name__)

DEVICES_AT_A_TIME = 100
# A row of the day for this many is some 25 MB of arrays.
FOLDED_AT_A_TIME = 50
# By then hardly a sample still comes late, and the local days are made of the hours themselves.
FOLD_AFTER = timedelta(days=2)
BUDGET_S = 40.0
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


def note(hour: datetime) -> None:
    """Have the day of an hour rolled up, in each zone; in the transaction that marks the hour."""
    zones = Site.objects.order_by().values_list("timezone", flat=True).distinct()
    # An hour may belong to two days of a zone that is off the hour.
    last = hour + _HOUR - timedelta(microseconds=1)
    days = {(zone, local_day(at, zone)) for zone in zones for at in (hour, last)}
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO devices_rolledday (zone, day, noted_at, rows, size_bytes)"
            " VALUES (%s, %s, clock_timestamp(), 0, 0) ON CONFLICT (zone, day)"
            " DO UPDATE SET noted_at = clock_timestamp(), rolled_at = NULL",
            sorted(days),
        )


def roll_days(*, now: datetime, budget_s: float = BUDGET_S) -> int:
    """Roll up the days that are due and over, oldest first; how many that were."""
    until_s = time.monotonic() + budget_s
    done = 0
    oldest = now - Retention.days_of(Retention.Kind.QUARTERS) * _DAY
    for due in _due(now):
        if time.monotonic() >= until_s:
            break
        start, end = day_bounds(due.day, due.zone)
        if start < oldest:
            # Not all of its quarters are there any more.
            RolledDay.objects.filter(pk=due.pk, noted_at=due.noted_at).update(rolled_at=now)
        elif _is_whole(start, end) and _roll(due, start, end, now=now, until_s=until_s):
            done += 1
    return done


def fold_days(*, now: datetime, budget_s: float = BUDGET_S) -> int:
    """Fold the quarters of days (UTC) that are over for a while, oldest first; how many days."""
    until_s = time.monotonic() + budget_s
    done = 0
    marks = CompactedHour.objects.filter(is_folded=False)
    hours = marks.filter(hour__lt=now - FOLD_AFTER - _DAY).order_by("hour")
    for day in dict.fromkeys(hour.date() for hour in hours.values_list("hour", flat=True)):
        start = datetime.combine(day, datetime.min.time(), UTC)
        within = Q(hour__gte=start, hour__lt=start + _DAY)
        if marks.filter(within, is_rolled=False).exists():
            continue
        seen = dict(marks.filter(within).values_list("hour", "compacted_at"))
        ids = history.unfolded(day)
        for place in range(0, len(ids), FOLDED_AT_A_TIME):
            if time.monotonic() >= until_s:
                return done
            history.fold(day, ids[place : place + FOLDED_AT_A_TIME])
        for hour, compacted_at in seen.items():
            # Not when it has been done again since.
            marks.filter(hour=hour, compacted_at=compacted_at).update(is_folded=True)
        done += 1
        logger.info("rolling.folded day=%s devices=%d", day, len(ids))
    history.drop_folded(before=(now - FOLD_AFTER).date() - _DAY)
    return done


def forget_old(*, now: datetime) -> list[str]:
    """Drop roll-ups past their retention; names of the partitions."""
    dropped = []
    for kind, table in (
        (Retention.Kind.QUARTERS, history.QUARTERS),
        (Retention.Kind.QUARTERS, history.FOLDED),
        (Retention.Kind.DAYS, history.DAYS),
    ):
        before = now.date() - Retention.days_of(kind) * _DAY
        dropped += history.drop_partitions(before=before, table=table)
    RolledDay.objects.filter(
        day__lt=now.date() - Retention.days_of(Retention.Kind.DAYS) * _DAY
    ).delete()
    return dropped


def _due(now: datetime) -> Iterator[RolledDay]:
    """Days to roll up, as far as they can be over somewhere."""
    last = now.date() + _DAY
    for due in RolledDay.objects.filter(rolled_at=None, day__lte=last).order_by("day", "zone"):
        if day_bounds(due.day, due.zone)[1] <= now:
            yield due


def _is_whole(start: datetime, end: datetime) -> bool:
    """Whether no hour of a day with samples is still to be compacted."""
    first = start.replace(minute=0)
    within = Q(hour__gte=first, hour__lt=end)
    if ReopenedHour.objects.filter(within).exists():
        return False
    hours = int(-(-(end - first) // _HOUR))
    marks = CompactedHour.objects.filter(within, is_rolled=True).count()
    if marks == hours:
        return True
    # Without a partition there is nothing to compact.
    days = {partition.day for partition in history.partitions()}
    known = set(CompactedHour.objects.filter(within, is_rolled=True).values_list("hour", flat=True))
    missing = [first + _HOUR * number for number in range(hours)]
    open_ = CompactedHour.objects.filter(within, is_rolled=False).exists()
    return not open_ and not any(hour not in known and hour.date() in days for hour in missing)


def _roll(due: RolledDay, start: datetime, end: datetime, *, now: datetime, until_s: float) -> bool:
    """Roll up one day; False when time is up before its end."""
    ids = list(
        Device.objects.filter(site__timezone=due.zone).order_by("pk").values_list("pk", flat=True)
    )
    written = DaysWritten()
    for place in range(0, len(ids), DEVICES_AT_A_TIME):
        if time.monotonic() >= until_s:
            return False
        part = history.roll_day(start, end, ids[place : place + DEVICES_AT_A_TIME])
        written = DaysWritten(written.rows + part.rows, written.size_bytes + part.size_bytes)
    # Not when one of its hours has been done again since.
    RolledDay.objects.filter(pk=due.pk, noted_at=due.noted_at).update(
        rolled_at=now, rows=written.rows, size_bytes=written.size_bytes
    )
    logger.info("rolling.day day=%s zone=%s rows=%d", due.day, due.zone, written.rows)
    return True
