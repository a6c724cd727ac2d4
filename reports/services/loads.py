"""Taking the present power of all sites once for everybody, and keeping how it went today."""

from collections.abc import Iterator
from datetime import date, datetime

import numpy as np
from django.db import connection, transaction

from core.time import day_bounds, local_day
from devices.models import Device
from reports.models import SiteLoad
from reports.selectors import places
from reports.selectors.loads import SLOT_S
from reports.services import groups
from reports.services.groups import Taken

CHUNK = 5000
# Thousands of rows, twice a minute: a statement per chunk, whose values are five arrays.
_STORE = """
INSERT INTO reports_siteload AS kept (site_id, at, power_kw, fresh, meters, day, slots)
SELECT site_id, %(at)s, power_kw, fresh, meters, day, slots FROM unnest(
    %(sites)s::bigint[], %(powers)s::float8[], %(fresh)s::int[], %(meters)s::int[],
    %(days)s::date[], %(slots)s::bytea[]
) AS taken (site_id, power_kw, fresh, meters, day, slots)
ON CONFLICT (site_id) DO UPDATE SET at = excluded.at, power_kw = excluded.power_kw,
    fresh = excluded.fresh, meters = excluded.meters, day = excluded.day, slots = excluded.slots
"""


@transaction.atomic
def take(*, now: datetime, few_sites: int = groups.FEW_SITES) -> int:
    """Take the power of every site with incomers; how many that were. few_sites: see groups."""
    with connection.cursor() as cursor:
        # Of two at once the second would add the groups of the first to its own.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('reports.loads'))")
    powers = places.power_of(places.roots(Device.objects.all()), now=now)
    rows = SiteLoad.objects.select_for_update().values_list("site", "day", "slots")
    known = {(site_id, day): slots for site_id, day, slots in rows}
    sites = groups.places()
    days = {zone: _day(zone, now) for *_place, zone in sites.values()}
    taken = []
    # A site may have been removed since its meters were looked at.
    for pk in sorted(powers.keys() & sites.keys()):
        power, (day, count, place) = powers[pk], days[sites[pk][2]]
        old = known.get((pk, day))
        if old is None:
            slots = np.full(count, np.nan, np.float32)
        else:
            slots = np.frombuffer(old, np.float32).copy()
        if power.total_kw is not None:
            slots[place] = power.total_kw
        taken.append(Taken(pk, power.total_kw, power.fresh, power.meters, day, slots))
    SiteLoad.objects.exclude(pk__in=powers).delete()
    for chunk in _chunks(taken):
        _store(chunk, now)
    groups.write(now=now, places=sites, loads=taken, days=days, few_sites=few_sites)
    return len(taken)


def _chunks(rows: list[Taken]) -> Iterator[list[Taken]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def _store(rows: list[Taken], now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE,
            {
                "at": now,
                "sites": [row.site_id for row in rows],
                "powers": [row.power_kw for row in rows],
                "fresh": [row.fresh for row in rows],
                "meters": [row.meters for row in rows],
                "days": [row.day for row in rows],
                "slots": [row.slots.tobytes() for row in rows],
            },
        )


def _day(zone: str, now: datetime) -> tuple[date, int, int]:
    """The day in a zone, how many quarters it has, and the present one."""
    day = local_day(now, zone)
    start, end = day_bounds(day, zone)
    slots = int((end - start).total_seconds()) // SLOT_S
    return day, slots, int((now - start).total_seconds()) // SLOT_S
