"""A new order: from a verified alarm, or by hand at a site."""

from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from alarms import selectors as alarm_selectors
from alarms.models import Alarm
from alarms.states import Severity
from core.errors import Changed, Invalid, MoveRefused
from core.http import flash, tell_fields
from sites import selectors as site_selectors
from sites.filters import SiteFilter
from sites.models import Site, User
from sites.rules import Ability
from workorders import services
from workorders.forms import CreateForm
from workorders.states import Kind, Priority

SITES_SHOWN = 20

# What is proposed for an alarm: priority, kind, hours to finish.
PROPOSALS = {
    Severity.CRITICAL: (Priority.URGENT, Kind.REPAIR, 4),
    Severity.MAJOR: (Priority.HIGH, Kind.REPAIR, 24),
    Severity.MINOR: (Priority.NORMAL, Kind.DEFECT, 72),
    Severity.INFO: (Priority.LOW, Kind.DEFECT, 168),
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def order_create(request: HttpRequest) -> HttpResponse:
    """The form of a new order; the site comes from the alarm, or is chosen first."""
    user = cast(User, request.user)
    alarm = _alarm(request, user)
    site = alarm.site if alarm else _site(request, user)
    if site is None:
        return choose_site(request, user, Ability.CREATE_ORDER, "workorders/order_choose_site.html")
    initial = _proposal(alarm) if alarm else {"due_at": timezone.now() + timedelta(days=3)}
    initial["due_at"] = _local(initial["due_at"], site)
    form = CreateForm(request.POST or None, site=site, initial=initial)
    if request.method == "POST" and form.is_valid():
        response = _create(request, user, site, alarm, form)
        if response is not None:
            return response
    status = 400 if form.errors else 200
    context = {"form": form, "site": site, "alarm": alarm, "zone": site.timezone}
    return render(request, "workorders/order_create.html", context, status=status)


def key_of(request: HttpRequest, name: str) -> int | None:
    """A key in the address, None when there is none that could be one."""
    given = request.GET.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None


def _alarm(request: HttpRequest, user: User) -> Alarm | None:
    pk = key_of(request, "alarm")
    if pk is None:
        return None
    return alarm_selectors.alarm_for(user=user, pk=pk, ability=Ability.CREATE_ORDER)


def _site(request: HttpRequest, user: User) -> Site | None:
    pk = key_of(request, "site")
    if pk is None:
        return None
    return site_selectors.site_for(user=user, pk=pk, ability=Ability.CREATE_ORDER)


def choose_site(request: HttpRequest, user: User, ability: Ability, template: str) -> HttpResponse:
    """The sites where the person holds the ability, found by name."""
    sites = Site.objects.visible_to(user, ability=ability).with_owner()
    filters = SiteFilter(request.GET, queryset=sites, request=request)
    found = filters.qs if filters.is_valid() else sites.none()
    context = {"sites": found[:SITES_SHOWN], "total": found.count(), "filters": filters}
    return render(request, template, context)


def _proposal(alarm: Alarm) -> dict[str, Any]:
    priority, kind, hours = PROPOSALS[Severity(alarm.severity)]
    place = alarm.device or alarm.gateway or alarm.site
    return {
        "title": f"{alarm.rule.label} · {place}"[:160],
        "kind": kind,
        "priority": priority,
        "due_at": timezone.now() + timedelta(hours=hours),
        "description": alarm.rule.advice_text,
        "room": alarm.room_id,
        "circuit": alarm.circuit_id,
        "device": alarm.device_id,
        "seen": alarm.handling,
    }


def _local(at: datetime, site: Site) -> datetime:
    """As a field of the site's clock shows it."""
    return at.astimezone(ZoneInfo(site.timezone)).replace(tzinfo=None, second=0, microsecond=0)


def _create(
    request: HttpRequest, user: User, site: Site, alarm: Alarm | None, form: CreateForm
) -> HttpResponse | None:
    """Open the order; None when the form has to be shown again."""
    facts = dict(form.cleaned_data)
    try:
        order = services.create(
            site=site,
            by=user,
            door="web",
            now=timezone.now(),
            alarm_id=alarm.pk if alarm else None,
            **facts,
        )
    except Invalid as refusal:
        tell_fields(form, refusal)
        return None
    except (Changed, MoveRefused) as refusal:
        flash(request, refusal)
        if alarm is not None:
            return redirect("alarms:alarm-detail", pk=alarm.pk)
        return redirect("workorders:order-list")
    messages.success(request, _("工单 %(number)s 已创建。") % {"number": order.number})
    return redirect("workorders:order-detail", pk=order.pk)
