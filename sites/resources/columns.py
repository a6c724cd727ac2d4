"""Columns of a sheet: from a field of the model to a cell and back, in both languages."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from openpyxl.utils.datetime import from_excel

# Full-width letters and digits are a slip of the keyboard here; in names they may be meant.
FOLDED = frozenset(
    {
        "number",
        "code",
        "serial",
        "host",
        "timezone",
        "contact_phone",
        "legal_phone",
        "payment_code",
        "vector_group",
    }
)
_YES = frozenset({"是", "yes", "y", "true", "1", "√", "✓"})  # not translated: read in any language
_NO = frozenset({"否", "no", "n", "false", "0", "×"})  # not translated: read in any language
_DAY_MARKS = ("年", "月", "日", "/", ".")  # not translated: read in any language
_MOST = Decimal("1e15")
# Excel's day numbers of 1954 to 2119: what a date is when its cell lost the format.
_EXCEL_DAYS = range(20_000, 80_000)
_EXCEL_DAY = re.compile(r"([0-9]{5})(\.[0-9]*)?$")


class CellError(Exception):
    """A cell says something that cannot be meant; the message is for its owner."""


def folded(text: str) -> str:
    """For comparing: full-width forms, case and runs of spaces do not matter."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def in_both_languages(words: Any) -> list[str]:
    """A lazy string in each language of the product."""
    found = []
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.append(str(words))
    return found


def key_of(text: str) -> int | None:
    """The key of a row, with or without a # before it; None for what cannot be one."""
    plain = folded(text).removeprefix("#")
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 19 else None


def text_of(value: Any) -> str:
    """A cell as text: whole numbers without a point, ends without spaces."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime) and not (value.hour or value.minute or value.second):
        return value.date().isoformat()
    return str(value).strip()


@dataclass(frozen=True)
class Column:
    """One fact of a row."""

    name: str
    field: Any

    @cached_property
    def accepted(self) -> frozenset[str]:
        """Headers by which it is known: both languages and the field's own name."""
        words = {*in_both_languages(self.field.verbose_name), self.name}
        return frozenset(folded(word) for word in words)

    @property
    def header(self) -> str:
        """In the reader's language."""
        return str(self.field.verbose_name)

    @property
    def is_reference(self) -> bool:
        return isinstance(self.field, models.ForeignKey)

    @property
    def target(self) -> type[models.Model]:
        """The table that a reference points to."""
        found: type[models.Model] = self.field.related_model
        return found

    @property
    def is_required(self) -> bool:
        """Whether a new row must say it."""
        return not (self.field.null or self.field.blank or self.field.has_default())

    @property
    def choices(self) -> list[tuple[Any, str]]:
        """Values with their words in the reader's language; yes and no for a boolean."""
        if isinstance(self.field, models.BooleanField):
            return [(True, _("是")), (False, _("否"))]
        return [(value, str(label)) for value, label in self.field.choices or ()]

    def shown(self, value: Any) -> Any:
        """What stands in the cell."""
        if value is None or value == "":
            return None
        if choices := dict(self.choices):
            return choices.get(value, str(value))
        if isinstance(value, Decimal):
            return int(value) if value == value.to_integral_value() else float(value)
        return value

    def read(self, cell: Any) -> Any:
        """The value that the cell means; None for an empty one. Raises CellError."""
        text = text_of(cell)
        is_text = isinstance(self.field, models.CharField) and not self.choices
        if text == "":
            return "" if is_text else None
        if self.choices:
            return self._chosen(text)
        if is_text:
            return unicodedata.normalize("NFKC", text).strip() if self.name in FOLDED else text
        return self._measured(cell, text)

    def _measured(self, cell: Any, text: str) -> Any:
        if isinstance(self.field, models.DateField):
            return _day(cell, text)
        if isinstance(self.field, models.IntegerField):
            return _whole(text)
        if isinstance(self.field, models.DecimalField):
            return _decimal(text, self.field)
        return float(_number(text))

    def _chosen(self, text: str) -> Any:
        wanted = folded(text)
        if isinstance(self.field, models.BooleanField) and wanted in _YES | _NO:
            return wanted in _YES
        for value, label in self._known:
            if wanted in label:
                return value
        words = pgettext("between items", "、").join(word for _value, word in self.choices)
        raise CellError(_("“%(text)s”不在可选项中：%(words)s。") % _facts(text, words=words))

    @cached_property
    def _known(self) -> list[tuple[Any, frozenset[str]]]:
        return [
            (value, frozenset(folded(word) for word in (*in_both_languages(label), str(value))))
            for value, label in self.field.choices or ()
        ]


def _facts(text: str, **more: Any) -> dict[str, Any]:
    return {"text": text if len(text) <= 40 else f"{text[:39]}…", **more}


def _number(text: str) -> Decimal:
    plain = unicodedata.normalize("NFKC", text).replace(",", "").replace(" ", "")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise CellError(_("应为数字，实际为“%(text)s”。") % _facts(text)) from None
    if not number.is_finite() or not -_MOST <= number <= _MOST:
        raise CellError(_("应为数字，实际为“%(text)s”。") % _facts(text))
    return number


def _whole(text: str) -> int:
    number = _number(text)
    if number != number.to_integral_value():
        raise CellError(_("应为整数，实际为“%(text)s”。") % _facts(text))
    return int(number)


def _decimal(text: str, field: Any) -> Decimal:
    """Binary fractions of a spreadsheet lose their tail; what people typed too many of is told."""
    number = _number(text)
    rounded = round(number, field.decimal_places)
    return rounded if abs(number - rounded) < Decimal("1e-9") else number


def _day(cell: Any, text: str) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    plain = unicodedata.normalize("NFKC", text)
    if (days := _EXCEL_DAY.match(plain)) and int(days[1]) in _EXCEL_DAYS:
        found = from_excel(int(days[1]))
        return found.date() if isinstance(found, datetime) else found
    for mark in _DAY_MARKS:
        plain = plain.replace(mark, "-")
    parts = plain.split(" ")[0].rstrip("-").split("-")
    try:
        year, month, day = (int(part) for part in parts)
        return date(year, month, day)
    except ValueError:
        text = text if len(text) <= 40 else text[:40]
        raise CellError(_("应为日期，如 2026-05-01，实际为“%(text)s”。") % _facts(text)) from None


def columns_of(model: type[models.Model], names: Iterable[str]) -> tuple[Column, ...]:
    """The columns of these fields, in this order."""
    fields = model._meta  # noqa: SLF001 - Django's documented name
    return tuple(Column(name, fields.get_field(name)) for name in names)
