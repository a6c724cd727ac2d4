"""The load that a person may see, from what was taken of every site: now, and today's highest."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Aggregate, BinaryField, Count, Max, Q, QuerySet, Sum

from core.time import day_bounds, local_day
from reports.models import SiteLoad
from reports.selectors.places import Power
from sites.models import User
from sites.rules import DataClass

SLOT_S = 900
# What was taken longer ago is no present load.
FRESH = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Load:
    """The sum over sites: now, and the highest of today's quarters with its moment."""

    power: Power
    at: datetime | None
    peak_kw: float | None = None
    peak_at: datetime | None = None


def load(*, user: User, now: datetime, town_id: int | None = None) -> Load:
    """The load of the visible sites whose load the person may see, with today's peak."""
    rows = _rows(user)
    if town_id is not None:
        rows = rows.filter(site__enterprise__town=town_id)
    power, at = _sum(rows, now)
    peak = _peak(rows, now)
    if power.total_kw is not None and at and (peak is None or power.total_kw > peak[0]):
        peak = power.total_kw, at
    return Load(power, at, *(peak or (None, None)))


def power_of_sites(
    *, user: User, now: datetime, site_ids: Collection[int] | QuerySet[Any, Any]
) -> Power:
    """The sum over some sites."""
    return _sum(_rows(user).filter(site__in=site_ids), now)[0]


def _rows(user: User) -> QuerySet[SiteLoad]:
    return SiteLoad.objects.visible_to(user, data_class=DataClass.LOAD)


def _sum(rows: QuerySet[SiteLoad], now: datetime) -> tuple[Power, datetime | None]:
    is_fresh = Q(at__gte=now - FRESH)
    found = rows.aggregate(
        total_kw=Sum("power_kw", filter=is_fresh),
        fresh=Sum("fresh", filter=is_fresh, default=0),
        meters=Sum("meters", default=0),
        at=Max("at"),
    )
    at = found.pop("at")
    return Power(**found), at


class _Joined(Aggregate):
    """Bytes of all rows, one after the other."""

    function = "string_agg"
    template = "%(function)s(%(expressions)s, ''::bytea)"
    output_field = BinaryField()


def _peak(rows: QuerySet[SiteLoad], now: datetime) -> tuple[float, datetime] | None:
    """Quarters are added up as they lie in time, whichever zone a site's day belongs to."""
    # One value per zone and day: thousands of small ones take longer to hand over than to add up.
    by_day = rows.order_by().values_list("site__timezone", "day")
    sums: dict[datetime, float] = {}
    for zone, day, number, slots in by_day.annotate(Count("pk"), all=_Joined("slots")):
        if day != local_day(now, zone):
            continue
        start = day_bounds(day, zone)[0]
        quarters = np.frombuffer(slots, np.float32).reshape(number, -1)
        known = ~np.isnan(quarters).all(axis=0)
        totals = np.nan_to_num(quarters.astype(np.float64)).sum(axis=0)
        for place in np.flatnonzero(known).tolist():
            at = start + timedelta(seconds=place * SLOT_S)
            sums[at] = sums.get(at, 0.0) + float(totals[place])
    if not sums:
        return None
    at = max(sums, key=lambda moment: sums[moment])
    return sums[at], at
