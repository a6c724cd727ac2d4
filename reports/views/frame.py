"""What belongs to the frame of every page: the search, the notices."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core.http import render_part
from reports.selectors import notices as notice_selectors
from reports.selectors import searching
from sites import services
from sites.models import Job, User
from sites.services.jobs import work_of

LONGEST = 100


@login_required
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Everything that fits the words, as a page or as the options of the search box."""
    text = request.GET.get("q", "").strip()[:LONGEST]
    groups = searching.find(user=cast(User, request.user), text=text)
    context = {"text": text, "groups": groups, "hits": sum(len(group.hits) for group in groups)}
    return render_part(request, "reports/search.html", context, part="options")


@login_required
@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """What waits for the person, as a page or as the list under the bell."""
    found = notice_selectors.notices(user=cast(User, request.user), now=timezone.now())
    context = {"notices": found, "jobs": [(job, _label(job)) for job in found.jobs]}
    return render_part(request, "reports/notices.html", context, part="list")


def _label(job: Job) -> str:
    work = work_of(job.kind)
    return str(work.label if work else job.kind)


@login_required
@require_POST
def notices_seen(request: HttpRequest) -> HttpResponse:
    """Whatever is there now has been seen."""
    services.mark_notices_seen(user=cast(User, request.user), now=timezone.now())
    return redirect("reports:notices")
