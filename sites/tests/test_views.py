"""Signing in, and what people change about themselves."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from sites import services
from sites.models import User
from sites.tests.factories import PASSWORD, make_user, people

pytestmark = pytest.mark.django_db


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_signing_in_and_out(client: Client) -> None:
    user = make_user("ana", password=PASSWORD)

    wrong = client.post("/accounts/login/", {"login": "ana", "password": "no"})
    right = client.post("/accounts/login/", {"login": "ana", "password": PASSWORD})
    client.post("/accounts/logout/")

    assert "note-error" in text_of(wrong)
    assert right["Location"] == "/"
    assert client.get("/profile/").status_code == 302
    assert user.pk


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/login/",
        "/accounts/logout/",
        "/accounts/2fa/",
        "/accounts/2fa/totp/activate/",
        "/accounts/password/change/",
        "/accounts/reauthenticate/",
    ],
)
def test_account_pages_are_in_our_frame_and_without_inline_code(path: str, client: Client) -> None:
    if path != "/accounts/login/":
        client.post(
            "/accounts/login/",
            {"login": make_user("ana", password=PASSWORD).username, "password": PASSWORD},
        )

    page = text_of(client.get(path, follow=True))

    assert "ops/ops.css" in page
    assert 'class="btn' in page
    assert "style=" not in page
    assert "<script>" not in page


def test_the_profile_is_saved(client: Client) -> None:
    user = make_user("ana")
    client.force_login(user)
    given = {
        "name": "王珊",
        "phone": "123",
        "language": "en",
        "theme": "dark",
        "density": "compact",
        "timezone": "Asia/Urumqi",
    }

    response = client.post("/profile/", given, follow=True)

    user.refresh_from_db()
    assert (user.name, user.theme, user.timezone) == ("王珊", "dark", "Asia/Urumqi")
    assert '<html lang="en" data-bs-theme="dark"' in text_of(response)


def test_an_unknown_zone_is_refused(client: Client) -> None:
    user = make_user("ana")
    client.force_login(user)
    given = {"name": "x", "language": "en", "theme": "dark", "timezone": "Mars/Base"}

    response = client.post("/profile/", given)

    assert response.context["form"].errors["timezone"]
    assert User.objects.get(pk=user.pk).timezone == "Asia/Shanghai"


def test_the_theme_is_remembered(client: Client) -> None:
    user = make_user("ana")
    client.force_login(user)

    response = client.post("/profile/theme/", {"theme": "dark", "next": "/sites/?q=x"})
    client.post("/profile/theme/", {"theme": "plaid"})

    assert response["Location"] == "/sites/?q=x"
    assert User.objects.get(pk=user.pk).theme == "dark"


def test_the_language_follows_the_person(client: Client) -> None:
    user = make_user("ana")
    client.force_login(user)

    client.post("/language/", {"language": "en", "next": "/profile/"})

    assert User.objects.get(pk=user.pk).language == "en"
    assert '<html lang="en"' in text_of(client.get("/profile/"))


def test_nobody_switches_the_language_by_cookie(client: Client) -> None:
    client.post("/language/", {"language": "en", "next": "/accounts/login/"})

    assert '<html lang="en"' in text_of(client.get("/accounts/login/"))


def test_a_redirect_leads_nowhere_else(client: Client) -> None:
    client.force_login(make_user("ana"))

    for there in ("https://evil.example/", "//evil.example/", "/\\evil.example/"):
        response = client.post("/profile/theme/", {"theme": "dark", "next": there})

        assert response["Location"] == "/"


@pytest.mark.parametrize(
    ("address", "facts"), [("/lists/alarms/views/", {"name": "x"}), ("/lists/alarms/columns/", {})]
)
def test_a_path_after_our_host_leads_nowhere_else(
    address: str, facts: dict[str, str], client: Client
) -> None:
    """Without the host `//evil.example/` would name another one."""
    client.force_login(make_user("ana"))

    response = client.post(address, {"next": "http://testserver//evil.example/"} | facts)

    assert not response["Location"].startswith("//")


def test_answers_to_somebody_are_for_his_browser_alone(client: Client) -> None:
    client.force_login(make_user("ana"))

    assert client.get("/profile/")["Cache-Control"] == "private, no-cache"
    assert client.post("/accounts/logout/")["Clear-Site-Data"] == '"cache"'
    assert "Clear-Site-Data" not in client.get("/accounts/login/")


def test_own_tokens_are_listed_and_revoked(client: Client) -> None:
    user, other = make_user("ana"), make_user("cy")
    now = timezone.now()
    mine, _ = services.issue_token(user=user, device_id="a", device_name="我的手机", now=now)
    foreign, _ = services.issue_token(user=other, device_id="b", device_name="别人的", now=now)
    client.force_login(user)

    page = text_of(client.get("/profile/"))
    refused = client.post(f"/profile/tokens/{foreign.pk}/revoke/")
    client.post(f"/profile/tokens/{mine.pk}/revoke/")

    mine.refresh_from_db()
    foreign.refresh_from_db()
    assert "我的手机" in page
    assert "别人的" not in page
    assert refused.status_code == 404
    assert mine.revoked_at is not None
    assert foreign.revoked_at is None


@pytest.mark.parametrize("path", ["/profile/theme/", "/profile/tokens/1/revoke/", "/language/"])
def test_changes_need_a_post(path: str, client: Client) -> None:
    client.force_login(make_user("ana"))

    assert client.get(path).status_code == 405


def test_the_shell_has_only_links_that_work(client: Client) -> None:
    cast = people()
    client.force_login(cast.ana)
    page = text_of(client.get("/"))

    links = {part.split('"')[0] for part in page.split('href="')[1:]}
    own = {link for link in links if link.startswith("/") and not link.startswith("/static/")}
    for link in own:
        assert client.get(link, follow=True).status_code == 200, link
    assert len(own) > 10


def test_missing_pages_are_in_our_frame(client: Client) -> None:
    client.force_login(make_user("ana"))

    response = client.get("/nowhere/")

    assert response.status_code == 404
    assert "找不到页面" in text_of(response)


def test_a_form_without_its_token_is_told_kindly() -> None:
    client = Client(enforce_csrf_checks=True)

    response = client.post("/accounts/login/", {"login": "ana", "password": "x"})

    assert response.status_code == 403
    assert "页面已过期" in text_of(response)
