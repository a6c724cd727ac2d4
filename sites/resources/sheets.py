"""The sheets of the product: which table, which columns, who may write what."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Model, QuerySet

from sites.models import User
from sites.resources.columns import Column, columns_of, folded, in_both_languages
from sites.rules import Ability

ID = "id"


@dataclass(frozen=True)
class Sheet:
    """One kind of master data.

    names: the fields in the order of the columns. platform_to_add, platform_fields, fixed_fields:
    as in the admin. check: what the model alone cannot see of a row, by field. after: told the rows
    that were changed with the names of their changed fields, after they are stored.
    """

    key: str
    model: type[Model]
    names: tuple[str, ...]
    position: int
    platform_to_add: bool = False
    platform_fields: tuple[str, ...] = ()
    fixed_fields: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    check: Callable[[Any], dict[str, Any]] = field(default=lambda _row: {})
    after: Callable[[list[tuple[Any, Any, frozenset[str]]]], None] = field(
        default=lambda _rows: None
    )

    @property
    def label(self) -> str:
        """Its name in the reader's language: the name of the sheet."""
        return str(self.model._meta.verbose_name)  # noqa: SLF001 - Django's documented name

    @cached_property
    def accepted(self) -> frozenset[str]:
        """Names of a sheet by which it is known."""
        meta = self.model._meta  # noqa: SLF001 - Django's documented name
        words = [meta.verbose_name, meta.verbose_name_plural, self.key]
        return frozenset(folded(text) for word in words for text in in_both_languages(word))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(self.model, self.names)

    def rows(self, user: User) -> QuerySet[Any]:
        """The rows that the person maintains."""
        table: Any = self.model._default_manager  # noqa: SLF001 - Django's documented name
        rows: QuerySet[Any] = table.visible_to(user, ability=Ability.MANAGE_SITE).order_by("pk")
        return rows


_sheets: dict[str, Sheet] = {}


def register(sheet: Sheet) -> None:
    """Make a sheet known; called once by the app of its table."""
    _sheets[sheet.key] = sheet


def every_sheet() -> list[Sheet]:
    """In the order in which rows depend on each other."""
    return sorted(_sheets.values(), key=lambda sheet: sheet.position)


def sheet_named(name: str) -> Sheet | None:
    """By key or by name in either language."""
    wanted = folded(name)
    return next((sheet for sheet in every_sheet() if wanted in sheet.accepted), None)
