"""The record of changes: by whom, what was before, and nothing for what polling writes."""

from __future__ import annotations

import psycopg
import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.utils import timezone

from devices.models import Device, Gateway
from devices.tests.factories import make_device
from sites.models import Site, User
from sites.models.changes import newest_change
from sites.tests.factories import make_site, make_user, people

pytestmark = pytest.mark.django_db


def events(model: type) -> list[tuple[str, str]]:
    table = apps.get_model(model._meta.app_label, f"{model.__name__}Event")
    return list(table.objects.order_by("pgh_id").values_list("pgh_label", "name"))


def test_bulk_writers_are_on_record_too() -> None:
    site = make_site("旧名")
    Site.objects.filter(pk=site.pk).update(name="新名")
    site.name = "更新名"
    Site.objects.bulk_update([site], ["name"])
    Site.objects.filter(pk=site.pk).delete()

    assert events(Site) == [
        ("insert", "旧名"),
        ("update", "旧名"),
        ("update", "新名"),
        ("delete", "更新名"),
    ]


def test_polling_writes_no_history() -> None:
    device = make_device(name="电表")
    now = timezone.now()
    for row in (Device.objects.filter(pk=device.pk), Gateway.objects.all()):
        row.update(is_online=False, last_seen_at=now, link_changed_at=now, link_error="timeout")

    assert events(Device) == [("insert", "电表")]
    assert [label for label, _name in events(Gateway)] == ["insert"]


def test_the_newest_change_tells_that_something_changed() -> None:
    site = make_site("旧名")
    seen = [newest_change(Site, Device)]

    def look() -> None:
        seen.append(newest_change(Site, Device))

    device = make_device(site=site)
    look()
    Site.objects.filter(pk=site.pk).update(name="新名")
    look()
    device.save()
    look()
    device.delete()
    look()

    assert len(set(seen)) == len(seen)


@pytest.mark.django_db(transaction=True)
def test_who_commits_behind_the_newest_change_is_seen() -> None:
    early, late = make_site("甲"), make_site("乙")
    rename = "UPDATE sites_site SET name = %s WHERE id = %s"
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute(rename, ["甲一", early.pk])
        Site.objects.filter(pk=late.pk).update(name="乙一")
        before = newest_change(Site)
        other.commit()

    assert newest_change(Site) != before


def test_polling_is_no_change() -> None:
    device = make_device()
    before = newest_change(Device, Gateway)

    for row in (Device.objects.filter(pk=device.pk), Gateway.objects.all()):
        row.update(is_online=False, last_seen_at=timezone.now())

    assert newest_change(Device, Gateway) == before


def test_a_password_is_on_no_record() -> None:
    user = make_user("ana")
    user.set_password("something new and long")
    user.save()
    table = apps.get_model("sites", "UserEvent")

    assert not {"password", "last_login"} & {field.name for field in table._meta.fields}
    assert [label for (label,) in table.objects.values_list("pgh_label")] == ["insert"]


def test_the_door_and_the_person_are_kept(client: Client) -> None:
    cast = people()
    client.force_login(cast.adm)
    page = f"/admin/sites/team/{cast.team.pk}/change/"
    answer = client.post(
        page, {"organisation": cast.organisation.pk, "name": "二班", "name_en": ""}
    )
    table = apps.get_model("sites", "TeamEvent")

    assert answer.status_code == 302
    event = table.objects.filter(pgh_obj_id=cast.team.pk, pgh_label="update").get()
    facts = event.pgh_context.metadata
    assert event.name == "一班"
    assert User.objects.get(pk=facts["user"]) == cast.adm
    assert facts["door"] == "admin"
    assert len(facts["request"]) == 12
