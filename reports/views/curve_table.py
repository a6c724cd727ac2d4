"""Curves as a table below the chart, and the whole of it as a file made in the background."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import Invalid
from core.http import flash
from devices.states import Quality
from reports.selectors.curve_query import query_of
from reports.selectors.curve_table import (
    PAGE_ROWS,
    STEPS,
    Block,
    CurveTable,
    known,
)
from reports.selectors.curves import compare_word, zone_word
from reports.services.curve_sheets import ask_sheet
from sites.models import User


@dataclass(frozen=True, slots=True)
class Cell:
    """A value with its comparison; `is_part`: a total of which parts are missing.

    qualities: what has to be said of the samples behind it.
    """

    value: float | None
    decimals: int
    there: int
    parts: int
    other: float | None = None
    qualities: Sequence[Quality] = ()

    @property
    def is_part(self) -> bool:
        return self.parts > 1 and self.there < self.parts

    @property
    def difference(self) -> float | None:
        if self.value is None or self.other is None:
            return None
        return self.value - self.other


@login_required
@require_safe
def curves_table(request: HttpRequest) -> HttpResponse:
    """A page of the table of an address of curves."""
    user, now = cast(User, request.user), timezone.now()
    query = query_of(user=user, given=request.GET, now=now)
    if not query.points:
        raise Invalid(fields={"point": [_("请选择 1 至 12 个测点。")]})
    table = CurveTable(query, step=request.GET.get("step", ""))
    if table.is_raw:
        raise Invalid(fields={"step": [_("请选择有效的选项。")]})
    pages = max(1, -(-table.rows // PAGE_ROWS))
    page = _page(request, pages)
    blocks = table.blocks((page - 1) * PAGE_ROWS, PAGE_ROWS)
    context = {
        "query": query,
        "table": table,
        "rows": [row for block in blocks for row in rows_of(table, block)],
        "steps": step_words(),
        "compare_word": compare_word(query),
        "zone": query.zone,
        "zone_word": zone_word(query.zone, query.end),
        "page": page,
        "pages": pages,
    }
    return render(request, "reports/_curves_table.html", context)


@login_required
@require_POST
def curves_sheet(request: HttpRequest) -> HttpResponse:
    """Have the whole table made as a file; the job's page tells when it is there."""
    user, now = cast(User, request.user), timezone.now()
    query = query_of(user=user, given=request.GET, now=now)
    try:
        job = ask_sheet(
            user=user,
            query=query,
            step=request.POST.get("step", ""),
            kind=request.POST.get("kind", "csv"),
            now=now,
        )
    except Invalid as refusal:
        flash(request, refusal)
        return redirect(f"{reverse('reports:curves')}?{query.text}")
    return redirect("sites:job-detail", pk=job.pk)


def rows_of(table: CurveTable, block: Block) -> list[tuple[float, list[Cell]]]:
    """Moments with a cell per column."""
    found = []
    for line, at in enumerate(block.at.tolist()):
        others: list[float | None] = [None] * len(table.columns)
        if block.compared is not None:
            others = [known(value) for value in block.compared[line]]
        cells = [
            Cell(
                known(block.value[line, place]),
                column.decimals,
                int(block.count[line, place]),
                column.parts,
                others[place],
                block.said(line, place),
            )
            for place, column in enumerate(table.columns)
        ]
        found.append((at, cells))
    return found


def step_words() -> list[tuple[str, str]]:
    """Steps with their words."""
    words = {
        "1m": _("1 分钟"),
        "5m": _("5 分钟"),
        "15m": _("15 分钟"),
        "1h": _("1 小时"),
        "1d": _("1 天"),
    }
    return [(name, words[name]) for name in STEPS]


def _page(request: HttpRequest, pages: int) -> int:
    text = request.GET.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1
    return min(max(number, 1), pages)
