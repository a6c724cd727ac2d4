"""Setting samples right: which, what of them, why; looked at first; by sheet too; and the way back."""

from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST

from core import sheets
from core.errors import DomainError, Invalid
from core.http import flash, flash_done, tell_fields
from core.lists import named
from devices import selectors
from devices.forms.repairs import RepairForm, RepairSheetForm, StretchForm
from devices.models import Device
from devices.services import repair_sheets, repairs
from devices.states import RepairKind
from sites.models import User

# Samples of a stretch that are shown; the sheet has all.
LINES_SHOWN = 100
REPAIRS_SHOWN = 100
MOST_BYTES = 5 * 1024 * 1024


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def repair(request: HttpRequest, pk: int) -> HttpResponse:
    """The form with the samples it is about; `action=confirm` does what the preview shows."""
    user = cast(User, request.user)
    device = selectors.device_to_repair(user=user, pk=pk)
    points = selectors.points_to_repair(user=user, device=device)
    if request.method != "POST":
        form = RepairForm(device=device, points=points, initial=_initial(request, device))
        return _page(request, device, points, {"form": form} | _asked(request, device, points))
    form = RepairForm(request.POST, device=device, points=points)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        try:
            wanted = form.wanted()
            if request.POST.get("action") == "confirm":
                row = repairs.repair(wanted=wanted, by=user, now=timezone.now())
                return _done(request, device, row.pk)
            context["lines"] = repairs.preview(wanted=wanted, now=timezone.now())
            context["is_preview"], context["point"] = True, wanted.point
        except Invalid as refusal:
            tell_fields(cast(forms.Form, form), refusal)
    return _page(request, device, points, context)


@login_required
@require_POST
def repair_sheet(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A sheet: the samples as one (`export`), or filled in, read and shown; `action=confirm` lays it over."""
    user = cast(User, request.user)
    device = selectors.device_to_repair(user=user, pk=pk)
    points = selectors.points_to_repair(user=user, device=device)
    form = RepairSheetForm(request.POST, request.FILES, device=device, points=points)
    context: dict[str, Any] = {"sheet_form": form}
    wants_sheet = request.POST.get("export") in sheets.FORMATS
    form.fields["reason"].required = not wants_sheet
    if form.is_valid():
        try:
            if wants_sheet:
                return _sheet(request, form)
            values = _values(form)
            wanted = form.wanted(values)
            if request.POST.get("action") == "confirm" and not request.FILES:
                row = repairs.repair(wanted=wanted, by=user, now=timezone.now())
                return _done(request, device, row.pk)
            lines = repairs.preview(wanted=wanted, now=timezone.now())
            context["lines"] = [line for line in lines if line.at_us in values]
            context["is_preview"], context["point"] = True, wanted.point
            context["sheet_rows"] = form.written(values)
        except Invalid as refusal:
            tell_fields(cast(forms.Form, form), refusal)
        except ValidationError as refusal:
            form.add_error("rows", refusal)
    initial = {"initial": _initial(request, device)}
    context["form"] = RepairForm(device=device, points=points, **initial)
    return _page(request, device, points, context)


@login_required
@require_POST
def repair_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a repair back, with a reason."""
    user = cast(User, request.user)
    row = selectors.repair_for(user=user, pk=pk)
    try:
        reason = request.POST.get("reason", "")[:200]
        repairs.undo_repair(repair=row, reason=reason, by=user, now=timezone.now())
        flash_done(request, _("修正已撤销，曲线、统计和电量恢复为修正前的样本。"))
    except DomainError as refusal:
        flash(request, refusal)
    return redirect("devices:repair", pk=row.device_id)


def _sheet(request: HttpRequest, form: RepairSheetForm) -> HttpResponseBase:
    """The samples of a stretch with an empty column to be filled in. Raises Invalid."""
    stretch, zone = form.stretch(), str(form.zone)
    lines = repairs.samples(**stretch)
    if not lines:
        raise Invalid(fields={"start": [_("该时段内没有样本。缺失的样本不能修正。")]})
    sheets.check_size(len(lines))
    return sheets.answer(
        request,
        kind=request.POST["export"],
        name=named(
            pgettext("file", "数据修正") + f"-{stretch['point'].code}", timezone.now(), zone
        ),
        fields=repair_sheets.fields_of(stretch["point"], zone),
        lines=lines,
        zone=zone,
    )


def _values(form: RepairSheetForm) -> dict[int, float]:
    """Of the file, else of the lines that were read from it before. Raises Invalid."""
    file = form.cleaned_data["file"]
    if file is None:
        if not form.cleaned_data["rows"]:
            raise Invalid(fields={"file": [_("请选择文件。")]})
        return form.values()
    if file.size > MOST_BYTES:
        raise Invalid(fields={"file": [_("文件不能超过 5 MB。")]})
    stretch = form.stretch()
    lines = repairs.samples(**stretch)
    zone = str(form.zone)
    read = repair_sheets.read(content=file.read(), name=file.name, lines=lines, zone=zone)
    if read.faults:
        raise Invalid(fields={"file": read.faults})
    return read.values


def _done(request: HttpRequest, device: Device, pk: int) -> HttpResponse:
    flash_done(request, _("修正已登记，原样本保留；相关时段的统计会在几分钟内重算。"))
    return redirect(f"{reverse('devices:repair', args=[device.pk])}#repair-{pk}")


def _initial(request: HttpRequest, device: Device) -> dict[str, Any]:
    """What the address or the form before said of the stretch; else the last hour."""
    zone = ZoneInfo(device.site.timezone)
    now = timezone.now().astimezone(zone).replace(microsecond=0)
    given = request.POST or request.GET
    found: dict[str, Any] = {"point": given.get("point", "")}
    for name, usual in (("start", now - timedelta(hours=1)), ("end", now)):
        try:
            # Browsers leave out seconds that are none.
            found[name] = datetime.fromisoformat(given.get(name, "")).replace(tzinfo=None)
        except ValueError:
            found[name] = usual.replace(tzinfo=None)
    kind = given.get("kind", "")
    return found | {"kind": kind if kind in RepairKind.values else RepairKind.BAD}


def _asked(request: HttpRequest, device: Device, points: list[Any]) -> dict[str, Any]:
    """The samples of the stretch that the address names."""
    form = StretchForm(request.GET, device=device, points=points)
    if "point" not in request.GET or not form.is_valid():
        return {}
    try:
        stretch = form.stretch()
        return {"lines": repairs.samples(**stretch), "point": stretch["point"]}
    except Invalid:
        return {}


def _page(
    request: HttpRequest, device: Device, points: list[Any], context: dict[str, Any]
) -> HttpResponse:
    user = cast(User, request.user)
    lines = context.get("lines", [])
    form = context.get("sheet_form") or context["form"]
    initial = {"initial": _initial(request, device)}
    context = {
        "device": device,
        "zone": device.site.timezone,
        "repairs": selectors.repairs_of(user=user, device=device, most=REPAIRS_SHOWN),
        "sheet_form": RepairSheetForm(device=device, points=points, **initial),
        "count": len(lines),
        "may_shown": LINES_SHOWN,
        **context,
        "lines": lines[:LINES_SHOWN],
    }
    status = 400 if form.is_bound and form.errors else 200
    return render(request, "devices/repair.html", context, status=status)
