"""Totals of several points: of powers what was there, of energy what the counters say.

A total tells how many of its parts were there; with less than all it is not whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from devices import history, selectors
from devices.history.codec import Floats, Ints
from devices.models import PointCode
from devices.selectors import DevicePoint, FormulaPoint
from devices.states import PointKind
from reports.selectors.curve_query import CurveQuery

# Units whose sum means something, per kind of point.
ADDED = ("kW", "kvar", "kVA")
COUNTED = ("kWh", "kvarh", "kVAh")
# Energy of shorter slots is less than what a counter tells.
ENERGY_STEP_S = 900
_KINDS = {PointKind.INSTANT: ADDED, PointKind.COUNTER: COUNTED}


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of the points of one unit; `places` of them among those of a query."""

    unit: str
    points: tuple[DevicePoint, ...]
    places: tuple[int, ...]

    @property
    def id(self) -> str:
        return f"total:{self.unit}"

    @property
    def is_counted(self) -> bool:
        return self.unit in COUNTED

    @property
    def decimals(self) -> int:
        return max(one.point.decimals for one in self.points)

    @property
    def name(self) -> str:
        words = _("合计用量（%(n)d 个测点）") if self.is_counted else _("合计（%(n)d 个测点）")
        return words % {"n": len(self.points)}

    @property
    def point(self) -> PointCode:
        """A point that is in no dictionary, as curves draw it."""
        return PointCode(
            code=self.id, unit=self.unit, kind=PointKind.INSTANT, decimals=self.decimals
        )

    def of(self, value: Floats, edges_us: Ints) -> tuple[Floats, Ints]:
        """The sum per slot, NaN where no part was there, and how many parts were.

        value: columns of all the query's points on the slots between the edges.
        """
        parts = value[:, list(self.places)]
        is_there = ~np.isnan(parts)
        if self.is_counted:
            parts, is_there = _energy(self.points, edges_us)
        count = is_there.sum(axis=1)
        has_some = ~np.isnan(parts).all(axis=1)
        return np.where(has_some, np.nansum(parts, axis=1), np.nan), count


@dataclass(slots=True)
class TotalSeries:
    """A total over time. `missing`: stretches (s) in which parts were not there."""

    series: history.Series
    missing: list[tuple[float, float]] = field(default_factory=list)
    whole_share: float | None = None


def totals_of(points: Sequence[DevicePoint | FormulaPoint]) -> list[Total]:
    """Of each unit that can be added and that at least two of the points have.

    Derived points are left out: what they are made of would be counted twice.
    """
    found: dict[str, dict[int, DevicePoint]] = {}
    for place, one in enumerate(points):
        if isinstance(one, FormulaPoint):
            continue
        if one.point.unit in _KINDS.get(PointKind(one.point.kind), ()):
            found.setdefault(one.point.unit, {})[place] = one
    return [
        Total(unit, tuple(parts.values()), tuple(parts))
        for unit, parts in found.items()
        if len(parts) > 1
    ]


def total_series(
    total: Total, query: CurveQuery, start: datetime, end: datetime, width_px: int
) -> TotalSeries:
    """A total over a period, no more slots than pixels; of energy what was used since its start."""
    period_s = max(query.devices[one.device_id].period_s for one in total.points)
    least_s = ENERGY_STEP_S if total.is_counted else period_s
    step_s = max(least_s, -int(-(end - start).total_seconds() // width_px))
    if step_s > ENERGY_STEP_S:
        step_s = -(-step_s // ENERGY_STEP_S) * ENERGY_STEP_S
    edges_us = history.edges_of(start, end, step_s)
    edges_us[-1] = round(end.timestamp() * 1e6)
    if total.is_counted:
        return _shaped(total, edges_us, *_counted(total, edges_us))
    found = _added(total, edges_us, holds=step_s < 2 * period_s)
    return _shaped(total, edges_us, *found)


def _added(total: Total, edges_us: Ints, *, holds: bool) -> tuple[Floats, Ints]:
    pairs = [(one.device_id, one.code) for one in total.points]
    alone = Total(total.unit, total.points, tuple(range(len(pairs))))
    found = [
        alone.of(grid.value, edges_us)
        for grid in history.aligned(points=pairs, edges_us=edges_us, last_of=(), holds=holds)
    ]
    value, count = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return value, count


def _counted(total: Total, edges_us: Ints) -> tuple[Floats, Ints]:
    """What was used from the start on; NaN where no counter tells."""
    amount, count = total.of(np.zeros((len(edges_us) - 1, 1 + max(total.places))), edges_us)
    return np.where(np.isnan(amount), np.nan, np.cumsum(np.nan_to_num(amount))), count


def _shaped(total: Total, edges_us: Ints, value: Floats, count: Ints) -> TotalSeries:
    """As a series of its slots' values at their beginnings, of energy at their ends."""
    at = edges_us[1:] / 1e6 if total.is_counted else edges_us[:-1] / 1e6
    track = history.Track((float(edges_us[0] / 1e6), float(edges_us[-1] / 1e6) + 1), len(at) + 2)
    track.feed(at, value)
    series = history.series_of(total.points[0].device_id, total.id, total.unit, track)
    is_there = count > 0
    is_whole = count == len(total.points)
    return TotalSeries(
        series=series,
        missing=_stretches(edges_us / 1e6, is_there & ~is_whole),
        whole_share=float(is_whole[is_there].mean()) if is_there.any() else None,
    )


def _stretches(edges_s: Floats, is_part: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Begin and end (s) of the runs of slots."""
    turns = np.diff(np.concatenate(([False], is_part, [False])).astype(np.int8))
    begins, ends = edges_s[np.flatnonzero(turns == 1)], edges_s[np.flatnonzero(turns == -1)]
    return list(zip(begins.tolist(), ends.tolist(), strict=True))


def _energy(points: Sequence[DevicePoint], edges_us: Ints) -> tuple[Floats, Ints]:
    """What each counter says of each slot, and of which slots everything is known."""
    edges = [moment(at) for at in edges_us.tolist()]
    amounts = np.full((len(edges) - 1, len(points)), np.nan)
    is_whole = np.zeros(amounts.shape, np.int64)
    for code in dict.fromkeys(one.code for one in points):
        places = {one.device_id: n for n, one in enumerate(points) if one.code == code}
        counters = selectors.counters(device_ids=list(places), code=code)
        found = history.energies(device_ids=list(places), code=code, edges=edges, counters=counters)
        for device_id, energies in found.items():
            amounts[:, places[device_id]] = energies.amount
            is_whole[:, places[device_id]] = energies.is_whole
    return amounts, is_whole


def moment(at_us: int) -> datetime:
    """A moment of microseconds since 1970."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC) + timedelta(
        microseconds=at_us % 1_000_000
    )
