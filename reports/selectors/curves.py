"""Curves of several points over a period: thinned, with limits, alarms, gaps and statistics."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from alarms.models import Alarm
from devices import history, selectors
from devices.models import Device
from devices.selectors import DevicePoint, FormulaPoint, Said
from devices.states import PointKind
from reports.selectors.curve_query import CurveQuery
from reports.selectors.limits import limits_on
from reports.selectors.totals import Total, total_series, totals_of
from sites.models import User

WIDTH_PX = 1200
MOST_BANDS = 50
# Stretches of one curve that are marked; the page of a site lists all.
MOST_SAID = 200


@dataclass(slots=True)
class Curve:
    """One point, or a total of several: its series, and that of the compared period at this one's times.

    Only a point of a device has a `device`. Of a total `missing` are the stretches (s) in which parts
    of it were not there, and `whole_share` the share of its values that have all parts. `said`: what
    was left out of a point, or put in; `note`: what has to be said of a derived point.
    """

    point: DevicePoint | FormulaPoint | Total
    device: Device | None
    series: history.Series
    limits: list[dict[str, Any]]
    completeness: float | None
    compared_at: list[float] = field(default_factory=list)
    compared: list[float | None] = field(default_factory=list)
    compared_statistics: history.Statistics | None = None
    missing: list[tuple[float, float]] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    repair_url: str = ""
    whole_share: float | None = None
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.device.label} · {self.point.name}" if self.device else self.point.name

    @property
    def is_state(self) -> bool:
        return self.point.point.kind == PointKind.EVENT

    @property
    def is_counter(self) -> bool:
        return self.point.point.kind == PointKind.COUNTER

    @property
    def unit(self) -> str:
        return "" if self.is_state else self.point.point.unit

    @property
    def scale(self) -> str:
        """Curves of one scale share an axis; what was used since the start is no counter's reading."""
        is_used = isinstance(self.point, Total) and self.point.is_counted
        return f"{self.unit}+" if is_used else self.unit

    @property
    def statistics(self) -> history.Statistics:
        return self.series.statistics


@dataclass(slots=True)
class Band:
    """An alarm of one of the points, as far as it lies in the period."""

    alarm: Alarm
    start: float
    end: float


@dataclass(slots=True)
class Drawing:
    """Everything that a page of curves draws."""

    query: CurveQuery
    curves: list[Curve]
    bands: list[Band]
    zone_word: str


def drawing(*, user: User, query: CurveQuery, now: datetime, width_px: int = WIDTH_PX) -> Drawing:
    """Curves with at most two points per pixel of the width; every peak of the samples stays."""
    found = _read(query, query.start, query.end, width_px)
    limits = limits_on(device_ids=list(query.devices))
    pairs = [(point.device_id, point.code) for point in query.measured]
    said = selectors.said_of(points=pairs, start=query.start, end=query.end)
    curves = [
        Curve(
            point=point,
            device=query.devices[point.device_id] if isinstance(point, DevicePoint) else None,
            series=series,
            limits=[
                {"value": limit.value, "tone": limit.severity, "name": limit.name}
                for limit in _limits(point, limits)
                if not limit.is_state
            ],
            completeness=completeness(series.statistics, query, now),
            said=_said_of(point, said),
            note=note,
        )
        for point, (series, note) in zip(query.points, found, strict=True)
    ]
    for curve in curves:
        curve.series.gaps = _with_edges(curve.series, query, now)
    if query.totals:
        curves += [_total(total, query, now, width_px) for total in totals_of(query.points)]
    if query.days_back:
        _compare(curves, query, width_px)
    return Drawing(query, curves, _bands(user, query, now), zone_word(query.zone, query.end))


def _limits(point: DevicePoint | FormulaPoint, limits: Mapping[int, Mapping[str, Any]]) -> Any:
    if isinstance(point, FormulaPoint):
        return ()
    return limits.get(point.device_id, {}).get(point.code, ())


def _said_of(
    point: DevicePoint | FormulaPoint, said: Mapping[tuple[int, str], list[Said]]
) -> list[Said]:
    if isinstance(point, FormulaPoint):
        return []
    return said[point.device_id, point.code][:MOST_SAID]


def _read(
    query: CurveQuery, start: datetime, end: datetime, width_px: int
) -> list[tuple[history.Series, str]]:
    """Series of the query's points over a period, each with what has to be said of it."""
    most = 2 * width_px
    pairs = [(point.device_id, point.code) for point in query.measured]
    stored = iter(history.series(points=pairs, start=start, end=end, max_points=most))
    return [
        selectors.derived_curve(point, start=start, end=end, max_points=most)
        if isinstance(point, FormulaPoint)
        else (next(stored), "")
        for point in query.points
    ]


def _total(total: Total, query: CurveQuery, now: datetime, width_px: int) -> Curve:
    found = total_series(total, query, query.start, min(query.end, now), width_px)
    found.series.gaps = _with_edges(found.series, query, now)
    return Curve(
        point=total,
        device=None,
        series=found.series,
        limits=[],
        completeness=completeness(found.series.statistics, query, now),
        missing=found.missing,
        whole_share=found.whole_share,
    )


def completeness(statistics: history.Statistics, query: CurveQuery, now: datetime) -> float | None:
    """Share of the period, as far as it has passed, in which samples followed each other."""
    passed_s = (min(query.end, now) - query.start).total_seconds()
    if passed_s <= 0:
        return None
    usual_s = statistics.covered_s / (statistics.count - 1) if statistics.count > 1 else 0.0
    # The steps before the first and after the last sample count as one each.
    return min(1.0, (statistics.covered_s + usual_s) / passed_s)


def _with_edges(
    series: history.Series, query: CurveQuery, now: datetime
) -> list[tuple[float, float]]:
    """Gaps, and what is missing before the first and after the last sample."""
    known = series.statistics
    gaps = list(series.gaps)
    start, end = query.start.timestamp(), min(query.end, now).timestamp()
    if known.first_at is None or known.last_at is None:
        return [(start, end)] if end > start else []
    if known.count < 2:
        return gaps
    usual_s = known.covered_s / (known.count - 1) if known.covered_s else end - start
    if known.first_at - start > 2 * usual_s:
        gaps.insert(0, (start, known.first_at))
    if end - known.last_at > 2 * usual_s:
        gaps.append((known.last_at, end))
    return gaps


def moved(zone: str, days: int) -> Callable[[float], float]:
    """Moves moments by so many days of the calendar: the clock on the wall stays, also over DST."""
    info = ZoneInfo(zone)
    shift = timedelta(days=days)

    def move(at: float) -> float:
        local = datetime.fromtimestamp(at, info)
        return (
            (local.replace(tzinfo=None) + shift).replace(tzinfo=info, fold=local.fold).timestamp()
        )

    return move


def matched(zone: str, days: int) -> Callable[[float], float | None]:
    """As `moved`, but each clock time has at most one partner.

    None for a time that the other day's clock lacks, and for the second pass of an hour that the
    other day has only once.
    """
    info = ZoneInfo(zone)
    shift = timedelta(days=days)

    def match(at: float) -> float | None:
        local = datetime.fromtimestamp(at, info)
        there = (local.replace(tzinfo=None) + shift).replace(tzinfo=info, fold=local.fold)
        is_twice = there.utcoffset() != there.replace(fold=1 - there.fold).utcoffset()
        again = there.astimezone(UTC).astimezone(info)
        if again.replace(tzinfo=None) != there.replace(tzinfo=None) or (
            local.fold and not is_twice
        ):
            return None
        return there.timestamp()

    return match


def _compare(curves: Sequence[Curve], query: CurveQuery, width_px: int) -> None:
    back, forth = moved(query.zone, -query.days_back), matched(query.zone, query.days_back)
    start, end = (
        datetime.fromtimestamp(back(at.timestamp()), UTC) for at in (query.start, query.end)
    )
    found = [series for series, _note in _read(query, start, end, width_px)]
    found += [
        total_series(curve.point, query, start, end, width_px).series
        for curve in curves
        if isinstance(curve.point, Total)
    ]
    for curve, series in zip(curves, found, strict=True):
        there = [forth(at) for at in series.at]
        both = zip(there, series.value, strict=True)
        curve.compared_at = [at for at in there if at is not None]
        curve.compared = [value for at, value in both if at is not None]
        curve.compared_statistics = series.statistics


def _bands(user: User, query: CurveQuery, now: datetime) -> list[Band]:
    """Alarms of the points that held in the period, the worst first."""
    codes = {(point.device_id, point.code) for point in query.measured}
    rows = (
        Alarm.objects.visible_to(user)
        .filter(device__in=query.devices, last_raised_at__lt=query.end)
        .exclude(recovered_at__lt=query.start)
        .select_related("rule")
        .order_by("severity_rank", "-last_raised_at")[: 4 * MOST_BANDS]
    )
    first, last = query.start.timestamp(), min(query.end, now).timestamp()
    found = []
    for alarm in rows:
        if (alarm.device_id, alarm.point_code or alarm.worst_code) not in codes:
            continue
        end = alarm.recovered_at.timestamp() if alarm.recovered_at else last
        start = max(alarm.last_raised_at.timestamp(), first)
        found.append(Band(alarm, start, max(start, min(end, last))))
    return found[:MOST_BANDS]


def zone_word(zone: str, at: datetime) -> str:
    """The zone as people write it: UTC+8."""
    offset = at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")


def compare_word(query: CurveQuery) -> str:
    """What the compared period is called, '' without one."""
    if not query.days_back:
        return ""
    words = {"day": _("前一日"), "week": _("上周同日"), "month": _("上月同日")}
    if query.compare in words:
        return words[query.compare]
    return date.fromisoformat(query.compare).isoformat()
