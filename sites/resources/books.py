"""Workbooks that we write: the export, the empty form with hints, and somebody's own file marked."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from core.sheets import safe
from sites.models import User
from sites.resources.columns import Column, folded, text_of
from sites.resources.directory import Directory
from sites.resources.files import Table, unpacked_bytes
from sites.resources.planning import VERDICT_HEADERS, Part, Progress
from sites.resources.sheets import Sheet

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_HEAD = PatternFill("solid", fgColor="1F5FD0")
_HEAD_FONT = Font(bold=True, color="FFFFFF")
_BAD = PatternFill("solid", fgColor="FDECEE")
_BAD_FONT = Font(color="B3152F")
_FORM_ROWS = 2000
_CHUNK = 1000
MARKED_AT_MOST_BYTES = 32 * 1024 * 1024


def export(
    sheets: Sequence[Sheet], *, user: User, progress: Progress, is_csv: bool = False
) -> bytes:
    """The rows that the person maintains, one sheet each; what comes back as an import."""
    total = sum(sheet.rows(user).count() for sheet in sheets)
    directory = Directory(user)
    if is_csv:
        return _csv(sheets[0], user, directory)
    book = Workbook(write_only=True)
    done = 0
    for sheet in sheets:
        page = book.create_sheet(sheet.label)
        page.freeze_panes = "B2"
        for number, column in enumerate((None, *sheet.columns), start=1):
            page.column_dimensions[get_column_letter(number)].width = _width(column)
        page.append([_head(page, text) for text in ("ID", *(c.header for c in sheet.columns))])
        for cells in _rows(sheet, user, directory):
            page.append([_plain(page, cell) for cell in cells])
            done += 1
            if done % _CHUNK == 0:
                progress(done, total, _("正在导出：%(sheet)s") % {"sheet": sheet.label})
    progress(total, total, _("导出完毕"))
    return _bytes(book)


def template(sheets: Sequence[Sheet]) -> bytes:
    """Empty sheets with hints on the headers and the choices to pick from."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for sheet in sheets:
        page = book.create_sheet(sheet.label)
        page.freeze_panes = "B2"
        page.append(["ID", *(column.header for column in sheet.columns)])
        for number, column in enumerate((None, *sheet.columns), start=1):
            cell = page.cell(1, number)
            cell.fill, cell.font = _HEAD, _HEAD_FONT
            cell.comment = Comment(_hint(column), "Dianwu", height=90, width=260)
            page.column_dimensions[get_column_letter(number)].width = _width(column)
            if column is not None and (rule := _choice(column)) is not None:
                page.add_data_validation(rule)
                letter = get_column_letter(number)
                rule.add(f"{letter}2:{letter}{_FORM_ROWS}")
    return _bytes(book)


def marked(content: bytes, parts: Iterable[Part]) -> bytes:
    """Somebody's own file with a column of what is wrong, and the cells in question in red.

    Empty for a workbook that would take too much memory: every cell of it becomes an object.
    """
    parts = list(parts)
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if unpacked_bytes(packed) > MARKED_AT_MOST_BYTES:
                return b""
        book = load_workbook(io.BytesIO(content))
        pages = {part.table.name: book[part.table.name] for part in parts}
    else:
        book = Workbook()
        pages = {part.table.name: book.worksheets[0] for part in parts}
        for part in parts:
            _copy(pages[part.table.name], part.table)
    for part in parts:
        _mark(pages[part.table.name], part)
    return _bytes(book)


def _rows(sheet: Sheet, user: User, directory: Directory) -> Iterator[list[Any]]:
    for row in sheet.rows(user).iterator(chunk_size=_CHUNK):
        yield [row.pk, *(_shown(row, column, directory) for column in sheet.columns)]


def _shown(row: Any, column: Column, directory: Directory) -> Any:
    if not column.is_reference:
        return column.shown(getattr(row, column.name))
    return directory.name(directory.at(column.target, getattr(row, column.field.attname)))


def _csv(sheet: Sheet, user: User, directory: Directory) -> bytes:
    file = io.StringIO()
    file.write("\ufeff")
    writer = csv.writer(file)
    writer.writerow(["ID", *(column.header for column in sheet.columns)])
    for cells in _rows(sheet, user, directory):
        writer.writerow([safe(cell) if isinstance(cell, str) else cell for cell in cells])
    return file.getvalue().encode()


def _head(page: Any, text: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(page, text)
    cell.fill, cell.font = _HEAD, _HEAD_FONT
    return cell


def _plain(page: Any, value: Any) -> Any:
    """A text stays a text, also when it begins like a formula."""
    if not isinstance(value, str):
        return value
    value = ILLEGAL_CHARACTERS_RE.sub("", value)
    if not value.startswith("="):
        return value
    cell = WriteOnlyCell(page, value)
    cell.data_type = "s"
    return cell


def _width(column: Column | None) -> int:
    if column is None:
        return 9
    return 34 if column.is_reference else max(12, 2 * len(column.header) + 2)


def _hint(column: Column | None) -> str:
    """What belongs into the column."""
    if column is None:
        return _("留空表示新增；已有的行请保留导出的 ID。")
    lines = [_("必填。") if column.is_required else _("可空。")]
    field = column.field
    if column.is_reference:
        text = _("写%(kind)s的编号、名称或完整路径，如导出文件所示。")
        lines.append(text % {"kind": column.target._meta.verbose_name})  # noqa: SLF001 - documented
    elif column.choices:
        lines.append(" / ".join(label for _value, label in column.choices))
    elif isinstance(field, models.DateField):
        lines.append(_("日期，如 2026-05-01。"))
    elif isinstance(field, models.CharField):
        lines.append(_("最多 %(limit)d 个字。") % {"limit": field.max_length})
    else:
        lines.append(_("数字。"))
    if field.help_text:
        lines.append(str(field.help_text))
    return "\n".join(lines)


def _choice(column: Column) -> DataValidation | None:
    words = ",".join(label for _value, label in column.choices)
    if not words or len(words) > 250:
        return None
    return DataValidation(type="list", formula1=f'"{words}"', allow_blank=True)


def _copy(page: Any, table: Table) -> None:
    for number, cells in ((table.header_row, table.header), *table.rows):
        for position, value in enumerate(cells, start=1):
            cell = page.cell(number, position, value if not isinstance(value, type) else None)
            if isinstance(value, str):
                # What was a text in the file is none that calculates here.
                cell.data_type = "s"


def _mark(page: Any, part: Part) -> None:
    at = len(part.table.header) + 1
    if folded(text_of(part.table.header[-1])) in VERDICT_HEADERS:
        at -= 1
    head = page.cell(part.table.header_row, at, _("导入结果"))
    head.font = Font(bold=True)
    page.column_dimensions[get_column_letter(at)].width = 60
    for line in part.lines:
        if not line.problems:
            continue
        cell = page.cell(line.number, at, " ".join(_words(line.problems)))
        cell.font = _BAD_FONT
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        for problem in line.problems:
            if problem.column >= 0:
                page.cell(line.number, problem.column + 1).fill = _BAD


def _words(problems: Iterable[Any]) -> list[str]:
    return [f"{problem.label}: {problem.message}".removeprefix(": ") for problem in problems]


def _bytes(book: Workbook) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()
