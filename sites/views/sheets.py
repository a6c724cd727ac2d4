"""Master data out of the product and back in: export, dry run, confirmation."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import Invalid
from core.http import flash, tell_fields
from sites.models import Job, User
from sites.resources import books, works
from sites.resources.forms import SheetExportForm, SheetUploadForm
from sites.resources.sheets import every_sheet
from sites.views.jobs import shown

RECENT = 8


@login_required
@require_safe
def sheet_page(request: HttpRequest) -> HttpResponse:
    """Both directions on one page."""
    return _page(request)


@login_required
@require_POST
def sheet_export(request: HttpRequest) -> HttpResponse:
    """Start an export."""
    user = cast(User, request.user)
    works.require_sheets(user)
    form = SheetExportForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            job = works.ask_export(
                user=user,
                keys=given["kinds"],
                is_csv=given["format"] == "csv",
                now=timezone.now(),
            )
        except Invalid as refusal:
            tell_fields(form, refusal)
        else:
            return redirect("sites:job-detail", pk=job.pk)
    return _page(request, export=form, status=400)


@login_required
@require_safe
def sheet_template(request: HttpRequest) -> HttpResponse:
    """An empty workbook with hints, for all kinds or the asked ones."""
    works.require_sheets(cast(User, request.user))
    keys = request.GET.getlist("kind") or [sheet.key for sheet in every_sheet()]
    answer = HttpResponse(books.template(works.chosen(keys)), content_type=books.XLSX)
    name = _("档案模板")
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{_quoted(name)}.xlsx"
    return answer


@login_required
@require_POST
def sheet_check(request: HttpRequest) -> HttpResponse:
    """Take a file and compare it."""
    user = cast(User, request.user)
    works.require_sheets(user)
    form = SheetUploadForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            job = works.ask_check(
                user=user,
                file=file,
                name=file.name,
                kind=form.cleaned_data["kind"],
                now=timezone.now(),
            )
        except Invalid as refusal:
            tell_fields(form, refusal)
        else:
            return redirect("sites:job-detail", pk=job.pk)
    return _page(request, upload=form, status=400)


@login_required
@require_POST
def sheet_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what the dry run showed."""
    try:
        job = works.ask_import(user=cast(User, request.user), check_id=pk, now=timezone.now())
    except Invalid as refusal:
        flash(request, refusal)
        return redirect("sites:job-detail", pk=pk)
    return redirect("sites:job-detail", pk=job.pk)


def _page(
    request: HttpRequest,
    *,
    export: SheetExportForm | None = None,
    upload: SheetUploadForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user = cast(User, request.user)
    works.require_sheets(user)
    kinds = (works.EXPORT, works.CHECK, works.IMPORT)
    recent = Job.objects.visible_to(user).filter(kind__in=kinds)[:RECENT]
    context = {
        "export": export or SheetExportForm(initial={"kinds": [s.key for s in every_sheet()]}),
        "upload": upload or SheetUploadForm(),
        "rows": [shown(job) for job in recent],
    }
    return render(request, "sites/sheets.html", context, status=status)


def _quoted(name: str) -> str:
    return "".join(f"%{byte:02X}" for byte in name.encode())
