"""The list as a sheet that is too long for one answer: asked for by the page, made by a job."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_POST

from alarms.resources import ALARMS, SHEET_KIND
from alarms.views.lists import filters_of, listed
from core.errors import Invalid
from core.http import flash
from core.lists import QUERY_LENGTH, ListPage, named
from sites import selectors as site_selectors
from sites.models import Job, User
from sites.services import submit_job
from sites.services.jobs import Outcome, Progress, Work, register


@login_required
@require_POST
def alarm_sheet(request: HttpRequest) -> HttpResponse:
    """Have the list of the address made as a sheet; the job's page tells when it is there."""
    user, now = cast(User, request.user), timezone.now()
    query = request.GET.copy()
    shown = _shown(QueryDict(query.urlencode()), user)
    query["columns"] = ",".join(column.key for column in shown.columns)
    text = query.urlencode()
    try:
        if not shown.export or len(text) > QUERY_LENGTH:
            raise Invalid(_("请选择有效的选项。"))
        job = submit_job(kind=SHEET_KIND, owner=user, now=now, facts={"query": text})
    except Invalid as refusal:
        flash(request, refusal)
        return redirect("alarms:alarm-list")
    return redirect("sites:job-detail", pk=job.pk)


def _shown(query: QueryDict, user: User) -> ListPage:
    """The list of a query string, as the person may see it now."""
    asked: Any = HttpRequest()
    asked.GET, asked.user = query, user
    chosen = site_selectors.list_chosen(user=user, page=ALARMS.key)
    return listed(asked, user, filters_of(asked, user), now=timezone.now(), chosen=chosen)


def _make(job: Job, progress: Progress) -> Outcome:
    shown = _shown(QueryDict(job.facts["query"]), job.owner)
    zone = job.owner.timezone
    content = shown.whole(zone=zone, progress=progress)
    name = named(pgettext("file", "告警"), job.created_at, zone)
    told = _("已导出 %(count)s 行。") % {"count": f"{shown.total:,}"}
    return Outcome(told, {}, content, f"{name}.{shown.export}")


def register_works() -> None:
    """Make the kind of job known."""
    register(Work(SHEET_KIND, gettext_lazy("告警导出"), _make))
