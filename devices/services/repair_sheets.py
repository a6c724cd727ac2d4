"""A sheet of samples to be filled in: a row per sample, its time, what came, what is read, the new value."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.errors import Invalid
from core.sheets import Field
from devices.selectors import DevicePoint
from devices.services.repairs import MOST, MOST_SHEET_ROWS, Line
from sites.resources.columns import CellError, text_of
from sites.resources.files import place, read_tables, value_of

_ZERO = datetime.fromtimestamp(0, UTC)
MOST_TOLD = 50


@dataclass(slots=True)
class Filled:
    """The new values of a sheet by time (µs), and what is wrong with it, cell by cell."""

    values: dict[int, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def moment(at_us: int, zone: str) -> str:
    """The time of a sample as the sheet writes it; to the microsecond, so that it is found again."""
    at = (_ZERO + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone))
    return at.isoformat()


def fields_of(point: DevicePoint, zone: str) -> list[Field]:
    """The columns: the last one is empty, to be filled in."""
    unit = point.point.unit
    return [
        Field(gettext_lazy("时间"), lambda line: moment(line.at_us, zone)),
        Field(gettext_lazy("原值"), lambda line: line.stored, unit),
        Field(gettext_lazy("现值"), lambda line: line.present, unit),
        Field(gettext_lazy("质量"), lambda line: line.quality.label),
        Field(gettext_lazy("新值"), lambda _line: None, unit),
    ]


def read(*, content: bytes, name: str, lines: Sequence[Line], zone: str) -> Filled:
    """The new values of a file made from `fields_of`; rows without one stay as they are.

    Raises Invalid when the file cannot be read or lacks a column.
    """
    table = read_tables(content, name=name)[0]
    time_at, value_at = _columns(table.header)
    known = {line.at_us for line in lines}
    found = Filled()
    for number, cells in table.rows:
        if value_at >= len(cells) or text_of(cells[value_at]) == "":
            continue
        at = _cell(found, _moment_of, cells, time_at, number, zone)
        value = _cell(found, _number_of, cells, value_at, number, zone)
        if at is not None and value is not None:
            _take(found, known, at, value, place(time_at, number))
    if len(found.values) > MOST_SHEET_ROWS:
        found.faults.append(_("一次最多 %(most)d 个新值。") % {"most": MOST_SHEET_ROWS})
    if not found.values and not found.faults:
        found.faults.append(_("“新值”一列没有填写。"))
    return found


def _columns(header: Sequence[Any]) -> tuple[int, int]:
    """Where time and new value stand. Raises Invalid when one is missing."""
    head = [text_of(cell).split(" (")[0].strip() for cell in header]
    for label in (_("时间"), _("新值")):
        if label not in head:
            raise Invalid(fields={"file": [_("缺少列“%(column)s”。") % {"column": label}]})
    return head.index(_("时间")), head.index(_("新值"))


def _take(found: Filled, known: set[int], at: int, value: float, where: str) -> None:
    if at not in known:
        _wrong(found, where, _("所选时段内没有这个时间的样本。"))
    elif at in found.values:
        _wrong(found, where, _("时间重复。"))
    else:
        found.values[at] = value


def _cell(found: Filled, taken: Any, cells: Sequence[Any], column: int, row: int, zone: str) -> Any:
    try:
        return taken(value_of(cells[column] if column < len(cells) else None), zone)
    except CellError as fault:
        _wrong(found, place(column, row), str(fault))
        return None


def _wrong(found: Filled, where: str, words: str) -> None:
    if len(found.faults) < MOST_TOLD:
        found.faults.append(f"{where} {words}")


def _moment_of(cell: Any, zone: str) -> int:
    """Microseconds of a time as text, or of a cell that the spreadsheet took for one."""
    try:
        at = cell if isinstance(cell, datetime) else datetime.fromisoformat(text_of(cell))
        at = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))
        return round((at - _ZERO) / timedelta(microseconds=1))
    except (ValueError, OverflowError):
        raise CellError(_("不是有效的时间。")) from None


def _number_of(cell: Any, _zone: str) -> float:
    if isinstance(cell, bool):
        raise CellError(_("不是数字。"))
    try:
        value = float(cell if isinstance(cell, int | float) else text_of(cell))
    except (ValueError, OverflowError):
        raise CellError(_("不是数字。")) from None
    if not isfinite(value) or abs(value) > MOST:
        raise CellError(_("数值超出范围。"))
    return value
