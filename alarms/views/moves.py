"""What people do about an alarm: one gate, one service, one answer."""

from collections.abc import Callable
from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from alarms import selectors, services
from alarms.forms import ArchiveForm, CommentForm, IgnoreForm, VerifyForm
from alarms.models import Alarm
from alarms.views.details import address_of, show
from core.errors import Changed, DomainError, Forbidden, Invalid, NotFound
from core.http import flash, tell_fields
from sites.models import User

Service = Callable[..., Alarm]


@login_required
@require_POST
def alarm_verify(request: HttpRequest, pk: int) -> HttpResponse:
    """查核: real, false, test or maintenance."""
    form = VerifyForm(request.POST, prefix="verify")
    return _act(request, pk, "verify_form", form, services.verify, _("已查核。"))


@login_required
@require_POST
def alarm_ignore(request: HttpRequest, pk: int) -> HttpResponse:
    """忽略 until a moment, for a reason."""
    alarm = selectors.alarm_for(user=cast(User, request.user), pk=pk)
    form = IgnoreForm(request.POST, prefix="ignore", zone=alarm.site.timezone)
    return _act(request, pk, "ignore_form", form, services.ignore, _("已忽略。"))


@login_required
@require_POST
def alarm_archive(request: HttpRequest, pk: int) -> HttpResponse:
    """归档."""
    form = ArchiveForm(request.POST, prefix="archive")
    return _act(request, pk, "archive_form", form, services.archive, _("已归档。"))


@login_required
@require_POST
def alarm_comment(request: HttpRequest, pk: int) -> HttpResponse:
    """A remark."""
    form = CommentForm(request.POST, request.FILES)
    return _act(request, pk, "comment_form", form, services.comment, _("备注已添加。"))


def _act(
    request: HttpRequest, pk: int, name: str, form: forms.Form, service: Service, done: str
) -> HttpResponse:
    """Do it and go back to the alarm; a refusal is told beside the fresh state.

    What is not visible, or not this person's to do, is left to the middleware.
    """
    user = cast(User, request.user)
    alarm = selectors.alarm_for(user=user, pk=pk)
    if not form.is_valid():
        return show(request, alarm, forms={name: form}, status=400)
    facts = {key: value for key, value in form.cleaned_data.items() if key != "hours"}
    try:
        service(alarm_id=pk, by=user, door="web", now=timezone.now(), **facts)
    except Invalid as refusal:
        tell_fields(form, refusal)
        return show(request, alarm, forms={name: form}, status=400)
    except (NotFound, Forbidden):
        raise
    except Changed as refusal:
        messages.warning(request, str(refusal))
    except DomainError as refusal:
        flash(request, refusal)
    else:
        messages.success(request, done)
    return redirect(address_of(request, alarm))
