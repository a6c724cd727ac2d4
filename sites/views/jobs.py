"""One's background jobs: what runs, how far it is, what came of it."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core.errors import MoveRefused
from core.http import download, flash, render_part
from sites import selectors, services
from sites.models import Job, User
from sites.services.jobs import work_of

PAGE_SIZE = 25


@login_required
@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    """One's own jobs, newest first."""
    jobs = Job.objects.visible_to(cast(User, request.user))
    page = Paginator(jobs, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [shown(job) for job in page.object_list]
    context = {"page": page, "rows": rows, "is_moving": any(row["job"].is_open for row in rows)}
    return render_part(request, "sites/job_list.html", context, part="list")


@login_required
@require_safe
def job_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One job; the part is fetched again while it is open."""
    job = selectors.job_for(user=cast(User, request.user), pk=pk)
    return render_part(request, "sites/job_detail.html", shown(job), part="progress")


@login_required
@require_POST
def job_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop it."""
    try:
        services.cancel_job(job_id=pk, by=cast(User, request.user), now=timezone.now())
    except MoveRefused as refusal:
        flash(request, refusal)
    return redirect("sites:job-detail", pk=pk)


@login_required
@require_safe
def job_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The result, for its owner alone."""
    job = selectors.job_for(user=cast(User, request.user), pk=pk)
    return download(job.result, job.result_name)


def shown(job: Job) -> dict[str, Any]:
    """What a template needs of a job."""
    work = work_of(job.kind)
    return {
        "job": job,
        "label": work.label if work else job.kind,
        "part": work.part if work else "",
    }
