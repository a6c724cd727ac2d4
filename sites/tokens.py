"""Bearer tokens of the REST API."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from sites.models import User


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer …`."""

    def authenticate(self, request: Request) -> tuple[User, object] | None:
        return None
