"""What only a poll worker knows is written down: how its cycles went, hour by hour, and its lines."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from devices.drivers import DeviceRead
from devices.drivers.pace import Digest
from devices.models import PollHour
from devices.selectors import told
from devices.services.plan import Plan

TELL_EVERY_S = 10.0
KEEP_DAYS = 90

_COLUMNS = "shard, hour, cycles, late_cycles, slowest_ms, reads, failed_reads, stored"
_ADDING = """
ON CONFLICT (shard, hour) DO UPDATE SET
    cycles = kept.cycles + excluded.cycles,
    late_cycles = kept.late_cycles + excluded.late_cycles,
    slowest_ms = greatest(kept.slowest_ms, excluded.slowest_ms),
    reads = kept.reads + excluded.reads,
    failed_reads = kept.failed_reads + excluded.failed_reads,
    stored = kept.stored + excluded.stored
"""
_ADD = f"""
INSERT INTO devices_pollhour AS kept ({_COLUMNS})
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
{_ADDING}
"""  # noqa: S608 - made of our own words
_FOLD = f"""
WITH gone AS (DELETE FROM devices_pollhour WHERE hour < %s AND hour <> %s RETURNING *)
INSERT INTO devices_pollhour AS kept ({_COLUMNS})
SELECT shard, %s::timestamptz, sum(cycles), sum(late_cycles), max(slowest_ms), sum(reads),
    sum(failed_reads), sum(stored)
FROM gone GROUP BY shard
{_ADDING}
"""  # noqa: S608 - made of our own words


@dataclass(slots=True)
class Sums:
    """Some cycles of a shard."""

    cycles: int = 0
    late: int = 0
    slowest_ms: float = 0.0
    reads: int = 0
    stored: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Sums") -> None:
        """Those of another time as well."""
        self.cycles += other.cycles
        self.late += other.late
        self.slowest_ms = max(self.slowest_ms, other.slowest_ms)
        self.reads += other.reads
        self.stored += other.stored
        self.errors.update(other.errors)


class Teller:
    """Adds up the cycles of one shard and tells of them. For one thread at a time."""

    def __init__(self, shard: int, owner: str) -> None:
        self._shard = shard
        self._owner = owner
        self._told_at: float | None = None
        self._sums = Sums()
        # What the tables have not got yet.
        self._unwritten = Sums()

    def note(
        self, reads: Iterable[DeviceRead], *, stored: int, took_ms: float, is_late: bool
    ) -> None:
        """One more cycle."""
        sums = self._sums
        errors = [read.error for read in reads]
        sums.cycles += 1
        sums.late += is_late
        sums.slowest_ms = max(sums.slowest_ms, took_ms)
        sums.reads += len(errors)
        sums.stored += stored
        sums.errors.update(filter(None, errors))

    def tell(
        self, plan: Plan, lines: Callable[[], Digest], *, now: datetime, is_store_away: bool
    ) -> bool:
        """Tell what came together, when it is time; whether it was. Raises the database's errors.

        What the tables do not take is added to the next time; Redis is told all the same.
        """
        moment = now.timestamp()
        if self._told_at is None:
            self._told_at = moment
        window_s = abs(moment - self._told_at)
        if window_s < TELL_EVERY_S:
            return False
        sums, self._sums, self._told_at = self._sums, Sums(), moment
        facts = told.Told(
            at=moment,
            owner=self._owner,
            window_s=window_s,
            cycles=sums.cycles,
            late=sums.late,
            slowest_ms=round(sums.slowest_ms, 1),
            reads=sums.reads,
            stored=sums.stored,
            gateways=len(plan.gateways),
            devices=len(plan.devices),
            errors=dict(sums.errors),
            lines=lines(),
        )
        told.tell(self._shard, facts)
        self._unwritten.add(sums)
        if not is_store_away:
            self._write(now)
        return True

    def _write(self, now: datetime) -> None:
        sums = self._unwritten
        hour = now.replace(minute=0, second=0, microsecond=0)
        failed = sum(sums.errors.values())
        with connection.cursor() as cursor:
            cursor.execute(
                _ADD,
                [
                    self._shard,
                    hour,
                    sums.cycles,
                    sums.late,
                    sums.slowest_ms,
                    sums.reads,
                    failed,
                    sums.stored,
                ],
            )
        self._unwritten = Sums()


def forget_old(*, now: datetime) -> None:
    """Hours past their retention go into the one that holds them all."""
    with connection.cursor() as cursor:
        long_ago = PollHour.LONG_AGO
        cursor.execute(_FOLD, [now - timedelta(days=KEEP_DAYS), long_ago, long_ago])
