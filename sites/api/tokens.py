"""REST: tokens, bound to a device of the caller."""

from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, ListEndpoint, MomentField, Row, TextField
from core.errors import NotFound
from sites import services
from sites.accounts import address_of
from sites.api.references import PersonReference
from sites.models import ApiToken, User


class SignInBody(Body):
    """Who signs in, and on which device."""

    username = TextField(max_length=150)
    password = TextField(max_length=256, trim_whitespace=False)
    code = TextField(
        max_length=20,
        required=False,
        default="",
        allow_blank=True,
        help_text="Of the authenticator, or a recovery code; only where the answer asked for it.",
    )
    device_id = TextField(
        max_length=80,
        help_text="Chosen by the app once; a new token replaces the device's old one.",
    )
    device_name = TextField(max_length=80, required=False, default="", allow_blank=True)


class IssuedToken(serializers.Serializer[Any]):
    """The only answer that ever shows the token."""

    token = serializers.CharField()
    expires_at = MomentField()
    user = PersonReference()


class TokenRow(Row):
    """A token without its text."""

    is_current = serializers.SerializerMethodField()

    class Meta:
        model = ApiToken
        fields = [
            "id",
            "device_id",
            "device_name",
            "created_at",
            "expires_at",
            "last_used_at",
            "is_current",
        ]

    def get_is_current(self, token: ApiToken) -> bool:
        current = self.context["request"].auth
        return isinstance(current, ApiToken) and current.pk == token.pk


def _own(request: Request) -> QuerySet[ApiToken]:
    """The caller's tokens that still open the door."""
    return ApiToken.objects.filter(
        user=cast(User, request.user), revoked_at__isnull=True, expires_at__gt=timezone.now()
    )


class TokensEndpoint(ListEndpoint):
    """One's own tokens; signing in makes one."""

    serializer_class = TokenRow
    queryset = ApiToken.objects.none()

    def get_permissions(self) -> Any:
        return [AllowAny()] if self.request.method == "POST" else super().get_permissions()

    def get_authenticators(self) -> Any:
        # Whoever signs in again with an expired token in his pocket is not turned away for it.
        signs_in = self.request is not None and self.request.method == "POST"
        return [] if signs_in else super().get_authenticators()

    def get_queryset(self) -> QuerySet[ApiToken]:
        return _own(self.request)

    @extend_schema(operation_id="tokens_list")
    def get(self, request: Request) -> Response:
        """List the caller's valid tokens."""
        return super().get(request)

    @extend_schema(
        operation_id="tokens_create",
        auth=[],
        request=SignInBody,
        responses={201: IssuedToken},
        examples=[
            OpenApiExample(
                "Sign in",
                request_only=True,
                value={
                    "username": "bo",
                    "password": "correct horse battery staple",
                    "device_id": "5f0c9a52-phone",
                    "device_name": "Bo's phone",
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Sign in: a token for this device. 401 `code_required` asks for the second factor."""
        facts = self.given(request, SignInBody)
        token, plain = services.sign_in(**facts, ip=address_of(request), now=timezone.now())
        answer = {"token": plain, "expires_at": token.expires_at, "user": token.user}
        return self.shown(answer, IssuedToken, status=201)


class CurrentTokenEndpoint(Endpoint):
    """The token of this very request."""

    @extend_schema(operation_id="tokens_current_destroy", request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Sign out: revoke the token that was sent."""
        if not isinstance(request.auth, ApiToken):
            raise NotFound
        services.revoke_token(token=request.auth, now=timezone.now())
        return Response(status=204)


class TokenEndpoint(Endpoint):
    """One of one's own tokens."""

    @extend_schema(operation_id="tokens_destroy", request=None, responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Revoke the token of one of one's devices, for example a lost phone."""
        token = _own(request).filter(pk=pk).first()
        if token is None:
            raise NotFound
        services.revoke_token(token=token, now=timezone.now())
        return Response(status=204)
