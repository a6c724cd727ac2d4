"""What an import would do: row by row and cell by cell, without writing anything."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core.errors import Invalid
from sites.models import User, access_for
from sites.resources.columns import CellError, Column, folded, key_of, text_of
from sites.resources.directory import Directory
from sites.resources.files import Table, place, value_of
from sites.resources.sheets import ID, Sheet, every_sheet, sheet_named
from sites.resources.unique import Taken, taken_by_others
from sites.rules import Ability

ADDED, CHANGED, SAME, WRONG = "added", "changed", "unchanged", "error"
# Columns that we add ourselves to the workbook that we send back.
VERDICT_HEADERS = frozenset({"导入结果", "import result"})  # not translated: read in any language
NOTES = frozenset({"说明", "notes"})  # not translated: read in any language
Progress = Callable[[int, int, str], None]


@dataclass(slots=True)
class Problem:
    """Something wrong with a cell, or with the row when `column` is -1."""

    column: int
    label: str
    message: str


@dataclass(slots=True)
class Line:
    """One row of the file with what would become of it."""

    number: int
    row: Any = None
    old: Any = None
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def status(self) -> str:
        if self.problems:
            return WRONG
        if self.old is None:
            return ADDED
        return CHANGED if self.changes else SAME


@dataclass(slots=True)
class Part:
    """One sheet of the file."""

    sheet: Sheet
    table: Table
    columns: dict[int, Column | None]
    lines: list[Line] = field(default_factory=list)

    def position(self, name: str) -> int:
        """Of a column in the file; -1 when the file does not have it."""
        return next((i for i, c in self.columns.items() if c is not None and c.name == name), -1)

    def count(self, status: str) -> int:
        return sum(line.status == status for line in self.lines)


def plan(tables: Iterable[Table], *, user: User, kind: str = "", progress: Progress) -> list[Part]:
    """Compare a file with what is stored.

    kind: the sheet's key when the file's own names do not matter (a .csv). Raises Invalid when a
    sheet or a header cannot be meant; what is wrong with single rows stands in their lines.
    """
    parts = [part for table in tables if (part := _part(table, kind)) is not None]
    if not parts:
        raise Invalid(_("文件中没有数据。"))
    keys = [part.sheet.key for part in parts]
    if len(set(keys)) != len(keys):
        raise Invalid(_("同一类档案出现在多个工作表中。"))
    parts.sort(key=lambda part: part.sheet.position)
    total = sum(len(part.table.rows) for part in parts)
    done = 0
    directory = Directory(user)
    for part in parts:
        for line in _lines(part, user, directory):
            part.lines.append(line)
            done += 1
            if done % 200 == 0:
                progress(done, total, _("正在核对：%(sheet)s") % {"sheet": part.sheet.label})
        _refuse_taken(part)
    progress(total, total, _("核对完毕"))
    return parts


def fingerprint(parts: Iterable[Part]) -> str:
    """Of everything that would be written: what was confirmed is what is done."""
    digest = hashlib.sha256()
    for part in parts:
        for line in part.lines:
            if line.changes:
                facts = (part.sheet.key, line.number, line.old and line.old.pk, line.changes)
                digest.update(repr(facts).encode())
    return digest.hexdigest()


def _part(table: Table, kind: str) -> Part | None:
    if not table.header or folded(table.name) in NOTES:
        return None
    sheet = sheet_named(kind or table.name)
    if sheet is None:
        names = pgettext("between items", "、").join(sheet.label for sheet in every_sheet())
        text = _("不认识工作表“%(name)s”。可以是：%(names)s。")
        raise Invalid(text % {"name": table.name[:60], "names": names})
    return Part(sheet, table, dict(_columns(sheet, table)))


def _columns(sheet: Sheet, table: Table) -> Iterator[tuple[int, Column | None]]:
    """Which column stands where; None is the id. Raises Invalid for unknown and double headers."""
    seen: dict[str, str] = {}
    for position, cell in enumerate(table.header):
        label = text_of(cell)
        wanted = folded(label)
        where = {
            "cell": place(position, table.header_row),
            "label": label[:60],
            "sheet": sheet.label,
        }
        if wanted in VERDICT_HEADERS or (wanted == "" and not _says(table, position)):
            continue
        column = next((c for c in sheet.columns if wanted in c.accepted), None)
        if column is None and wanted != ID:
            text = _("工作表“%(sheet)s”的 %(cell)s：不认识的列“%(label)s”。")
            raise Invalid(text % where)
        name = ID if column is None else column.name
        if name in seen:
            text = _("工作表“%(sheet)s”的 %(cell)s：列“%(label)s”与 %(first)s 重复。")
            raise Invalid(text % {**where, "first": seen[name]})
        seen[name] = where["cell"]
        yield position, column


def _says(table: Table, position: int) -> bool:
    return any(position < len(cells) and text_of(cells[position]) for _n, cells in table.rows)


def _lines(part: Part, user: User, directory: Directory) -> Iterator[Line]:
    """Every row of the sheet, compared."""
    id_at = next((i for i, column in part.columns.items() if column is None), -1)
    stored = _stored(part, user, id_at)
    clerk = Clerk(part, user, directory)
    seen: set[int] = set()
    for number, cells in part.table.rows:
        line = Line(number)
        try:
            pk = _id(cells, id_at)
            if pk is not None and (pk in seen or pk not in stored):
                same = _("此 ID 在文件中出现了两次。")
                raise CellError(same if pk in seen else _("没有这个 ID，或您无权维护它。"))
        except CellError as refusal:
            line.problems.append(Problem(id_at, "ID", str(refusal)))
            yield line
            continue
        if pk is not None:
            seen.add(pk)
            line.old = stored[pk]
        clerk.compare(line, cells)
        yield line


def _id(cells: tuple[Any, ...], id_at: int) -> int | None:
    text = text_of(value_of(cells[id_at])) if 0 <= id_at < len(cells) else ""
    if not folded(text).removeprefix("#"):
        return None
    pk = key_of(text)
    if pk is None:
        raise CellError(_("没有这个 ID，或您无权维护它。"))
    return pk


def _stored(part: Part, user: User, id_at: int) -> dict[int, Any]:
    """The rows that the file names and the person maintains."""
    wanted: list[int] = []
    for _number, cells in part.table.rows:
        try:
            pk = _id(cells, id_at)
        except CellError:
            continue
        wanted += [] if pk is None else [pk]
    found: dict[int, Any] = {}
    for start in range(0, len(wanted), 5000):
        found |= part.sheet.rows(user).in_bulk(wanted[start : start + 5000])
    return found


class Clerk:
    """Compares the rows of one sheet with what is stored, and asks the model what it thinks."""

    def __init__(self, part: Part, user: User, directory: Directory) -> None:
        self.part, self.sheet, self.directory = part, part.sheet, directory
        self.is_everywhere = access_for(user).has_everywhere(Ability.MANAGE_SITE)
        self.checks = [
            constraint
            for constraint in self.sheet.model._meta.constraints  # noqa: SLF001 - documented
            if isinstance(constraint, models.CheckConstraint)
        ]

    def compare(self, line: Line, cells: tuple[Any, ...]) -> None:
        """Fill the line: the row as it would be, its changes, its problems."""
        line.row = self.sheet.model() if line.old is None else copy(line.old)
        if line.old is not None:
            # A copy shares what Django keeps beside the values.
            line.row._state = copy(line.old._state)  # noqa: SLF001
            line.row._state.fields_cache = {}  # noqa: SLF001
        for position, column in self.part.columns.items():
            if column is None:
                continue
            try:
                cell = value_of(cells[position] if position < len(cells) else None)
                self._put(line, column, cell)
            except CellError as refusal:
                line.problems.append(Problem(position, column.header, str(refusal)))
        if line.old is None:
            self._new(line)
        if line.old is None or line.changes:
            self._ask(line)
            if not line.problems:
                self.directory.put(line.row)

    def _put(self, line: Line, column: Column, cell: Any) -> None:
        """One cell. Raises CellError."""
        put = self._refer if column.is_reference else self._value
        put(line, column, cell)

    def _refer(self, line: Line, column: Column, cell: Any) -> None:
        text = text_of(cell)
        old = self._at(line.old, column)
        if line.old is not None and (self.directory.means(text, old) if old else not text):
            return
        if old is not None and not self._may_leave(old):
            raise CellError(_("现有的“%(name)s”不归您维护，不能修改。") % {"name": str(old)})
        new = self.directory.find(column.target, text) if text else None
        if new is None and not column.field.null:
            raise CellError(_("不能为空。"))
        if old is not None and new is not None and old.pk == new.pk:
            # By a name that it has lost in this very file.
            return
        self._change(line, column, self._name(old), self._name(new))
        setattr(line.row, column.name, new)

    def _value(self, line: Line, column: Column, cell: Any) -> None:
        new = column.read(cell)
        if line.old is None and new in (None, "") and column.field.has_default():
            return
        if new is None and not column.field.null:
            raise CellError(_("不能为空。"))
        old = None if line.old is None else getattr(line.old, column.name)
        if line.old is not None and old == new:
            return
        if line.old is not None or new not in (None, ""):
            before = text_of(column.shown(old))
            self._change(line, column, before, text_of(column.shown(new)))
        setattr(line.row, column.name, new)

    def _change(self, line: Line, column: Column, before: str, after: str) -> None:
        """Note a change. Raises CellError when it is not the person's to make."""
        if line.old is not None and column.name in self.sheet.fixed_fields:
            raise CellError(_("此项在建立之后不能修改。"))
        is_for_platform = line.old is not None and column.name in self.sheet.platform_fields
        if is_for_platform and not self.is_everywhere:
            raise CellError(_("此项只能由平台管理员修改。"))
        line.changes[column.name] = (before, after)

    def _new(self, line: Line) -> None:
        """What a new row needs besides its cells."""
        if self.sheet.platform_to_add and not self.is_everywhere:
            text = _("新增%(kind)s需要平台管理员。ID 为空表示新增。")
            line.problems.append(Problem(-1, "", text % {"kind": self.sheet.label}))
        for column in self.sheet.columns:
            if column.is_required and self.part.position(column.name) < 0:
                text = _("新增一行时必须有“%(label)s”列。") % {"label": column.header}
                line.problems.append(Problem(-1, column.header, text))

    def _ask(self, line: Line) -> None:
        """The model's own rules: fields, clean, checks; those of the whole table come later."""
        bad = {self._column_of(problem) for problem in line.problems}
        references = {column.name for column in self.sheet.columns if column.is_reference}
        if line.problems:
            # A row that lacks a fact cannot be asked about the whole; its fields still can.
            self._told(line, lambda: line.row.clean_fields(exclude=bad | references))
            return
        for name in references:
            if line.old is not None and name not in line.changes:
                column = next(c for c in self.sheet.columns if c.name == name)
                setattr(line.row, name, self._at(line.old, column))
        self._told(line, lambda: line.row.clean_fields(exclude=references))
        if not line.problems:
            self._told(line, line.row.clean)
        for constraint in self.checks if not line.problems else ():
            self._told(line, partial(constraint.validate, self.sheet.model, line.row))
        if not line.problems:
            for name, text in self.sheet.check(line.row).items():
                self._blame(line, name, str(text))

    def _told(self, line: Line, question: Callable[[], None]) -> None:
        try:
            question()
        except ValidationError as refusal:
            if hasattr(refusal, "error_dict"):
                for name, errors in refusal.message_dict.items():
                    self._blame(line, name, " ".join(errors))
            else:
                self._blame(line, "", " ".join(refusal.messages))

    def _blame(self, line: Line, name: str, message: str) -> None:
        position = self.part.position(name)
        column = next((c for c in self.sheet.columns if c.name == name), None)
        line.problems.append(Problem(position, column.header if column else "", message))

    def _column_of(self, problem: Problem) -> str:
        column = self.part.columns.get(problem.column)
        return column.name if column else ""

    def _at(self, row: Any, column: Column) -> Any:
        if row is None:
            return None
        return self.directory.at(column.target, getattr(row, column.field.attname))

    def _may_leave(self, row: Any) -> bool:
        return self.is_everywhere or self.directory.holds(row)

    def _name(self, row: Any) -> str:
        return self.directory.name(row) or ""


def _refuse_taken(part: Part) -> None:
    """Facts that may stand once only: in the file, and in the table beside it."""
    lines = [line for line in part.lines if line.row is not None and not line.problems]
    line_of = {id(line.row): line for line in lines}
    for taken in taken_by_others(part.sheet.model, [(line.number, line.row) for line in lines]):
        line_of[id(taken.row)].problems.append(_problem(part, taken))


def _problem(part: Part, taken: Taken) -> Problem:
    position = max((part.position(name) for name in taken.names), default=-1)
    column = part.columns.get(position)
    message = str(taken.message)
    if taken.other_line:
        message += _("（与第 %(row)d 行相同）") % {"row": taken.other_line}
    return Problem(position, column.header if column else "", message)
