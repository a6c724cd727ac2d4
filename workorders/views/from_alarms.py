"""Orders for many alarms at once: one each, as proposed for its severity."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from alarms import selectors as alarm_selectors
from alarms import services as alarm_services
from alarms.models import Alarm
from alarms.services import Outcome, Skipped
from alarms.states import Handling, Move, Severity
from alarms.views.bulk import agreed, answer, picked, refused, shown_at
from core.errors import DomainError, Invalid, NotFound
from sites.models import User
from sites.views import back
from workorders import services
from workorders.forms import OrdersForm
from workorders.views.creating import PROPOSALS


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def orders_from_alarms(request: HttpRequest) -> HttpResponse:
    """Open one order per verified alarm of the address; the others are skipped and told."""
    user, now = cast(User, request.user), timezone.now()
    rows = picked(request, user)
    try:
        alarm_services.check_number(count=rows.count())
    except Invalid as refusal:
        return refused(request, str(refusal))
    alarms = list(rows.with_place())
    if not alarms:
        raise NotFound
    form = OrdersForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        chosen, late = agreed(request, alarms)
        outcome = _create_all(chosen, form.cleaned_data["description"], user, now)
        outcome.skipped += late
        return answer(request, _("创建工单：%(summary)s") % {"summary": outcome.summary}, outcome)
    ready = sum(
        Move.CREATE_ORDER in alarm_selectors.moves_for(user=user, alarm=alarm) for alarm in alarms
    )
    context = {
        "form": form,
        "move": "create_order",
        "move_label": _("创建工单"),
        "alarms": alarms[:5],
        "count": len(alarms),
        "movable": ready,
        "skipping": len(alarms) - ready,
        "next": back(request) if request.method == "POST" else request.GET.get("next", ""),
        "shown_at": shown_at(request, now),
    }
    part = "#form" if request.htmx else ""  # type: ignore[attr-defined]
    return render(request, f"alarms/alarm_bulk.html{part}", context)


def _create_all(alarms: Sequence[Alarm], more: str, user: User, now: datetime) -> Outcome:
    outcome = Outcome()
    for alarm in alarms:
        priority, kind, hours = PROPOSALS[Severity(alarm.severity)]
        place = alarm.device or alarm.gateway or alarm.site
        try:
            services.create(
                site=alarm.site,
                kind=kind,
                priority=priority,
                title=f"{alarm.rule.label} · {place}"[:160],
                description="\n\n".join(part for part in (more, alarm.rule.advice_text) if part),
                due_at=now + timedelta(hours=hours),
                by=user,
                door="web",
                now=now,
                alarm_id=alarm.pk,
            )
        except DomainError as refusal:
            brief = str(Handling(alarm.handling).label)
            outcome.skipped.append(Skipped(alarm.pk, alarm.number, str(refusal), brief))
        else:
            outcome.done.append(alarm.pk)
    return outcome
