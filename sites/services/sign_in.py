"""Signing in from the REST API, and the record of every sign-in that was refused."""

import logging
from datetime import datetime
from ipaddress import ip_address

from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.models import Authenticator
from django.contrib.auth import authenticate
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from sites.models import ApiToken, SignInRefusal, User
from sites.services.limits import TooManyAttempts, count_attempt
from sites.services.tokens import issue_token

logger = logging.getLogger(__name__)

Door = SignInRefusal.Door
Reason = SignInRefusal.Reason


class SignInRefused(DomainError):
    """Name, password or code are wrong, or the account is closed: the answer is the same."""

    code = "sign_in_refused"
    status = 401
    message = _("用户名、密码或验证码不正确。")


class CodeRequired(DomainError):
    """The password is right; the account also asks for a code of its authenticator."""

    code = "code_required"
    status = 401
    message = _("请输入身份验证器中的验证码。")


def sign_in(  # noqa: PLR0913 - what a person and his device say about themselves
    *,
    username: str,
    password: str,
    code: str,
    device_id: str,
    device_name: str,
    ip: str,
    now: datetime,
) -> tuple[ApiToken, str]:
    """A token for a person who proves who he is, and its plain text.

    code: of the authenticator, or a recovery code; '' when the person was not asked yet.
    Not in a transaction: the record of a refusal must outlive the refusal.
    Raises SignInRefused, CodeRequired, TooManyAttempts.
    """
    try:
        attempt = count_attempt(username=username, ip=ip)
    except TooManyAttempts:
        record_refusal(username=username, ip=ip, door=Door.API, reason=Reason.LIMITED, now=now)
        raise
    user, reason = _by_password(username, password)
    if user is not None and (authenticators := _authenticators_of(user)):
        if not code:
            attempt.take_back()
            raise CodeRequired
        if not _takes_code(authenticators, code):
            user, reason = None, Reason.CODE
    if user is None:
        record_refusal(username=username, ip=ip, door=Door.API, reason=reason, now=now)
        raise SignInRefused
    attempt.take_back()
    User.objects.filter(pk=user.pk).update(last_login=now)
    return issue_token(user=user, device_id=device_id, device_name=device_name, now=now)


def record_refusal(
    *, username: str, ip: str, door: Door, reason: Reason, now: datetime
) -> SignInRefusal:
    """Keep who was refused, from where and why; cleaned, because a stranger typed it."""
    name = username.replace("\x00", "")[:150]
    logger.warning("sign_in.refused door=%s reason=%s ip=%s", door, reason, ip)
    return SignInRefusal.objects.create(
        at=now, username=name, ip_address=_address(ip), door=door, reason=reason
    )


def switch_off_second_step(*, user: User) -> bool:
    """Forget the person's authenticator and recovery codes; whether there was anything to forget."""
    gone, _kinds = Authenticator.objects.filter(user=user).delete()
    return gone > 0


def _by_password(username: str, password: str) -> tuple[User | None, Reason]:
    if "\x00" in username or "\x00" in password:
        return None, Reason.PASSWORD
    # allauth's backend puts aside whom the password fits but the door is closed to.
    AuthenticationBackend.unstash_authenticated_user()
    user = authenticate(request=None, username=username, password=password)
    closed_to = AuthenticationBackend.unstash_authenticated_user()
    if isinstance(user, User):
        return user, Reason.PASSWORD
    return None, Reason.CLOSED if closed_to is not None else Reason.PASSWORD


def _authenticators_of(user: User) -> list[Authenticator]:
    """What the person's codes are checked against; none unless a second step is switched on."""
    rows = list(Authenticator.objects.filter(user=user))
    if all(row.type == Authenticator.Type.RECOVERY_CODES for row in rows):
        return []
    return [row for row in rows if row.type != Authenticator.Type.WEBAUTHN]


def _takes_code(authenticators: list[Authenticator], code: str) -> bool:
    for row in authenticators:
        if row.wrap().validate_code(code):
            row.record_usage()
            return True
    return False


def _address(ip: str) -> str | None:
    try:
        return str(ip_address(ip))
    except ValueError:
        return None
