"""Energy from counters: differences between hours, never negative, with what is not known said.

A counter that runs backwards was reset or exchanged: that hour's energy is unknown and counts as
none. An hour without a reading is a gap: the energy across it is known from its two ends, when
exactly it was used is not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from core.time import day_bounds, local_day, month_bounds
from devices import history
from devices.history.codec import Floats
from devices.models import Device

IMPORT = "EPI"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Energy:
    """Active energy of some meters over a half-open period.

    `kwh` is None without two readings of any meter. `gap_hours`: hours, of any meter, at whose end
    there was no reading; `resets`: hours in which a counter ran backwards.
    """

    start: datetime
    end: datetime
    kwh: float | None
    gap_hours: int
    resets: int

    @property
    def is_whole(self) -> bool:
        return self.kwh is not None and not self.gap_hours and not self.resets


@dataclass(frozen=True, slots=True)
class SiteEnergy:
    """A site's energy of its today so far, its yesterday and its month so far."""

    today: Energy
    yesterday: Energy
    month: Energy


def site_energy(*, devices: list[Device], zone: str, now: datetime) -> SiteEnergy:
    """The sum over the incomers of a site, on its own days; two queries."""
    day = local_day(now, zone)
    month = month_bounds(day, zone)[0]
    yesterday, today = (day_bounds(day - timedelta(days=ago), zone)[0] for ago in (1, 0))
    moments = hours_between(min(month, yesterday), now)
    readings = history.counters_at(
        device_ids=[device.pk for device in devices], code=IMPORT, moments=moments, within=_HOUR
    )

    def part(start: datetime, end: datetime) -> Energy:
        kept = [place for place, at in enumerate(moments) if start <= at <= end]
        return energy_of([row[kept] for row in readings.values()], start, end)

    return SiteEnergy(
        today=part(today, now), yesterday=part(yesterday, today), month=part(month, now)
    )


def energy_of(readings: list[Floats], start: datetime, end: datetime) -> Energy:
    """Energy from hourly readings of each meter, NaN where there is none."""
    known: list[float] = []
    gaps = resets = 0
    for row in readings:
        there = row[~np.isnan(row)]
        gaps += len(row) - len(there)
        steps = np.diff(there)
        resets += int(np.count_nonzero(steps < 0))
        if len(there) > 1:
            known.append(float(steps.clip(min=0).sum()))
    return Energy(start, end, sum(known) if known else None, gaps, resets)


def hours_between(start: datetime, end: datetime) -> list[datetime]:
    """Whole hours from the start, and the end."""
    count = int((end - start) / _HOUR)
    found = [start + _HOUR * hour for hour in range(count + 1)]
    return found if found[-1] == end else [*found, end]
