"""The live table of one device: quantities by kind, their phases side by side, limits, trends."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from devices import history, live, selectors
from devices.models import Device, PointCode
from devices.selectors import DevicePoint
from devices.services.schedule import DAILY_S, SLOW_S
from devices.states import PointKind, Quality
from reports.selectors.limits import Limit, limits_on, passed
from sites.models import User

STALE_PERIODS = 2
GONE_PERIODS = 10
TREND = timedelta(hours=1)
TREND_POINTS = 60
COLUMNS = ("a", "b", "c", "n", "total")
# Pairs of phases stand in the columns of single ones, with their own words.
_COLUMN_OF = {"a": "a", "b": "b", "c": "c", "n": "n", "ab": "a", "bc": "b", "ca": "c"}
# Means and sums that belong to a quantity with another name.
_TOTAL_OF = {
    "I_avg": "I",
    "Uln_avg": "U",
    "Ull_avg": "Ull",
    "THD_U_avg": "THD_U",
    "PhAng_total": "PhAng",
}
_SECTION_OF_GROUP = {"residual": "heat", "temperature": "heat", "output": "input"}
_QUALITY = re.compile(r"d?PF|F$|PhAng")


@dataclass(slots=True)
class Cell:
    """One point with its newest value. `period_s`: how often it is usually read."""

    device_id: int
    code: str
    label: str
    point: PointCode
    phase: str
    value: float | None = None
    at: datetime | None = None
    at_s: float = 0.0
    is_good: bool = False
    is_stale: bool = True
    period_s: float = 60.0
    limits: list[Limit] = field(default_factory=list)
    passed: Limit | None = None

    @property
    def id(self) -> str:
        return f"{self.device_id}:{self.code}"


@dataclass(slots=True)
class Row:
    """One quantity: a cell per column, None where the device has no such point."""

    key: str
    label: str
    unit: str
    cells: dict[str, Cell] = field(default_factory=dict)
    trend: list[tuple[str, str]] = field(default_factory=list)

    @property
    def columns(self) -> list[tuple[str, Cell | None]]:
        return [(name, self.cells.get(name)) for name in COLUMNS]

    @property
    def points(self) -> str:
        """Its points as the query of a curve."""
        return "&".join(f"point={cell.id}" for cell in self.cells.values())

    @property
    def limits(self) -> list[Limit]:
        """Limits of any of its cells, each once."""
        return list(dict.fromkeys(x for cell in self.cells.values() for x in cell.limits))

    @property
    def newest(self) -> Cell:
        """The cell whose time the row says."""
        return max(self.cells.values(), key=lambda cell: cell.at_s)

    @property
    def is_single(self) -> bool:
        return len(self.cells) == 1


@dataclass(slots=True)
class Section:
    """Quantities of one kind."""

    key: str
    label: str
    rows: list[Row] = field(default_factory=list)

    @property
    def has_phases(self) -> bool:
        return any(set(row.cells) - {"total"} for row in self.rows)


def table_of(*, user: User, device: Device, now: datetime) -> list[Section]:
    """Sections in the order of pages; only connected points that the person may see.

    device: as devices.selectors.device_for gives it. One read of history for all trends.
    """
    points = selectors.points_for(user=user, devices=[device])[device.pk]
    newest = {p.code: p for p in live.latest_points(device_ids=[device.pk]).get(device.pk, [])}
    limits = limits_on(device_ids=[device.pk]).get(device.pk, {})
    periods = _periods(device)
    sections = {key: Section(key, label) for key, label in section_labels().items()}
    rows: dict[tuple[str, str], Row] = {}
    for point in points:
        cell = _cell(point, newest.get(point.code), periods.get(point.code, _fast(device)), now)
        cell.limits = limits.get(point.code, [])
        cell.passed = passed(cell.limits, cell.value)
        key, column = _place(point)
        section = sections[_section_of(point.point)]
        row = rows.get((section.key, key))
        if row is None or column in row.cells:
            key = key if row is None else point.code
            row = rows[section.key, key] = Row(key, point.name, _unit(point.point))
            section.rows.append(row)
        row.cells[column] = cell
    for row in rows.values():
        row.label = _label(row)
    _add_trends(rows.values(), device.pk, now)
    return [section for section in sections.values() if section.rows]


def section_labels() -> dict[str, str]:
    """Names of the kinds, in the order of the page."""
    return {
        "voltage": _("电压"),
        "current": _("电流"),
        "power": _("功率"),
        "energy": _("电能"),
        "quality": _("电能质量"),
        "heat": _("温度与剩余电流"),
        "input": _("开关量"),
        "status": _("运行状态"),
    }


def _quantity_labels() -> dict[str, str]:
    return {
        "U": _("相电压"),
        "Ull": _("线电压"),
        "I": _("电流"),
        "P": _("有功功率"),
        "Q": _("无功功率"),
        "S": _("视在功率"),
        "PF": _("功率因数"),
        "dPF": _("基波功率因数"),
        "PhAng": _("功率因数角"),
        "DmdI": _("电流需量"),
        "U_ang": _("电压相角"),
        "I_ang": _("电流相角"),
        "THD_U": _("电压总谐波畸变率"),
        "THD_I": _("电流总谐波畸变率"),
        "T": pgettext("measured", "温度"),
    }


def _section_of(point: PointCode) -> str:
    if _QUALITY.match(point.code):
        return "quality"
    key = _SECTION_OF_GROUP.get(point.group, point.group)
    return key if key in section_labels() else "status"


def _place(point: DevicePoint) -> tuple[str, str]:
    """The row that a point belongs to, and its column; a name of its own makes a row of its own."""
    code, phase = point.code, point.point.phase
    if point.name != point.point.label:
        return code, "total"
    if phase not in _COLUMN_OF:
        return _TOTAL_OF.get(code, code), "total"
    if code[0] == "T" and code[1:].isdigit():
        return "T", phase
    base = re.sub(rf"_?{phase}(?=\d*$|_)", "", code, count=1)
    return (f"{base}ll" if len(phase) == 2 else base), _COLUMN_OF[phase]


def _label(row: Row) -> str:
    if row.is_single:
        return row.label
    total = row.cells.get("total")
    named = _quantity_labels().get(row.key)
    return named or (total.label if total else row.label)


def _unit(point: PointCode) -> str:
    return "" if point.kind == PointKind.EVENT else point.unit


def _fast(device: Device) -> float:
    return float(device.period_s)


def _periods(device: Device) -> dict[str, float]:
    """Seconds between two readings of each point."""
    fast = _fast(device)
    often = {"fast": fast, "slow": max(fast, SLOW_S), "daily": max(fast, DAILY_S)}
    registers = device.template_version.registers.values_list("point__code", "poll_class")
    return {code: often.get(poll_class, fast) for code, poll_class in registers}


def _cell(
    point: DevicePoint, newest: live.LatestPoint | None, period_s: float, now: datetime
) -> Cell:
    cell = Cell(
        point.device_id,
        point.code,
        point.name,
        point.point,
        point.point.phase.upper(),
        period_s=period_s,
    )
    if newest is None or (newest.value is None and newest.quality == Quality.GOOD):
        return cell
    age_s = now.timestamp() - newest.at
    cell.is_good = newest.quality == Quality.GOOD and age_s <= GONE_PERIODS * period_s
    cell.is_stale = age_s > STALE_PERIODS * period_s
    cell.value = newest.value if cell.is_good else None
    cell.at = datetime.fromtimestamp(newest.at, tz=now.tzinfo)
    cell.at_s = newest.at
    return cell


def _add_trends(rows: Collection[Row], device_id: int, now: datetime) -> None:
    """A path per cell over the last hour, all from one read."""
    cells = [cell for row in rows for cell in row.cells.values()]
    found = history.series(
        points=[(device_id, cell.code) for cell in cells],
        start=now - TREND,
        end=now,
        max_points=TREND_POINTS,
    )
    series = {row.code: row for row in found}
    for row in rows:
        curves = {name: series[cell.code] for name, cell in row.cells.items()}
        row.trend = paths(curves, (now - TREND).timestamp(), now.timestamp())


def paths(curves: Mapping[str, history.Series], start: float, end: float) -> list[tuple[str, str]]:
    """SVG paths in a box of 74 × 24, all on one scale: (name, path) of those with values."""
    known = [v for curve in curves.values() for v in curve.value if v is not None]
    if not known:
        return []
    low, high = min(known), max(known)
    tall = high - low
    found = []
    for name, curve in curves.items():
        steps, pen = [], "M"
        for at, value in zip(curve.at, curve.value, strict=True):
            if value is None:
                pen = "M"
                continue
            x = (at - start) / (end - start) * 74
            y = 22 - (value - low) / tall * 20 if tall else 12.0
            steps.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
        if len(steps) > 1:
            found.append((name, "".join(steps)))
    return found


def told_limits(limits: Iterable[Limit]) -> list[dict[str, object]]:
    """Limits as the page's script compares them."""
    return [
        {
            "v": limit.value,
            "low": limit.is_low,
            "eq": limit.is_state,
            "tone": limit.severity,
            "word": limit.word,
        }
        for limit in limits
    ]
