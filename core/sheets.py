"""Sheets for spreadsheets: CSV in a stream and XLSX, from fields as data.

Text that a spreadsheet would take for a formula gets a leading apostrophe; moments are ISO 8601
with their offset; numbers stay numbers; the unit stands in the header.
"""

import csv
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from math import isfinite
from tempfile import TemporaryFile
from typing import IO, Any
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import translation
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from core.errors import Invalid

# A sheet of more rows takes too long for one answer.
ROWS_AT_ONCE = 50_000
# What one sheet of a workbook holds, with its header.
ROWS_IN_WORKBOOK = 1_048_575
FORMATS = ("csv", "xlsx")
CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Spreadsheets of East Asia take the full-width forms for the same.
FORMULA_STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"  # not translated: signs
_ROWS_PER_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a sheet: `value` takes a row's line and gives text, number, moment or None."""

    label: Any
    value: Callable[[Any], Any]
    unit: str = ""

    @property
    def heading(self) -> str:
        """The header's words with the unit: 额定容量 (kVA)."""
        return f"{self.label} ({self.unit})" if self.unit else str(self.label)


def check_size(count: int) -> None:
    """Raises Invalid, with what to do, when a sheet would be too long for one answer."""
    if count > ROWS_AT_ONCE:
        words = _("共 %(count)s 行，一次最多导出 %(limit)s 行。请用筛选条件缩小范围后再导出。")
        raise Invalid(words % {"count": f"{count:,}", "limit": f"{ROWS_AT_ONCE:,}"})


def check_kind(kind: str, count: int) -> None:
    """Raises Invalid when a workbook cannot hold so many rows."""
    if kind == "xlsx" and count > ROWS_IN_WORKBOOK:
        words = _("共 %(count)s 行，Excel 文件最多 %(limit)s 行。请改用 CSV。")
        raise Invalid(words % {"count": f"{count:,}", "limit": f"{ROWS_IN_WORKBOOK:,}"})


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula, without characters that XML lacks."""
    plain = ILLEGAL_CHARACTERS_RE.sub("", text)
    return f"'{plain}" if plain.startswith(tuple(FORMULA_STARTS)) else plain


def cell(value: Any, zone: ZoneInfo) -> str | int | float | None:
    """A value as a cell: numbers as they are, moments in the zone with their offset."""
    if value is None or isinstance(value, bool):
        return None if value is None else safe(str(_("是") if value else _("否")))
    if isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    return safe(str(value))


def _number(value: int | float | Decimal) -> int | float | None:
    if isinstance(value, int):
        return value
    return float(value) if isfinite(value) else None


def answer(  # noqa: PLR0913 - what a sheet consists of
    request: HttpRequest,
    *,
    kind: str,
    name: str,
    fields: Sequence[Field],
    lines: Iterable[Any],
    zone: str,
) -> HttpResponseBase:
    """The download: `kind` is csv or xlsx, `name` the file's without its ending."""
    head, rows = _cells(fields, lines, zone)
    if kind == "xlsx":
        response: HttpResponseBase = HttpResponse(xlsx(head, rows), content_type=XLSX_TYPE)
    else:
        response = _streamed(request, csv_chunks(head, rows))
    response.headers["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=f"{name}.{kind}"
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response


def content(*, kind: str, fields: Sequence[Field], lines: Iterable[Any], zone: str) -> bytes:
    """The same as the content of a file."""
    head, rows = _cells(fields, lines, zone)
    return xlsx(head, rows) if kind == "xlsx" else b"".join(csv_chunks(head, rows))


def _cells(
    fields: Sequence[Field], lines: Iterable[Any], zone: str
) -> tuple[list[str], Iterator[list[Any]]]:
    info = ZoneInfo(zone)
    rows = ([cell(field.value(line), info) for field in fields] for line in lines)
    return [safe(field.heading) for field in fields], rows


class _Echo:
    """A file whose write returns what was written."""

    def write(self, text: str) -> str:
        return text


def csv_chunks(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """CSV in UTF-8 with a byte order mark, some hundred rows at a time."""
    writer = csv.writer(_Echo())
    kept = ["\ufeff", writer.writerow(head)]
    for row in rows:
        kept.append(writer.writerow(["" if value is None else value for value in row]))
        if len(kept) >= _ROWS_PER_CHUNK:
            yield "".join(kept).encode()
            kept = []
    yield "".join(kept).encode()


def xlsx(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A workbook of one sheet with a frozen bold header, written row by row."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    sheet.append([_bold(sheet, text) for text in head])
    for row in rows:
        sheet.append(row)
    with TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        return file.read()


def save(file: IO[bytes], *, kind: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows of cells, of whatever number, row by row; a full sheet goes on in another one."""
    if kind == "csv":
        for chunk in csv_chunks(head, rows):
            file.write(chunk)
        return
    book = Workbook(write_only=True)
    left = iter(rows)
    first = next(left, None)
    while True:
        sheet = book.create_sheet()
        sheet.freeze_panes = "A2"
        sheet.append([_bold(sheet, text) for text in head])
        if first is not None:
            sheet.append(first)
        for row in islice(left, ROWS_IN_WORKBOOK - 1):
            sheet.append(row)
        first = next(left, None)
        if first is None:
            break
    book.save(file)


def _bold(sheet: Any, text: str) -> Any:
    made: Any = WriteOnlyCell(sheet, value=text)
    made.font = Font(bold=True)
    return made


def _streamed(request: HttpRequest, chunks: Iterator[bytes]) -> HttpResponseBase:
    """A stream in the reader's language, of the kind that the server at work can send."""
    spoken = _in_language(chunks, translation.get_language() or "")
    if isinstance(request, ASGIRequest):
        return StreamingHttpResponse(_asynchronous(spoken), content_type=CSV_TYPE)
    return StreamingHttpResponse(spoken, content_type=CSV_TYPE)


def _in_language(chunks: Iterator[bytes], language: str) -> Iterator[bytes]:
    """Rows are made after the view has returned, when the language of the request is gone."""
    while True:
        with translation.override(language):
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk


async def _asynchronous(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    def take() -> bytes | None:
        return next(chunks, None)

    while (chunk := await sync_to_async(take)()) is not None:
        yield chunk
