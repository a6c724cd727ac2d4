"""The reader: series of points over a period, thinned so that no peak is lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from devices.history import raw, wide
from devices.history.archive import micros_of
from devices.history.layouts import Positions
from devices.history.tracks import Statistics, Track
from devices.models import PointCode


@dataclass(slots=True)
class Series:
    """One point over time. `at` is in epoch seconds, ascending; a None value marks a gap.

    When thinned (`is_reduced`) at most two values per bucket remain, its lowest and its highest, at
    their own times; `minimum` and `maximum` then hold the bucket's extremes, aligned with `at`.
    Otherwise they are empty. Values are at the meter's primary side, counters as they were read.
    """

    device_id: int
    code: str
    unit: str
    at: list[float] = field(default_factory=list)
    value: list[float | None] = field(default_factory=list)
    minimum: list[float | None] = field(default_factory=list)
    maximum: list[float | None] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    is_reduced: bool = False
    statistics: Statistics = field(default_factory=Statistics)


def series(
    *,
    points: Sequence[tuple[int, str]],
    start: datetime,
    end: datetime,
    max_points: int = 2000,
) -> list[Series]:
    """Series of (device id, point code) in the order asked, over the half-open period.

    At most `max_points` values each, besides the None of each gap; statistics are of all samples.
    When a bucket is at least a quarter of an hour it has whole quarters (UTC), and roll-ups answer
    where they can: the same values at the same times (see wide.figures on what is less fine).
    """
    codes = {code for _device, code in points}
    units = dict(PointCode.objects.filter(code__in=codes).values_list("code", "unit"))
    reading = _Reading(raw.layouts_with(codes), start, end, max_points)
    found: dict[tuple[int, str], Series] = {}
    for device_id in dict.fromkeys(device for device, _code in points):
        wanted = list(dict.fromkeys(code for device, code in points if device == device_id))
        of_device = [Series(device_id, code, units.get(code, "")) for code in wanted]
        reading.fill(of_device)
        found |= {(row.device_id, row.code): row for row in of_device}
    return [found[point] for point in points]


class _Reading:
    """One question: reads the points of one device after the other."""

    def __init__(
        self, layouts: dict[int, Positions], start: datetime, end: datetime, max_points: int
    ) -> None:
        self.layouts, self.start, self.end, self.max_points = layouts, start, end, max_points
        self.read = raw.reader(layouts)
        most = max(1, max_points // 2)
        self.buckets = wide.Buckets.of(micros_of(start), micros_of(end), most)
        self.ranges = wide.Ranges.of(start, end) if self.buckets else None

    def fill(self, rows: list[Series]) -> None:
        """Read the points of one device."""
        if self.buckets and self.ranges:
            rows = self._fill_wide(rows, self.buckets, self.ranges)
        if not rows:
            return
        period = self.start.timestamp(), self.end.timestamp()
        tracks = [Track(period, self.max_points) for _row in rows]
        codes = [row.code for row in rows]
        for found in self.read(rows[0].device_id, codes, self.start, self.end):
            for position, track in enumerate(tracks, start=1):
                track.feed(found[:, 0], found[:, position])
        for row, track in zip(rows, tracks, strict=True):
            _shaped(row, track)

    def _fill_wide(
        self, rows: list[Series], buckets: wide.Buckets, ranges: wide.Ranges
    ) -> list[Series]:
        """Fill what has more samples than are asked for; what is left is to be read whole."""
        left = []
        device_id, codes = rows[0].device_id, [row.code for row in rows]
        slots = wide.slots_between(device_id, codes, self.layouts, ranges, self.read)
        for row, (code, found) in zip(rows, slots, strict=True):
            if found["count"].sum() > self.max_points:
                at, value, low, high = wide.points(buckets.of_slots(found))
                is_counter = all(layout.counts(code) for layout in self.layouts.values())
                row.statistics, row.gaps = wide.figures(found, is_counter=is_counter)
                row.at, row.value = at.tolist(), value.tolist()
                row.minimum, row.maximum, row.is_reduced = low.tolist(), high.tolist(), True
                _mark(row)
            elif len(found):
                left.append(row)
        return left


def series_of(device_id: int, code: str, unit: str, track: Track) -> Series:
    """What was fed to a track, as a series: of values that were calculated, not stored."""
    return _shaped(Series(device_id, code, unit), track)


def _shaped(result: Series, track: Track) -> Series:
    track.finish()
    at, value, lowest, highest = track.points()
    result.statistics, result.gaps = track.statistics, track.pauses.gaps
    result.is_reduced = track.is_reduced
    result.at, result.value = at.tolist(), value.tolist()
    result.minimum, result.maximum = lowest.tolist(), highest.tolist()
    _mark(result)
    return result


def _mark(result: Series) -> None:
    """Put a None into each gap that still lies between two of the values."""
    edges = np.searchsorted(result.at, [(start + end) / 2 for start, end in result.gaps])
    for place, (start, end) in reversed(list(zip(edges.tolist(), result.gaps, strict=True))):
        result.at.insert(place, (start + end) / 2)
        result.value.insert(place, None)
        if result.is_reduced:
            result.minimum.insert(place, None)
            result.maximum.insert(place, None)
