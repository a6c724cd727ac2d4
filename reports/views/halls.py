"""The work hall."""

from datetime import timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from alarms.models import Alarm
from alarms.states import Severity
from core.http import render_part
from devices.models import PointCode
from reports import selectors
from reports.selectors import Hall, places
from sites.models import Site, User, access_for
from sites.rules import Ability


@login_required
@require_safe
def hall(request: HttpRequest) -> HttpResponse:
    """Figures, each a link to the list that it counts."""
    user = cast(User, request.user)
    found = selectors.hall(user=user, now=timezone.now())
    last_day = found.month_end.astimezone(ZoneInfo(found.zone)) - timedelta(days=1)
    context = {
        "hall": found,
        "month_from": found.month_start.astimezone(ZoneInfo(found.zone)).date(),
        "month_to": last_day.date(),
        "since": found.hours[0].start,
        "site_states": [(s.value, s.label, found.sites.by_state[s.value]) for s in Site.State],
        "day_by_severity": day_by_severity(found),
        "bars": bars(found),
        "points": points_of(found.newest_alarms),
        "pins": pins(user),
        "pin_words": list(pin_words().items()),
        "may_create_order": access_for(user).has_anywhere(Ability.CREATE_ORDER),
    }
    return render_part(request, "reports/hall.html", context, part="fresh")


def day_by_severity(found: Hall) -> list[tuple[str, int]]:
    """Alarms of the last 24 hours by severity."""
    return [
        (severity.value, sum(hour.by_severity[severity.value] for hour in found.hours))
        for severity in Severity
    ]


def bars(found: Hall) -> dict[str, Any]:
    """The chart's data, with words already in the reader's language and zone."""
    zone = ZoneInfo(found.zone)
    starts = [hour.start.astimezone(zone) for hour in found.hours]
    return {
        "labels": [f"{start:%H:%M}" for start in starts],
        "titles": [
            f"{start:%m-%d %H:%M}–{start + timedelta(minutes=59):%H:%M}" for start in starts
        ],
        "levels": [
            {
                "key": severity.value,
                "name": str(severity.label),
                "counts": [hour.by_severity[severity.value] for hour in found.hours],
            }
            for severity in Severity
        ],
    }


def points_of(alarms: list[Alarm]) -> dict[str, PointCode]:
    """The dictionary's rows of the points that the alarms name."""
    codes = {alarm.point_code or alarm.worst_code for alarm in alarms} - {""}
    return PointCode.objects.in_bulk(codes, field_name="code")


def pin_words() -> dict[str, str]:
    """States of sites on the map, from the worst."""
    severities = {severity.value: str(severity.label) for severity in Severity}
    return severities | {
        "offline": pgettext("site", "离线"),
        "maint": pgettext("site", "未投运"),
        "normal": pgettext("site", "正常"),
    }


def pins(user: User) -> list[dict[str, Any]]:
    """Sites for the map's script, with words in the reader's language."""
    words = pin_words()
    return [
        {
            "name": pin.site.label,
            "latitude": pin.site.latitude_deg,
            "longitude": pin.site.longitude_deg,
            "state": pin.state,
            "word": words[pin.state],
            "url": reverse("reports:site-detail", args=[pin.site.pk]),
            "facts": [
                [_("企业"), pin.site.enterprise.label],
                [_("状态"), pin.site.get_state_display()],
                [_("设备在线"), f"{pin.devices_online} / {pin.devices}"],
                [_("未处理告警"), str(pin.open_alarms)],
            ],
        }
        for pin in places.pins(user=user)
    ]
