"""The energy tab of a site: main–sub balance of a day or a month; the same as a sheet."""

from datetime import datetime
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from core import sheets
from core.errors import Forbidden, Invalid
from core.sheets import Field
from reports.selectors.balance import balances, period_of
from sites import selectors as site_selectors
from sites.models import Site, User
from sites.rules import DataClass


def balance_context(
    *, user: User, site: Site, given: Any, now: datetime, sees_energy: bool
) -> dict[str, Any]:
    """What the tab shows; a period that is none is told, and yesterday shown in its place."""
    refused: list[str] = []
    try:
        period = period_of(
            site=site, day=given.get("day", ""), month=given.get("month", ""), now=now
        )
    except Invalid as refusal:
        refused = [words for several in refusal.fields.values() for words in several]
        period = period_of(site=site, day="", month="", now=now)
    rows = balances(user=user, site=site, period=period) if sees_energy else []
    return {"period": period, "refused": refused, "balances": rows}


@login_required
@require_safe
def balance_sheet(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Main–sub balance of a site as CSV or XLSX."""
    user, now = cast(User, request.user), timezone.now()
    site = site_selectors.site_for(user=user, pk=pk)
    if DataClass.ENERGY not in site_selectors.data_classes_for(user=user, site=site):
        raise Forbidden
    given = request.GET
    period = period_of(site=site, day=given.get("day", ""), month=given.get("month", ""), now=now)
    return sheets.answer(
        request,
        kind="xlsx" if given.get("format") == "xlsx" else "csv",
        name=f"balance-{site.number}-{period.day.isoformat()}-{period.name}",
        fields=_fields(period.start, period.end),
        lines=balances(user=user, site=site, period=period),
        zone=site.timezone,
    )


def _fields(start: datetime, end: datetime) -> list[Field]:
    return [
        Field(_("开始时间"), lambda _row: start),
        Field(_("结束时间"), lambda _row: end),
        Field(_("层级"), lambda row: kind_word(row.kind)),
        Field(_("名称"), lambda row: row.name),
        Field(_("总表电量"), lambda row: _rounded(row.main.kwh, 3), "kWh"),
        Field(_("分表电量之和"), lambda row: _rounded(row.parts_kwh, 3), "kWh"),
        Field(_("差值"), lambda row: _rounded(row.difference_kwh, 3), "kWh"),
        Field(_("差值占总表"), lambda row: _rounded(row.percent, 2), "%"),
        Field(_("限值"), lambda row: row.limit_percent, "%"),
        Field(_("数据完整"), lambda row: row.is_whole),
        Field(_("超过限值"), lambda row: row.is_over if row.is_whole else None),
        Field(_("未装表的回路"), lambda row: "; ".join(one.label for one in row.unmetered)),
        Field(_("缺数据的回路"), lambda row: "; ".join(one.label for one in row.lacking)),
    ]


def kind_word(kind: str) -> str:
    """What a row of the balance is of."""
    return {
        "site": pgettext("balance", "全站"),
        "transformer": _("变压器"),
        "circuit": _("回路"),
    }[kind]


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)
