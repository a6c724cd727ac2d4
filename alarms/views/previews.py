"""A look at an alarm without leaving the list: the drawer."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from alarms import selectors
from alarms.models import AlarmLog
from alarms.views.details import time_to_verify
from sites.models import User

LOG_ROWS = 3


@login_required
@require_safe
def alarm_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """State, last hour with the limit, facts, the newest records, what may be done."""
    user = cast(User, request.user)
    now = timezone.now()
    alarm = selectors.alarm_for(user=user, pk=pk)
    (line,) = selectors.lines_of([alarm], user=user, now=now)
    selectors.measure([line], now=now, size=(360, 110))
    context = {
        "line": line,
        "alarm": alarm,
        "zone": alarm.site.timezone,
        "may_see_value": line.may_see_value,
        "limit_to_verify": time_to_verify(alarm, now),
        "near": selectors.same_path(alarm=alarm).count(),
        "log": AlarmLog.objects.filter(alarm=alarm)
        .select_related("by")
        .order_by("-at", "-pk")[:LOG_ROWS],
    }
    return render(request, "alarms/alarm_preview.html", context)
