"""The REST API of alarms, tried by insiders, an outsider and nobody."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from alarms.models import Alarm
from alarms.states import Handling, Severity
from alarms.tests.factories import make_alarm, make_rule, recover
from devices.tests.factories import make_device, make_point
from sites.rules import DataClass, Role
from sites.tests.clients import api_client
from sites.tests.factories import People, make_grant, make_user, people

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def alarm(cast: People) -> Alarm:
    make_point("IR")
    return make_alarm(site=cast.site)


def numbers(client: APIClient, query: str = "") -> list[str]:
    answer = client.get(f"/api/v1/alarms/?{query}")
    assert answer.status_code == 200, answer.content
    return [row["number"] for row in answer.json()["results"]]


def test_alarms_are_those_of_the_sites_one_sees(cast: People, alarm: Alarm) -> None:
    for who in (cast.ana, cast.bo, cast.gu):
        assert numbers(api_client(who)) == [alarm.number]
        assert api_client(who).get(f"/api/v1/alarms/{alarm.pk}/").status_code == 200
    assert numbers(api_client(cast.cy)) == []
    for path in ("", "log/"):
        address = f"/api/v1/alarms/{alarm.pk}/{path}"
        assert api_client(cast.cy).get(address).status_code == 404
        assert APIClient().get(address).status_code == 401


def test_an_alarm_says_where_how_bad_since_when_and_what_to_do(cast: People, alarm: Alarm) -> None:
    body = api_client(cast.di, language="en").get(f"/api/v1/alarms/{alarm.pk}/").json()

    assert body["site"] == {
        "id": cast.site.pk,
        "number": cast.site.number,
        "name": cast.site.name_en,
    }
    assert (body["severity"], body["condition"], body["handling"]) == (
        "major",
        "active",
        "unverified",
    )
    assert (body["value"], body["limit"], body["unit"]) == (420.0, 300.0, "mA")
    assert body["raised_at"] == "2026-11-20T06:00:00Z"
    assert body["probable_cause"] == "Damaged insulation"
    assert body["moves"] == ["verify", "ignore"]
    assert body["device"]["id"] == alarm.device_id


def test_values_are_shown_to_those_who_hold_the_class_of_data(cast: People, alarm: Alarm) -> None:
    viewer = make_user("load-only")
    make_grant(viewer, Role.DISTRICT_VIEWER, cast.site, data_classes=[DataClass.LOAD])
    client = api_client(viewer)

    row = client.get("/api/v1/alarms/").json()["results"][0]
    detail = client.get(f"/api/v1/alarms/{alarm.pk}/").json()
    log = client.get(f"/api/v1/alarms/{alarm.pk}/log/").json()["results"]

    assert {row["value"], row["limit"], row["peak"], detail["value"]} == {None}
    assert row["severity"] == "major"
    assert "value" not in log[0]["facts"]
    seen = api_client(cast.di).get(f"/api/v1/alarms/{alarm.pk}/log/").json()["results"]
    assert seen[0]["facts"]["value"] == 420.0


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("severity=major", True),
        ("severity=critical", False),
        ("severity=critical&severity=major", True),
        ("handling=unverified", True),
        ("handling=verified&handling=archived", False),
        ("condition=active", True),
        ("condition=recovered", False),
        ("is_open=true", True),
        ("is_open=false", False),
        ("rule=TEST_IR", True),
        ("point=IR", True),
        ("point=Ua", False),
        ("q=test_ir", True),
        ("q=%E6%97%A0%E6%AD%A4", False),
        ("raised_from=2026-11-20T06:00:00Z&raised_to=2026-11-20T06:00:01Z", True),
        ("raised_to=2026-11-20T06:00:00Z", False),
        ("raised_from=2026-11-20&raised_to=2026-11-20", True),
        ("raised_from=2026-11-21", False),
        ("is_simulated=true", True),
        ("updated_since=2199-01-01", False),
        ("ordering=-severity", True),
    ],
)
def test_alarms_are_filtered(cast: People, query: str, found: bool) -> None:  # noqa: FBT001
    alarm = make_alarm(site=cast.site, rule=make_rule("TEST_IR"))

    assert numbers(api_client(cast.di), query) == ([alarm.number] if found else [])
    assert numbers(api_client(cast.di), f"site={cast.site.pk}") == [alarm.number]
    assert numbers(api_client(cast.di), f"device={alarm.device_id}") == [alarm.number]


def test_a_site_that_one_does_not_see_is_no_choice_of_a_filter(cast: People, alarm: Alarm) -> None:
    there = api_client(cast.cy).get(f"/api/v1/alarms/?site={cast.site.pk}")
    nowhere = api_client(cast.cy).get("/api/v1/alarms/?site=999999999")

    assert there.status_code == nowhere.status_code == 400
    assert there.json() == nowhere.json()


def test_worst_and_newest_come_first_on_every_page(cast: People) -> None:
    device = make_device(site=cast.site)
    for severity in (Severity.MINOR, Severity.CRITICAL, Severity.MAJOR):
        for _ in range(2):
            make_alarm(device=device, rule=make_rule(severity=severity), severity=severity)
    client = api_client(cast.di)

    pages = [
        client.get(f"/api/v1/alarms/?page_size=2&page={page}").json()["results"]
        for page in (1, 2, 3)
    ]

    ranks = [row["severity"] for page in pages for row in page]
    assert ranks == ["critical"] * 2 + ["major"] * 2 + ["minor"] * 2


def moves(alarm: Alarm) -> dict[str, tuple[str, dict[str, Any], str]]:
    """Per endpoint: what comes before, a good body, what it leads to."""
    until = (timezone.now() + timedelta(hours=2)).isoformat()
    return {
        "verify": ("", {"verdict": "real", "cause": "受潮", "note": "已电话核实"}, "verified"),
        "ignore": ("", {"until": until, "note": "检修中"}, "ignored"),
        "archive": ("verified", {"note": "完毕"}, "archived"),
        "comments": ("", {"note": "已联系现场"}, "unverified"),
    }


@pytest.mark.parametrize("name", ["verify", "ignore", "archive", "comments"])
def test_moves_are_made_by_those_who_may(cast: People, name: str) -> None:
    alarm = make_alarm(site=cast.site)
    before, body, after = moves(alarm)[name]
    if before:
        recover(alarm, at=alarm.raised_at + timedelta(minutes=1))
        api_client(cast.di).post(f"/api/v1/alarms/{alarm.pk}/verify/", {"verdict": "real"})
    address = f"/api/v1/alarms/{alarm.pk}/{name}/"

    outsider, nobody = api_client(cast.cy).post(address, body), APIClient().post(address, body)
    viewer = api_client(cast.gu).post(address, body)
    technician = api_client(cast.bo).post(address, body)
    dispatcher = api_client(cast.di).post(address, body)

    assert (outsider.status_code, nobody.status_code, viewer.status_code) == (404, 401, 403)
    assert technician.status_code == (201 if name == "comments" else 403)
    assert dispatcher.status_code == (201 if name == "comments" else 200)
    assert dispatcher.json()["handling"] == after
    last = alarm.log.order_by("-id").first()
    assert last is not None
    assert (last.by, last.door) == (cast.di, "api")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("verify", {}),
        ("verify", {"verdict": "perhaps"}),
        ("verify", {"verdict": ["real"]}),
        ("verify", {"verdict": "real", "cause": "x" * 201}),
        ("verify", {"verdict": "real", "note": "a\x00b"}),
        ("verify", {"verdict": "real", "seen": "never"}),
        ("verify", {"verdict": "real", "by": 1}),
        ("ignore", {"until": "2026-11-21T00:00:00", "note": "x"}),
        ("ignore", {"until": "2020-01-01T00:00:00Z", "note": "x"}),
        ("ignore", {"until": "2199-01-01T00:00:00Z", "note": "x"}),
        ("ignore", {"until": "0001-01-01T00:00:00+14:00", "note": "x"}),
        ("ignore", {"until": "9999-12-31T23:59:59-14:00", "note": "x"}),
        ("ignore", {"until": "tomorrow", "note": "x"}),
        ("ignore", {"until": 5, "note": "x"}),
        ("ignore", {"until": (timezone.now() + timedelta(hours=1)).isoformat(), "note": " "}),
        ("comments", {"note": ""}),
        ("comments", {"note": {"a": 1}}),
        ("comments", []),
    ],
)
def test_bodies_that_make_no_sense_are_refused(
    cast: People, alarm: Alarm, name: str, body: Any
) -> None:
    answer = api_client(cast.di).post(f"/api/v1/alarms/{alarm.pk}/{name}/", body)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["fields"]
    alarm.refresh_from_db()
    assert alarm.handling == Handling.UNVERIFIED


def test_the_second_of_two_gets_the_fresh_handling(cast: People, alarm: Alarm) -> None:
    address = f"/api/v1/alarms/{alarm.pk}/verify/"
    body = {"verdict": "real", "seen": "unverified"}
    api_client(cast.ana).post(address, body)

    late = api_client(cast.di).post(address, body)

    assert late.status_code == 409
    problem = late.json()
    assert (problem["code"], problem["handling"], problem["by"]) == ("changed", "verified", "Ana")


def test_a_move_that_the_table_lacks_is_a_conflict(cast: People, alarm: Alarm) -> None:
    client = api_client(cast.di)

    active = client.post(f"/api/v1/alarms/{alarm.pk}/archive/", {})

    assert (active.status_code, active.json()["code"]) == (409, "move_refused")


def test_the_log_shows_every_step_in_order(cast: People, alarm: Alarm) -> None:
    client = api_client(cast.di)
    client.post(f"/api/v1/alarms/{alarm.pk}/verify/", {"verdict": "real"})
    client.post(f"/api/v1/alarms/{alarm.pk}/comments/", {"note": "<b>已联系</b>"})

    rows = client.get(f"/api/v1/alarms/{alarm.pk}/log/").json()["results"]

    assert [(row["entry"], row["move"]) for row in rows] == [
        ("handling", "raise"),
        ("handling", "verify"),
        ("comment", ""),
    ]
    assert rows[0]["by"] is None
    assert rows[1]["by"] == {"id": cast.di.pk, "name": "Di"}
    assert rows[2]["note"] == "<b>已联系</b>"


def test_the_number_of_queries_does_not_grow_with_rows(cast: People) -> None:
    client = api_client(cast.di)
    device = make_device(site=cast.site)

    def queries(act: Callable[[], object]) -> int:
        with CaptureQueriesContext(connection) as seen:
            act()
        return len(seen)

    def grow() -> Alarm:
        return [make_alarm(device=device, rule=make_rule()) for _ in range(3)][0]

    alarm = grow()
    numbers(client)  # The use of the token is noted once.
    first = queries(lambda: numbers(client))
    short = queries(lambda: client.get(f"/api/v1/alarms/{alarm.pk}/log/"))
    grow()
    for note in ("a", "b", "c"):
        client.post(f"/api/v1/alarms/{alarm.pk}/comments/", {"note": note})

    assert queries(lambda: numbers(client)) == first
    assert queries(lambda: client.get(f"/api/v1/alarms/{alarm.pk}/log/")) == short
