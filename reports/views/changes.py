"""Who changed what: the list of everything, and the record of one object."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from reports.selectors import changes as selectors
from sites.models import User


@login_required
@require_safe
def change_list(request: HttpRequest) -> HttpResponse:
    """All changes that the person may see, newest first."""
    user = cast(User, request.user)
    given = request.GET.get("page", "1")
    page = int(given) if given.isdecimal() and len(given) < 4 else 1
    kind, words = request.GET.get("kind", ""), request.GET.get("q", "")[:100]
    rows, has_older = selectors.changes(user=user, kind=kind, words=words, page=page)
    context = {
        "changes": rows,
        "has_older": has_older,
        "number": max(1, page),
        "older": page + 1,
        "newer": page - 1,
        "kinds": selectors.kinds(),
        "kind": kind,
        "q": words,
    }
    return render(request, "reports/change_list.html", context)


@login_required
@require_safe
def change_object(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """The record of one object."""
    rows = selectors.changes_of(user=cast(User, request.user), kind=kind, pk=pk)
    label = dict(selectors.kinds())[kind]
    context = {"changes": rows, "label": label, "name": rows[0].name if rows else ""}
    return render(request, "reports/change_object.html", context)
