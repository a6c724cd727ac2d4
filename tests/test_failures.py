"""Pages of what went wrong: what happened, what to do, and a number for what nobody foresaw."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from sites import services
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


def break_it(*_given: Any, **_facts: Any) -> None:
    raise RuntimeError("broken")


def test_an_unforeseen_failure_has_a_number_that_the_log_has_too(
    cast: People, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("reports.views.help.libraries", break_it)
    client = Client(raise_request_exception=False)
    client.force_login(cast.di)

    answer = client.get("/about/")

    number = re.search(r'failure-number num">([0-9A-F]{8})<', answer.content.decode())
    assert answer.status_code == 500
    assert number is not None
    assert f"number={number[1]} method=GET path='/about/'" in caplog.text


def test_the_interface_fails_with_a_problem_document(
    cast: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sites.models.places.SiteQuerySet.with_owner", break_it)
    client = Client(raise_request_exception=False)
    client.force_login(cast.di)

    answer = client.get("/api/v1/sites/")

    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "server_error"
    assert re.fullmatch("[0-9A-F]{8}", answer.json()["number"])


def test_nothing_found_offers_the_search_to_who_is_signed_in(client: Client, cast: People) -> None:
    assert 'action="/search/"' not in client.get("/nowhere/").content.decode()
    client.force_login(cast.di)
    for path in ("/nowhere/", "/alarms/999999/"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert 'action="/search/"' in answer.content.decode()


def test_refusals_say_what_to_do(cast: People) -> None:
    cast.di.organisation = cast.ana.organisation
    cast.di.save()
    view = services.save_view(
        user=cast.ana, page="alarms", name="共享", query="", now=timezone.now(), is_shared=True
    )
    strict, client = Client(enforce_csrf_checks=True), Client()
    strict.force_login(cast.di)
    client.force_login(cast.di)

    expired = strict.post("/profile/")
    refused = client.post(f"/views/{view.pk}/delete/")

    assert (expired.status_code, refused.status_code) == (403, 403)
    assert "刷新后再提交" in expired.content.decode()
    assert f"请联系{cast.di.organisation}的管理员" in refused.content.decode()
