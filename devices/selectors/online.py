"""When gateways and devices answered: the events of their links as intervals."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.time import day_bounds, local_day
from devices.drivers.intervals import (
    Change,
    Interval,
    OnlineTime,
    cut,
    intervals,
    online_time,
)
from devices.models import Device, Gateway, LinkEvent
from devices.states import LinkError

Linked = Device | Gateway


@dataclass(frozen=True, slots=True)
class DayOnline:
    """One day of the site, as far as it lies in the period."""

    day: date
    time: OnlineTime
    intervals: list[Interval]


@dataclass(frozen=True, slots=True)
class Online:
    """A period of one gateway or device, no later than now; interruptions the newest first."""

    start: datetime
    end: datetime
    time: OnlineTime
    intervals: list[Interval]
    days: list[DayOnline]

    @property
    def interruptions(self) -> list[Interval]:
        return [one for one in reversed(self.intervals) if one.is_online is False]


def online(*, thing: Linked, start: datetime, end: datetime, zone: str, now: datetime) -> Online:
    """When a gateway or device was online, offline, or not asked, whole and by day of the zone.

    Offline begins with the verdict, which comes after the silence allowed.
    """
    until = max(start, min(end, now))
    found = intervals(changes_of(thing, until=until), start=start, end=until)
    return Online(start, until, online_time(found), found, list(_days(found, start, until, zone)))


def changes_of(thing: Linked, *, until: datetime) -> list[Change]:
    """What is known of a link before a moment, ascending.

    Events go after their retention, and rows that left service before that was an event have none;
    the row itself says since when it is as it is.
    """
    name = "gateway" if isinstance(thing, Gateway) else "device"
    rows = LinkEvent.objects.filter(**{name: thing.pk}, at__lt=until).order_by("at", "pk")
    found = [
        Change(at, None if reason == LinkError.RETIRED else is_online, reason)
        for at, is_online, reason in rows.values_list("at", "is_online", "reason")
    ]
    since = thing.link_changed_at
    if since is not None and since < until and (not found or found[-1].at < since):
        found.append(Change(since, thing.is_online, thing.link_error))
    return found


def reasons_between(
    *, site_id: int, start: datetime, end: datetime
) -> dict[tuple[str, int], list[tuple[datetime, str]]]:
    """When gateways and devices of a site went down and why, ascending, by ("device", id)."""
    found: dict[tuple[str, int], list[tuple[datetime, str]]] = defaultdict(list)
    rows = LinkEvent.objects.filter(site=site_id, is_online=False, at__gte=start, at__lt=end)
    columns = rows.order_by("at", "pk").values_list("gateway", "device", "at", "reason")
    for gateway, device, at, reason in columns:
        found["gateway" if device is None else "device", device or gateway].append((at, reason))
    return found


def _days(found: list[Interval], start: datetime, end: datetime, zone: str) -> Iterable[DayOnline]:
    day, last = local_day(start, zone), local_day(end - timedelta(microseconds=1), zone)
    while day <= last and start < end:
        begin, until = day_bounds(day, zone)
        inside = cut(found, start=max(begin, start), end=min(until, end))
        yield DayOnline(day, online_time(inside), inside)
        day += timedelta(days=1)
