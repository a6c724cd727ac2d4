"""Lists of rows: columns as data, sorting, page sizes, sheets. A page's list is one ListSpec.

How to add one: CONTRIBUTING, "Recipe: add a list".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils import timezone

from core import sheets
from core.errors import Invalid
from core.http import flash
from core.sheets import Field

PAGE_SIZES = (25, 50, 100, 200)
PAGE_SIZE = 50
# Nobody turns pages further than this; filters find what lies behind.
ROWS_IN_PAGES = 100_000
QUERY_LENGTH = 2000
# What belongs to looking at a list, not to what is looked for.
_OF_THE_LOOK = frozenset({"page", "page_size", "columns", "saved", "export", "ordering"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list.

    `cell` is the template of its cells, which gets `line`. `order` is the value of `?ordering=`
    that the header asks for first ("severity", "-raised_at"); only what an index serves has one.
    `fields` are its columns in sheets. A fixed column cannot be hidden, an extra one is hidden
    until it is chosen.
    """

    key: str
    label: Any
    cell: str
    order: str = ""
    css: str = ""
    fields: tuple[Field, ...] = ()
    is_fixed: bool = False
    is_extra: bool = False


@dataclass(frozen=True, slots=True)
class ListSpec:
    """A list: its key in saved views, its columns, the ordering in force without a parameter.

    `title` and `url_name` are its page's. `actions` is the template of the last cell of a row, '' when rows have no actions.
    """

    key: str
    columns: tuple[Column, ...]
    order: str = ""
    actions: str = ""
    is_selectable: bool = False
    title: Any = ""
    url_name: str = ""

    def chosen(self, keys: Iterable[str]) -> list[Column]:
        """Columns by key in the order given, unknown ones left out, fixed ones always there."""
        by_key = {column.key: column for column in self.columns}
        found = [by_key[key] for key in dict.fromkeys(keys) if key in by_key]
        if not found:
            return [column for column in self.columns if not column.is_extra]
        missing = [column for column in self.columns if column.is_fixed and column not in found]
        return [*missing, *found]


_SPECS: dict[str, ListSpec] = {}


def register(spec: ListSpec) -> ListSpec:
    """Make a list known, so that columns and views can be kept for it."""
    _SPECS[spec.key] = spec
    return spec


def spec_of(key: str) -> ListSpec | None:
    """The list of a key; None when there is none."""
    return _SPECS.get(key)


def search_part(query: str) -> str:
    """Of a query string what is looked for: without page, columns, ordering and the like."""
    pairs = parse_qsl(query[:QUERY_LENGTH])
    return urlencode([(name, value) for name, value in pairs if name not in _OF_THE_LOOK])


@dataclass(frozen=True, slots=True)
class Head:
    """A column's header: `aria` is its aria-sort or '', `order` what a press on it asks for."""

    column: Column
    aria: str
    order: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one person keeps of a list: columns ('' for the usual ones), his views, his first."""

    columns: Sequence[str] = ()
    views: Sequence[Any] = ()
    first_id: int | None = None
    may_share: bool = False


class ListPaginator(Paginator):
    """Pages of at most ROWS_IN_PAGES rows.

    A page takes the keys first and then the rows of those keys, so that what is skipped is not
    joined and not carried.
    """

    @cached_property
    def num_pages(self) -> int:
        """Pages that one may turn to."""
        reachable = min(self.count, ROWS_IN_PAGES)
        return max(1, -(-reachable // self.per_page))

    def page(self, number: Any) -> Page[Any]:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        rows = cast(QuerySet[Any], self.object_list)
        keys = list(rows.values_list("pk", flat=True)[first : first + self.per_page])
        return Page(rows.filter(pk__in=keys), number, self)


@dataclass(slots=True)
class ListPage:
    """One person's look at a list: rows, columns, order and size as the address says.

    `lines` turns the rows of a page into what cells and sheets show: objects with `pk`, `label`,
    `url` and `css`. counted: how many rows there are, when that is known already.
    """

    spec: ListSpec
    request: HttpRequest
    rows: QuerySet[Any]
    lines_of: Callable[[Sequence[Any]], list[Any]]
    chosen: Chosen = field(default_factory=Chosen)
    counted: int | None = None
    page: Page[Any] = field(init=False)
    lines: list[Any] = field(init=False)
    columns: list[Column] = field(init=False)

    def __post_init__(self) -> None:
        paginator = ListPaginator(self.rows, self.size)
        if self.counted is not None:
            paginator.count = self.counted
        self.page = paginator.get_page(self.params.get("page"))
        self.columns = self.spec.chosen(
            self.params.get("columns", "").split(",") if self.params.get("columns") else self.kept
        )
        self.lines = [] if self.export else self.lines_of(list(self.page.object_list))

    @property
    def params(self) -> QueryDict:
        return self.request.GET

    @property
    def kept(self) -> Sequence[str]:
        """The columns that the person chose."""
        return self.chosen.columns

    @property
    def size(self) -> int:
        """Rows per page: one of PAGE_SIZES."""
        given = self.params.get("page_size", "")
        return int(given) if given in map(str, PAGE_SIZES) else PAGE_SIZE

    @property
    def sizes(self) -> tuple[int, ...]:
        return PAGE_SIZES

    @property
    def total(self) -> int:
        return self.page.paginator.count

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than pages reach."""
        return self.total > ROWS_IN_PAGES

    @property
    def is_long(self) -> bool:
        """Whether a sheet of all rows is too long for one answer."""
        return self.total > sheets.ROWS_AT_ONCE

    @property
    def export(self) -> str:
        """`csv` or `xlsx` when the address asks for a sheet, else ''."""
        kind = self.params.get("export", "")
        return kind if kind in sheets.FORMATS else ""

    @property
    def search(self) -> str:
        """What is looked for, as a query string; bulk actions on the whole query carry it."""
        return search_part(self.request.GET.urlencode())

    @property
    def rest(self) -> list[tuple[str, str]]:
        """All that the address says besides the page and its size, for the form that changes it."""
        pairs = self.params.lists()
        return [(n, v) for n, values in pairs if n not in {"page", "page_size"} for v in values]

    @property
    def heads(self) -> list[Head]:
        """Headers of the columns shown."""
        return [self._head(column) for column in self.columns]

    @property
    def sorts(self) -> list[Head]:
        """What the rows can be ordered by, also by columns that are not shown."""
        return [self._head(column) for column in self.spec.columns if column.order]

    def _head(self, column: Column) -> Head:
        if not column.order:
            return Head(column, "", "")
        now = self.params.get("ordering") or self.spec.order
        name = column.order.lstrip("-")
        if now.lstrip("-") != name:
            return Head(column, "", column.order)
        is_down = now.startswith("-")
        other = name if is_down else f"-{name}"
        return Head(column, "descending" if is_down else "ascending", other)

    @property
    def choices(self) -> list[tuple[Column, bool]]:
        """Every column with whether it is shown: the shown ones first, in their order."""
        rest = [column for column in self.spec.columns if column not in self.columns]
        return [*((column, True) for column in self.columns), *((column, False) for column in rest)]

    @property
    def current_view(self) -> Any | None:
        """The saved view that the address names, when it is one of the person's."""
        given = self.params.get("saved", "")
        return next((view for view in self.chosen.views if str(view.pk) == given), None)

    def sheet(self, *, name: str) -> HttpResponseBase:
        """All rows as a sheet: same filters, columns and order; the list again when too many."""
        zone = cast(Any, self.request.user).timezone
        try:
            sheets.check_size(self.total)
        except Invalid as refusal:
            flash(self.request, refusal)
            query = self.params.copy()
            query.pop("export")
            return redirect(f"{self.request.path}?{query.urlencode()}")
        return sheets.answer(
            self.request,
            kind=self.export,
            name=named(name, timezone.now(), zone),
            fields=self._fields,
            lines=lines_in_chunks(self.rows, self.lines_of),
            zone=zone,
        )

    def whole(self, *, zone: str, progress: Callable[[int, int, str], None]) -> bytes:
        """The same sheet however long, as the content of a file; tells how far it is."""
        sheets.check_kind(self.export, self.total)

        def told() -> Iterator[Any]:
            for number, line in enumerate(lines_in_chunks(self.rows, self.lines_of)):
                if number % 1000 == 0:
                    progress(number, self.total, "")
                yield line

        return sheets.content(kind=self.export, fields=self._fields, lines=told(), zone=zone)

    @property
    def _fields(self) -> list[Field]:
        return [one for column in self.columns for one in column.fields]


def named(name: str, at: datetime, zone: str) -> str:
    """What the file of a sheet is called, without its ending."""
    return f"{name}-{at.astimezone(ZoneInfo(zone)):%Y%m%d-%H%M}"


def lines_in_chunks(
    rows: QuerySet[Any], lines_of: Callable[[Sequence[Any]], list[Any]]
) -> Iterator[Any]:
    """Lines of every row, a thousand rows at a time."""
    keys = list(rows.values_list("pk", flat=True))
    for first in range(0, len(keys), 1000):
        yield from lines_of(list(rows.filter(pk__in=keys[first : first + 1000])))


def first_address(request: HttpRequest, chosen: Chosen) -> str:
    """Where the list starts for this person: the address of his first view, '' to stay.

    Only an address without any parameter starts anywhere.
    """
    if request.GET or chosen.first_id is None:
        return ""
    view = next((view for view in chosen.views if view.pk == chosen.first_id), None)
    return f"{request.path}?{view.address}" if view else ""
