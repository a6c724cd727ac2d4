"""How much the history grew, day by day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Sum
from django.db.models.functions import TruncDate

from devices.models import CompactedHour

DAYS = 30


@dataclass(frozen=True, slots=True)
class DayRows:
    """Samples of one UTC day and their bytes in blocks; hours that are not compacted yet are missing."""

    day: date
    rows: int
    block_bytes: int


def days(*, now: datetime) -> list[DayRows]:
    """The last days, the oldest first, also those without samples."""
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    since = datetime.combine(first, datetime.min.time(), UTC)
    found = (
        CompactedHour.objects.filter(hour__gte=since)
        .annotate(day=TruncDate("hour", tzinfo=UTC))
        .order_by()
        .values("day")
        .annotate(rows_sum=Sum("rows"), bytes_sum=Sum("size_bytes"))
    )
    by_day = {row["day"]: (row["rows_sum"], row["bytes_sum"]) for row in found}
    every = (first + timedelta(days=place) for place in range(DAYS))
    return [DayRows(day, *by_day.get(day, (0, 0))) for day in every]
