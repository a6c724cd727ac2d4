"""Signing in at both doors: password, second step, limits, closed accounts, and the record of it."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from sites import services
from sites.models import ApiToken, SignInRefusal, User
from sites.models.tokens import digest_of
from sites.services.limits import TooManyAttempts
from sites.services.sign_in import CodeRequired, SignInRefused
from sites.tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
LOGIN = "/accounts/login/"
Reason = SignInRefusal.Reason


@pytest.fixture(autouse=True)
def _unknown() -> None:
    """No earlier attempts are counted."""
    cache.clear()


@pytest.fixture
def bo() -> User:
    return make_user("bo", password=PASSWORD, name="Bo")


def by_api(username: str = "bo", password: str = PASSWORD, **facts: Any) -> tuple[ApiToken, str]:
    defaults: dict[str, Any] = {
        "code": "",
        "device_id": "phone",
        "device_name": "手机",
        "ip": "198.51.100.7",
        "now": NOW,
    }
    return services.sign_in(username=username, password=password, **defaults | facts)


def by_web(
    client: Client, username: str = "bo", password: str = PASSWORD, **extra: Any
) -> HttpResponse:
    return client.post(LOGIN, {"login": username, "password": password}, **extra)


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session and client.get("/api/v1/me/").status_code == 200


def reasons() -> list[str]:
    return list(SignInRefusal.objects.order_by("pk").values_list("reason", flat=True))


def switch_on_second_step(user: User) -> str:
    """An authenticator and recovery codes; returns the secret."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return secret


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def wrong_code_of(secret: str) -> str:
    """No code of this minute."""
    now = int(time.time()) // 30
    near = {format_hotp_value(hotp_value(secret, now + shift)) for shift in (-1, 0, 1)}
    return next(code for code in ("000000", "111111", "222222", "333333") if code not in near)


# --- The API's door


def test_the_right_password_gets_a_token(bo: User) -> None:
    token, plain = by_api()

    assert (token.user, token.device_id, token.device_name) == (bo, "phone", "手机")
    assert token.digest == digest_of(plain)
    bo.refresh_from_db()
    assert bo.last_login == NOW
    assert reasons() == []


def test_the_name_is_taken_in_any_case(bo: User) -> None:
    assert by_api("BO")[0].user == bo


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("bo", "wrong"),
        ("bo", ""),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("b\x00o", PASSWORD),
        ("bo", PASSWORD + "\x00"),
        ("x" * 500, PASSWORD),
    ],
)
def test_a_refused_sign_in_is_on_record_without_the_password(
    bo: User, username: str, password: str
) -> None:
    with pytest.raises(SignInRefused):
        by_api(username, password)

    row = SignInRefusal.objects.get()
    assert row.username == username.replace("\x00", "")[:150]
    assert (row.ip_address, row.door, row.reason, row.at) == (
        "198.51.100.7",
        "api",
        Reason.PASSWORD,
        NOW,
    )
    assert not ApiToken.objects.exists()


def test_an_address_that_is_none_does_not_break_the_record() -> None:
    row = services.record_refusal(
        username="bo", ip="unix:", door=SignInRefusal.Door.API, reason=Reason.PASSWORD, now=NOW
    )

    assert row.ip_address is None


def test_names_are_limited_from_wherever_they_come(bo: User, settings: Settings) -> None:
    limit = settings.SIGN_IN_LIMITS["username"][0]
    for number in range(limit):
        with pytest.raises(SignInRefused):
            by_api(password="wrong", ip=f"198.51.100.{number}")

    with pytest.raises(TooManyAttempts) as refusal:
        by_api(ip="198.51.100.200")

    assert refusal.value.status == 429
    assert refusal.value.facts["retry_after_s"] == settings.SIGN_IN_LIMITS["username"][1]
    assert reasons() == [Reason.PASSWORD] * limit + [Reason.LIMITED]
    make_user("di", password=PASSWORD)
    assert by_api("di")


def test_addresses_are_limited_whatever_name_they_try(bo: User, settings: Settings) -> None:
    limit = settings.SIGN_IN_LIMITS["ip"][0]
    for number in range(limit):
        with pytest.raises(SignInRefused):
            by_api(f"nobody{number}")

    with pytest.raises(TooManyAttempts):
        by_api()
    assert by_api(ip="198.51.100.8")


def test_honest_sign_ins_are_not_counted(bo: User, settings: Settings) -> None:
    for _number in range(settings.SIGN_IN_LIMITS["ip"][0] + 2):
        by_api()


def test_a_success_between_does_not_wipe_the_failures(bo: User, settings: Settings) -> None:
    for _number in range(settings.SIGN_IN_LIMITS["username"][0]):
        with pytest.raises(SignInRefused):
            by_api(password="wrong")
        cache.decr("sign-in:ip:198.51.100.7")
    with pytest.raises(TooManyAttempts):
        by_api()


def test_a_limit_is_over_after_its_window(bo: User, settings: Settings) -> None:
    settings.SIGN_IN_LIMITS = {"ip": (1000, 60), "username": (1, 1)}
    with pytest.raises(SignInRefused):
        by_api(password="wrong")
    with pytest.raises(TooManyAttempts):
        by_api()

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            assert by_api()
            break
        except TooManyAttempts:
            time.sleep(0.05)
    else:
        pytest.fail("the window of one second never ended")


@pytest.mark.parametrize("facts", [{"is_active": False}, {"is_demo": True}])
def test_a_closed_account_is_refused_like_a_wrong_password(
    facts: dict[str, bool], settings: Settings
) -> None:
    settings.DEMO_LOGINS = False
    make_user("bo", password=PASSWORD, **facts)

    with pytest.raises(SignInRefused) as refusal:
        by_api()

    assert str(refusal.value) == str(SignInRefused())
    assert reasons() == [Reason.CLOSED]


def test_demo_people_come_in_where_the_demonstration_runs(settings: Settings) -> None:
    settings.DEMO_LOGINS = True
    make_user("bo", password=PASSWORD, is_demo=True)

    assert by_api()


def test_the_second_step_is_asked_for_and_taken_once(bo: User) -> None:
    secret = switch_on_second_step(bo)

    with pytest.raises(CodeRequired):
        by_api()
    assert reasons() == []
    with pytest.raises(SignInRefused):
        by_api(password="wrong", code=code_of(secret))
    with pytest.raises(SignInRefused):
        by_api(code=wrong_code_of(secret))
    code = code_of(secret)
    assert by_api(code=code)
    with pytest.raises(SignInRefused):
        by_api(code=code)
    assert reasons() == [Reason.PASSWORD, Reason.CODE, Reason.CODE]


def test_a_recovery_code_opens_once(bo: User) -> None:
    switch_on_second_step(bo)
    codes = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes()

    assert by_api(code=codes[0])
    with pytest.raises(SignInRefused):
        by_api(code=codes[0])
    assert by_api(code=codes[1])


def test_codes_cannot_be_tried_out(bo: User, settings: Settings) -> None:
    secret = switch_on_second_step(bo)
    for _number in range(settings.SIGN_IN_LIMITS["username"][0]):
        with pytest.raises(SignInRefused):
            by_api(code=wrong_code_of(secret))

    with pytest.raises(TooManyAttempts):
        by_api(code=code_of(secret))


# --- The browser's door


def test_a_person_signs_in_by_name(client: Client, bo: User) -> None:
    answer = by_web(client)

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert is_in(client)


def test_refusals_of_the_browser_are_on_record(client: Client, bo: User) -> None:
    answer = by_web(client, password="wrong", REMOTE_ADDR="203.0.113.9")

    assert answer.status_code == 200
    assert not is_in(client)
    row = SignInRefusal.objects.get()
    assert (row.username, row.ip_address, row.door, row.reason) == (
        "bo",
        "203.0.113.9",
        "web",
        Reason.PASSWORD,
    )


def test_a_forwarded_address_counts_only_from_our_proxy(
    client: Client, bo: User, settings: Settings
) -> None:
    forged = {"HTTP_X_FORWARDED_FOR": "1.2.3.4", "REMOTE_ADDR": "203.0.113.9"}
    by_web(client, password="wrong", **forged)
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    by_web(client, password="wrong", **forged)

    assert list(SignInRefusal.objects.order_by("pk").values_list("ip_address", flat=True)) == [
        "203.0.113.9",
        "1.2.3.4",
    ]


def test_too_many_failures_are_answered_with_a_page(client: Client, bo: User) -> None:
    answers = [by_web(client, password="wrong") for _number in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1]["Content-Type"].startswith("text/html")
    assert by_web(client).status_code == 429
    assert not is_in(client)
    assert reasons() == [Reason.PASSWORD] * 5 + [Reason.LIMITED] * 2


def test_knocking_without_end_is_answered_with_a_page(client: Client, bo: User) -> None:
    codes = {by_web(client, f"nobody{number}").status_code for number in range(62)}

    assert codes == {200, 429}


@pytest.mark.parametrize("facts", [{"is_active": False}, {"is_demo": True}])
def test_the_browser_is_closed_to_closed_accounts(
    client: Client, facts: dict[str, bool], settings: Settings
) -> None:
    settings.DEMO_LOGINS = False
    make_user("bo", password=PASSWORD, **facts)

    answer = by_web(client)

    assert answer.status_code == 302
    assert answer["Location"] == reverse("account_inactive")
    assert client.get(answer["Location"]).status_code == 200
    assert not is_in(client)
    assert reasons() == [Reason.CLOSED]


@pytest.mark.parametrize("change", ["inactive", "demo", "password"])
def test_a_session_ends_with_the_account(
    client: Client, bo: User, change: str, settings: Settings
) -> None:
    by_web(client)
    assert is_in(client)

    if change == "password":
        bo.set_password("another long password")
    bo.is_active = change != "inactive"
    bo.is_demo = change == "demo"
    settings.DEMO_LOGINS = False
    bo.save()

    assert not is_in(client)


def test_the_second_step_in_the_browser(client: Client, bo: User) -> None:
    secret = switch_on_second_step(bo)

    answer = by_web(client)
    assert answer["Location"] == reverse("mfa_authenticate")
    assert not is_in(client)
    step = client.post(answer["Location"], {"code": wrong_code_of(secret)})
    assert step.status_code == 200
    assert not is_in(client)
    step = client.post(answer["Location"], {"code": code_of(secret)})

    assert (step.status_code, step["Location"]) == (302, "/")
    assert is_in(client)
    assert reasons() == [Reason.CODE]
    row = SignInRefusal.objects.get()
    assert (row.username, row.door) == ("bo", "web")


def test_a_recovery_code_in_the_browser(client: Client, bo: User) -> None:
    switch_on_second_step(bo)
    codes = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes()

    client.post(by_web(client)["Location"], {"code": codes[0]})

    assert is_in(client)


def test_codes_cannot_be_tried_out_in_the_browser(client: Client, bo: User) -> None:
    secret = switch_on_second_step(bo)
    step = by_web(client)["Location"]

    wrong = {"code": wrong_code_of(secret)}
    answers = [client.post(step, wrong).status_code for _number in range(6)]

    assert answers == [200] * 5 + [429]
    assert client.post(step, {"code": code_of(secret)}).status_code == 429
    assert not is_in(client)
    assert reasons() == [Reason.CODE] * 5 + [Reason.LIMITED] * 2


def test_a_person_switches_the_second_step_on(client: Client, bo: User) -> None:
    by_web(client)
    asked = client.get(reverse("mfa_activate_totp"))
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert client.get(asked["Location"]).status_code == 200
    client.post(asked["Location"], {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    assert page.status_code == 200
    secret = client.session["mfa.totp.secret"]

    answer = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})

    assert answer.status_code == 302
    assert client.get(answer["Location"]).status_code == 200
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"totp", "recovery_codes"}


@pytest.mark.parametrize("path", ["signup/", "password/reset/", "email/", "confirm-email/"])
def test_doors_that_we_do_not_have_are_not_there(client: Client, path: str) -> None:
    assert client.get(f"/accounts/{path}").status_code == 404
    assert client.post(f"/accounts/{path}", {"username": "x", "email": "x@y.zz"}).status_code == 404


@pytest.mark.parametrize("path", ["login/", "2fa/authenticate/", "reauthenticate/"])
@pytest.mark.parametrize(
    "body", [{}, {"login": "b\x00o", "password": "x"}, {"code": "\x00"}, {"credential": "{"}]
)
def test_nonsense_is_not_a_server_error(
    client: Client, bo: User, path: str, body: dict[str, str]
) -> None:
    switch_on_second_step(bo)
    by_web(client)

    assert client.post(f"/accounts/{path}", body).status_code < 500
