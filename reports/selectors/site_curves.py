"""The load of a site today beside yesterday and the same day of last week."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from core.time import day_bounds, local_day
from devices import history
from devices.history.codec import Floats
from devices.models import Device
from reports.selectors import places
from reports.selectors.places import POWER
from sites import selectors as site_selectors
from sites.models import Site, Transformer, User

# A quarter of an hour, as load is metered; devices read more seldom leave no holes by it.
STEP_S = 900
# Today, yesterday, last week: days before today.
DAYS_AGO = (0, 1, 7)


@dataclass(frozen=True, slots=True)
class DayLoad:
    """Means over quarters of an hour from the day's midnight on, kW; NaN where an incomer has none."""

    day: date
    days_ago: int
    power_kw: Floats


@dataclass(frozen=True, slots=True)
class SiteLoads:
    """A site's day so far with two to compare; `capacity_kva` of its transformers."""

    site: Site
    start: datetime
    end: datetime
    days: list[DayLoad]
    capacity_kva: int


def site_loads(*, user: User, pk: int, now: datetime) -> SiteLoads:
    """Raises NotFound when the person cannot see the site; no values without its class of data."""
    site = site_selectors.site_for(user=user, pk=pk)
    devices = list(places.incomers(user).filter(site=site))
    today = local_day(now, site.timezone)
    start, end = day_bounds(today, site.timezone)
    ratings = Transformer.objects.filter(room__site=site).values_list("rated_kva", flat=True)
    return SiteLoads(
        site=site,
        start=start,
        end=end,
        days=[_day(devices, site, today - timedelta(days=ago), ago, now) for ago in DAYS_AGO],
        capacity_kva=sum(ratings),
    )


def _day(devices: list[Device], site: Site, day: date, days_ago: int, now: datetime) -> DayLoad:
    start, end = day_bounds(day, site.timezone)
    rows = history.means(
        device_ids=[device.pk for device in devices],
        code=POWER,
        start=start,
        end=end,
        step_s=STEP_S,
    )
    # A sum of some of the incomers would look like a lower load: it is no value.
    total = np.sum(list(rows.values()), axis=0) if rows else np.full(0, np.nan)
    known = total[: int((now - start).total_seconds() // STEP_S)]
    return DayLoad(day, days_ago, np.asarray(known, np.float64))
