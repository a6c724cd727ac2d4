"""Moves of one or many alarms from the list: a form that counts, an outcome per alarm, undo."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from alarms import selectors, services
from alarms.filters import AlarmFilter
from alarms.forms import ArchiveForm, IgnoreForm, VerifyForm
from alarms.models import Alarm, AlarmQuerySet
from alarms.services import Outcome
from alarms.states import Move
from alarms.views.lists import in_view
from core.errors import DomainError, Invalid, NotFound
from core.http import flash_done, tell_fields, toast
from sites.models import User
from sites.views import back

UNDO_KEY = "alarm_undo"
REASONS_TOLD = 8
_FORMS: Mapping[str, type[forms.Form]] = {
    Move.VERIFY.value: VerifyForm,
    Move.IGNORE.value: IgnoreForm,
    Move.ARCHIVE.value: ArchiveForm,
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def alarm_bulk(request: HttpRequest, move: str) -> HttpResponse:
    """The form of a move of the alarms in the address (`id`s, or `all` with `query`), and the act."""
    user = cast(User, request.user)
    if move not in _FORMS:
        raise NotFound
    now = timezone.now()
    rows = picked(request, user)
    count = rows.count()
    try:
        services.check_number(count=count)
    except Invalid as refusal:
        return refused(request, str(refusal))
    alarms = list(rows.with_place())
    if not alarms:
        raise NotFound
    form = _form(request, move, alarms, user)
    if request.method == "POST" and form.is_valid():
        facts = {key: value for key, value in form.cleaned_data.items() if key != "hours"}
        chosen, late = agreed(request, alarms)
        try:
            outcome = services.move_many(
                move=move,
                alarm_ids=[alarm.pk for alarm in chosen],
                by=user,
                door="web",
                now=now,
                **facts,
            )
        except Invalid as refusal:
            tell_fields(form, refusal)
        else:
            outcome.skipped += late
            return _told(request, move, outcome, now)
    return _shown(request, move, form, alarms, now)


def picked(request: HttpRequest, user: User) -> AlarmQuerySet:
    """The alarms that the address names: by id, or all that the list's query finds."""
    alarms = Alarm.objects.visible_to(user)
    if "all" not in request.GET:
        given = request.GET.getlist("id")
        ids = [int(pk) for pk in given if pk.isascii() and pk.isdigit() and len(pk) < 19]
        return alarms.filter(pk__in=ids)
    query = QueryDict(request.GET.get("query", ""))
    filters = AlarmFilter(query, queryset=alarms, request=request)
    rows = filters.qs if filters.is_valid() else alarms.none()
    return in_view(rows, query.get("view", ""), user)


def agreed(
    request: HttpRequest, alarms: Sequence[Alarm]
) -> tuple[list[Alarm], list[services.Skipped]]:
    """The alarms that stood behind the form when it was counted; those raised since are skipped.

    Whoever chose them one by one has seen each.
    """
    if "all" not in request.GET:
        return list(alarms), []
    shown = _shown_at(request)
    reason, brief = _("打开表单后又触发，未处理。"), _("新触发")
    late = [alarm for alarm in alarms if alarm.last_raised_at > shown]
    skipped = [services.Skipped(alarm.pk, alarm.number, reason, brief) for alarm in late]
    return [alarm for alarm in alarms if alarm.last_raised_at <= shown], skipped


def _shown_at(request: HttpRequest) -> datetime:
    """When the form was counted; without a readable moment long ago, so that it moves nothing."""
    try:
        return datetime.fromtimestamp(float(request.POST.get("shown_at", "")), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return datetime(1970, 1, 1, tzinfo=UTC)


def _form(request: HttpRequest, move: str, alarms: Sequence[Alarm], user: User) -> Any:
    """One alarm's form knows the handling that was seen, and its site's zone."""
    single = alarms[0] if len(alarms) == 1 else None
    facts: dict[str, Any] = {"initial": {"seen": single.handling if single else ""}}
    if move == Move.IGNORE:
        facts["zone"] = single.site.timezone if single else user.timezone
    return _FORMS[move](request.POST if request.method == "POST" else None, prefix=move, **facts)


def _shown(
    request: HttpRequest, move: str, form: forms.Form, alarms: Sequence[Alarm], now: datetime
) -> HttpResponse:
    user = cast(User, request.user)
    movable = sum(move in selectors.moves_for(user=user, alarm=alarm) for alarm in alarms)
    context = {
        "form": form,
        "move": move,
        "move_label": Move(move).label,
        "alarms": alarms[:5],
        "count": len(alarms),
        "movable": movable,
        "skipping": len(alarms) - movable,
        "next": back(request) if request.method == "POST" else request.GET.get("next", ""),
        "shown_at": shown_at(request, now),
        "zone": getattr(form, "zone", "") or user.timezone,
    }
    part = "#form" if request.htmx else ""  # type: ignore[attr-defined]
    # What htmx puts into the dialog has to be a success for it.
    status = 400 if form.errors and not part else 200
    return render(request, f"alarms/alarm_bulk.html{part}", context, status=status)


def shown_at(request: HttpRequest, now: datetime) -> str:
    """The moment that a bulk form carries: of its first showing, also when it is shown again."""
    return request.POST.get("shown_at") or repr(now.timestamp())


def _told(request: HttpRequest, move: str, outcome: Outcome, now: datetime) -> HttpResponse:
    """The summary with a way back, and why alarms were skipped."""
    request.session[UNDO_KEY] = {"ids": outcome.done, "at": now.timestamp()}
    facts = {"move": Move(move).label, "summary": outcome.summary}
    return answer(request, _("%(move)s：%(summary)s") % facts, outcome, can_undo=True)


def answer(
    request: HttpRequest, words: str, outcome: Outcome, *, can_undo: bool = False
) -> HttpResponse:
    """The summary as a toast, for htmx with the reasons in their place, else on the next page."""
    undo_url = reverse("alarms:alarm-undo") if can_undo and outcome.done else ""
    reasons = _reasons(outcome)
    if request.htmx:  # type: ignore[attr-defined]
        undo = {"url": undo_url, "refresh": "alarm-list"} if undo_url else None
        kind = "success" if outcome.done else "warning"
        context = {"reasons": reasons, "summary": words}
        shown = render(request, "alarms/alarm_bulk.html#outcome", context)
        shown.headers["HX-Retarget"] = "#act-outcome"
        return toast(shown, words, kind=kind, undo=undo)
    if outcome.done:
        flash_done(request, words, undo_url=undo_url)
    for reason in reasons:
        messages.warning(request, reason)
    return redirect(back(request))


def _reasons(outcome: Outcome) -> list[str]:
    """Why alarms were skipped, one sentence each, the first few."""
    told = [f"{row.number} {row.reason}".strip() for row in outcome.skipped[:REASONS_TOLD]]
    more = len(outcome.skipped) - REASONS_TOLD
    return [*told, _("另有 %(count)d 条。") % {"count": more}] if more > 0 else told


def refused(request: HttpRequest, words: str) -> HttpResponse:
    """A sentence instead of the form."""
    if request.htmx:  # type: ignore[attr-defined]
        return toast(HttpResponse(status=204), words, kind="error")
    messages.error(request, words)
    return redirect("alarms:alarm-list")


@login_required
@require_POST
def alarm_undo(request: HttpRequest) -> HttpResponse:
    """Take back what this person did last from the list, while there is time."""
    kept = request.session.pop(UNDO_KEY, None) or {"ids": []}
    try:
        outcome = services.undo_many(
            alarm_ids=kept["ids"], by=cast(User, request.user), door="web", now=timezone.now()
        )
    except DomainError as refusal:
        return refused(request, str(refusal))
    if not outcome.done and not outcome.skipped:
        return refused(request, _("没有可以撤销的操作。"))
    return answer(request, _("撤销：%(summary)s") % {"summary": outcome.summary}, outcome)
