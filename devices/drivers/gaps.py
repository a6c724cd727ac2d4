"""Gaps in the samples of devices: where they are, and whose they are; plain numpy.

A gap is a pause in which at least two samples are missing. Where samples are missing at all is told
by the counts of each hour, so that only those hours need to be looked into.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import floor

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HOUR_S = 3600.0
# One sample alone is a hole that the completeness tells.
MISSING_FROM = 2
# An hour lacks a sample when so much of one is missing.
_SOME = 0.5
# How far about an hour the usual count of its service is looked for.
_ABOUT = 24
# What a pause may be short of its last slot, as a share of the period.
_SLACK = 0.05


class Cause(StrEnum):
    """Where samples were lost.

    device: it alone was silent. bus, gateway, source: so was everybody behind the same one.
    platform: nobody was heard at all, or what waited was given up. maintenance: somebody worked
    there. unknown: nobody else tells.
    """

    DEVICE = "device"
    BUS = "bus"
    GATEWAY = "gateway"
    SOURCE = "source"
    PLATFORM = "platform"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Hours:
    """Hours of one device: begin (epoch s, ascending), good samples, expected ones.

    Nothing later than `until_s` is counted.
    """

    start_s: Floats
    good: Floats
    expected: Floats
    until_s: float

    def is_served(self, begin_s: float, end_s: float) -> bool:
        """Whether samples were expected in any hour of a stretch."""
        first = max(0, int(np.searchsorted(self.start_s, begin_s, side="right")) - 1)
        last = int(np.searchsorted(self.start_s, end_s, side="left"))
        return begin_s < self.until_s and bool((self.expected[first:last] > 0).any())


@dataclass(frozen=True, slots=True)
class Run:
    """Hours in a row in which samples are missing, by position; the stretch to look into."""

    first: int
    last: int
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """From the last sample before to the first one after, in epoch seconds.

    is_open: no sample has come since, as far as samples are counted. is_cut: it goes on beyond the
    period that was looked at.
    """

    device_id: int
    begin_s: float
    end_s: float
    missing: int
    period_s: float
    is_open: bool = False
    is_cut: bool = False

    @property
    def inside(self) -> tuple[float, float]:
        """The stretch in which whoever is polled as often has to have been heard."""
        return self.begin_s + self.period_s / 2, self.end_s - self.period_s / 2


def runs(hours: Hours, *, start_s: float, end_s: float) -> list[Run]:
    """The stretches of a period in which samples are missing, an hour wider on both sides."""
    within = (hours.start_s > start_s - HOUR_S) & (hours.start_s < min(end_s, hours.until_s))
    lacking = np.flatnonzero(within & (hours.expected - hours.good >= _SOME))
    breaks = np.flatnonzero(np.diff(hours.start_s[lacking]) > HOUR_S) + 1
    found = []
    for part in np.split(lacking, breaks):
        if len(part):
            first, last = int(part[0]), int(part[-1])
            begin, end = hours.start_s[first] - HOUR_S, hours.start_s[last] + 2 * HOUR_S
            found.append(Run(first, last, float(begin), float(min(end, hours.until_s))))
    return found


def gaps(device_id: int, hours: Hours, run: Run, at_s: Floats) -> list[Gap]:
    """The gaps of a run; at_s: the good samples of its stretch, ascending."""
    inside = at_s[(at_s >= run.begin_s) & (at_s < run.end_s)]
    period_s = _period_s(hours, run)
    first_s, last_s = hours.start_s[run.first], hours.start_s[run.last] + HOUR_S
    left = _left(hours, run, period_s) if not (inside < first_s).any() else None
    right = _right(hours, run, period_s) if not (inside >= last_s).any() else None
    points = [*([left[0]] if left else ()), *inside.tolist(), *([right[0]] if right else ())]
    came_on, goes_on = bool(left and left[1]), bool(right and right[1])
    found = []
    for number, (begin, end) in enumerate(zip(points, points[1:], strict=False)):
        is_first = left is not None and number == 0
        is_last = right is not None and number == len(points) - 2
        steps = (end - begin) / period_s
        missing = floor(steps + _SLACK) if is_first or is_last else round(steps) - 1
        if missing < MISSING_FROM or end <= first_s or begin >= last_s:
            continue
        found.append(
            Gap(
                device_id=device_id,
                begin_s=begin,
                end_s=end,
                missing=missing,
                period_s=period_s,
                is_open=is_last and goes_on and end >= hours.until_s,
                is_cut=(is_first and came_on) or (is_last and goes_on and end < hours.until_s),
            )
        )
    return found


def _period_s(hours: Hours, run: Run) -> float:
    """Seconds between two samples, as the counts of whole hours nearby say."""
    about = hours.expected[max(0, run.first - _ABOUT) : run.last + 1 + _ABOUT]
    return HOUR_S / float(about.max())


def _left(hours: Hours, run: Run, period_s: float) -> tuple[float, bool]:
    """Where a gap begins that has no sample before it, and whether it began earlier."""
    begin_s = float(hours.start_s[run.first])
    before = run.first - 1
    is_neighbour = before >= 0 and hours.start_s[before] == begin_s - HOUR_S
    if is_neighbour and hours.expected[before] > 0:
        return begin_s, True
    served_s = float(hours.expected[run.first]) * period_s
    return begin_s + max(0.0, HOUR_S - served_s), False


def _right(hours: Hours, run: Run, period_s: float) -> tuple[float, bool]:
    """Where a gap ends that has no sample after it, and whether it goes on."""
    begin_s = float(hours.start_s[run.last])
    end_s = begin_s + HOUR_S
    after = run.last + 1
    if end_s >= hours.until_s or (after < len(hours.expected) and hours.expected[after] > 0):
        return run.end_s, True
    return begin_s + min(HOUR_S, float(hours.expected[run.last]) * period_s), False


@dataclass(frozen=True, slots=True)
class Place:
    """What a device hangs on; a source has neither bus nor gateway."""

    bus: int | None = None
    gateway: int | None = None
    source: int | None = None


@dataclass(slots=True)
class Scene:
    """What is known of a site's devices, and of some of other sites that the same process polls.

    gaps: of each device in order. witnesses: who is elsewhere and polled by the same process as a
    place. reason_of: why its link went down in a gap, '' when it did not (states.LinkError).
    is_maintained: somebody worked there when it began. is_given_up: samples of its time were lost
    while they waited to be stored.
    """

    places: Mapping[int, Place]
    hours: Mapping[int, Hours]
    gaps: Mapping[int, Sequence[Gap]]
    witnesses: Callable[[Place], Collection[int]]
    reason_of: Callable[[Gap], str]
    is_maintained: Callable[[Gap], bool]
    is_given_up: Callable[[Gap], bool]
    _begins: dict[int, list[float]] = field(default_factory=dict)

    def cause(self, gap: Gap) -> Cause:
        """Whose fault a gap was."""
        if self.is_maintained(gap):
            return Cause.MAINTENANCE
        reason = self.reason_of(gap)
        if reason == "no_worker" or self.is_given_up(gap):
            return Cause.PLATFORM
        place = self.places[gap.device_id]
        return self._of_bus(gap, place, reason) if place.source is None else self._fed(gap, place)

    def _fed(self, gap: Gap, place: Place) -> Cause:
        same = (pk for pk, at in self.places.items() if at.source == place.source)
        others = self._served(gap, same)
        return Cause.DEVICE if self._heard(gap, others) else Cause.SOURCE

    def _of_bus(self, gap: Gap, place: Place, reason: str) -> Cause:
        same_bus = self._served(gap, (pk for pk, at in self.places.items() if at.bus == place.bus))
        if self._heard(gap, same_bus):
            return Cause.DEVICE
        behind = [pk for pk, at in self.places.items() if at.gateway == place.gateway]
        others = self._served(gap, (pk for pk in behind if self.places[pk].bus != place.bus))
        if self._heard(gap, others):
            # A device alone on its line is all that one knows of the line.
            return Cause.BUS if same_bus else Cause.DEVICE
        elsewhere = self._served(gap, self.witnesses(place))
        if elsewhere and not self._heard(gap, elsewhere):
            return Cause.PLATFORM
        if same_bus or others or reason == "refused":
            return Cause.GATEWAY
        return Cause.DEVICE if reason else Cause.UNKNOWN

    def _served(self, gap: Gap, pks: Iterator[int] | Collection[int]) -> list[int]:
        """Those, besides the one of the gap, who should have been heard in it."""
        inside = gap.inside
        return [
            pk
            for pk in pks
            if pk != gap.device_id and pk in self.hours and self.hours[pk].is_served(*inside)
        ]

    def _heard(self, gap: Gap, pks: Collection[int]) -> bool:
        """Whether any of them was heard within the gap."""
        return any(not self._is_silent(pk, *gap.inside) for pk in pks)

    def _is_silent(self, pk: int, begin_s: float, end_s: float) -> bool:
        own = self.gaps.get(pk, ())
        if pk not in self._begins:
            self._begins[pk] = [gap.begin_s for gap in own]
        place = bisect_right(self._begins[pk], begin_s) - 1
        return place >= 0 and own[place].end_s >= end_s
