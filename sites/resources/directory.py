"""How rows name other rows: by numbers and names that a person can read, within his hands."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from sites.models import User
from sites.resources.columns import CellError, folded, key_of


@dataclass(frozen=True, slots=True)
class Naming:
    """rows: those that the person may point to; names: of one row, the best first."""

    rows: Callable[[User], Iterable[Any]]
    names: Callable[[Any], list[str]]


_namings: dict[type[Model], Naming] = {}


def names_by(
    model: type[Model],
    *,
    rows: Callable[[User], Iterable[Any]],
    names: Callable[[Any], list[str]],
) -> None:
    """Say how rows of a table are named in cells; called once by the app of the table."""
    _namings[model] = Naming(rows, names)


@dataclass(slots=True)
class _Shelf:
    """The rows of one table, by name and by key."""

    naming: Naming
    by_pk: dict[int, Any] = field(default_factory=dict)
    # Of one name the rows by key: at a thousand sites the room is called the same.
    by_name: dict[str, dict[Any, Any]] = field(default_factory=dict)

    def put(self, row: Any) -> None:
        if row.pk is not None:
            self.by_pk[row.pk] = row
        key = row.pk or ("new", id(row))
        for name in self.naming.names(row):
            self.by_name.setdefault(folded(name), {}).setdefault(key, row)


class Directory:
    """Every row that one person's cells may point to, read once per table."""

    def __init__(self, user: User) -> None:
        self.user = user
        self._shelves: dict[type[Model], _Shelf] = {}
        self._strangers: dict[tuple[type[Model], int], Any] = {}

    def find(self, model: type[Model], text: str) -> Any:
        """The row that is named so. Raises CellError when none is, or several are."""
        shelf = self._shelf(model)
        if text.startswith("#") and (pk := key_of(text)) is not None:
            found = [shelf.by_pk[pk]] if pk in shelf.by_pk else []
        else:
            # Two are enough to know that there are several.
            found = list(islice(shelf.by_name.get(folded(text), {}).values(), 2))
        facts = {"text": text[:80], "kind": model._meta.verbose_name}  # noqa: SLF001
        if not found:
            raise CellError(_("找不到%(kind)s“%(text)s”，或您无权维护它。") % facts)
        if len(found) > 1:
            raise CellError(_("有多个%(kind)s名为“%(text)s”，请写完整路径或 #ID。") % facts)
        return found[0]

    def holds(self, row: Any) -> bool:
        """Whether the person may point to it."""
        return row.pk is None or row.pk in self._shelf(type(row)).by_pk

    def at(self, model: type[Model], pk: int | None) -> Any:
        """A row by key, also one that is not the person's to point to."""
        if pk is None:
            return None
        known = self._shelf(model).by_pk.get(pk)
        if known is not None:
            return known
        if (model, pk) not in self._strangers:
            manager = model._default_manager  # noqa: SLF001 - Django's documented name
            self._strangers[model, pk] = manager.filter(pk=pk).first()
        return self._strangers[model, pk]

    def name(self, row: Any) -> str | None:
        """The best name that means this row alone."""
        if row is None:
            return None
        shelf = self._shelf(type(row))
        for name in shelf.naming.names(row):
            if len(shelf.by_name.get(folded(name), ())) <= 1:
                return name
        return f"#{row.pk}"

    def means(self, text: str, row: Any) -> bool:
        """Whether the text is one of the row's names: then nothing has changed."""
        if row is None:
            return False
        names = _namings[type(row)].names(row)
        return text == f"#{row.pk}" or folded(text) in {folded(name) for name in names}

    def put(self, row: Any) -> None:
        """A row of the same file, so that later sheets can point to it."""
        if type(row) in _namings:
            self._shelf(type(row)).put(row)

    def _shelf(self, model: type[Model]) -> _Shelf:
        if model not in self._shelves:
            naming = _namings[model]
            shelf = self._shelves[model] = _Shelf(naming)
            for row in naming.rows(self.user):
                shelf.put(row)
        return self._shelves[model]
