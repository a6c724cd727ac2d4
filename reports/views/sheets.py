"""Tables of the hall as files."""

import csv
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from reports.selectors import towns
from sites.models import User


@login_required
@require_safe
def town_sheet(request: HttpRequest) -> HttpResponse:
    """Sites by town as CSV."""
    user, now = cast(User, request.user), timezone.now()
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="towns.csv"'
    response.write("\ufeff")
    writer = csv.writer(response)
    writer.writerow(
        [
            _("镇街"),
            pgettext("count", "站点"),
            _("投运"),
            pgettext("site", "异常"),
            pgettext("site", "缺陷"),
            _("今日数据完整率 (%)"),
            _("统计时间"),
        ]
    )
    for row in towns.by_town(user=user, now=now):
        percent = row.share.percent
        writer.writerow(
            [
                _cell(str(row.town) if row.town else _("未填镇街")),
                row.sites.total,
                row.sites.running,
                row.sites.abnormal,
                row.sites.defect,
                "" if percent is None else f"{percent:.2f}",
                now.isoformat(timespec="seconds"),
            ]
        )
    return response


def _cell(text: str) -> str:
    """A spreadsheet must not take a name for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
