"""The load that a person may see, from what was taken of every site: now, and today's highest."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Aggregate, BinaryField, Count, Max, Q, QuerySet, Sum

from core.time import day_bounds, local_day
from reports.models import SiteGroup, SiteLoad
from reports.selectors import groups
from reports.selectors.places import Power
from sites.models import User
from sites.rules import DataClass

SLOT_S = 900
# What was taken longer ago is no present load.
FRESH = timedelta(minutes=3)


# Zone, day, quarters (sites × quarters, kW), and what power is made of (see _sums).
_Group = tuple[str, date, Any, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Load:
    """The sum over sites: now, and the highest of today's quarters with its moment."""

    power: Power
    at: datetime | None
    peak_kw: float | None = None
    peak_at: datetime | None = None


def load(*, user: User, now: datetime, town_id: int | None = None) -> Load:
    """The load of the visible sites whose load the person may see, with today's peak."""
    whole = groups.visible(user, data_class=DataClass.LOAD)
    parts = _of_sites(user, now, town_id) if whole is None else _of_groups(whole, now, town_id)
    sums: list[tuple[Any, ...]] = []
    quarters: dict[datetime, float] = {}
    for zone, day, of_day, found in parts:
        sums.append(found)
        if day == local_day(now, zone):
            _add_up(quarters, of_day, day, zone)
    power, at = _power(sums)
    peak_at = max(quarters, key=lambda moment: quarters[moment], default=None)
    peak = None if peak_at is None else (quarters[peak_at], peak_at)
    if power.total_kw is not None and at and (peak is None or power.total_kw > peak[0]):
        peak = power.total_kw, at
    return Load(power, at, *(peak or (None, None)))


def _of_groups(whole: QuerySet[SiteGroup], now: datetime, town_id: int | None) -> Iterator[_Group]:
    rows = whole if town_id is None else whole.filter(town=town_id)
    by_day: dict[tuple[str, date], list[SiteGroup]] = {}
    for row in rows.filter(meters__gt=0).defer("figures"):
        by_day.setdefault((row.zone, row.day), []).append(row)
    for (zone, day), some in by_day.items():
        fresh = [row for row in some if row.at >= now - FRESH]
        known = [row.power_kw for row in fresh if row.power_kw is not None]
        quarters = np.frombuffer(b"".join(row.slots for row in some), np.float64)
        yield (
            zone,
            day,
            quarters.reshape(len(some), -1),
            (
                sum(known) if known else None,
                sum(row.fresh for row in fresh),
                sum(row.meters for row in some),
                max(row.at for row in some),
            ),
        )


def _of_sites(user: User, now: datetime, town_id: int | None) -> Iterator[_Group]:
    """One value per zone and day: thousands of small ones take longer to hand over than to add up."""
    rows = _rows(user)
    if town_id is not None:
        rows = rows.filter(site__enterprise__town=town_id)
    groups = rows.order_by().values_list("site__timezone", "day")
    for zone, day, number, slots, *found in groups.annotate(
        Count("pk"), all=_Joined("slots"), **_sums(now)
    ):
        yield zone, day, np.frombuffer(slots, np.float32).reshape(number, -1), tuple(found)


def power_of_sites(
    *, user: User, now: datetime, site_ids: Collection[int] | QuerySet[Any, Any]
) -> Power:
    """The sum over some sites."""
    rows = _rows(user).filter(site__in=site_ids)
    return _power([tuple(rows.aggregate(**_sums(now)).values())])[0]


def power_of_all(*, user: User, now: datetime) -> Power:
    """The sum over all sites whose load the person may see."""
    whole = groups.visible(user, data_class=DataClass.LOAD)
    rows: QuerySet[Any] = _rows(user) if whole is None else whole
    return _power([tuple(rows.order_by().aggregate(**_sums(now)).values())])[0]


def _rows(user: User) -> QuerySet[SiteLoad]:
    return SiteLoad.objects.visible_to(user, data_class=DataClass.LOAD)


def _sums(now: datetime) -> dict[str, Aggregate]:
    """What power is made of, in the order of `_power`."""
    is_fresh = Q(at__gte=now - FRESH)
    return {
        "total_kw": Sum("power_kw", filter=is_fresh),
        "fresh_meters": Sum("fresh", filter=is_fresh, default=0),
        "all_meters": Sum("meters", default=0),
        "taken_at": Max("at"),
    }


def _power(sums: list[tuple[Any, ...]]) -> tuple[Power, datetime | None]:
    """The groups together: their power, and when the newest of it was taken."""
    known = [total_kw for total_kw, *_rest in sums if total_kw is not None]
    power = Power(
        total_kw=sum(known) if known else None,
        fresh=sum(fresh for _kw, fresh, _meters, _at in sums),
        meters=sum(meters for _kw, _fresh, meters, _at in sums),
    )
    return power, max((at for *_rest, at in sums if at), default=None)


class _Joined(Aggregate):
    """Bytes of all rows, one after the other."""

    function = "string_agg"
    template = "%(function)s(%(expressions)s, ''::bytea)"
    output_field = BinaryField()


def _add_up(sums: dict[datetime, float], quarters: Any, day: date, zone: str) -> None:
    """Add the quarters of sites (sites × quarters, kW) as they lie in time, whatever their zone."""
    start = day_bounds(day, zone)[0]
    known = ~np.isnan(quarters).all(axis=0)
    totals = np.nan_to_num(quarters.astype(np.float64)).sum(axis=0)
    for place in np.flatnonzero(known).tolist():
        at = start + timedelta(seconds=place * SLOT_S)
        sums[at] = sums.get(at, 0.0) + float(totals[place])
