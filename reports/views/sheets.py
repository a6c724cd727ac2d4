"""Tables of the hall as files."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from core import sheets
from core.sheets import Field
from reports.selectors import towns
from sites.models import User


@login_required
@require_safe
def town_sheet(request: HttpRequest) -> HttpResponseBase:
    """Sites by town as CSV."""
    user, now = cast(User, request.user), timezone.now()
    nowhere = _("未填镇街")
    fields = [
        Field(_("镇街"), lambda row: row.town or nowhere),
        Field(pgettext("count", "站点"), lambda row: row.sites.total),
        Field(_("投运"), lambda row: row.sites.running),
        Field(pgettext("site", "异常"), lambda row: row.sites.abnormal),
        Field(pgettext("site", "缺陷"), lambda row: row.sites.defect),
        Field(_("已接入"), lambda row: row.sites.accepted),
        Field(_("接入率"), lambda row: _rounded(row.sites.connected_percent), unit="%"),
        Field(_("今日数据完整率"), lambda row: _rounded(row.share.percent), unit="%"),
        Field(_("统计时间"), lambda _row: now),
    ]
    rows = towns.by_town(user=user, now=now)
    return sheets.answer(
        request, kind="csv", name="towns", fields=fields, lines=rows, zone=user.timezone
    )


def _rounded(percent: float | None) -> float | None:
    return None if percent is None else round(percent, 2)
