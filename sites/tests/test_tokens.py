"""Tokens: shown once, kept hashed, bound to a device, expiring, and dead when the account is."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as product
from django.db import connection
from django.test import Client
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from pytest_django import Settings
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory

from sites import services
from sites.models import ApiToken, User
from sites.tests.factories import make_user
from sites.tokens import TokenAuthentication, TokenRefused

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
DAY = timedelta(days=1)


def issue(user: User, device_id: str = "phone", now: datetime = NOW) -> tuple[ApiToken, str]:
    return services.issue_token(user=user, device_id=device_id, device_name="手机", now=now)


def enter(header: str, at: datetime = NOW) -> Any:
    """What the authentication says to a request with this header, at a moment."""
    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=header)
    with time_machine.travel(at, tick=False):
        return TokenAuthentication().authenticate(request)


def refused(header: str, at: datetime = NOW) -> bool:
    with pytest.raises(AuthenticationFailed) as refusal:
        enter(header, at)
    return refusal.value.status_code == 401


@pytest.mark.django_db
def test_a_token_opens_the_door_and_is_not_stored() -> None:
    user = make_user()
    token, plain = issue(user)

    found, auth = enter(f"Bearer {plain}")

    assert (found, auth) == (user, token)
    assert enter(f"bearer {plain}")[0] == user
    stored = ApiToken.objects.values().get()
    assert plain not in str(stored)
    assert len(plain) > 43
    assert stored["expires_at"] == NOW + product.API_TOKEN_DAYS * DAY


@pytest.mark.django_db
def test_other_schemes_are_left_to_others() -> None:
    assert enter("Basic YTpi") is None
    assert enter("") is None


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["", "x", "dw_" + "A" * 43, "a b", "\xff\xfe", "\x00"])
def test_a_wrong_token_is_refused(given: str) -> None:
    issue(make_user())

    assert refused(f"Bearer {given}")


@pytest.mark.django_db
def test_a_token_expires() -> None:
    _token, plain = issue(make_user())
    end = NOW + product.API_TOKEN_DAYS * DAY

    assert enter(f"Bearer {plain}", end - timedelta(seconds=1))
    assert refused(f"Bearer {plain}", end)


@pytest.mark.django_db
def test_a_revoked_token_stays_revoked() -> None:
    token, plain = issue(make_user())

    services.revoke_token(token=token, now=NOW)
    services.revoke_token(token=token, now=NOW + DAY)

    assert refused(f"Bearer {plain}")
    assert token.revoked_at == NOW


@pytest.mark.django_db
def test_a_device_has_one_token_and_a_user_many_devices() -> None:
    user = make_user()
    _first, old = issue(user)
    _second, other = issue(user, "tablet")
    _stranger, theirs = issue(make_user())

    _third, new = issue(user, now=NOW + DAY)

    assert refused(f"Bearer {old}", NOW + DAY)
    for plain in (other, theirs, new):
        assert enter(f"Bearer {plain}", NOW + DAY)


@pytest.mark.django_db(transaction=True)
def test_a_device_that_signs_in_twice_at_once_keeps_one_token() -> None:
    user = make_user()

    def sign_in(_number: int) -> str:
        try:
            return issue(user)[1]
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=6) as pool:
        plains = list(pool.map(sign_in, range(12)))

    assert ApiToken.objects.filter(revoked_at__isnull=True).count() == 1
    assert sum(1 for plain in plains if _opens(plain)) == 1


def _opens(plain: str) -> bool:
    try:
        return enter(f"Bearer {plain}") is not None
    except AuthenticationFailed:
        return False


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["inactive", "password", "demo"])
def test_a_token_dies_with_the_account(change: str, settings: Settings) -> None:
    user = make_user(is_demo=change == "demo")
    _token, plain = issue(user)
    assert enter(f"Bearer {plain}")

    if change == "inactive":
        user.is_active = False
    elif change == "password":
        user.set_password("another long password")
    settings.DEMO_LOGINS = False
    user.save()

    assert refused(f"Bearer {plain}")


@pytest.mark.django_db
def test_use_is_noted_now_and_then() -> None:
    token, plain = issue(make_user())

    def noted() -> datetime | None:
        return ApiToken.objects.get(pk=token.pk).last_used_at

    enter(f"Bearer {plain}", NOW)
    assert noted() == NOW
    enter(f"Bearer {plain}", NOW + timedelta(minutes=4))
    assert noted() == NOW
    enter(f"Bearer {plain}", NOW + timedelta(minutes=5))
    assert noted() == NOW + timedelta(minutes=5)


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_refusal_is_a_challenge_and_a_problem_in_the_callers_language(
    client: Client, language: str
) -> None:
    answer = client.get(
        "/api/v1/me/", HTTP_AUTHORIZATION="Bearer wrong", HTTP_ACCEPT_LANGUAGE=language
    )

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer ")
    assert answer["Content-Type"].startswith("application/problem+json")
    assert answer.json()["code"] == "token_refused"
    with translation.override(language):
        assert answer.json()["title"] == str(TokenRefused.default_detail)


@pytest.mark.django_db
def test_the_schema_knows_the_token() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)

    schemes = schema["components"]["securitySchemes"]
    assert schemes["token"] == {"type": "http", "scheme": "bearer"}
