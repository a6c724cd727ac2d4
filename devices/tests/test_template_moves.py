"""Devices move between versions when somebody says so; their history stays readable over it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.errors import Changed, Invalid
from devices import history, ingest
from devices.models import Device, TemplateVersion
from devices.services import template_moves
from devices.services.plan import PlanLoader, plan_key
from devices.services.templates import import_template
from devices.tests.factories import make_device, make_point
from devices.tests.samples import make_batch
from sites.tests.clients import api_client
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db

TEXT = """\
key: acme-1
vendor: {zh: 甲, en: Acme}
model: One
registers:
  - {point: Ua, unit: V, function_code: 3, address: 0, type: uint16, scale: 0.1}
  - {point: Ia, unit: A, function_code: 3, address: 1, type: uint16}
"""
NEWER = TEXT.replace("scale: 0.1", "scale: 0.01").replace(
    "{point: Ia, unit: A, function_code: 3, address: 1",
    "{point: Ub, unit: V, function_code: 3, address: 7",
)


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def versions(db: None) -> tuple[TemplateVersion, TemplateVersion]:
    for code in ("Ua", "Ub", "Ia"):
        make_point(code)
    return import_template(TEXT).version, import_template(NEWER).version


def take_in(device: Device, at: datetime, **values: float) -> None:
    device = Device.objects.select_related("template_version__layout").get(pk=device.pk)
    layout = device.template_version.layout
    batch = make_batch(
        layout_id=layout.pk,
        device_ids=[device.pk],
        site_ids=[device.site_id],
        at=[at.timestamp()],
        values=[[values[code] for code in layout.value_codes]],
        counters=[[]],
    )
    ingest.ingest(batch, now=at)


def test_a_device_stays_until_it_is_moved_and_its_history_stays_readable(
    cast: People, versions: tuple[TemplateVersion, TemplateVersion]
) -> None:
    old, new = versions
    device = make_device(site=cast.site, template_version=old)
    shard = device.bus.gateway.shard
    at = timezone.now() - timedelta(minutes=2)
    key = plan_key(shard)
    take_in(device, at, Ua=230.0, Ia=5.0)

    moved = template_moves.move_devices(version=old, target=new, by=cast.ana, now=timezone.now())
    take_in(device, at + timedelta(minutes=1), Ua=231.0, Ub=232.0)

    device.refresh_from_db()
    assert (moved, device.template_version) == ([device.pk], new)
    assert plan_key(shard) != key
    planned = PlanLoader(shard).load(now=timezone.now()).devices[device.pk]
    assert planned.version.pk == new.pk
    ua, ia, ub = history.series(
        points=[(device.pk, code) for code in ("Ua", "Ia", "Ub")],
        start=at - timedelta(minutes=5),
        end=at + timedelta(minutes=5),
    )
    assert [value for value in ua.value if value is not None] == [230.0, 231.0]
    assert [value for value in ia.value if value is not None] == [5.0]
    assert [value for value in ub.value if value is not None] == [232.0]


def test_only_devices_of_sites_that_one_maintains_are_moved(
    cast: People, versions: tuple[TemplateVersion, TemplateVersion]
) -> None:
    old, new = versions
    mine, other = (
        make_device(site=cast.site, template_version=old),
        make_device(template_version=old),
    )
    facts: dict[str, Any] = {"version": old, "target": new, "now": timezone.now()}

    with pytest.raises(Changed):
        template_moves.move_devices(**facts, by=cast.ana, device_ids=[mine.pk, other.pk])
    assert template_moves.move_devices(**facts, by=cast.bo) == []
    assert template_moves.move_devices(**facts, by=cast.ana) == [mine.pk]

    other.refresh_from_db()
    assert other.template_version == old


def test_versions_that_do_not_fit_are_refused(
    cast: People, versions: tuple[TemplateVersion, TemplateVersion]
) -> None:
    old, new = versions
    stranger = import_template(TEXT.replace("acme-1", "acme-2")).version
    template_moves.set_retired(template=old.template, version=new, is_retired=True)
    new.refresh_from_db()

    for target in (old, stranger, new):
        with pytest.raises(Invalid):
            template_moves.move_devices(version=old, target=target, by=cast.ana, now=timezone.now())


def test_the_page_asks_moves_and_takes_back(
    cast: People, versions: tuple[TemplateVersion, TemplateVersion], client: Client
) -> None:
    old, new = versions
    device = make_device(site=cast.site, template_version=old)
    make_device(template_version=old)
    client.force_login(cast.ana)
    address = reverse("devices:template-move", args=["acme-1"]) + "?from=1&to=2"

    page = client.get(address).content.decode()
    assert "<del>0.1</del>" in page
    assert "<ins>0.01</ins>" in page
    assert "测点有增减" in page
    assert page.count('name="device"') == 1
    refused = client.post(address, follow=True).content.decode()
    assert "请先选择设备" in refused
    done = client.post(address, {"device": [device.pk]}, follow=True).content.decode()
    device.refresh_from_db()
    assert "1 台设备已改用 v2" in done
    assert device.template_version == new
    template_moves.set_retired(template=old.template, version=old, is_retired=True)
    client.post(reverse("devices:template-unmove"))
    device.refresh_from_db()
    assert device.template_version == old
    assert (
        "没有可以撤销"
        in client.post(reverse("devices:template-unmove"), follow=True).content.decode()
    )


def test_a_retired_version_is_no_choice_but_its_devices_go_on(
    cast: People, versions: tuple[TemplateVersion, TemplateVersion], client: Client
) -> None:
    old, _new = versions
    device = make_device(site=cast.site, template_version=old)
    client.force_login(cast.adm)
    retire = reverse("devices:template-retire", args=["acme-1"])

    client.post(retire, {"version": "1", "is_retired": "1"})

    form = client.get(reverse("devices:meters-add") + f"?gateway={device.bus.gateway_id}").context[
        "form"
    ]
    assert [str(v.number) for v in form.fields["template_version"].queryset] == ["2"]
    now = datetime.now(tz=UTC)
    assert device.pk in PlanLoader(device.bus.gateway.shard).load(now=now).devices
    client.post(retire, {"is_retired": "1"})
    assert set(old.template.versions.values_list("state", flat=True)) == {"retired"}
    client.post(retire, {"is_retired": "0"})
    assert "retired" not in old.template.versions.values_list("state", flat=True)
    assert client.post(retire, {"version": "nonsense", "is_retired": "1"}).status_code == 404


def test_the_api_looks_moves_and_refuses_by_field(
    cast: People, versions: tuple[TemplateVersion, TemplateVersion]
) -> None:
    old, new = versions
    device = make_device(site=cast.site, template_version=old)
    ana, address = api_client(cast.ana), "/api/v1/templates/acme-1/move/"
    body = {"from_version": 1, "to_version": 2, "devices": [device.pk]}

    looked = ana.post(address, body | {"dry_run": True}, format="json").json()
    device.refresh_from_db()
    assert (looked["devices"], device.template_version) == ([device.pk], old)
    assert (looked["difference"]["added"], looked["difference"]["removed"]) == (["Ub"], ["Ia"])
    assert ana.post(address, body, format="json").json()["devices"] == [device.pk]
    again = ana.post(address, body, format="json")
    same = ana.post(address, body | {"to_version": 1}, format="json")

    device.refresh_from_db()
    assert device.template_version == new
    assert (again.status_code, same.status_code) == (409, 400)
    assert "to_version" in str(same.json())
    assert ana.get("/api/v1/templates/acme-1/").json()["versions"][0]["devices"] == 1
    assert ana.get("/api/v1/templates/?use=behind").json()["results"] == []


def test_by_api_a_version_leaves_the_choice_and_comes_back(
    cast: People, versions: tuple[TemplateVersion, TemplateVersion]
) -> None:
    adm, address = api_client(cast.adm), "/api/v1/templates/acme-1/retire/"

    one = adm.post(address, {"is_retired": True, "version": 1}, format="json")
    whole = adm.post(address, {"is_retired": True}, format="json")
    back = adm.post(address, {"is_retired": False}, format="json")

    assert [row["state"] for row in one.json()["versions"]] == ["published", "retired"]
    assert (one.json()["is_retired"], whole.json()["is_retired"]) == (False, True)
    assert {row["state"] for row in back.json()["versions"]} == {"published"}
    assert adm.post(address, {"is_retired": True, "version": 9}, format="json").status_code == 404
    assert adm.post(address, {"version": 1}, format="json").status_code == 400
    ana = api_client(cast.ana)
    assert ana.post(address, {"is_retired": True}, format="json").status_code == 403
