"""The live page: the tree, the table of one device, the summary of a place."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from devices import live
from devices.models import Device, PointOverride
from devices.tests.factories import (
    make_bus,
    make_device,
    make_gateway,
    make_point,
    make_template_version,
)
from devices.tests.samples import make_batch
from sites.models import Grant
from sites.tests.factories import People, make_circuit, make_room, people
from tests.queries import check, queries_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def device(cast: People) -> Device:
    """A meter of the cast's site: a voltage, a current, a breaker, a counter; read every 10 s."""
    version = make_template_version(value_codes=("Ua", "Ia", "DI1"), counter_codes=("EPI",))
    room = make_room("一号室", site=cast.site)
    incomer = make_circuit("进线", room=room)
    feeder = make_circuit("出线", room=room, parent=incomer)
    bus = make_bus(gateway=make_gateway(site=cast.site, period_s=10))
    return make_device(bus=bus, name="总表", room=room, circuit=feeder, template_version=version)


def sample(device: Device, *, age_s: float = 1.0, **facts: Any) -> None:
    now = timezone.now()
    defaults: dict[str, Any] = {
        "layout_id": device.template_version.layout_id,
        "device_ids": [device.pk],
        "site_ids": [device.site_id],
        "at": [now.timestamp() - age_s],
        "values": [[230.44, 12.5, 1.0]],
        "counters": [[1234.5]],
    }
    live.store(make_batch(**(defaults | facts)), now=now)


def as_person(client: Client, person: Any) -> Client:
    client.force_login(person)
    return client


def text_of(response: Any) -> str:
    return str(response.content.decode())


def cell_of(response: Any, code: str) -> Any:
    rows = [row for section in response.context["sections"] for row in section.rows]
    return next(cell for row in rows for cell in row.cells.values() if cell.code == code)


def codes_of(response: Any) -> set[str]:
    rows = [row for section in response.context["sections"] for row in section.rows]
    return {cell.code for row in rows for cell in row.cells.values()}


def test_the_table_shows_values_units_and_words(
    cast: People, device: Device, client: Client
) -> None:
    sample(device)

    response = as_person(client, cast.bo).get(f"/live/?device={device.pk}")

    page = text_of(response)
    voltage = cell_of(response, "Ua")
    assert (voltage.value, voltage.is_good, voltage.is_stale) == (
        pytest.approx(230.44, abs=0.01),
        True,
        False,
    )
    assert ">230.4</span>" in page
    assert "合闸" in page
    assert f'data-live="{device.pk}:Ua"' in page
    assert "模拟" in page


def test_old_values_are_grey_and_very_old_ones_a_dash(
    cast: People, device: Device, client: Client
) -> None:
    client = as_person(client, cast.bo)

    sample(device, age_s=25)
    stale = cell_of(client.get(f"/live/?device={device.pk}"), "Ua")
    sample(device, age_s=101)
    gone = cell_of(client.get(f"/live/?device={device.pk}"), "Ua")

    assert (stale.value is not None, stale.is_stale) == (True, True)
    assert (gone.value, gone.is_good) == (None, False)
    assert gone.at is not None


def test_bad_and_absent_values_are_a_dash(cast: People, device: Device, client: Client) -> None:
    client = as_person(client, cast.bo)
    empty = cell_of(client.get(f"/live/?device={device.pk}"), "Ua")
    sample(device, flags=[b"\x01"], quality=[1])

    response = client.get(f"/live/?device={device.pk}")

    assert (empty.value, empty.at) == (None, None)
    assert cell_of(response, "Ua").value is None
    assert cell_of(response, "Ia").value == 12.5


def test_points_are_filtered_by_the_class_of_data(
    cast: People, device: Device, client: Client
) -> None:
    Grant.objects.filter(user=cast.gu).update(data_classes=["safety"])
    client = as_person(client, cast.gu)

    response = client.get(f"/live/?device={device.pk}")

    codes = codes_of(response)
    assert codes == {"Ua", "DI1"}
    assert client.get(f"/curves/?point={device.pk}:Ua").status_code == 200
    assert client.get(f"/curves/?point={device.pk}:Ia").status_code == 404
    assert client.get(f"/curves/drawer/?point={device.pk}:Ia").status_code == 404


def test_points_that_are_not_connected_are_left_out(
    cast: People, device: Device, client: Client
) -> None:
    PointOverride.objects.create(device=device, point=make_point("Ia"), is_enabled=False)
    PointOverride.objects.create(device=device, point=make_point("Ua"), name="母线电压")

    response = as_person(client, cast.bo).get(f"/live/?device={device.pk}")

    codes = codes_of(response)
    assert codes == {"Ua", "DI1", "EPI"}
    assert cell_of(response, "Ua").label == "母线电压"


def test_a_foreign_device_is_not_there(cast: People, device: Device, client: Client) -> None:
    urls = [
        f"/live/?device={device.pk}",
        f"/live/tree/{device.site_id}/",
        f"/live/?circuit={device.circuit_id}",
        f"/live/?room={device.room_id}",
        f"/live/?site={device.site_id}",
        f"/live/?enterprise={device.site.enterprise_id}",
        f"/curves/?point={device.pk}:Ua",
        f"/curves/drawer/?point={device.pk}:Ua",
        f"/curves/csv/?point={device.pk}:Ua",
        f"/curves/site/{device.site_id}/",
        f"/curves/device/{device.pk}/",
    ]

    for url in urls:
        assert client.get(url).status_code == 302
    client = as_person(client, cast.cy)
    for url in urls:
        assert client.get(url).status_code == 404, url


def test_the_tree_follows_rooms_and_circuits(cast: People, device: Device, client: Client) -> None:
    loose = make_device(bus=device.bus, name="散表")

    branch = as_person(client, cast.bo).get(f"/live/?site={cast.site.pk}").context["branch"]

    room = branch.children[0]
    incomer = room.children[0]
    assert room.label == "一号室"
    assert [child.label for child in incomer.children] == ["出线"]
    assert [leaf.device for leaf in incomer.children[0].devices] == [device]
    assert [leaf.device for leaf in branch.devices] == [loose]


def test_devices_are_found_by_words_and_link(cast: People, device: Device, client: Client) -> None:
    make_device(site=cast.other_site, name="总表")
    Device.objects.filter(pk=device.pk).update(is_online=False)
    client = as_person(client, cast.bo)

    found = client.get("/live/?q=总表").context
    offline = client.get("/live/?link=offline").context
    online = client.get("/live/?link=online").context

    assert [leaf.device.pk for leaf in found["found"]] == [device.pk]
    assert (offline["found_total"], online["found_total"]) == (1, 0)


def test_htmx_gets_the_table_alone(cast: People, device: Device, client: Client) -> None:
    client = as_person(client, cast.bo)

    part = text_of(client.get(f"/live/?device={device.pk}", headers={"HX-Request": "true"}))

    assert part.lstrip().startswith('<section class="card" id="device"')


def test_queries_do_not_grow_with_devices(cast: People, device: Device, client: Client) -> None:
    client = as_person(client, cast.bo)
    url = f"/live/?device={device.pk}"
    client.get(url)
    before = queries_of(lambda: client.get(url))
    for _ in range(3):
        circuit = make_circuit(room=device.room)
        make_device(bus=device.bus, circuit=circuit, template_version=device.template_version)

    count = queries_of(lambda: client.get(url))

    assert count == before
    check("live", count)
