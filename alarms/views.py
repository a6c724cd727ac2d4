"""Alarm pages."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@login_required
@require_safe
def alarm_list(request: HttpRequest) -> HttpResponse:
    """Alarms of the person's sites."""
    return render(request, "alarms/alarm_list.html", {})
