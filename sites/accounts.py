"""allauth's seams: no sign-up, the door's keeper, refused sign-ins on record."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as core_context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.ratelimit import respond_429
from allauth.mfa.base.forms import AuthenticateForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from sites import services
from sites.models import SignInRefusal
from sites.selectors import may_enter


def address_of(request: HttpRequest) -> str:
    """The caller's address; a proxy's header counts only as settings say (allauth's rule)."""
    return DefaultAccountAdapter(request).get_client_ip(request)


class AccountAdapter(DefaultAccountAdapter):
    """People are created by an administrator; who is refused at the door is written down."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Above the limit the answer is a page with status 429, not a form to try again."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            _record(request, credentials, SignInRefusal.Reason.LIMITED)
            raise ImmediateHttpResponse(respond_429(request)) from None

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        _record(request, credentials, SignInRefusal.Reason.PASSWORD)

    def pre_login(self, request: HttpRequest, user: Any, **facts: Any) -> HttpResponse | None:
        """allauth lets everybody through whose password fits and asks here for the rest."""
        response = super().pre_login(request, user, **facts)
        if response is None and not may_enter(user):
            response = self.respond_user_inactive(request, user)
        if response is not None:
            _record(request, {"username": user.username}, SignInRefusal.Reason.CLOSED)
        return response


class CodeForm(AuthenticateForm):
    """The second step: a wrong code is written down, too many are answered with a page 429."""

    def clean_code(self) -> str:
        try:
            return super().clean_code()
        except ValidationError as refusal:
            request = core_context.request
            named = {"username": self.user.username}
            if refusal.code != "too_many_login_attempts":
                _record(request, named, SignInRefusal.Reason.CODE)
                raise
            _record(request, named, SignInRefusal.Reason.LIMITED)
            raise ImmediateHttpResponse(respond_429(request)) from None


def _record(
    request: HttpRequest, credentials: dict[str, Any], reason: SignInRefusal.Reason
) -> None:
    services.record_refusal(
        username=str(credentials.get("username", "")),
        ip=address_of(request),
        door=SignInRefusal.Door.WEB,
        reason=reason,
        now=timezone.now(),
    )
