"""Taking the present power of all sites once for everybody, and keeping how it went today."""

from collections import defaultdict
from datetime import date, datetime

import numpy as np
from django.db import transaction

from core.time import day_bounds, local_day
from devices.models import Device
from reports.models import SiteLoad, ZoneLoad
from reports.selectors import places
from reports.selectors.loads import SLOT_S
from sites.models import Site

_FACTS = ["at", "power_kw", "fresh", "meters", "day", "slots"]


@transaction.atomic
def take(*, now: datetime) -> int:
    """Take the power of every site with incomers; how many that were."""
    powers = places.power_of(places.roots(Device.objects.all()), now=now)
    zones = dict(Site.objects.filter(pk__in=powers).values_list("pk", "timezone"))
    known = {row.site_id: row for row in SiteLoad.objects.select_for_update()}
    days: dict[str, tuple[date, int, int]] = {}
    for zone in set(zones.values()):
        day = local_day(now, zone)
        start, end = day_bounds(day, zone)
        slots = int((end - start).total_seconds()) // SLOT_S
        days[zone] = day, slots, int((now - start).total_seconds()) // SLOT_S
    rows = []
    for pk, power in powers.items():
        day, slots, place = days[zones[pk]]
        old = known.get(pk)
        values = (
            np.frombuffer(old.slots, np.float32).copy()
            if old is not None and old.day == day
            else np.full(slots, np.nan, np.float32)
        )
        if power.total_kw is not None:
            values[place] = power.total_kw
        rows.append(
            SiteLoad(
                site_id=pk,
                at=now,
                power_kw=power.total_kw,
                fresh=power.fresh,
                meters=power.meters,
                day=day,
                slots=values.tobytes(),
            )
        )
    SiteLoad.objects.exclude(pk__in=powers).delete()
    SiteLoad.objects.bulk_create(
        rows,
        batch_size=5000,
        update_conflicts=True,
        unique_fields=["site"],
        update_fields=_FACTS,
    )
    _add_up(rows, zones)
    return len(rows)


def _add_up(rows: list[SiteLoad], zones: dict[int, str]) -> None:
    """The sums of each zone, so that a page need not add up thousands of sites."""
    by_zone: dict[str, list[SiteLoad]] = defaultdict(list)
    for row in rows:
        by_zone[zones[row.site_id]].append(row)
    sums = []
    for zone, some in by_zone.items():
        quarters = np.stack([np.frombuffer(row.slots, np.float32) for row in some])
        is_known = ~np.isnan(quarters).all(axis=0)
        slots = np.where(is_known, np.nansum(quarters, axis=0, dtype=np.float64), np.nan)
        known = [row.power_kw for row in some if row.power_kw is not None]
        sums.append(
            ZoneLoad(
                zone=zone,
                at=some[0].at,
                power_kw=sum(known) if known else None,
                fresh=sum(row.fresh for row in some),
                meters=sum(row.meters for row in some),
                day=some[0].day,
                slots=slots.tobytes(),
            )
        )
    ZoneLoad.objects.exclude(pk__in=by_zone).delete()
    ZoneLoad.objects.bulk_create(
        sums, update_conflicts=True, unique_fields=["zone"], update_fields=_FACTS
    )
