"""Live data."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@login_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Device tree and live table."""
    return render(request, "devices/live.html", {})
