"""Keys of data sources: `Authorization: Bearer dws_…` on the ingest address."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core.errors import DomainError
from devices.ingest import AWAY
from devices.models import DataSource
from devices.services.feeding import FeedAway
from sites.models.tokens import digest_of


class KeyRefused(AuthenticationFailed):
    """No key, or one that opens nothing; one answer for every reason."""

    default_code = "key_refused"
    default_detail = _("数据源密钥缺失或无效。")


class SourceDisabled(DomainError):
    """The key is right, but somebody switched the source off."""

    code = "source_disabled"
    status = 403
    message = _("该数据源已停用。")


class SourceAuthentication(BaseAuthentication):
    """A bearer key of a data source; `request.auth` is its row, nobody's rights come with it."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[AnonymousUser, DataSource]:
        """The source with its site. Raises KeyRefused, SourceDisabled, FeedAway."""
        scheme, _space, given = get_authorization_header(request).partition(b" ")
        if scheme.lower() != self.keyword.lower().encode():
            raise KeyRefused
        try:
            digest = digest_of(given.strip().decode("ascii"))
        except UnicodeDecodeError:
            raise KeyRefused from None
        source = self._find(digest)
        if source is None:
            raise KeyRefused
        if not source.is_enabled:
            raise SourceDisabled
        return AnonymousUser(), source

    def authenticate_header(self, request: Request) -> str:
        """Makes DRF answer 401 with a challenge instead of 403."""
        return f'{self.keyword} realm="ingest"'

    @staticmethod
    def _find(digest: str) -> DataSource | None:
        try:
            return DataSource.objects.select_related("site").filter(digest=digest).first()
        except AWAY as reason:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            raise FeedAway from reason


class IsSource(BasePermission):
    """Only a data source; people read, sources write."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, DataSource)


class SourceScheme(OpenApiAuthenticationExtension):
    """How the schema describes it."""

    target_class = SourceAuthentication
    name = "source"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """An HTTP bearer key."""
        return {"type": "http", "scheme": "bearer"}
