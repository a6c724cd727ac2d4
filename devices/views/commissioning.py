"""Commissioning: one device at the cabinet, or all devices behind a gateway in one list."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError, Invalid
from core.http import flash, tell_fields
from devices import selectors
from devices.forms import TrialForm
from devices.models import Device, TrialRead
from devices.services import commissioning
from devices.services.commission_jobs import COMMISSION
from sites import services as site_services
from sites.models import User


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def commission(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of one device; POST reads it on trial and shows what came."""
    user = cast(User, request.user)
    device = selectors.device_to_commission(user=user, pk=pk)
    trial = selectors.trial_of(device)
    if request.method != "POST":
        return _page(
            request, device, trial, TrialForm(device=device, initial=_initial(device, trial))
        )
    if device.bus_id is None:
        commissioning.look_at_latest(device=device, by=user, now=timezone.now())
        return redirect("devices:commission", pk=pk)
    form = TrialForm(request.POST, device=device)
    if form.is_valid():
        try:
            commissioning.try_read(
                device=device, setting=form.setting(), by=user, now=timezone.now()
            )
            return redirect("devices:commission", pk=pk)
        except Invalid as refusal:
            tell_fields(form, refusal)
    return _page(request, device, trial, form, status=400)


@login_required
@require_POST
def commission_ratio(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the ratio in force that the checks of the latest trial propose, and read again."""
    user = cast(User, request.user)
    device = selectors.device_to_commission(user=user, pk=pk)
    now = timezone.now()
    try:
        commissioning.take_proposed(device=device, seen_at=_moment(request), by=user, now=now)
        messages.success(request, _("变比已更正，此后的数据按新变比计算。"))
    except DomainError as refusal:
        flash(request, refusal)
    return redirect("devices:commission", pk=pk)


@login_required
@require_POST
def commission_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept the device as its latest trial showed it."""
    user = cast(User, request.user)
    device = selectors.device_to_commission(user=user, pk=pk)
    try:
        commissioning.accept(
            device=device,
            seen_at=_moment(request),
            by=user,
            now=timezone.now(),
            note=_text(request, "note"),
        )
        messages.success(request, _("设备已验收，计入接入率。"))
    except DomainError as refusal:
        _tell(request, refusal)
    return redirect("devices:commission", pk=pk)


@login_required
@require_POST
def commission_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an acceptance back, with a reason."""
    user = cast(User, request.user)
    row = selectors.acceptance_for(user=user, pk=pk)
    reason = _text(request, "reason")
    try:
        commissioning.withdraw(acceptance=row, reason=reason, by=user, now=timezone.now())
        messages.success(request, _("验收已撤销。"))
    except DomainError as refusal:
        _tell(request, refusal)
    return redirect("devices:commission", pk=row.device_id)


@login_required
@require_safe
def commission_gateway(request: HttpRequest, pk: int) -> HttpResponse:
    """All devices behind a gateway with their latest trials."""
    gateway = selectors.gateway_to_commission(user=cast(User, request.user), pk=pk)
    lines = selectors.device_lines(selectors.devices_behind(gateway))
    context = {
        "gateway": gateway,
        "lines": lines,
        "clean": sum(line.may_be_accepted for line in lines),
        "accepted": sum(line.acceptance is not None for line in lines),
        "zone": gateway.site.timezone,
    }
    return render(request, "devices/commission_gateway.html", context)


@login_required
@require_POST
def commission_read_all(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the gateway's devices one after the other, in the background."""
    user = cast(User, request.user)
    gateway = selectors.gateway_to_commission(user=user, pk=pk)
    lines = selectors.device_lines(selectors.devices_behind(gateway))
    wanted = [
        line.device.pk
        for line in lines
        if request.POST.get("which") == "all" or line.acceptance is None
    ]
    if not wanted:
        messages.info(request, _("没有待试读的设备。"))
        return redirect("devices:commission-gateway", pk=pk)
    facts = {"gateway": gateway.pk, "devices": wanted}
    try:
        job = site_services.submit_job(kind=COMMISSION, owner=user, now=timezone.now(), facts=facts)
    except Invalid as refusal:
        flash(request, refusal)
        return redirect("devices:commission-gateway", pk=pk)
    return redirect("sites:job-detail", pk=job.pk)


@login_required
@require_POST
def commission_accept_all(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept every chosen device to which the checks do not object."""
    user = cast(User, request.user)
    gateway = selectors.gateway_to_commission(user=user, pk=pk)
    seen = {}
    for text in request.POST.getlist("seen"):
        device_id, _separator, moment = text.partition("@")
        at = _parsed(moment)
        if device_id.isascii() and device_id.isdecimal() and len(device_id) < 19 and at is not None:
            seen[int(device_id)] = at
    devices = [one for one in selectors.devices_behind(gateway) if one.pk in seen]
    if not devices:
        messages.error(request, _("请先选择设备。"))
        return redirect("devices:commission-gateway", pk=pk)
    made, left = commissioning.accept_all(
        devices=devices, seen_at=seen, by=user, now=timezone.now()
    )
    if made:
        text = ngettext("已验收 %(count)d 台设备。", "已验收 %(count)d 台设备。", len(made))
        messages.success(request, text % {"count": len(made)})
    if left:
        text = ngettext("%(count)d 台没有验收。", "%(count)d 台没有验收。", len(left))
        messages.warning(request, text % {"count": len(left)})
    return redirect("devices:commission-gateway", pk=pk)


def _page(
    request: HttpRequest,
    device: Device,
    trial: TrialRead | None,
    form: TrialForm,
    *,
    status: int = 200,
) -> HttpResponse:
    acceptances = selectors.acceptances_of(device)
    standing = next((one for one in acceptances if one.withdrawn_at is None), None)
    context: dict[str, Any] = {
        "device": device,
        "form": form,
        "trial": trial,
        "checks": selectors.check_lines(trial) if trial else [],
        "points": selectors.point_lines(trial) if trial else [],
        "proposed": selectors.proposed_ratio(trial) if trial else None,
        "acceptances": acceptances,
        "standing": standing,
        "moves": trial is not None and _moves(device, trial),
        "zone": device.site.timezone,
        "clock": selectors.clock_of(device),
        "clock_settings": selectors.settings_of(device),
    }
    return render(request, "devices/commission.html", context, status=status)


def _moves(device: Device, trial: TrialRead) -> bool:
    """Whether accepting gives the device another address or version."""
    tried = (trial.template_version_id, trial.bus_id, trial.unit_id)
    return tried != (device.template_version_id, device.bus_id, device.unit_id)


def _initial(device: Device, trial: TrialRead | None) -> dict[str, Any]:
    """As it was tried last, else as the device is."""
    of: Device | TrialRead = trial or device
    return {
        "template_version": of.template_version_id,
        "bus": of.bus_id,
        "unit_id": of.unit_id,
        "clamp_a": trial.clamp_a if trial else None,
    }


def _text(request: HttpRequest, name: str) -> str:
    """What was typed; PostgreSQL has no NUL in a text."""
    return request.POST.get(name, "").replace("\0", "")[:200]


def _moment(request: HttpRequest) -> Any:
    """When the trial was read that the person saw. Raises Invalid."""
    at = _parsed(request.POST.get("seen_at", ""))
    if at is None:
        raise Invalid(_("请先读取设备。"))
    return at


def _parsed(text: str) -> Any:
    try:
        at = parse_datetime(text)
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def _tell(request: HttpRequest, refusal: DomainError) -> None:
    """On the next page, with the sentences of the fields."""
    sentences = [s for some in getattr(refusal, "fields", {}).values() for s in some]
    messages.error(request, " ".join(sentences) or str(refusal))
