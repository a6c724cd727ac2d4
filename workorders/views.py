"""Order pages."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@login_required
@require_safe
def order_list(request: HttpRequest) -> HttpResponse:
    """Orders of the person's sites."""
    return render(request, "workorders/order_list.html", {})
