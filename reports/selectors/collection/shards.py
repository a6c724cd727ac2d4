"""The shards: who polls each, how its cycles go, what waits on its disk."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max, Q, Sum

from devices.models import FIRST_DOOR, DtuDoor, Gateway, PollHour, PollShard
from devices.selectors.spool import SpoolFacts, lost_rows, spool_facts
from devices.selectors.told import Told, told

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


def shard_name(number: int) -> str:
    """As the process table calls who polls it."""
    return f"dtu.{number - FIRST_DOOR}" if number >= FIRST_DOOR else f"poll.{number}"


@dataclass(frozen=True, slots=True)
class ShardLine:
    """One shard. age_s: since its latest cycle, None before the first.

    told: what its worker said within the last minute. hour, day: cycles, and late ones among them,
    of this clock hour and of the last 24.
    lost: samples thinned and dropped, ever.
    """

    number: int
    is_needed: bool
    row: PollShard | None
    age_s: float | None
    told: Told | None
    spool: SpoolFacts | None
    lost: tuple[int, int]
    hour: tuple[int, int]
    day: tuple[int, int]
    slowest_ms: float | None
    door: DtuDoor | None

    @property
    def name(self) -> str:
        return shard_name(self.number)

    @property
    def is_door(self) -> bool:
        """Whether its gateways dial in."""
        return self.number >= FIRST_DOOR

    @property
    def is_late(self) -> bool:
        """Gateways are to be polled, and for too long nobody has."""
        limit_s = settings.COLLECTION_LATE_S
        return self.is_needed and (self.age_s is None or self.age_s > limit_s)

    @property
    def owner(self) -> str:
        """Machine and process number."""
        words = self.row.owner.split(" ") if self.row else []
        return f"{words[0]} · {words[2]}" if len(words) > 2 else ""

    @property
    def late_hour(self) -> int:
        return self.hour[1]

    @property
    def late_day(self) -> int:
        return self.day[1]

    @property
    def cycles_day(self) -> int:
        return self.day[0]

    @property
    def thinned(self) -> int:
        return self.lost[0]

    @property
    def dropped(self) -> int:
        return self.lost[1]

    @property
    def load_percent(self) -> float | None:
        """The latest cycle against the tick."""
        cycle_ms = self.row.cycle_ms if self.row else None
        return None if cycle_ms is None else cycle_ms / (settings.POLL_TICK_S * 10)

    @property
    def spool_percent(self) -> float:
        """Of the room that the spool may take."""
        waits = self.spool.bytes if self.spool else 0
        return 100 * waits / max(1, settings.SPOOL_MB * 1024 * 1024)

    def spool_age_s(self, now: datetime) -> float | None:
        """The age of the oldest sample that waits."""
        oldest = self.spool.oldest_at if self.spool else None
        return None if oldest is None else now.timestamp() - oldest


def shard_lines(*, now: datetime) -> list[ShardLine]:
    """Shards that were ever polled or that have gateways; six queries."""
    rows = {row.number: row for row in PollShard.objects.all()}
    needed = Gateway.objects.filter(is_enabled=True).poll_shards()
    numbers = sorted(rows.keys() | needed)
    doors = {door.number + FIRST_DOOR: door for door in DtuDoor.objects.all()}
    says, waits, lost = told(numbers, now=now), spool_facts(now=now), lost_rows()
    hours = _hours(now)
    lines = []
    for number in numbers:
        row, sums = rows.get(number), hours.get(number, {})
        at = row.cycle_at if row else None
        lines.append(
            ShardLine(
                number=number,
                is_needed=number in needed,
                row=row,
                age_s=None if at is None else (now - at).total_seconds(),
                told=says.get(number),
                spool=waits.get(number),
                lost=lost.get(number, (0, 0)),
                hour=(sums.get("hour_all") or 0, sums.get("hour_late") or 0),
                day=(sums.get("day_all") or 0, sums.get("day_late") or 0),
                slowest_ms=sums.get("slowest"),
                door=doors.get(number),
            )
        )
    return lines


def _hours(now: datetime) -> dict[int, dict[str, Any]]:
    """Cycles by shard."""
    last = Q(hour__gt=now - _HOUR)
    rows: Any = PollHour.objects.filter(hour__gt=now - _DAY).order_by().values("shard")
    sums = rows.annotate(
        day_all=Sum("cycles"),
        day_late=Sum("late_cycles"),
        hour_all=Sum("cycles", filter=last),
        hour_late=Sum("late_cycles", filter=last),
        slowest=Max("slowest_ms"),
    )
    return {row["shard"]: row for row in sums}
