"""Days and months in somebody's zone; everything stored is UTC."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.errors import Invalid


def local_day(at: datetime, zone: str) -> date:
    """The calendar day of a moment in a zone."""
    return at.astimezone(ZoneInfo(zone)).date()


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """First moment of the day and of the next one, in UTC: 23, 24 or 25 hours apart."""
    info = ZoneInfo(zone)
    start = datetime.combine(day, time(), info)
    end = datetime.combine(day + timedelta(days=1), time(), info)
    return start.astimezone(UTC), end.astimezone(UTC)


def month_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """First moment of the day's month and of the next month, in UTC."""
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return day_bounds(first, zone)[0], day_bounds(following, zone)[0]


def parse_moment(text: str, *, field: str = "at") -> datetime:
    """An aware moment from ISO 8601 text. Raises Invalid when it is no moment or has no offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(fields={field: [f"ISO 8601: {text[:40]!r}"]}) from None
    if moment.tzinfo is None:
        raise Invalid(fields={field: ["ISO 8601 + UTC offset"]})
    return moment.astimezone(UTC)
