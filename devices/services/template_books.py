"""Templates as workbooks: three sheets that hold all that the text says, and the way back.

What cannot be read is told by sheet and cell; the rest is judged by the parser of the text, whose
complaints are brought back to the cells that they are about.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from core.errors import Invalid
from devices.drivers.documents import DocumentError
from devices.drivers.library import parse_template
from devices.drivers.writing import line_of_list, write
from devices.models import TemplateVersion
from devices.services.complaints import words
from devices.services.template_drafts import Draft, Fault, draft_of, plain_of
from devices.services.templates import dictionary
from sites.resources.columns import CellError
from sites.resources.files import Table, place, read_tables, value_of

# Fields of the template as a whole, in the order of its sheet; a dot goes into a mapping.
HEAD: dict[str, Any] = {
    "key": gettext_lazy("标识"),
    "vendor.zh": gettext_lazy("厂家"),
    "vendor.en": gettext_lazy("厂家英文名"),
    "model": gettext_lazy("型号"),
    "kind": gettext_lazy("设备类型"),
    "description.zh": gettext_lazy("说明"),
    "description.en": gettext_lazy("英文说明"),
    "source": gettext_lazy("资料来源"),
    "confidence": gettext_lazy("可信度说明"),
    "simulated": gettext_lazy("模拟设备"),
    "values_are": gettext_lazy("数值侧"),
    "max_read_registers": gettext_lazy("单次最多读取寄存器数"),
    "max_gap": gettext_lazy("合并读取的最大空洞"),
    "defaults.unit_id": gettext_lazy("通信地址"),
    "defaults.baud": gettext_lazy("波特率"),
    "defaults.parity": gettext_lazy("校验"),
    "defaults.stop_bits": gettext_lazy("停止位"),
    "clock.function_code": gettext_lazy("时钟读功能码"),
    "clock.address": gettext_lazy("时钟地址"),
    "clock.format": gettext_lazy("时钟格式"),
    "clock.year_base": gettext_lazy("时钟年份基数"),
    "clock.word_order": gettext_lazy("时钟字序"),
    "clock.zone": gettext_lazy("时钟时区"),
    "clock.write_code": gettext_lazy("时钟写功能码"),
    "clock.write_address": gettext_lazy("时钟写入地址"),
    "clock.confidence": gettext_lazy("时钟可信度"),
    "clock.note": gettext_lazy("时钟备注"),
}
REGISTER: dict[str, Any] = {
    "point": gettext_lazy("测点"),
    "unit": gettext_lazy("原始单位"),
    "function_code": gettext_lazy("功能码"),
    "address": gettext_lazy("地址"),
    "type": gettext_lazy("数据类型"),
    "bit": gettext_lazy("位"),
    "byte_order": gettext_lazy("字节序"),
    "word_order": gettext_lazy("字序"),
    "scale": gettext_lazy("倍率"),
    "offset": gettext_lazy("偏移"),
    "invalid": gettext_lazy("无效标记"),
    "minimum": pgettext_lazy("register", "下限"),
    "maximum": pgettext_lazy("register", "上限"),
    "poll_class": gettext_lazy("采集级别"),
    "confidence": gettext_lazy("可信度"),
    "note": gettext_lazy("备注"),
}
FORBIDDEN: dict[str, Any] = {
    "function_code": gettext_lazy("功能码"),
    "first": gettext_lazy("首地址"),
    "last": gettext_lazy("末地址"),
}
OUTPUT: dict[str, Any] = {
    "code": gettext_lazy("编码"),
    "name.zh": gettext_lazy("名称"),
    "name.en": gettext_lazy("英文名称"),
    "function_code": gettext_lazy("写功能码"),
    "on.address": gettext_lazy("合的写入地址"),
    "on.values": gettext_lazy("合的写入值"),
    "off.address": gettext_lazy("分的写入地址"),
    "off.values": gettext_lazy("分的写入值"),
    "state.function_code": gettext_lazy("回读功能码"),
    "state.address": gettext_lazy("回读地址"),
    "state.bit": gettext_lazy("回读位"),
    "state.on": gettext_lazy("合的回读值"),
    "state.off": gettext_lazy("分的回读值"),
    "settle_ms": gettext_lazy("到位时限 (ms)"),
    "confidence": gettext_lazy("可信度"),
    "note": gettext_lazy("备注"),
}
LISTS = {"registers": REGISTER, "forbidden": FORBIDDEN, "outputs": OUTPUT}
TOO_LARGE = gettext_lazy("文件过大。")
SHEETS = ("template", *LISTS)
_TEXTS = frozenset(
    {"code", "name.zh", "name.en"}
    | {"key", "model", "kind", "source", "confidence", "point", "unit", "note", "type"}
    | {"vendor.zh", "vendor.en", "description.zh", "description.en", "defaults.parity"}
    | {f"clock.{name}" for name in ("format", "word_order", "zone", "confidence", "note")}
    | {"values_are", "byte_order", "word_order", "poll_class"}
)
_LISTED = frozenset({"invalid", "on.values", "off.values"})
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
_CODE = re.compile(r"\(([a-z_.]+)\)\s*$")
_BETWEEN = re.compile("[,;\\s\uff0c\uff1b\u3001]+")  # not translated: signs
_WIDTHS = {"note": 40, "value": 80}


def workbook(version: TemplateVersion) -> bytes:
    """A version as a workbook; reading it again gives the same template."""
    plain = plain_of(version)
    book = Workbook()
    book.remove(book.worksheets[0])
    head = [[_header(code, label), _shown(_at(plain, code))] for code, label in HEAD.items()]
    _sheet(book, "template", [_("字段"), _("内容")], head, widths=[34, 80])
    for name, columns in LISTS.items():
        rows = [[_shown(_at(item, code)) for code in columns] for item in plain.get(name) or []]
        headers = [_header(code, label) for code, label in columns.items()]
        _sheet(book, name, headers, rows, widths=[_WIDTHS.get(code, 18) for code in columns])
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def draft_of_file(content: bytes, *, name: str) -> Draft:
    """A file as a draft, whichever of both it is. Raises Invalid when it is neither."""
    if content[:2] == b"PK" or content[:4] == b"\xd0\xcf\x11\xe0":
        return draft_of_book(content, name=name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(_("文件须为 UTF-8 文本或 .xlsx 工作簿。")) from None
    return draft_of(text)


def draft_of_book(content: bytes, *, name: str) -> Draft:
    """A workbook as a draft: its text, and faults by sheet and cell. Raises Invalid when unreadable."""
    book = _Book({})
    for table in read_tables(content, name=name):
        book.take(table)
    for sheet in ("template", "registers"):
        if sheet not in book.titles:
            text = _("缺少工作表“%(sheet)s”。") % {"sheet": sheet_title(sheet)}
            book.faults.append(Fault(sheet_title(sheet), sheet, text, sheet=sheet_title(sheet)))
    text = write(book.plain)
    _template, errors = parse_template(text, dictionary())
    if book.faults or errors:
        told = {fault.place for fault in book.faults}
        rest = [fault for error in errors if (fault := book.fault(error)).place not in told]
        return Draft(text=text, faults=[*book.faults, *rest])
    return draft_of(text)


def sheet_title(name: str) -> str:
    """What a sheet is called: words for people, the code for us."""
    words_of = {
        "template": pgettext("sheet", "模板"),
        "registers": _("寄存器"),
        "forbidden": _("禁读区间"),
        "outputs": _("遥控输出"),
    }
    return f"{words_of[name]} ({name})"


def _header(code: str, label: Any) -> str:
    return f"{label} ({code})"


def _sheet(
    book: Workbook,
    name: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    widths: Sequence[int],
) -> None:
    sheet = book.create_sheet(sheet_title(name))
    sheet.freeze_panes = "B2"
    for row, cells in enumerate((headers, *rows), start=1):
        for column, value in enumerate(cells, start=1):
            cell = sheet.cell(row, column)
            cell.value = value
            if isinstance(value, str):
                # Never a formula, whatever it begins with.
                cell.data_type, cell.quotePrefix = "s", value[:1] in set("=+-@")
            if row == 1:
                cell.font = Font(bold=True)
    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width


def _shown(value: Any) -> Any:
    """A value as a cell; markers are text, for a spreadsheet keeps fifteen digits of a number."""
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else value


def _at(plain: Mapping[str, Any], code: str) -> Any:
    outer, _dot, inner = code.partition(".")
    value = plain.get(outer)
    return value.get(inner) if inner and isinstance(value, Mapping) else value


@dataclass(slots=True)
class _Book:
    """A workbook while it is read: plain values, where each came from, what is wrong with it."""

    plain: dict[str, Any]
    titles: dict[str, str] = field(default_factory=dict)
    cells: dict[str, tuple[str, str]] = field(default_factory=dict)
    rows: dict[str, list[int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def take(self, table: Table) -> None:
        """One sheet; others than ours are somebody's notes."""
        name = _coded(table.name)
        if name not in SHEETS or name in self.titles:
            return
        self.titles[name] = table.name
        if name == "template":
            self._take_head(table)
        else:
            self._take_list(table, name)

    def _take_head(self, table: Table) -> None:
        for number, cells in table.rows:
            code = _coded(cells[0])
            if code not in HEAD:
                self._wrong(table, 0, number, code, _("没有这个字段。"))
            elif code in self.cells:
                self._wrong(table, 0, number, code, _("字段重复。"))
            else:
                self.cells[code] = table.name, place(1, number)
                value = self._value(table, code, 1, number, cells)
                if value is not None:
                    _put(self.plain, code, value)
        self.plain = {"key": "", **self.plain}

    def _take_list(self, table: Table, name: str) -> None:
        columns = self._columns(table, tuple(LISTS[name]))
        items: list[dict[str, Any]] = []
        for number, cells in table.rows:
            label = f"{name}[{len(items)}]"
            self.cells[label] = table.name, place(0, number)
            item: dict[str, Any] = {"unit": ""} if name == "registers" else {}
            for column, code in columns.items():
                self.cells[f"{label}.{code}"] = table.name, place(column, number)
                value = self._value(table, code, column, number, cells)
                if value is not None:
                    _put(item, code, value)
            items.append(item)
            self.rows.setdefault(name, []).append(number)
        if items:
            self.plain[name] = items

    def _columns(self, table: Table, known: Sequence[str]) -> dict[int, str]:
        """Which column holds what; columns that we do not know are complained about."""
        columns: dict[int, str] = {}
        for column, header in enumerate(table.header):
            code = _coded(header)
            if code in known and code not in columns.values():
                columns[column] = code
            elif code:
                text = _("列重复。") if code in known else _("没有这一列，可用的有：%(known)s")
                text = text.replace("%(known)s", ", ".join(known))
                self._wrong(table, column, table.header_row, code, text)
        return columns

    def _value(
        self, table: Table, code: str, column: int, row: int, cells: Sequence[Any]
    ) -> Any | None:
        """The cell as the text would have it; None when it is empty or was complained about."""
        try:
            cell = value_of(cells[column]) if column < len(cells) else None
        except CellError as refusal:
            self._wrong(table, column, row, code, str(refusal))
            return None
        return _read(code, cell)

    def _wrong(self, table: Table, column: int, row: int, code: str, text: str) -> None:
        cell = place(column, row)
        self.faults.append(Fault(f"{table.name} {cell}", code, text, sheet=table.name, cell=cell))

    def fault(self, error: DocumentError) -> Fault:
        """A complaint about the text, at the cell that the text came from."""
        label = error.field
        while label and label not in self.cells:
            label = label.rpartition(".")[0]
        sheet, cell = self.cells.get(label, ("", ""))
        if not sheet:
            name = error.field.partition("[")[0]
            sheet = self.titles.get(name) or self.titles.get("template") or sheet_title("template")
        first = error.params.get("first_line")
        if first is not None:
            name = error.field.partition("[")[0]
            at = int(first) - line_of_list(self.plain, name)
            rows = self.rows.get(name, [])
            known = rows[at] if 0 <= at < len(rows) else first
            error = replace(error, params={**error.params, "first_line": known})
        where = f"{sheet} {cell}".strip()
        name = error.field.rpartition("].")[2]
        return Fault(where, name, words(error), sheet=sheet, cell=cell)


def _put(plain: dict[str, Any], code: str, value: Any) -> None:
    outer, _dot, inner = code.partition(".")
    if inner:
        plain.setdefault(outer, {})[inner] = value
    else:
        plain[outer] = value


def _coded(cell: Any) -> str:
    """The code in brackets at the end, or the whole text when it has none."""
    text = str(cell if cell is not None else "").strip()
    found = _CODE.search(text)
    return found.group(1) if found else text.lower()


def _read(code: str, cell: Any) -> Any | None:
    if isinstance(cell, str):
        cell = cell.strip() if code not in {"description.zh", "description.en"} else cell
    if cell is None or cell == "":
        return None
    if code in _LISTED:
        return [_number(one) for one in _BETWEEN.split(str(_whole(cell))) if one]
    if code == "simulated":
        text = str(cell).lower()
        return text in _YES if text in _YES | _NO else text
    if code in _TEXTS:
        return str(cell).lower() if isinstance(cell, bool) else str(_whole(cell))
    return _number(cell) if isinstance(cell, str) else _plain_cell(cell)


def _whole(cell: Any) -> Any:
    """Spreadsheets keep 3 as 3.0."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def _plain_cell(cell: Any) -> Any:
    return _whole(cell) if isinstance(cell, int | float) else str(cell)


def _number(text: str) -> Any:
    """A number that was typed as text, also in hexadecimal; other text stays for the parser."""
    for kind in (lambda value: int(value, 0), float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
