"""Pages that look down on every app."""

from django.contrib.auth.decorators import login_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@login_required
@require_safe
def hall(request: HttpRequest) -> HttpResponse:
    """The work hall."""
    return render(request, "reports/hall.html", {})


@login_required
@require_safe
def site_list(request: HttpRequest) -> HttpResponse:
    """Sites of the person."""
    return render(request, "reports/site_list.html", {})


@login_required
@require_safe
def site_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One site."""
    return render(request, "reports/site_detail.html", {})


@login_required
@require_safe
def state_diagrams(request: HttpRequest) -> HttpResponse:
    """The lives of alarms and orders."""
    return render(request, "reports/state_diagrams.html", {})


@login_required
@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """What the product is made of."""
    return render(request, "reports/about.html", {})


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Whether the database and Redis answer; without sign-in and without secrets."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"database": "down"}, status=503)
    return JsonResponse({"database": "up"})
