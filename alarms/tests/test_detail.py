"""The page of an alarm: its place, neighbours, past, curve, remarks with pictures, the way it came."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from alarms import selectors, services
from alarms.models import Alarm, AlarmPhoto
from alarms.tests.factories import NOW, bring, make_alarm, make_rule, recover
from core.errors import Invalid
from devices.models import Device
from devices.tests.factories import make_bus, make_device, make_gateway, make_template_version
from sites.models import Grant
from sites.tests.factories import People, make_circuit, make_room, people
from workorders.tests.factories import picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


def test_the_place_tells_the_worst_of_each_level(cast: People) -> None:
    room = make_room("一号配电室", site=cast.site)
    circuit = make_circuit("401", room=room)
    device = make_device(site=cast.site, room=room, circuit=circuit)
    alarm = make_alarm(device=device, rule=make_rule(severity="minor"))
    make_alarm(site=cast.site, rule=make_rule(severity="critical"))
    make_alarm(site=cast.other_site, rule=make_rule(severity="critical"))
    make_alarm(device=device, rule=make_rule(severity="critical"), handling="archived")

    levels = selectors.place_of(alarm=alarm)

    assert [(level.kind, level.worst, level.count) for level in levels] == [
        ("enterprise", "critical", 2),
        ("site", "critical", 2),
        ("room", "minor", 1),
        ("circuit", "minor", 1),
        ("device", "minor", 1),
    ]


def test_neighbours_in_time_are_near_in_time_and_place(cast: People) -> None:
    device = make_device(site=cast.site)
    alarm = make_alarm(device=device, at=NOW)
    near = make_alarm(device=device, at=NOW + timedelta(minutes=20))
    elsewhere = make_alarm(site=cast.site, at=NOW - timedelta(minutes=29), handling="archived")
    make_alarm(device=device, at=NOW + timedelta(minutes=31))
    make_alarm(site=cast.other_site, at=NOW)

    found = list(selectors.around(alarm=alarm, within=timedelta(minutes=30)))

    assert [(row.pk, row.nearness) for row in found] == [(near.pk, 0), (elsewhere.pk, 4)]


def test_the_past_counts_raisings_per_day_of_the_site(cast: People) -> None:
    device, rule = make_device(site=cast.site), make_rule()
    before = make_alarm(device=device, rule=rule, at=NOW - timedelta(days=3), handling="archived")
    alarm = make_alarm(device=device, rule=rule, at=NOW)
    recover(alarm, at=NOW + timedelta(minutes=3))

    past = selectors.past_of(alarm=alarm, now=NOW + timedelta(hours=1))

    assert len(past.days) == 30
    assert {f"{day:%m-%d}": count for day, count in past.days if count} == {
        "11-17": 1,
        "11-20": 1,
    }
    assert past.mean_s == 120.0  # one minute and three
    assert {row.pk for row in past.alarms} == {alarm.pk, before.pk}


def test_the_way_through_the_list_that_one_came_from(cast: People, client: Client) -> None:
    device = make_device(site=cast.site)
    rows = [
        make_alarm(device=device, rule=make_rule(severity=severity))
        for severity in ("critical", "major", "minor")
    ]
    bring(rows[1], "verified")
    client.force_login(cast.di)

    def trail(pk: int, query: str) -> Any:
        return client.get(f"/alarms/{pk}/", {"in": query}).context["trail"]

    whole = trail(rows[1].pk, "view=open")
    part = trail(rows[0].pk, "view=unverified")
    assert (whole["number"], whole["total"]) == (2, 3)
    assert (whole["before"], whole["after"]) == (rows[0].pk, rows[2].pk)
    assert (part["before"], part["after"], part["total"]) == (None, rows[2].pk, 2)
    left = trail(rows[1].pk, "view=unverified")
    assert (left["number"], left["before"], left["after"]) == (None, None, rows[0].pk)
    assert trail(rows[1].pk, "view=archived")["after"] is None
    assert trail(rows[1].pk, "site=abc") is None


def test_remarks_carry_pictures_behind_the_gate(cast: People, client: Client) -> None:
    alarm = make_alarm(site=cast.site)
    client.force_login(cast.di)

    page = client.post(
        f"/alarms/{alarm.pk}/comment/",
        {"note": "红外照片", "photos": [picture(), picture()]},
        follow=True,
    )

    photos = list(AlarmPhoto.objects.all())
    assert alarm.log.last().facts == {"photos": [photo.pk for photo in photos]}
    assert page.content.decode().count("/small/") == 2
    url = f"/alarms/photos/{photos[0].pk}/"
    assert client.get(url)["Content-Type"] == "image/jpeg"
    client.force_login(cast.cy)
    assert client.get(url).status_code == client.get(f"{url}small/").status_code == 404


def test_a_broken_picture_keeps_the_words_and_leaves_nothing_behind(
    cast: People, client: Client
) -> None:
    alarm = make_alarm(site=cast.site)
    client.force_login(cast.di)
    broken = SimpleUploadedFile("x.jpg", b"no picture", "image/jpeg")

    page = client.post(
        f"/alarms/{alarm.pk}/comment/", {"note": "先写的话", "photos": [picture(), broken]}
    )

    assert page.status_code == 400
    assert "先写的话" in page.content.decode()
    assert "无法识别的照片" in page.content.decode()
    assert not AlarmPhoto.objects.exists()
    with pytest.raises(Invalid, match="提交"):
        services.comment(
            alarm_id=alarm.pk,
            note="",
            by=cast.di,
            door="web",
            now=NOW,
            photos=[picture() for _ in range(5)],
        )


def test_the_record_of_people_alone(cast: People, client: Client) -> None:
    alarm = make_alarm(site=cast.site)
    bring(alarm, "verified", by=cast.ana)
    client.force_login(cast.di)

    everything = client.get(f"/alarms/{alarm.pk}/").context["log"]
    people_only = client.get(f"/alarms/{alarm.pk}/?log=people").context["log"]

    assert [row.move for row in everything] == ["verify", "raise"]
    assert [row.move for row in people_only] == ["verify"]


def test_the_curve_is_for_those_who_may_see_the_class(cast: People, client: Client) -> None:
    alarm = make_alarm(site=cast.site, at=timezone.now() - timedelta(minutes=5))
    client.force_login(cast.di)

    body = client.get(f"/alarms/{alarm.pk}/curve/?window=30").json()

    assert body["to"] - body["from"] == 3600
    assert [line["value"] for line in body["limits"]][0] == 300.0
    assert body["event"]["tone"] == "major"
    Grant.objects.filter(user=cast.di).update(data_classes=["energy"])
    assert client.get(f"/alarms/{alarm.pk}/curve/").status_code == 404


def test_the_preview_offers_the_next_moves(cast: People, client: Client) -> None:
    alarm = make_alarm(site=cast.site)
    client.force_login(cast.di)
    text = client.get(f"/alarms/{alarm.pk}/preview/").content.decode()
    assert f"/alarms/bulk/verify/?id={alarm.pk}" in text

    client.force_login(cast.gu)
    assert "/alarms/bulk/" not in client.get(f"/alarms/{alarm.pk}/preview/").content.decode()
    assert Alarm.objects.get(pk=alarm.pk).handling == "unverified"


def test_the_curve_goes_on_in_the_explorer(cast: People, client: Client) -> None:
    device = make_device(site=cast.site, template_version=make_template_version())
    alarm = make_alarm(device=device, at=timezone.now() - timedelta(minutes=5))
    client.force_login(cast.di)

    query = client.get(f"/alarms/{alarm.pk}/?window=30").context["explorer"]

    assert f"point={device.pk}%3A{alarm.point_code}" in query
    assert client.get(f"/curves/?{query}").context["query"].compare == "day"
    assert client.get(f"/curves/csv/?{query}")["Content-Type"].startswith("text/csv")
    Grant.objects.filter(user=cast.di).update(data_classes=["energy"])
    assert client.get(f"/alarms/{alarm.pk}/").context["explorer"] == ""


def test_every_level_of_the_place_has_its_page(cast: People, client: Client) -> None:
    room = make_room("一号配电室", site=cast.site)
    circuit = make_circuit("401", room=room)
    device = make_device(
        bus=make_bus(gateway=make_gateway(site=cast.site)), room=room, circuit=circuit
    )
    alarm = make_alarm(device=device)
    client.force_login(cast.di)

    text = client.get(f"/alarms/{alarm.pk}/").content.decode()
    place = text[text.index('class="place"') : text.index("near")]
    links = re.findall(r'<li class="place-\w+"[^>]*>.*?<a href="([^"]+)"', place)

    assert links == [
        f"/sites/?enterprise={cast.site.enterprise_id}",
        f"/sites/{cast.site.pk}/",
        f"/live/?room={room.pk}",
        f"/live/?circuit={circuit.pk}",
        f"/live/?device={device.pk}",
    ]
    assert {client.get(link).status_code for link in links} == {200}
    Device.objects.filter(pk=device.pk).update(is_enabled=False)
    assert links[-1] not in client.get(f"/alarms/{alarm.pk}/").content.decode()


def test_digits_that_are_no_numbers_break_nothing(cast: People, client: Client) -> None:
    alarm = make_alarm(site=cast.site)
    client.force_login(cast.di)

    assert client.get(f"/alarms/{alarm.pk}/?window=²").context["window"] == 120
    assert client.get("/alarms/bulk/verify/?id=²").status_code == 404
