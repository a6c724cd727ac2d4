"""What belongs to one alarm: its place in the tree, its neighbours in time, its own past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Avg, Count, F, Min, Q
from django.db.models.functions import TruncDate

from alarms.models import Alarm, AlarmLog, AlarmQuerySet
from alarms.selectors.reading import same_alarm, same_path
from alarms.states import Move, Severity

_SEVERITIES = tuple(severity.value for severity in Severity)
# What stands above an alarm, from the widest to the nearest, with the column that names it.
_LEVELS = (
    ("enterprise", "site__enterprise"),
    ("site", "site"),
    ("room", "room"),
    ("transformer", "transformer"),
    ("circuit", "circuit"),
    ("device", "device"),
    ("gateway", "gateway"),
)


@dataclass(frozen=True, slots=True)
class Level:
    """One level above the alarm: the worst that is open on it or below it, and how many."""

    kind: str
    place: Any
    worst: str
    count: int


@dataclass(frozen=True, slots=True)
class Past:
    """The same alarm over the last days: how often it was raised each day, and how long it lasted."""

    days: list[tuple[Any, int]]
    mean_s: float | None
    alarms: list[Alarm]

    @property
    def total(self) -> int:
        return sum(count for _day, count in self.days)


def place_of(*, alarm: Alarm) -> list[Level]:
    """Enterprise, site, room, transformer, circuit, device: those that the alarm has."""
    places = {kind: _at(alarm, path) for kind, path in _LEVELS}
    known = {kind: place for kind, place in places.items() if place is not None}
    facts: dict[str, Any] = {}
    for kind, path in _LEVELS:
        if kind in known:
            here = Q(**{path: known[kind].pk})
            facts[f"{kind}_worst"] = Min("severity_rank", filter=here)
            facts[f"{kind}_count"] = Count("pk", filter=here)
    open_here = Alarm.objects.open().filter(site__enterprise=alarm.site.enterprise_id)
    found = open_here.order_by().aggregate(**facts)
    return [
        Level(
            kind=kind,
            place=place,
            worst="normal"
            if found[f"{kind}_worst"] is None
            else _SEVERITIES[found[f"{kind}_worst"]],
            count=found[f"{kind}_count"],
        )
        for kind, place in known.items()
    ]


def _at(alarm: Alarm, path: str) -> Any:
    place: Any = alarm
    for step in path.split("__"):
        place = getattr(place, step, None)
    return place


def around(*, alarm: Alarm, within: timedelta, limit: int = 12) -> AlarmQuerySet:
    """Alarms of the same site raised about the same time, also archived ones; the nearest first."""
    start, end = alarm.last_raised_at - within, alarm.last_raised_at + within
    return same_path(
        alarm=alarm,
        limit=limit,
        among=Alarm.objects.filter(last_raised_at__gte=start, last_raised_at__lte=end),
    )


def past_of(*, alarm: Alarm, now: datetime, days: int = 30) -> Past:
    """The same rule at the same spot: raised and raised again per day of the site, mean duration."""
    zone = ZoneInfo(alarm.site.timezone)
    last = now.astimezone(zone).date()
    first = last - timedelta(days=days - 1)
    rows = same_alarm(alarm=alarm, now=now, days=days)
    keys = list(rows.values_list("pk", flat=True)[:500])
    counted = dict(
        AlarmLog.objects.filter(
            alarm__in=keys, move__in=[Move.RAISE, Move.RECUR], at__gte=now - timedelta(days=days)
        )
        .order_by()
        .annotate(day=TruncDate("at", tzinfo=zone))
        .values_list("day")
        .annotate(Count("pk"))
    )
    mean = rows.filter(recovered_at__gt=F("last_raised_at")).aggregate(
        mean=Avg(F("recovered_at") - F("last_raised_at"))
    )["mean"]
    shown = [first + timedelta(days=number) for number in range(days)]
    return Past(
        days=[(day, counted.get(day, 0)) for day in shown],
        mean_s=mean.total_seconds() if mean else None,
        alarms=list(rows.prefetch_related("orders")[:20]),
    )


def neighbours(*, keys: Sequence[int], pk: int) -> tuple[int, int | None, int | None] | None:
    """Place from 1, the one before and the one after in a list; None when it is not in it."""
    if pk not in keys:
        return None
    at = keys.index(pk)
    before = keys[at - 1] if at else None
    after = keys[at + 1] if at + 1 < len(keys) else None
    return at + 1, before, after
