"""The REST API of orders, tried by insiders, an outsider and nobody."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image
from rest_framework.test import APIClient

from alarms.states import Handling
from alarms.tests.factories import make_alarm
from devices.tests.factories import make_device
from sites.models import User
from sites.tests.clients import api_client
from sites.tests.factories import People, make_circuit, make_room, make_team, people
from workorders.models import Photo, WorkOrder
from workorders.states import Kind, Priority, State
from workorders.tests.factories import make_order, picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def ordered(cast: People, **facts: Any) -> WorkOrder:
    """An order of now."""
    now = timezone.now() - timedelta(hours=1)
    return make_order(cast=cast, **{"now": now, "due_at": now + timedelta(hours=9)} | facts)


def body_for(cast: People, **facts: Any) -> dict[str, Any]:
    due = (timezone.now() + timedelta(hours=4)).isoformat()
    body = {"kind": "repair", "priority": "high", "title": "更换电缆头", "due_at": due}
    return body | {"site": cast.site.pk} | facts


def numbers(client: APIClient, query: str = "") -> list[str]:
    answer = client.get(f"/api/v1/orders/?{query}")
    assert answer.status_code == 200, answer.content
    return [row["number"] for row in answer.json()["results"]]


def moved(client: APIClient, order: WorkOrder, move: str, **facts: Any) -> Any:
    return client.post(f"/api/v1/orders/{order.pk}/moves/", {"move": move} | facts)


def test_orders_are_those_of_the_sites_one_sees(cast: People) -> None:
    order = ordered(cast)

    for who in (cast.ana, cast.bo, cast.ed, cast.gu):
        assert numbers(api_client(who)) == [order.number]
    assert numbers(api_client(cast.cy)) == []
    for path in ("", "log/", "photos/", "assignees/"):
        address = f"/api/v1/orders/{order.pk}/{path}"
        assert api_client(cast.cy).get(address).status_code == 404
        assert APIClient().get(address).status_code == 401
    for path in ("moves/", "notes/", "photos/"):
        address = f"/api/v1/orders/{order.pk}/{path}"
        assert api_client(cast.cy).post(address, {}).status_code == 404
        assert APIClient().post(address, {}).status_code == 401
    assert api_client(cast.cy).patch(f"/api/v1/orders/{order.pk}/", {}).status_code == 404


def test_an_order_by_hand_names_its_place(cast: People) -> None:
    room = make_room(site=cast.site)
    circuit = make_circuit(room=room)
    device = make_device(site=cast.site)
    team = make_team(organisation=cast.organisation)

    answer = api_client(cast.di).post(
        "/api/v1/orders/",
        body_for(cast, room=room.pk, circuit=circuit.pk, device=device.pk, team=cast.team.pk),
    )

    assert answer.status_code == 201
    body = answer.json()
    places = [body[name]["id"] for name in ("site", "room", "circuit", "device", "team")]
    assert places == [cast.site.pk, room.pk, circuit.pk, device.pk, cast.team.pk]
    assert (body["state"], body["seen"], body["is_overdue"]) == ("new", "new:", False)
    order = WorkOrder.objects.get(pk=body["id"])
    assert order.created_by == cast.di
    assert order.log.get().door == "api"
    elsewhere = api_client(cast.di).post("/api/v1/orders/", body_for(cast, team=team.pk))
    assert elsewhere.status_code == 201


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "party"},
        {"kind": None},
        {"priority": 5},
        {"title": ""},
        {"title": "x" * 161},
        {"title": "a\x00b"},
        {"title": ["a"]},
        {"title": {"a": {"b": {}}}},
        {"description": "x" * 4001},
        {"due_at": "2020-01-01T00:00:00Z"},
        {"due_at": "2199-01-01T00:00:00Z"},
        {"due_at": "2026-12-01"},
        {"due_at": "2026-12-01T00:00:00"},
        {"site": "x"},
        {"site": True},
        {"site": 2**63},
        {"site": -1},
        {"site": 1e400},
        {"room": 999_999_999},
        {"room": 10**30},
        {"circuit": 999_999_999},
        {"device": 999_999_999},
        {"team": 999_999_999},
        {"number": "GD-1"},
        {"state": "closed"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(cast: People, facts: dict[str, Any]) -> None:
    client = api_client(cast.di)
    text = body_for(cast, **facts)
    if facts == {"site": 1e400}:
        answer = client.generic(
            "POST", "/api/v1/orders/", b'{"site": 1e400}', content_type="application/json"
        )
    else:
        answer = client.post("/api/v1/orders/", text)

    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["fields"]
    assert not WorkOrder.objects.exists()


def test_parts_of_foreign_sites_look_like_no_parts_at_all(cast: People) -> None:
    room = make_room(site=cast.other_site)
    client = api_client(cast.di)

    foreign = client.post("/api/v1/orders/", body_for(cast, room=room.pk))
    nowhere = client.post("/api/v1/orders/", body_for(cast, room=999_999_999))

    assert foreign.json() == nowhere.json()


def test_orders_are_made_by_those_who_may(cast: People) -> None:
    body = body_for(cast)
    results = {
        name: api_client(user).post("/api/v1/orders/", body).status_code
        for name, user in (("bo", cast.bo), ("ed", cast.ed), ("cy", cast.cy), ("ana", cast.ana))
    }

    assert results == {"bo": 403, "ed": 403, "cy": 404, "ana": 201}
    assert APIClient().post("/api/v1/orders/", body).status_code == 401


def test_an_order_from_an_alarm_takes_it_along(cast: People) -> None:
    alarm = make_alarm(site=cast.site, handling=Handling.VERIFIED)
    body = body_for(cast, seen="verified")
    del body["site"]
    address = f"/api/v1/alarms/{alarm.pk}/orders/"

    refused = [api_client(who).post(address, body).status_code for who in (cast.bo, cast.cy)]
    answer = api_client(cast.di).post(address, body)
    late = api_client(cast.ana).post(address, body)

    assert refused == [403, 404]
    assert answer.status_code == 201
    assert answer.json()["alarm"]["handling"] == "in_order"
    assert (late.status_code, late.json()["handling"]) == (409, "in_order")
    assert numbers(api_client(cast.di), f"alarm={alarm.number}") == [answer.json()["number"]]


def test_only_a_verified_alarm_becomes_an_order(cast: People) -> None:
    alarm = make_alarm(site=cast.site)
    body = body_for(cast)
    del body["site"]

    answer = api_client(cast.di).post(f"/api/v1/alarms/{alarm.pk}/orders/", body)

    assert (answer.status_code, answer.json()["code"]) == (409, "move_refused")


def test_the_detail_says_which_moves_the_caller_has_and_what_they_need(cast: People) -> None:
    order = ordered(cast, state=State.ASSIGNED)

    def moves(user: User) -> dict[str, list[str]]:
        body = api_client(user, language="zh-hans").get(f"/api/v1/orders/{order.pk}/").json()
        return {row["move"]: row["needs"] for row in body["moves"]}

    assert moves(cast.bo) == {"start": [], "send_back": ["note"]}
    assert moves(cast.di) == {
        "assign": ["assignee"],
        "start": [],
        "send_back": ["note"],
        "cancel": ["note"],
    }
    assert moves(cast.gu) == {}


def test_an_order_goes_its_way_through_the_api(cast: People) -> None:
    order = ordered(cast)
    di, bo = api_client(cast.di), api_client(cast.bo)

    people_for = di.get(f"/api/v1/orders/{order.pk}/assignees/").json()["results"]
    steps = [
        moved(di, order, "assign", assignee=cast.bo.pk, seen="new:"),
        moved(bo, order, "start", seen=f"assigned:{cast.bo.pk}"),
        moved(bo, order, "hold", note="等待备件"),
        moved(bo, order, "resume"),
        moved(bo, order, "finish", finding="受潮", measures="更换"),
        moved(di, order, "send_back", note="照片不清"),
        moved(bo, order, "finish", finding="受潮", measures="更换并复测"),
        moved(di, order, "accept"),
    ]

    assert [row["name"] for row in people_for] == ["Adm", "Bo"]
    assert [step.status_code for step in steps] == [200] * len(steps)
    assert [step.json()["state"] for step in steps] == [
        "assigned",
        "in_progress",
        "on_hold",
        "in_progress",
        "to_accept",
        "in_progress",
        "to_accept",
        "closed",
    ]
    assert steps[-1].json()["is_alarm_active"] is False
    log = bo.get(f"/api/v1/orders/{order.pk}/log/").json()["results"]
    assert [row["move"] for row in log] == [
        "",
        "assign",
        "start",
        "hold",
        "resume",
        "finish",
        "send_back",
        "finish",
        "accept",
    ]
    assert log[3]["note"] == "等待备件"
    assert log[1]["facts"]["assignee"] == cast.bo.pk


def test_closing_over_an_active_alarm_says_so(cast: People) -> None:
    alarm = make_alarm(site=cast.site, handling=Handling.VERIFIED)
    order = ordered(cast, alarm_id=alarm.pk, state=State.TO_ACCEPT)

    answer = moved(api_client(cast.di), order, "accept")

    assert answer.json()["is_alarm_active"] is True
    assert answer.json()["alarm"]["condition"] == "active"


def test_the_second_of_two_gets_the_fresh_state(cast: People) -> None:
    order = ordered(cast)
    moved(api_client(cast.ana), order, "assign", assignee=cast.bo.pk)

    late = moved(api_client(cast.di), order, "cancel", note="重复", seen="new:")

    assert late.status_code == 409
    problem = late.json()
    assert problem["code"] == "changed"
    assert problem["state"] == "assigned"
    assert problem["seen"] == f"assigned:{cast.bo.pk}"
    assert problem["by"] == "Ana"
    assert problem["at"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"move": "explode"}, 400),
        ({"move": "assign"}, 400),
        ({"move": "assign", "assignee": "bo"}, 400),
        ({"move": "assign", "assignee": 999_999_999}, 400),
        ({"move": "assign", "assignee": 2**64}, 400),
        ({"move": "cancel", "note": " "}, 400),
        ({"move": "cancel", "note": "x", "seen": 5.5, "extra": 1}, 400),
        ({"move": "accept"}, 409),
        ([{"move": "cancel"}], 400),
    ],
)
def test_moves_that_make_no_sense_are_refused(cast: People, body: Any, status: int) -> None:
    order = ordered(cast)

    answer = api_client(cast.di).post(f"/api/v1/orders/{order.pk}/moves/", body)

    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    order.refresh_from_db()
    assert order.state == State.NEW


def test_work_is_not_given_to_a_stranger_nor_is_he_named(cast: People) -> None:
    order = ordered(cast)
    client = api_client(cast.di)

    stranger = moved(client, order, "assign", assignee=cast.cy.pk)
    nobody = moved(client, order, "assign", assignee=999_999_999)

    assert stranger.status_code == 400
    assert stranger.json() == nobody.json()


def test_remarks_and_edits_go_through_the_services(cast: People) -> None:
    order = ordered(cast)
    di = api_client(cast.di)

    note = api_client(cast.bo).post(f"/api/v1/orders/{order.pk}/notes/", {"note": "明早去"})
    edit = di.patch(f"/api/v1/orders/{order.pk}/", {"priority": "urgent", "seen": "new:"})

    assert (note.status_code, edit.status_code) == (201, 200)
    assert edit.json()["priority"] == "urgent"
    refused = api_client(cast.bo).patch(f"/api/v1/orders/{order.pk}/", {"title": "x"})
    assert refused.status_code == 403
    for body in ({}, {"priority": "x"}, {"title": ""}, {"state": "closed"}, {"due_at": "x"}):
        assert di.patch(f"/api/v1/orders/{order.pk}/", body).status_code == 400


def test_photos_go_up_and_come_back_through_the_gate(cast: People) -> None:
    order = ordered(cast, state=State.IN_PROGRESS)
    bo = api_client(cast.bo)

    answer = bo.post(
        f"/api/v1/orders/{order.pk}/photos/",
        {"file": picture(size=(640, 480)), "caption": "<script>alert(1)</script>"},
        format="multipart",
    )

    assert answer.status_code == 201
    row = answer.json()
    assert row["caption"] == "<script>alert(1)</script>"
    for name, size in (("image_url", (640, 480)), ("thumbnail_url", (320, 240))):
        fetched = bo.get(row[name], HTTP_ACCEPT="image/*")
        assert fetched["Content-Type"] == "image/jpeg"
        assert "private" in fetched["Cache-Control"]
        assert Image.open(BytesIO(fetched.content)).size == size
        assert f'filename="{order.number}-{row["id"]}.jpg"' in fetched["Content-Disposition"]
        refused = api_client(cast.cy).get(row[name], HTTP_ACCEPT="image/*")
        assert (refused.status_code, refused["Content-Type"]) == (404, "application/problem+json")
        assert APIClient().get(row[name]).status_code == 401
    listed = bo.get(f"/api/v1/orders/{order.pk}/photos/").json()["results"]
    detail = bo.get(f"/api/v1/orders/{order.pk}/").json()["photos"]
    assert [photo["id"] for photo in listed] == [photo["id"] for photo in detail] == [row["id"]]


def test_a_photo_whose_file_is_gone_is_not_found(cast: People, media: Path) -> None:
    order = ordered(cast, state=State.IN_PROGRESS)
    bo = api_client(cast.bo)
    row = bo.post(
        f"/api/v1/orders/{order.pk}/photos/", {"file": picture()}, format="multipart"
    ).json()
    for path in media.rglob("*.jpg"):
        path.unlink()

    assert bo.get(row["image_url"]).status_code == 404


def test_hostile_uploads_are_refused(cast: People, settings: Any) -> None:
    order = ordered(cast, state=State.IN_PROGRESS)
    bo = api_client(cast.bo)
    address = f"/api/v1/orders/{order.pk}/photos/"
    settings.PHOTO_MAX_BYTES = 200_000

    def sent(**form: Any) -> int:
        answer = bo.post(address, form, format="multipart")
        assert answer["Content-Type"] == "application/problem+json"
        return answer.status_code

    assert sent() == 400
    assert sent(file="text") == 400
    assert sent(file=SimpleUploadedFile("a.jpg", b"")) == 400
    assert sent(file=SimpleUploadedFile("a.jpg", b"<html>")) == 400
    assert sent(file=SimpleUploadedFile("a.jpg", bytes(210_000))) == 400
    assert sent(file=SimpleUploadedFile("a.jpg", bytes(300_000))) == 413
    assert sent(file=picture(), caption="x" * 161) == 400
    assert sent(file=picture(), caption="a\x00b") == 400
    assert sent(file=picture(), order="1") == 400
    assert bo.post(address, {"file": "x"}).status_code == 415
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x", "text/plain"):
        broken = bo.generic("POST", address, b"--x\r\nnonsense", content_type=kind)
        assert broken.status_code in {400, 415}
        assert broken["Content-Type"] == "application/problem+json"
    assert not Photo.objects.exists()


def test_orders_are_filtered(cast: People) -> None:
    now = timezone.now()
    late = ordered(cast, now=now - timedelta(days=2), due_at=now - timedelta(days=1))
    mine = ordered(cast, kind=Kind.DEFECT, priority=Priority.URGENT, state=State.IN_PROGRESS)
    over = ordered(cast, state=State.CANCELLED, title="作废的")
    bo = api_client(cast.bo)

    def found(query: str) -> set[str]:
        return set(numbers(bo, query))

    assert found("is_open=true") == {late.number, mine.number}
    assert found("is_open=false") == {over.number}
    assert found("overdue=true") == {late.number}
    assert found("overdue=false") == {mine.number, over.number}
    assert found("mine=true") == {mine.number}
    assert found("mine=false") == {late.number, over.number}
    assert found("kind=defect&priority=urgent&state=in_progress") == {mine.number}
    assert found(f"assignee={cast.bo.pk}") == {mine.number}
    assert found(f"q={over.number}") == found("q=作废") == {over.number}
    assert found(f"site={cast.site.pk}&team={cast.team.pk}") == {
        late.number,
        mine.number,
        over.number,
    }
    assert numbers(bo, "ordering=due_at")[0] == late.number
    soon = (now - timedelta(hours=1, minutes=1)).isoformat()
    assert late.number not in set(numbers(bo, f"created_from={soon.replace('+', '%2B')}"))
    for query in ("overdue=perhaps", "assignee=0", "state=x", "site=999999999", "page=x", "x=1"):
        assert bo.get(f"/api/v1/orders/?{query}").status_code in {400, 404}


def test_the_number_of_queries_does_not_grow_with_rows(cast: People) -> None:
    client = api_client(cast.bo)

    def queries(act: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert act().status_code == 200
        return len(seen)

    def grow() -> WorkOrder:
        alarm = make_alarm(site=cast.site, handling=Handling.VERIFIED)
        ordered(cast)
        return ordered(cast, alarm_id=alarm.pk, state=State.IN_PROGRESS)

    order = grow()
    addresses = [
        "/api/v1/orders/",
        f"/api/v1/orders/{order.pk}/",
        f"/api/v1/orders/{order.pk}/log/",
        f"/api/v1/orders/{order.pk}/photos/",
    ]
    address = f"/api/v1/orders/{order.pk}/photos/"
    client.post(address, {"file": picture()}, format="multipart")
    before = [queries(lambda path=path: client.get(path)) for path in addresses]
    grow()
    grow()
    for _ in range(2):
        client.post(address, {"file": picture()}, format="multipart")
        client.post(f"/api/v1/orders/{order.pk}/notes/", {"note": "x"})

    assert [queries(lambda path=path: client.get(path)) for path in addresses] == before
