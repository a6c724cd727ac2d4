"""Many equal meters in one go: numbered, placed, all or none."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.errors import Invalid
from devices.models import Bus, Device
from devices.services import batches
from devices.tests.factories import make_bus, make_device, make_gateway, make_template_version
from sites.tests.factories import People, make_circuit, make_room, people

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def bus(cast: People) -> Bus:
    return make_bus(gateway=make_gateway(site=cast.site))


def wanted(bus: Bus, **facts: Any) -> batches.Batch:
    defaults: dict[str, Any] = {
        "bus": bus,
        "template_version": make_template_version(),
        "first_address": 1,
        "count": 50,
        "name": "3AP-##",
    }
    return batches.Batch(**defaults | facts)


def test_fifty_meters_are_made_with_their_numbers_and_ratios(bus: Bus) -> None:
    batch = wanted(bus, code="M#", first_number=8, first_address=101, ct=40)

    made = batches.add_meters(batch=batch, now=timezone.now())

    assert len(made) == 50
    first, last = made[0], made[-1]
    assert (first.name, first.code, first.unit_id) == ("3AP-08", "M8", 101)
    assert (last.name, last.code, last.unit_id) == ("3AP-57", "M57", 150)
    assert first.site == bus.gateway.site
    assert "3ap-08" in Device.objects.get(pk=first.pk).search_text
    assert {d.ratios.get().ct for d in made} == {40}


def test_a_collision_is_named_and_nothing_is_made(bus: Bus) -> None:
    make_device(bus=bus, name="旧表", unit_id=7)
    batch = wanted(bus)

    planned = batches.plan_meters(batch=batch)
    with pytest.raises(Invalid):
        batches.add_meters(batch=batch, now=timezone.now())

    assert [one.device.unit_id for one in planned if one.problems] == [7]
    assert "旧表" in planned[6].problems[0]
    assert bus.devices.count() == 1


def test_free_circuits_are_given_out_in_their_order(bus: Bus) -> None:
    room = make_room("一号室", site=bus.gateway.site)
    circuits = {n: make_circuit(f"出线{n}", room=room, code=f"N{n}") for n in (10, 2, 1, 3, 9)}
    make_device(bus=bus, unit_id=200, circuit=circuits[3])
    batch = wanted(bus, count=3, first_circuit=circuits[2])

    made = batches.add_meters(batch=batch, now=timezone.now())

    assert [d.circuit.code for d in made] == ["N2", "N9", "N10"]
    assert {d.room for d in made} == {room}
    with pytest.raises(Invalid):
        batches.plan_meters(batch=wanted(bus, count=9, first_circuit=circuits[2]))


@pytest.mark.parametrize(
    "facts",
    [
        {"name": "没有序号"},
        {"first_address": 240},
        {"count": 0},
        {"code": "X"},
    ],
)
def test_what_makes_no_sense_is_refused_by_field(bus: Bus, facts: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        batches.plan_meters(batch=wanted(bus, **facts))

    assert set(refused.value.fields) == set(facts)


def test_the_form_previews_then_makes(cast: People, bus: Bus, client: Client) -> None:
    version = make_template_version()
    client.force_login(cast.ana)
    page = f"/meters/add/?gateway={bus.gateway_id}"
    facts = {
        "template_version": version.pk,
        "bus": bus.pk,
        "first_address": 1,
        "count": 3,
        "name": "电表 ##",
        "first_number": 1,
    }

    assert client.get(page).status_code == 200
    preview = client.post(page, facts | {"action": "preview"})
    assert "电表 03" in preview.text
    assert not Device.objects.exists()
    done = client.post(page, facts | {"action": "create"})
    assert done.status_code == 302
    assert Device.objects.filter(site=cast.site).count() == 3
    again = client.post(page, facts | {"action": "create"})
    assert again.status_code == 400
    assert "已被" in again.text


def test_another_sites_bus_is_no_choice(cast: People, bus: Bus, client: Client) -> None:
    other = make_bus(gateway=make_gateway(site=cast.other_site))
    client.force_login(cast.ana)

    answer = client.post(
        f"/meters/add/?gateway={bus.gateway_id}", {"bus": other.pk, "action": "create"}
    )

    assert answer.status_code == 400
    assert client.get(f"/meters/add/?gateway={other.gateway_id}").status_code == 404
