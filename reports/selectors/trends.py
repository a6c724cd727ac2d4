"""How many alarms were last raised when: bars over a day, a week or a month, by severity."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncHour

from alarms.models import Alarm
from alarms.states import SEVERITY_RANK
from core.time import day_bounds, local_day

PERIODS = ("24h", "7d", "month")
HOURS = 24
DAYS = 7
# Bars of a week.
WEEK_HOURS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """Alarms last raised in the half-open period, by severity from the worst, zeros included."""

    start: datetime
    end: datetime
    by_severity: dict[str, int]


def edges(
    period: str, *, now: datetime, zone: str, month: tuple[datetime, datetime]
) -> list[datetime]:
    """Where bars begin and the last one ends, the present one included, on the reader's clock.

    24h: hours; 7d: quarters of the last seven days; month: the days of the month, to today.
    """
    info = ZoneInfo(zone)
    if period == "month":
        start, end = month
        found = [start]
        while found[-1] < min(end, now):
            found.append(day_bounds(local_day(found[-1], zone), zone)[1])
        return found if len(found) > 1 else [start, end]
    hour = now.astimezone(info).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    if period == "24h":
        return [hour - timedelta(hours=back - 1) for back in range(HOURS, -1, -1)]
    midnight = day_bounds(local_day(now, zone), zone)[0]
    first = day_bounds(local_day(midnight - timedelta(days=DAYS - 1, hours=-2), zone), zone)[0]
    step = timedelta(hours=WEEK_HOURS)
    found = [first]
    while found[-1] <= hour:
        found.append(found[-1] + step)
    return found


def bars(alarms: QuerySet[Alarm], *, now: datetime, zone: str, edges: list[datetime]) -> list[Bar]:
    """The bars between the edges; nothing of the future."""
    rows = (
        alarms.filter(last_raised_at__gte=edges[0], last_raised_at__lt=edges[-1])
        .filter(last_raised_at__lte=now)
        .order_by()
        .annotate(hour=TruncHour("last_raised_at", tzinfo=ZoneInfo(zone)))
        .values_list("hour", "severity")
        .annotate(count=Count("pk"))
    )
    counts = [dict.fromkeys(SEVERITY_RANK, 0) for _ in edges[:-1]]
    for hour, severity, count in rows:
        counts[max(bisect_right(edges, hour) - 1, 0)][severity] += count
    return [
        Bar(start, end, found)
        for start, end, found in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
