"""Pages of people about themselves."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language

from sites import selectors, services
from sites.forms import ProfileForm
from sites.models import User, access_for


def back(request: HttpRequest) -> str:
    """Where the form came from, when it is a page of ours; told without the host.

    With the host in front, what is left of it when only its path is used may be another's.
    """
    target = request.POST.get("next", "")
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}
    )
    return target if is_ours else settings.LOGIN_REDIRECT_URL


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Name, language, theme, zone, saved views of lists, tokens of one's devices."""
    user = cast(User, request.user)
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=user.pk))
    if request.method == "POST" and form.is_valid():
        person = form.save()
        messages.success(request, _("已保存。"))
        response = redirect("sites:profile")
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, person.language, samesite="Lax")
        return response
    now = timezone.now()
    tokens = user.api_tokens.filter(revoked_at__isnull=True, expires_at__gt=now)
    context = {
        "form": form,
        "tokens": tokens,
        "roles": access_for(user).roles(),
        "views_of_lists": selectors.views_by_list(user=user),
    }
    return render(request, "sites/profile.html", context)


@login_required
@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Shut out one of one's own devices."""
    user = cast(User, request.user)
    token = get_object_or_404(user.api_tokens, pk=pk)
    services.revoke_token(token=token, now=timezone.now())
    messages.success(request, _("已吊销该终端的令牌。"))
    return redirect("sites:profile")


@login_required
@require_POST
def theme_set(request: HttpRequest) -> HttpResponse:
    """Remember the theme that the person switched to."""
    theme = request.POST.get("theme", "")
    if theme in User.Theme.values:
        User.objects.filter(pk=request.user.pk).update(theme=theme)
    return redirect(back(request))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def session_life(request: HttpRequest) -> JsonResponse:
    """How many seconds the session still lives; a POST starts its time anew."""
    if request.method == "POST":
        request.session.modified = True
        return JsonResponse({"seconds_left": request.session.get_expiry_age()})
    ends_at = (
        Session.objects.filter(pk=request.session.session_key)
        .values_list("expire_date", flat=True)
        .first()
    )
    left = (ends_at - timezone.now()).total_seconds() if ends_at else 0
    return JsonResponse({"seconds_left": max(0, int(left))})


@require_POST
def language_set(request: HttpRequest) -> HttpResponse:
    """The language of the pages by cookie, and of the person when somebody is signed in."""
    response = set_language(request)
    language = request.POST.get("language", "")
    if request.user.is_authenticated and language in User.Language.values:
        User.objects.filter(pk=request.user.pk).update(language=language)
    return response
