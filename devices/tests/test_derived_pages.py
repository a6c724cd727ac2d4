"""Derived points by page and REST: made, tried, changed, retired; what is wrong is said in place."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from devices import history, live
from devices.models import DerivedPoint, Device
from devices.tests.factories import make_derived, make_device, make_template_version
from devices.tests.samples import make_batch
from sites.tests.clients import api_client
from sites.tests.factories import People, people
from tests.queries import queries_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def device(cast: People) -> Device:
    """A meter with the last ten minutes, 1 kW more each minute."""
    version = make_template_version(value_codes=("P", "Ua"), counter_codes=("EPI",))
    device = make_device(site=cast.site, name="总表", template_version=version)
    now = timezone.now()
    batch = make_batch(
        layout_id=version.layout_id,
        device_ids=[device.pk] * 10,
        site_ids=[device.site_id] * 10,
        at=[(now - timedelta(minutes=9 - n)).timestamp() for n in range(10)],
        values=[[float(n), 230.0] for n in range(10)],
        counters=[[1.0]] * 10,
    )
    history.prepare(batch)
    history.append(batch)
    live.store(batch, now=now)
    return device


@pytest.fixture
def ana(cast: People, client: Client) -> Client:
    client.force_login(cast.ana)
    return client


def facts(formula: str, **more: Any) -> dict[str, Any]:
    return {"name": "两倍", "formula": formula, "decimals": 1, "action": "save"} | more


def test_it_is_tried_then_saved_and_listed_with_its_value(
    ana: Client, cast: People, device: Device
) -> None:
    address = f"/sites/{cast.site.pk}/derived/add/"
    given = facts(f"d{device.pk}:P × 2")

    tried = ana.post(address, given | {"action": "try"})

    assert tried.status_code == 200
    preview = tried.context["preview"]
    assert (preview["present"].value, preview["point"].row.unit) == (18.0, "kW")
    assert preview["chart"]["panels"][0]["series"][0]["value"] == [2.0 * n for n in range(10)]
    assert not DerivedPoint.objects.exists()
    assert ana.post(address, given).status_code == 302
    page = ana.get(f"/sites/{cast.site.pk}/derived/").content.decode()
    assert '18.0 <span class="faint">kW</span>' in page
    assert "总表 · 测点 P" in page


def test_what_is_wrong_stands_beside_the_field_and_what_was_typed_stays(
    ana: Client, cast: People, device: Device
) -> None:
    address = f"/sites/{cast.site.pk}/derived/add/"
    for action in ("try", "save"):
        answer = ana.post(address, facts(f"d{device.pk}:P + + (", action=action))
        assert answer.status_code == 400
        assert "个字符" in answer.context["form"].errors["formula"][0]
        assert f"d{device.pk}:P + + (" in answer.content.decode()


def test_it_is_changed_and_retired_in_the_form(ana: Client, cast: People, device: Device) -> None:
    row = make_derived(site=cast.site, by=cast.ana, formula=f"d{device.pk}:P")
    address = f"/derived/{row.pk}/"

    ana.post(address, facts(f"d{device.pk}:Ua", unit="V", is_active="on"))
    row.refresh_from_db()
    assert (row.formula, row.unit, row.name) == (f"d{device.pk}:Ua", "V", "两倍")
    ana.post(address, facts(row.formula, unit="V"))
    row.refresh_from_db()
    assert not row.is_active
    assert "已停用" in ana.get(f"/sites/{cast.site.pk}/derived/").content.decode()
    assert f'data-insert="d{device.pk}:Ua"' in (
        ana.get(f"/derived/devices/{device.pk}/").content.decode()
    )


def test_a_list_asks_the_same_of_the_database_however_long_it_is(
    ana: Client, cast: People, device: Device
) -> None:
    address = f"/sites/{cast.site.pk}/derived/"
    make_derived(site=cast.site, by=cast.ana, formula=f"d{device.pk}:P")
    ana.get(address)
    before = queries_of(lambda: ana.get(address))
    for _n in range(3):
        last = make_derived(site=cast.site, by=cast.ana, formula=f"d{device.pk}:P / 3")
        make_derived(site=cast.site, by=cast.ana, formula=f"{last.word} + 1")
    assert queries_of(lambda: ana.get(address)) == before


def test_by_rest_it_is_made_read_changed_and_retired(cast: People, device: Device) -> None:
    client = api_client(cast.ana)
    made = client.post(
        f"/api/v1/sites/{cast.site.pk}/derived-points/",
        {"name": "两倍", "formula": f"d{device.pk}:P * 2"},
        content_type="application/json",
    )
    assert made.status_code == 201
    body = made.json()
    assert (body["unit"], body["fault"], body["latest"]["value"]) == ("kW", "", 18.0)
    assert body["inputs"] == [{"word": f"d{device.pk}:P", "name": "总表 · 测点 P"}]
    address = f"/api/v1/derived-points/{body['number']}/"

    series = client.get(f"{address}series/").json()
    assert series["value"] == [2.0 * n for n in range(10)]
    wrong = client.patch(address, {"formula": "1 + x99"}, content_type="application/json")
    assert wrong.status_code == 400
    assert "第 5 个字符" in wrong.json()["fields"]["formula"][0]
    nothing = client.patch(address, {"formula": "abs("}, content_type="application/json")
    assert nothing.status_code == 400
    assert client.delete(address).status_code == 204
    gone = client.get(address).json()
    assert (gone["is_active"], gone["latest"]) == (False, None)
    assert "停用" in gone["fault"]
    assert client.get(f"{address}series/").json()["at_s"] == []
    back = client.patch(address, {"is_active": True}, content_type="application/json").json()
    assert back["latest"]["value"] == 18.0
    listed = client.get(f"/api/v1/sites/{cast.site.pk}/derived-points/").json()
    assert [row["number"] for row in listed["results"]] == [body["number"]]
