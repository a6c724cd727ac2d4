"""A list of stretches of time at a site: tabs with counts, a period, a device; in pages, or as a sheet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.functional import Promise

from core import sheets
from core.lists import PAGE_SIZE, named
from core.sheets import Field
from reports.forms import RANGE_WORDS, USUAL_RANGE, StretchForm
from sites.models import Site

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Parts:
    """What the list is divided by: the parameter of the address, its words, and those of all.

    `rows`: value, words and number of each part that is there.
    """

    name: str
    label: Words
    all_label: Words
    current: str
    rows: Sequence[tuple[str, Words, int]]

    @property
    def total(self) -> int:
        return sum(count for _value, _words, count in self.rows)


@dataclass(frozen=True, slots=True)
class StretchPage:
    """The page of one request: the stretches that its form asks for."""

    request: HttpRequest
    site: Site
    form: StretchForm
    rows: Sequence[Any]
    now: datetime

    def sheet(self, file: str, fields: Sequence[Field]) -> HttpResponseBase | None:
        """All of them as a sheet, when the address asks for one. Raises Invalid for too many."""
        kind, zone = self.request.GET.get("export", ""), self.site.timezone
        if kind not in sheets.FORMATS or not self.form.is_valid():
            return None
        sheets.check_size(len(self.rows))
        return sheets.answer(
            self.request,
            kind=kind,
            name=named(f"{file}-{self.site.number}", self.now, zone),
            fields=fields,
            lines=self.rows,
            zone=zone,
        )

    def shown(
        self, template: str, *, parts: Parts, line_of: Callable[[Any], Any], **facts: Any
    ) -> HttpResponse:
        """A page of them; line_of: what the template gets of each."""
        page = Paginator(self.rows, PAGE_SIZE).get_page(self.request.GET.get("page"))
        asked = self.request.GET.get("range") or USUAL_RANGE
        context = {
            "site": self.site,
            "zone": self.site.timezone,
            "now": self.now,
            "form": self.form,
            "filters": self.form,
            "chips": self.form.chips(),
            "parts": parts,
            "page": page,
            "pages": page.paginator.get_elided_page_range(page.number),
            "lines": [line_of(row) for row in page.object_list],
            "range": asked if self.form.period()["end"] == self.now else "",
            "ranges": RANGE_WORDS,
        }
        return render(self.request, template, context | facts)
