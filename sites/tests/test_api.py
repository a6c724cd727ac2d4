"""The REST API of tokens, oneself and sites, tried by insiders, an outsider and nobody."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from sites.models import ApiToken, Site
from sites.rules import DataClass, Role
from sites.tests.clients import api_client
from sites.tests.factories import (
    PASSWORD,
    People,
    make_circuit,
    make_grant,
    make_room,
    make_site,
    make_transformer,
    make_user,
    people,
)

pytestmark = pytest.mark.django_db

SIGN_IN = {"password": PASSWORD, "device_id": "phone", "device_name": "手机"}


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture(autouse=True)
def _no_former_attempts() -> None:
    cache.clear()


def test_signing_in_shows_a_token_once_that_opens_the_api() -> None:
    make_user("bo", password=PASSWORD, name="阿博")

    answer = APIClient().post("/api/v1/tokens/", SIGN_IN | {"username": "bo"})

    assert answer.status_code == 201
    plain = answer.data["token"]
    assert answer.json()["user"]["name"] == "阿博"
    assert answer.json()["expires_at"].endswith("Z")
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {plain}")
    assert client.get("/api/v1/me/").json()["username"] == "bo"
    assert plain not in client.get("/api/v1/tokens/").content.decode()
    assert not ApiToken.objects.filter(digest=plain).exists()


@pytest.mark.parametrize("password", ["wrong", "", "\x00", "长" * 200])
def test_a_wrong_password_is_a_problem_document(password: str) -> None:
    make_user("bo", password=PASSWORD)

    answer = APIClient().post("/api/v1/tokens/", SIGN_IN | {"username": "bo", "password": password})

    assert answer.status_code in {400, 401}
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    assert not ApiToken.objects.exists()


def test_too_many_wrong_passwords_are_answered_with_a_time_to_wait() -> None:
    make_user("bo", password=PASSWORD)
    body = SIGN_IN | {"username": "bo", "password": "wrong"}

    answers = [APIClient().post("/api/v1/tokens/", body) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) > 0
    right = APIClient().post("/api/v1/tokens/", SIGN_IN | {"username": "bo"})
    assert right.status_code == 429


def test_an_expired_token_in_the_pocket_does_not_hinder_signing_in() -> None:
    make_user("bo", password=PASSWORD)
    client = APIClient(HTTP_AUTHORIZATION="Bearer dw_long_gone")

    assert client.get("/api/v1/me/").status_code == 401
    answer = client.post("/api/v1/tokens/", SIGN_IN | {"username": "bo"})

    assert answer.status_code == 201


def test_signing_out_revokes_the_token_that_was_sent(cast: People) -> None:
    client = api_client(cast.bo)

    assert client.delete("/api/v1/tokens/current/").status_code == 204

    assert client.get("/api/v1/me/").status_code == 401


def test_a_lost_phone_can_be_shut_out_but_nobody_elses(cast: People) -> None:
    phone, desk = api_client(cast.bo), api_client(cast.cy)
    mine = ApiToken.objects.get(user=cast.bo)

    assert desk.delete(f"/api/v1/tokens/{mine.pk}/").status_code == 404
    assert phone.delete(f"/api/v1/tokens/{mine.pk}/").status_code == 204

    assert phone.get("/api/v1/me/").status_code == 401


def test_tokens_lists_only_ones_own_that_still_open_the_door(cast: People) -> None:
    client = api_client(cast.bo)
    api_client(cast.cy)
    now = timezone.now()
    ApiToken.objects.create(
        user=cast.bo, device_id="old", digest="x", created_at=now, expires_at=now
    )

    rows = client.get("/api/v1/tokens/").json()["results"]

    assert [(row["device_id"], row["is_current"]) for row in rows] == [("test", True)]
    assert "digest" not in rows[0]


def test_me_says_what_one_holds(cast: People) -> None:
    body = api_client(cast.bo).get("/api/v1/me/").json()

    assert body["roles"] == ["technician"]
    assert "work_order" in body["abilities"]
    assert "assign_order" not in body["abilities"]
    assert body["data_classes"] == ["energy", "load", "safety"]
    (grant,) = body["grants"]
    assert (grant["scope_kind"], grant["scope_id"]) == ("team", cast.team.pk)
    assert grant["starts_at"].endswith("Z")


def test_me_can_be_changed_in_name_language_and_theme_only(cast: People) -> None:
    client = api_client(cast.bo)

    answer = client.patch("/api/v1/me/", {"language": "en", "theme": "dark", "name": "Bo Li"})

    assert answer.status_code == 200
    cast.bo.refresh_from_db()
    assert (cast.bo.language, cast.bo.theme, cast.bo.name) == ("en", "dark", "Bo Li")
    for body in ({"is_superuser": True}, {"username": "root"}, {"language": "tlh"}, [], 5):
        refused = client.patch("/api/v1/me/", body)
        assert refused.status_code == 400
        assert refused.json()["code"] == "invalid"


def test_refusals_speak_the_profiles_language_unless_the_request_says_another(
    cast: People,
) -> None:
    cast.bo.language = "en"
    cast.bo.save()

    by_profile = api_client(cast.bo).get("/api/v1/sites/0/")
    by_header = api_client(cast.bo, language="zh-hans").get("/api/v1/sites/0/")
    by_default = api_client(cast.cy).get("/api/v1/sites/0/")

    assert by_profile["Content-Language"] == "en"
    assert by_header["Content-Language"] == "zh-hans"
    assert by_default["Content-Language"] == "zh-hans"
    assert by_header.json()["title"] == by_default.json()["title"]


def test_sites_are_those_one_sees(cast: People) -> None:
    def numbers(client: APIClient) -> list[str]:
        return [row["number"] for row in client.get("/api/v1/sites/").json()["results"]]

    assert numbers(api_client(cast.ana)) == [cast.site.number]
    assert numbers(api_client(cast.bo)) == [cast.site.number]
    assert numbers(api_client(cast.cy)) == [cast.other_site.number]
    assert APIClient().get("/api/v1/sites/").status_code == 401


def test_a_site_shows_its_parts_and_what_one_may_do_there(cast: People) -> None:
    room = make_room(site=cast.site)
    transformer = make_transformer(room=room)
    incomer = make_circuit(room=room, transformer=transformer)
    feeder = make_circuit(room=room, transformer=transformer, parent=incomer)

    body = api_client(cast.bo).get(f"/api/v1/sites/{cast.site.pk}/").json()

    assert body["rooms"][0]["transformers"][0]["rated_kva"] == 1000
    parents = {row["id"]: row["parent_id"] for row in body["rooms"][0]["circuits"]}
    assert parents == {incomer.pk: None, feeder.pk: incomer.pk}
    assert body["phase_nominal_v"] == pytest.approx(230.94, abs=0.01)
    assert "work_order" in body["abilities"]
    assert body["data_classes"] == ["energy", "load", "safety"]


def test_a_foreign_site_is_not_found(cast: People) -> None:
    for client in (api_client(cast.cy), api_client(make_user())):
        answer = client.get(f"/api/v1/sites/{cast.site.pk}/")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert APIClient().get(f"/api/v1/sites/{cast.site.pk}/").status_code == 401


def test_data_classes_of_a_site_are_those_of_the_grant(cast: People) -> None:
    viewer = make_user()
    make_grant(viewer, Role.DISTRICT_VIEWER, cast.site, data_classes=[DataClass.SAFETY])

    body = api_client(viewer).get(f"/api/v1/sites/{cast.site.pk}/").json()

    assert body["data_classes"] == ["safety"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("q=印染", 2),
        ("q=印染 一期", 1),
        ("q=工", 1),
        ("q=nothing", 0),
        ("state=operation", 1),
        ("state=operation&state=construction", 2),
        ("updated_since=2020-01-01T00:00:00Z", 2),
        ("updated_since=2999-01-01", None),
        ("updated_since=2199-01-01", 0),
        ("state=nonsense", None),
        ("enterprise=999999999999999999999999", None),
        ("enterprise=x", None),
        ("ordering=secret", None),
        ("ordering=-number", 2),
        ("page_size=1", 1),
        ("page=99", None),
        ("page=99999999999999999999999", None),
        ("nonsense=1", None),
        ("q=%00", None),
        ("updated_since=0001-01-01T00:00:00%2B14:00", None),
    ],
)
def test_sites_are_filtered_strictly(query: str, count: int | None) -> None:
    cast = people()
    make_site("工地", enterprise=cast.enterprise, team=cast.team, state=Site.State.CONSTRUCTION)

    answer = api_client(cast.ana).get(f"/api/v1/sites/?{query}")

    if count is None:
        assert answer.status_code in {400, 404}
        assert answer["Content-Type"] == "application/problem+json"
    else:
        assert len(answer.json()["results"]) == count


def test_updated_since_finds_what_changed_after(cast: People) -> None:
    client = api_client(cast.ana)
    mark = (timezone.now() + timedelta(milliseconds=1)).isoformat()

    before = client.get("/api/v1/sites/", {"updated_since": mark}).json()["count"]
    cast.site.save()
    after = client.get("/api/v1/sites/", {"updated_since": mark}).json()["count"]

    assert (before, after) == (0, 1)


def test_the_number_of_queries_does_not_grow_with_rows(cast: People) -> None:
    def queries() -> int:
        client = api_client(cast.ana)
        with CaptureQueriesContext(connection) as seen:
            assert client.get("/api/v1/sites/").status_code == 200
            assert client.get(f"/api/v1/sites/{cast.site.pk}/").status_code == 200
        return len(seen)

    def grow() -> None:
        for _ in range(3):
            make_site(enterprise=cast.enterprise, team=cast.team)
            room = make_room(site=cast.site)
            make_circuit(room=room, transformer=make_transformer(room=room))

    grow()
    few = queries()
    grow()

    assert queries() == few


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/api/v1/nothing/", 404),
        ("post", "/api/v1/nothing", 404),
        ("put", "/api/v1/sites/", 405),
        ("options", "/api/v1/sites/", 405),
        ("get", "/api/v1/sites/99999999999999999999999999/", 404),
        ("get", f"/api/v1/sites/{'9' * 5000}/", 404),
        ("get", "/api/v1/sites/-1/", 404),
    ],
)
def test_every_refusal_is_a_problem(cast: People, method: str, path: str, status: int) -> None:
    answer = getattr(api_client(cast.ana), method)(path)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["title"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe{}", "application/json", 400),
        (b"[" * 100_000 + b"]" * 100_000, "application/json", 400),
        (b'{"name": NaN}', "application/json", 400),
        (b'{"name": "\\ud800"}', "application/json", 400),
        (b'{"name": "\\u0000"}', "application/json", 400),
        (b'{"name": "x"}', "application/json; charset=bz2_codec", 200),
        (b'{"name": "%s"}' % (b"x" * 3_000_000), "application/json", 413),
        (b'{"name": %s}' % (b"9" * 5000), "application/json", 400),
        (b"<name>x</name>", "application/xml", 415),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b"", "application/json", 200),
    ],
)
def test_hostile_bodies_are_refused(cast: People, content: bytes, kind: str, status: int) -> None:
    answer = api_client(cast.bo).generic("PATCH", "/api/v1/me/", content, content_type=kind)

    assert answer.status_code == status
    if status != 200:
        assert answer["Content-Type"] == "application/problem+json"
