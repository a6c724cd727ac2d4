"""What people wish for themselves: by REST, in the frame of the pages, and a message with a way back."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from core.http import flash_done, toast
from sites import services
from sites.tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_wishes_by_rest(client: Client) -> None:
    user = make_user("ana")
    client.force_login(user)

    answer = client.patch(
        "/api/v1/me/",
        {"density": "compact", "has_shortcuts": False},
        content_type="application/json",
    )

    assert answer.status_code == 200
    user.refresh_from_db()
    assert (user.density, user.has_shortcuts, user.has_alarm_sound) == ("compact", False, False)
    assert b'data-shortcuts="off"' in client.get("/profile/").content


def test_what_is_not_given_stays() -> None:
    user = services.edit_profile(user=make_user("ana", name="安娜"), theme="dark")

    assert (user.name, user.theme) == ("安娜", "dark")


def test_the_session_tells_its_end_and_is_prolonged(client: Client) -> None:
    client.force_login(make_user("ana"))
    Session.objects.update(expire_date=timezone.now() + timedelta(minutes=2))

    left = client.get("/session/").json()["seconds_left"]
    longer = client.post("/session/").json()["seconds_left"]

    assert 100 < left <= 120
    assert longer == 12 * 3600
    assert Session.objects.get().expire_date > timezone.now() + timedelta(hours=11)


def test_a_done_thing_carries_its_way_back(client: Client, rf: RequestFactory) -> None:
    client.force_login(make_user("ana"))
    request = client.get("/profile/").wsgi_request

    flash_done(request, "已归档。", undo_url="/alarms/3/undo/")

    (message,) = get_messages(request)
    assert (str(message), message.level_tag) == ("已归档。", "success")
    assert "undo:/alarms/3/undo/" in message.extra_tags
    answer = toast(HttpResponse(), "已归档。", undo={"url": "/u/"})
    assert '"url": "/u/"' in answer["HX-Trigger"]
