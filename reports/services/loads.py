"""Taking the present power of all sites once for everybody, and keeping how it went today."""

from datetime import date, datetime

import numpy as np
from django.db import transaction

from core.time import day_bounds, local_day
from devices.models import Device
from reports.models import SiteLoad
from reports.selectors import places
from reports.selectors.loads import SLOT_S
from reports.services import groups

_FACTS = ["at", "power_kw", "fresh", "meters", "day", "slots"]


@transaction.atomic
def take(*, now: datetime, few_sites: int = groups.FEW_SITES) -> int:
    """Take the power of every site with incomers; how many that were. few_sites: see groups."""
    powers = places.power_of(places.roots(Device.objects.all()), now=now)
    known = {row.site_id: row for row in SiteLoad.objects.select_for_update()}
    found = groups.places()
    days = {zone: _day(zone, now) for *_place, zone in found.values()}
    rows = []
    for pk, power in powers.items():
        if pk not in found:
            continue
        day, slots, place = days[found[pk][2]]
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
    groups.write(now=now, places=found, loads=rows, days=days, few_sites=few_sites)
    return len(rows)


def _day(zone: str, now: datetime) -> tuple[date, int, int]:
    """The day in a zone, how many quarters it has, and the present one."""
    day = local_day(now, zone)
    start, end = day_bounds(day, zone)
    slots = int((end - start).total_seconds()) // SLOT_S
    return day, slots, int((now - start).total_seconds()) // SLOT_S
