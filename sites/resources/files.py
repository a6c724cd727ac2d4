"""Reading a workbook that somebody sent: whatever it is, the answer is rows or a sentence."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import ParseError

from django.utils.translation import gettext as _
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from core.errors import Invalid
from core.sheets import FORMULA_STARTS
from sites.resources.columns import CellError, text_of

MOST_ROWS = 50_000
MOST_COLUMNS = 100
# Rows of a file, empty ones included, that are looked through: all that a sheet can have.
LAST_ROW = 1_048_576
# As much as an upload of the greatest size holds when it is no bomb.
MOST_UNPACKED_BYTES = 128 * 1024 * 1024
MOST_PARTS = 1000
# Each tag is looked at once: `[^<>]` stops where the next one begins.
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^<>]*?ref="([A-Z]+\d+:[A-Z]+\d+)"')
_LONGEST_TAG = 1000
_BROKEN = (
    zipfile.BadZipFile,
    InvalidFileException,
    ParseError,
    KeyError,
    ValueError,
    IndexError,
    TypeError,
    AttributeError,
    EOFError,
    OSError,
    NotImplementedError,
)


class Formula:
    """A cell that calculates: its value is not ours to know."""


class Broken:
    """A cell with an error value, such as #N/A."""


@dataclass(slots=True)
class Table:
    """One sheet of the file: the header's cells, and (row number, cells) of rows that say anything."""

    name: str
    header: list[Any]
    header_row: int
    rows: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)


def value_of(cell: Any) -> Any:
    """What a cell holds. Raises CellError for a formula or an error value."""
    if cell is Formula:
        raise CellError(_("单元格是公式，请改为数值后再导入。"))
    if cell is Broken:
        raise CellError(_("单元格是错误值。"))
    return cell


def read_tables(content: bytes, *, name: str) -> list[Table]:
    """The sheets of an .xlsx, or the one of a .csv. Raises Invalid with a sentence for people."""
    if content[:4] == b"\xd0\xcf\x11\xe0":
        raise Invalid(_("这是旧版 .xls 或加密的文件，请另存为不加密的 .xlsx 后再导入。"))
    if content[:2] == b"PK":
        return _xlsx(content)
    return [_csv(content, name)]


def _xlsx(content: bytes) -> list[Table]:
    unreadable = Invalid(_("无法读取该文件：它不是 .xlsx 工作簿，或已损坏。"))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            is_large = unpacked_bytes(parts) > MOST_UNPACKED_BYTES
            if is_large or len(parts.infolist()) > MOST_PARTS:
                raise Invalid(_("文件解压后过大，已拒绝读取。"))
            merged = _merged_cells(parts)
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False)
        if merged:
            text = _("请先取消合并单元格：%(cells)s。")
            raise Invalid(text % {"cells": ", ".join(merged[:5])})
        return [_sheet(sheet) for sheet in book.worksheets if sheet.sheet_state == "visible"]
    except _BROKEN:
        raise unreadable from None


def unpacked_bytes(parts: zipfile.ZipFile) -> int:
    """How large the parts say they are; no more of them is ever read."""
    return sum(info.file_size for info in parts.infolist())


def _merged_cells(parts: zipfile.ZipFile) -> list[str]:
    """Ranges of merged cells; they stand behind the rows, so the end of a part is enough."""
    found: list[str] = []
    for name in parts.namelist():
        if not name.startswith("xl/worksheets/") or not name.endswith(".xml"):
            continue
        tail = b""
        with parts.open(name) as part:
            while chunk := part.read(1 << 20):
                window = tail + chunk
                found += [ref.decode() for ref in _MERGED.findall(window)]
                # A tag that the chunk cut goes with the next one.
                _before, bracket, begun = window[-_LONGEST_TAG:].rpartition(b"<")
                tail = bracket + begun if bracket and b">" not in begun else b""
    return found


def _sheet(sheet: Any) -> Table:
    return _table(sheet.title, _cells(sheet.iter_rows(max_col=MOST_COLUMNS, max_row=LAST_ROW)))


def _cells(rows: Iterator[Any]) -> Iterator[list[Any]]:
    """The cells of every row; for a gap of a million rows openpyxl gives the same row again."""
    last: Any = None
    is_empty = False
    for row in rows:
        if row is not last:
            last, is_empty = row, all(cell.value is None for cell in row)
        yield [] if is_empty else [_cell(cell) for cell in row]


def _cell(cell: Any) -> Any:
    if cell.value is None:
        return None
    if cell.data_type == "f":
        return Formula
    return Broken if cell.data_type == "e" else cell.value


def _csv(content: bytes, name: str) -> Table:
    text = _decoded(content)
    sample = text[:4096]
    try:
        dialect: Any = csv.Sniffer().sniff(sample.split("\n", 1)[0], delimiters=",;\t")
        dialect.doublequote = True
    except csv.Error:
        dialect = csv.excel
    lines = csv.reader(io.StringIO(text, newline=""), dialect)
    try:
        return _table(name, ([_unescaped(cell) for cell in line[:MOST_COLUMNS]] for line in lines))
    except csv.Error:
        raise Invalid(_("无法读取该 CSV 文件。")) from None


def _decoded(content: bytes) -> str:
    for code in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(code)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Invalid(_("无法读取该文件：请上传 .xlsx 或 .csv。"))


def _unescaped(cell: str) -> str:
    """Our own export puts an apostrophe before what a spreadsheet would take for a formula."""
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in FORMULA_STARTS else cell


def _table(name: str, lines: Iterator[list[Any]]) -> Table:
    """The first row that says anything is the header."""
    table: Table | None = None
    for number, cells in enumerate(lines, start=1):
        if number > LAST_ROW:
            raise Invalid(_("“%(name)s”的行数过多（含空行）。") % {"name": name})
        if all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells):
            continue
        if table is None:
            table = Table(name, _trimmed(cells), number)
            continue
        if len(table.rows) >= MOST_ROWS:
            text = _("“%(name)s”超过 %(limit)d 行，请分成几个文件。")
            raise Invalid(text % {"name": name, "limit": MOST_ROWS})
        table.rows.append((number, tuple(cells)))
    return table or Table(name, [], 1)


def _trimmed(cells: list[Any]) -> list[Any]:
    while cells and text_of(cells[-1]) == "":
        cells.pop()
    return cells


def place(column: int, row: int) -> str:
    """Where a cell is, as a spreadsheet says it: C12."""
    return f"{get_column_letter(column + 1)}{row}"
