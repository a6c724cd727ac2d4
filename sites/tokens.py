"""Bearer tokens of the REST API."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from sites import services
from sites.models import ApiToken, User
from sites.models.tokens import digest_of
from sites.selectors import may_enter


class TokenRefused(AuthenticationFailed):
    """One answer for every reason: unknown, expired, revoked, outdated, account closed."""

    default_code = "token_refused"
    default_detail = _("令牌无效或已过期，请重新登录。")


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer …`, a token from `services.sign_in`; `request.auth` is its row."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The token's user; None when no bearer token is sent. Raises TokenRefused."""
        scheme, _space, given = get_authorization_header(request).partition(b" ")
        if scheme.lower() != self.keyword.lower().encode():
            return None
        now = timezone.now()
        token = self._find(given.strip(), now)
        services.note_use(token=token, now=now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Makes DRF answer 401 with a challenge instead of 403."""
        return f'{self.keyword} realm="api"'

    @staticmethod
    def _find(given: bytes, now: datetime) -> ApiToken:
        """Look the digest up: comparing digests in an index tells nobody how near he came."""
        try:
            digest = digest_of(given.decode("ascii"))
        except UnicodeDecodeError:
            raise TokenRefused from None
        token = ApiToken.objects.select_related("user").filter(digest=digest).first()
        if token is None or not token.is_live(now) or not may_enter(token.user):
            raise TokenRefused
        if token.password_stamp != token.user.get_session_auth_hash():
            raise TokenRefused
        return token


class TokenScheme(OpenApiAuthenticationExtension):
    """How the schema describes it; loaded with the class, hence wherever the class is used."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """An HTTP bearer token."""
        return {"type": "http", "scheme": "bearer"}
