"""Curves as a table: a row per slot of time or per sample, the comparison beside it, totals.

A total is the sum of the points of one unit that can be added: of powers what was there, of energy
what the counters say. It tells how many of its parts were there; with less than all it is marked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isnan
from zoneinfo import ZoneInfo

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from core.errors import Invalid
from core.time import day_bounds, local_day
from devices import history, selectors
from devices.history.codec import Floats, Ints
from devices.selectors import DevicePoint, FormulaPoint, too_long
from devices.states import PointKind, Quality
from reports.selectors.curve_query import CurveQuery
from reports.selectors.curves import matched
from reports.selectors.totals import ENERGY_STEP_S, Total, moment, totals_of

# Seconds; a day is one of the calendar.
DAY_S = 86_400
STEPS: dict[str, int] = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "1d": DAY_S}
RAW = "raw"
# A page of the table, and the most rows for which a finer step is chosen by itself.
PAGE_ROWS = 100
USUAL_ROWS = 400


@dataclass(frozen=True, slots=True)
class Column:
    """A point, or the total of several. parts: how many points it is made of.

    note: why a derived point has no value on a page.
    """

    id: str
    name: str
    unit: str
    decimals: int
    parts: int = 1
    note: str = ""

    @property
    def is_total(self) -> bool:
        return self.parts > 1


@dataclass(frozen=True, slots=True)
class Block:
    """Rows in order: beginnings (epoch seconds), a column each of the table's; NaN is no value.

    `count`: samples behind a value, of a total the parts that were there. `quality` of samples as
    they were stored, -1 for none. `compared`: the values of the same clock time of the other period.
    `marks`: bits of slots, told by `said`.
    """

    at: Floats
    value: Floats
    count: Ints
    quality: NDArray[np.int8] | None = None
    compared: Floats | None = None
    marks: NDArray[np.uint8] | None = None

    def said(self, line: int, place: int) -> list[Quality]:
        """What has to be said of some samples behind a value of a slot."""
        return [] if self.marks is None else selectors.qualities(int(self.marks[line, place]))


class CurveTable:
    """The table of a query; `step` is a name of STEPS or RAW, '' for one that suits the period."""

    def __init__(self, query: CurveQuery, *, step: str = "") -> None:
        """Raises Invalid for a step that is none, or samples as stored with what needs slots."""
        self.query = query
        self.step = step or usual_step(query)
        if self.step != RAW and self.step not in STEPS:
            raise Invalid(fields={"step": [_("请选择有效的选项。")]})
        if self.is_raw and (query.totals or query.days_back or query.derived):
            words = _("对比、合计与计算测点须按时间步长取值，请选择步长。")
            raise Invalid(fields={"step": [words]})
        self.totals = totals_of(query.points) if query.totals else []
        if STEPS.get(self.step, 0) < ENERGY_STEP_S:
            self.totals = [total for total in self.totals if not total.is_counted]
        self.edges_us = (
            np.empty(0, np.int64)
            if self.is_raw
            else slot_edges(query.start, query.end, query.zone, STEPS[self.step])
        )
        self._points = [(point.device_id, point.code) for point in query.measured]
        self._last_of = {p.code for p in query.measured if p.point.kind != PointKind.INSTANT}
        self.columns = [*map(self._column, query.points), *map(self._total_column, self.totals)]
        totals = [sum(map(_behind, total.points), []) for total in self.totals]
        # The points of devices that each column is made of.
        self._behind = [*map(_behind, query.points), *totals]

    @property
    def is_raw(self) -> bool:
        return self.step == RAW

    @property
    def rows(self) -> int:
        """How many rows there will be; 0 when nobody knows."""
        return max(0, len(self.edges_us) - 1)

    def _column(self, point: DevicePoint | FormulaPoint) -> Column:
        if isinstance(point, FormulaPoint):
            row = point.row
            return Column(point.id, point.name, row.unit, row.decimals, note=self._note(point))
        device = self.query.devices[point.device_id]
        is_state = point.point.kind == PointKind.EVENT
        return Column(
            point.id,
            f"{device.label} · {point.name}",
            "" if is_state else point.point.unit,
            point.point.decimals,
        )

    def _note(self, point: FormulaPoint) -> str:
        """Why it is not calculated for a page: nothing is, or a page is too long."""
        if point.calculation is None:
            return point.fault
        edges = self.edges_us[: PAGE_ROWS + 1]
        if history.is_too_long(point.calculation, edges):
            return too_long(point.calculation)
        return ""

    def _total_column(self, total: Total) -> Column:
        return Column(total.id, total.name, total.unit, total.decimals, len(total.places))

    def blocks(self, first: int = 0, most: int | None = None) -> Iterator[Block]:
        """The rows in pieces; of a table in slots only those from `first` on, at most `most`."""
        if self.is_raw:
            for lines in history.by_sample(
                points=self._points, start=self.query.start, end=self.query.end
            ):
                count = (~np.isnan(lines.value)).astype(np.int64)
                yield Block(lines.at, lines.value, count, lines.quality)
            return
        is_page = most is not None
        end = len(self.edges_us) if most is None else first + most + 1
        wanted = self.edges_us[first:end]
        said = self._said(wanted)
        for edges, value, count in self._on_slots(wanted, is_page=is_page):
            compared = self._compared(edges, is_page=is_page) if self.query.days_back else None
            marks = np.column_stack([said.on(points, edges) for points in self._behind])
            yield Block(edges[:-1] / 1e6, value, count, compared=compared, marks=marks)

    def _said(self, edges_us: Ints) -> selectors.SlotMarks:
        points = {point for several in self._behind for point in several}
        start, end = moment(int(edges_us[0])), moment(int(edges_us[-1]))
        return selectors.slot_marks(points=points, start=start, end=end)

    def _on_slots(self, edges_us: Ints, *, is_page: bool) -> Iterator[tuple[Ints, Floats, Ints]]:
        """Edges, values and counts in pieces, totals among them."""
        begin = 0
        for grid in history.on_slots(points=self._points, edges_us=edges_us, last_of=self._last_of):
            edges = edges_us[begin : begin + len(grid.at) + 1]
            begin += len(grid.at)
            found = self._of_points(grid, edges, is_page=is_page)
            totals = [total.of(found[0], edges) for total in self.totals]
            yield (
                edges,
                np.column_stack([found[0], *(value for value, _count in totals)]),
                np.column_stack([found[1], *(count for _value, count in totals)]),
            )

    def _of_points(self, grid: history.Grid, edges: Ints, *, is_page: bool) -> tuple[Floats, Ints]:
        """Values and counts of all points in their order, from those that are measured."""
        if not self.query.derived:
            return grid.value, grid.count
        shape = (len(grid.at), len(self.query.points))
        value, count = np.full(shape, np.nan), np.zeros(shape, np.int64)
        measured = iter(range(len(self._points)))
        for place, point in enumerate(self.query.points):
            if isinstance(point, DevicePoint):
                column = next(measured)
                value[:, place], count[:, place] = grid.value[:, column], grid.count[:, column]
            elif point.calculation and not (is_page and self.columns[place].note):
                found = history.derived_slots(point.calculation, edges)
                value[:, place], count[:, place] = found
        return value, count

    def _compared(self, edges_us: Ints, *, is_page: bool) -> Floats:
        """Values of the same clock times of the compared period; NaN where its clock lacks one."""
        back = matched(self.query.zone, -self.query.days_back)
        there = [back(at / 1e6) for at in edges_us[:-1].tolist()]
        wanted = np.array([-1 if at is None else round(at * 1e6) for at in there], np.int64)
        found = np.full((len(wanted), len(self.columns)), np.nan)
        known = wanted[wanted >= 0]
        if not len(known):
            return found
        # To the beginning of the next slot, at least.
        start, end = moment(int(known.min())), moment(int(known.max()) + 1)
        others = slot_edges(start, end, self.query.zone, STEPS[self.step])
        pieces = self._on_slots(others, is_page=is_page)
        values = np.concatenate([value for _edges, value, _count in pieces])
        place = np.minimum(np.searchsorted(others[:-1], wanted), len(values) - 1)
        is_same = others[place] == wanted
        found[is_same] = values[place[is_same]]
        return found


def _behind(point: DevicePoint | FormulaPoint) -> list[tuple[int, str]]:
    """The points of devices that a point is made of."""
    if isinstance(point, DevicePoint):
        return [(point.device_id, point.code)]
    return point.calculation.pairs if point.calculation else []


def usual_step(query: CurveQuery) -> str:
    """The finest step with no more rows than one likes to read."""
    span_s = (query.end - query.start).total_seconds()
    return next((name for name, step in STEPS.items() if span_s <= USUAL_ROWS * step), "1d")


def slot_edges(start: datetime, end: datetime, zone: str, step_s: int) -> Ints:
    """Edges (microseconds since 1970) of the slots that touch the period.

    Slots begin with the day in the zone, whose last one may be cut by a change of the clock.
    """
    day, last = local_day(start, zone), local_day(end - timedelta(microseconds=1), zone)
    parts = []
    while day <= last:
        begin, until = (round(at.timestamp() * 1_000_000) for at in day_bounds(day, zone))
        parts.append(np.arange(begin, until, until - begin if step_s == DAY_S else step_s * 10**6))
        day += timedelta(days=1)
    edges = np.append(np.concatenate(parts), until).astype(np.int64)
    first = np.searchsorted(edges, round(start.timestamp() * 1e6), side="right") - 1
    final = np.searchsorted(edges, round(end.timestamp() * 1e6), side="left")
    return edges[first : final + 1]


def known(value: float) -> float | None:
    """A number for people and JSON: None for NaN, no longer than what was stored."""
    return None if isnan(value) else round(float(value), 6)


def clock(zone: str) -> Callable[[float], datetime]:
    """Epoch seconds as a moment on the clock of a zone."""
    info = ZoneInfo(zone)
    return lambda at: datetime.fromtimestamp(at, info)
