"""Energy from counters: differences between hours, never negative, with what is not known said.

An exchange of the meter counts by the readings written down. A counter that was reset or jumps
higher than can flow leaves that hour unknown; it counts as none. An hour without a reading is a
gap: the energy across it is known from its two ends, when exactly it was used is not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from core.time import day_bounds, local_day, month_bounds
from devices import history, selectors
from devices.drivers.counters import UNKNOWN, Counter, steps
from devices.history.codec import Floats
from devices.models import Device

IMPORT = "EPI"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Energy:
    """Active energy of some meters over a half-open period.

    `kwh` is None without two readings of any meter. `gap_hours`: hours, of any meter, at whose end
    there was no reading; `resets`: hours of which something is unknown (drivers.counters.UNKNOWN).
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
    """The sum over the incomers of a site, on its own days."""
    day = local_day(now, zone)
    month = month_bounds(day, zone)[0]
    yesterday, today = (day_bounds(day - timedelta(days=ago), zone)[0] for ago in (1, 0))
    moments = hours_between(min(month, yesterday), now)
    ids = [device.pk for device in devices]
    readings = history.counters_at(device_ids=ids, code=IMPORT, moments=moments, within=_HOUR)
    counters = selectors.counters(device_ids=ids, code=IMPORT)
    at_s = np.array([moment.timestamp() for moment in moments])

    def part(start: datetime, end: datetime) -> Energy:
        kept = [place for place, at in enumerate(moments) if start <= at <= end]
        rows = [(readings[pk][kept], counters[pk]) for pk in ids]
        return energy_of(at_s[kept], rows, start, end)

    return SiteEnergy(
        today=part(today, now), yesterday=part(yesterday, today), month=part(month, now)
    )


def energy_of(
    at_s: Floats, rows: list[tuple[Floats, Counter]], start: datetime, end: datetime
) -> Energy:
    """Energy from hourly readings of each meter, NaN where there is none."""
    known: list[float] = []
    gaps = resets = 0
    for row, counter in rows:
        gaps += int(np.isnan(row).sum())
        found = steps(at_s.tolist(), row.tolist(), counter, slack_s=_HOUR.total_seconds())
        resets += sum(step.odd in UNKNOWN for step in found)
        if found:
            known.append(sum(step.kwh for step in found))
    return Energy(start, end, sum(known) if known else None, gaps, resets)


def hours_between(start: datetime, end: datetime) -> list[datetime]:
    """Whole hours from the start, and the end."""
    count = int((end - start) / _HOUR)
    found = [start + _HOUR * hour for hour in range(count + 1)]
    return found if found[-1] == end else [*found, end]
