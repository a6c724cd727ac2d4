"""Keeping what halls show of groups of sites: their loads, and on large platforms their figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from reports.models import SiteGroup
from reports.selectors import groups
from reports.selectors.groups import Figures, Key
from sites.models import Site

# A platform of fewer sites counts them for everybody who looks: quicker than anybody could notice.
FEW_SITES = 1000


@dataclass(frozen=True, slots=True)
class Taken:
    """The load of one site; slots: kW of the quarters of its day, NaN where there is none."""

    site_id: int
    power_kw: float | None
    fresh: int
    meters: int
    day: date
    slots: NDArray[np.float32]


def places() -> dict[int, Key]:
    """Company, town and zone of every site."""
    rows = Site.objects.order_by().values_list("pk", *groups.COLUMNS)
    return {pk: tuple(key) for pk, *key in rows}


def write(
    *,
    now: datetime,
    places: Mapping[int, Key],
    loads: Sequence[Taken],
    days: Mapping[str, tuple[date, int, int]],
    few_sites: int,
) -> None:
    """Replace all groups. loads: of the sites that have any; days: of each zone, with its quarters."""
    by_key: dict[Key, list[Taken]] = {key: [] for key in places.values()}
    for row in loads:
        by_key[places[row.site_id]].append(row)
    figures: dict[Key, Figures] = {}
    if len(places) >= few_sites:
        figures = groups.count(now=now, zones=days.keys())
    rows = [_group(key, some, days[key[2]], now, figures.get(key)) for key, some in by_key.items()]
    SiteGroup.objects.all().delete()
    SiteGroup.objects.bulk_create(rows)


def _group(
    key: Key,
    loads: list[Taken],
    of_day: tuple[date, int, int],
    now: datetime,
    figures: Figures | None,
) -> SiteGroup:
    organisation, town, zone = key
    day, slots, _place = of_day
    quarters = np.full((len(loads), slots), np.nan, np.float32)
    for place, row in enumerate(loads):
        quarters[place] = row.slots
    is_known = ~np.isnan(quarters).all(axis=0)
    sums = np.where(is_known, np.nansum(quarters, axis=0, dtype=np.float64), np.nan)
    known = [row.power_kw for row in loads if row.power_kw is not None]
    return SiteGroup(
        zone=zone,
        organisation_id=organisation,
        town_id=town,
        at=now,
        power_kw=sum(known) if known else None,
        fresh=sum(row.fresh for row in loads),
        meters=sum(row.meters for row in loads),
        day=day,
        slots=sums.tobytes(),
        figures=figures,
    )
