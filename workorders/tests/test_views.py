"""Order pages as Ana, Di, Bo, Cy and nobody meet them."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from alarms.models import Alarm
from alarms.states import Handling
from alarms.tests.factories import make_alarm
from sites.models import Site
from sites.tests.factories import People, make_circuit, make_room, people
from tests.queries import check, queries_of
from workorders import services
from workorders.models import WorkOrder, WorkOrderLog
from workorders.states import State
from workorders.tests.factories import make_order, picture

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def cast() -> People:
    return people()


def soon() -> dict[str, Any]:
    now = timezone.now() - timedelta(minutes=10)
    return {"now": now, "due_at": now + timedelta(hours=4)}


def as_person(client: Client, person: Any) -> Client:
    client.force_login(person)
    return client


def text_of(response: Any) -> str:
    return str(response.content.decode())


def move(client: Client, order: WorkOrder, name: str, **given: str) -> Any:
    data = {f"{name}-{key}": value for key, value in given.items()}
    return client.post(f"/orders/{order.pk}/move/{name}/", data, follow=True)


def test_tabs_count_what_they_show(cast: People, client: Client) -> None:
    for state in State:
        make_order(cast=cast, state=state, **soon())
    client = as_person(client, cast.di)

    for tab in client.get("/orders/").context["tabs_of_list"]:
        rows = client.get(f"/orders/?view={tab.key}").context["page"]
        assert rows.paginator.count == tab.count, tab.key


def test_bo_finds_his_own(cast: People, client: Client) -> None:
    mine = make_order(cast=cast, state=State.ASSIGNED, **soon())
    make_order(cast=cast, **soon())

    page = as_person(client, cast.bo).get("/orders/?mine=true").context["page"]

    assert [row.pk for row in page.object_list] == [mine.pk]


def test_overdue_is_said(cast: People, client: Client) -> None:
    now = timezone.now()
    make_order(cast=cast, now=now - timedelta(hours=5), due_at=now - timedelta(hours=2))

    assert "超期 2 小时" in text_of(as_person(client, cast.di).get("/orders/"))


def test_a_foreign_order_is_not_there(cast: People, client: Client) -> None:
    order = make_order(cast=cast, **soon())
    url = f"/orders/{order.pk}/"

    assert client.get(url).status_code == 302
    client = as_person(client, cast.cy)
    assert client.get(url).status_code == 404
    assert client.post(f"{url}move/cancel/", {"cancel-note": "x"}).status_code == 404
    assert client.post(f"{url}note/", {"note": "x"}).status_code == 404
    assert client.post(f"{url}photos/", {"file": picture()}).status_code == 404


def test_moves_are_offered_by_table_and_role(cast: People, client: Client) -> None:
    order = make_order(cast=cast, state=State.ASSIGNED, **soon())
    url = f"/orders/{order.pk}/"

    def offered(person: Any) -> list[str]:
        found = as_person(client, person).get(url).context["actions"]
        return [action.move.value for action in found]

    assert offered(cast.bo) == ["start", "send_back"]
    assert offered(cast.di) == ["start", "assign", "send_back", "cancel"]
    assert offered(cast.gu) == []


def test_from_an_alarm_the_form_is_filled(cast: People, client: Client) -> None:
    alarm = make_alarm(site=cast.site, handling=Handling.VERIFIED, at=timezone.now())
    client = as_person(client, cast.di)

    form = client.get(f"/orders/new/?alarm={alarm.pk}").context["form"]
    given = {name: form[name].value() or "" for name in form.fields}
    given["due_at"] = form["due_at"].value().strftime("%Y-%m-%dT%H:%M")
    response = client.post(f"/orders/new/?alarm={alarm.pk}", given, follow=True)

    order = WorkOrder.objects.get()
    alarm.refresh_from_db()
    assert alarm.rule.label in given["title"]
    assert (order.alarm_id, order.device_id) == (alarm.pk, alarm.device_id)
    assert alarm.handling == Handling.IN_ORDER
    assert order.number in text_of(response)
    assert response.redirect_chain[-1][0] == f"/orders/{order.pk}/"


def test_an_alarm_that_moved_meanwhile_is_told(cast: People, client: Client) -> None:
    alarm = make_alarm(site=cast.site, handling=Handling.VERIFIED, at=timezone.now())
    given = {
        "title": "二次工单",
        "kind": "repair",
        "priority": "high",
        "due_at": "2030-01-01T00:00",
        "seen": "verified",
    }
    make_order(cast=cast, alarm_id=alarm.pk, **soon())

    response = as_person(client, cast.di).post(f"/orders/new/?alarm={alarm.pk}", given, follow=True)

    assert WorkOrder.objects.count() == 1
    assert response.redirect_chain[-1][0] == f"/alarms/{alarm.pk}/"
    assert "已于" in text_of(response)


def test_by_hand_the_site_is_chosen_first(cast: People, client: Client) -> None:
    client = as_person(client, cast.di)
    choice = client.get("/orders/new/")
    room = make_room(site=cast.site)
    foreign = make_circuit(room=make_room(site=cast.other_site))
    given = {
        "title": "照明检查",
        "kind": "inspection",
        "priority": "low",
        "due_at": "2030-05-01T08:00",
        "room": str(room.pk),
    }

    refused = client.post(f"/orders/new/?site={cast.site.pk}", given | {"circuit": str(foreign.pk)})
    client.post(f"/orders/new/?site={cast.site.pk}", given)

    order = WorkOrder.objects.get()
    due = order.due_at.astimezone(ZoneInfo(cast.site.timezone))
    assert list(choice.context["sites"]) == [Site.objects.get(pk=cast.site.pk)]
    assert refused.status_code == 400
    assert (order.room_id, f"{due:%F %H:%M}") == (room.pk, "2030-05-01 08:00")


def test_those_who_may_not_create_are_told(cast: People, client: Client) -> None:
    site = f"/orders/new/?site={cast.site.pk}"

    assert as_person(client, cast.bo).get(site).status_code == 403
    assert as_person(client, cast.cy).get(site).status_code == 404
    assert client.get("/orders/new/?site=zzz").status_code == 200


def test_a_due_time_in_the_past_stands_beside_the_field(cast: People, client: Client) -> None:
    given = {"title": "x", "kind": "repair", "priority": "low", "due_at": "2020-01-01T00:00"}

    response = as_person(client, cast.di).post(f"/orders/new/?site={cast.site.pk}", given)

    assert response.status_code == 400
    assert "要求完成时间必须晚于现在。" in response.context["form"].errors["due_at"]


def test_the_whole_life_by_plain_posts(cast: People, client: Client) -> None:
    order = make_order(cast=cast, **soon())
    client = as_person(client, cast.di)
    choices = client.get(f"/orders/{order.pk}/").context["actions"][0].form.fields["assignee"]
    able = {person.pk for person in choices.queryset}
    assert cast.bo.pk in able
    assert not able & {cast.cy.pk, cast.di.pk, cast.ed.pk}

    move(client, order, "assign", assignee=str(cast.bo.pk), seen="new:")
    client = as_person(client, cast.bo)
    move(client, order, "start")
    refused = client.post(f"/orders/{order.pk}/move/finish/", {"finish-finding": "受潮"})
    move(client, order, "finish", finding="受潮", measures="更换")
    page = text_of(move(as_person(client, cast.di), order, "accept", note="合格"))

    order.refresh_from_db()
    moves = WorkOrderLog.objects.filter(order=order, entry="move").values_list("move", "by")
    assert refused.status_code == 400
    assert "data-open" in text_of(refused)
    assert "受潮" in text_of(refused)
    assert order.state == State.CLOSED
    assert list(moves) == [
        ("assign", cast.di.pk),
        ("start", cast.bo.pk),
        ("finish", cast.bo.pk),
        ("accept", cast.di.pk),
    ]
    for words in ("“验收通过”已完成。", "更换", "合格"):
        assert words in page


def test_the_second_of_two_is_told(cast: People, client: Client) -> None:
    order = make_order(cast=cast, state=State.IN_PROGRESS, **soon())
    seen = f"assigned:{cast.bo.pk}"

    page = text_of(move(as_person(client, cast.bo), order, "start", seen=seen))

    assert "已" in page
    assert 'data-state="in_progress"' in page
    assert WorkOrderLog.objects.filter(order=order, move="start").count() == 1


def test_a_move_that_the_table_lacks_is_refused(cast: People, client: Client) -> None:
    order = make_order(cast=cast, **soon())
    client = as_person(client, cast.di)

    page = text_of(move(client, order, "accept"))

    assert 'data-state="new"' in page
    assert "note-error" in page
    assert client.post(f"/orders/{order.pk}/move/teleport/").status_code == 404


def test_closing_over_an_active_alarm_says_so(cast: People, client: Client) -> None:
    alarm = make_alarm(site=cast.site, handling=Handling.VERIFIED, at=timezone.now())
    order = make_order(cast=cast, state=State.TO_ACCEPT, alarm_id=alarm.pk, **soon())

    page = text_of(move(as_person(client, cast.di), order, "accept"))

    assert "工单已关闭，但关联的告警仍未恢复。" in page
    # Back to those who decide: a second order may follow.
    assert Alarm.objects.get(pk=alarm.pk).handling == Handling.VERIFIED


def test_photos_are_kept_and_served_through_the_gate(cast: People, client: Client) -> None:
    order = make_order(cast=cast, state=State.IN_PROGRESS, **soon())
    url = f"/orders/{order.pk}/photos/"

    page = text_of(
        as_person(client, cast.bo).post(url, {"file": picture(), "caption": "接头"}, follow=True)
    )

    photo = order.photos.get()
    image = f"/orders/photos/{photo.pk}/"
    answer = client.get(image)
    assert "接头" in page
    assert image in page
    assert answer["Content-Type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8")
    assert "private" in answer["Cache-Control"]
    assert client.get(f"{image}small/").status_code == 200
    assert as_person(client, cast.cy).get(image).status_code == 404
    client.logout()
    assert client.get(image).status_code == 302


def test_what_is_no_picture_is_refused_beside_the_field(cast: People, client: Client) -> None:
    order = make_order(cast=cast, state=State.IN_PROGRESS, **soon())
    fake = picture()
    fake.seek(0)
    fake.file.write(b"<script>")  # type: ignore[union-attr]
    fake.seek(0)

    response = as_person(client, cast.bo).post(f"/orders/{order.pk}/photos/", {"file": fake})

    assert response.status_code == 400
    assert response.context["photo_form"].errors["file"]
    assert not order.photos.exists()


def test_notes_go_into_the_log(cast: People, client: Client) -> None:
    order = make_order(cast=cast, **soon())

    page = text_of(
        as_person(client, cast.bo).post(
            f"/orders/{order.pk}/note/", {"note": "明早到场"}, follow=True
        )
    )

    assert "明早到场" in page
    assert WorkOrderLog.objects.get(order=order, entry="note").by_id == cast.bo.pk


def test_htmx_gets_the_fresh_parts(cast: People, client: Client) -> None:
    order = make_order(cast=cast, **soon())

    part = text_of(
        as_person(client, cast.di).get(f"/orders/{order.pk}/", headers={"HX-Request": "true"})
    )

    assert part.lstrip().startswith('<div id="order"')
    assert part.count('hx-swap-oob="true"') == 4
    assert '<div id="dialogs" hx-swap-oob="true">' in part


def test_queries_of_a_detail(cast: People, client: Client) -> None:
    order = make_order(cast=cast, state=State.IN_PROGRESS, **soon())
    client = as_person(client, cast.di)
    url = f"/orders/{order.pk}/"
    client.get(url)
    before = queries_of(lambda: client.get(url))
    for word in ("一", "二", "三"):
        services.add_note(order_id=order.pk, note=word, by=cast.bo, door="web", now=timezone.now())

    count = queries_of(lambda: client.get(url))

    assert count == before
    check("order-detail", count)
