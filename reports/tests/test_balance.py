"""Main–sub balance: whole, over the limit, with a circuit nobody measures, with a meter exchanged."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from devices import history
from devices.models import Device
from devices.tests.factories import make_bus, make_device, make_gateway, make_template_version
from devices.tests.samples import make_batch
from reports.selectors.balance import balances, period_of
from sites.models import Circuit, Grant, Room, User
from sites.rules import DataClass
from sites.tests.clients import api_client
from sites.tests.factories import People, make_circuit, make_room, make_transformer, people

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 11, 19, 16, tzinfo=UTC)  # midnight of the 20th in Shanghai
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def cast() -> People:
    return people()


class Plant:
    """An incomer with two feeders, a transformer above, counters read each quarter of an hour."""

    def __init__(self, cast: People) -> None:
        self.cast = cast
        self.room: Room = make_room(site=cast.site)
        self.transformer = make_transformer("1#变", room=self.room)
        self.incomer = self.circuit("进线", transformer=self.transformer, kind="incomer")
        self.version = make_template_version(value_codes=("P",), counter_codes=("EPI",))
        self.bus = make_bus(gateway=make_gateway(site=cast.site))

    def circuit(self, name: str, **facts: Any) -> Circuit:
        return make_circuit(name, room=self.room, **facts)

    def meter(self, circuit: Circuit, kwh_per_quarter: float, quarters: int = 97) -> Device:
        number = Device.objects.count() + 1
        device = make_device(
            bus=self.bus, unit_id=number, circuit=circuit, template_version=self.version
        )
        at = [(DAY + timedelta(minutes=15 * n)).timestamp() for n in range(quarters)]
        batch = make_batch(
            layout_id=self.version.layout_id,
            device_ids=[device.pk] * quarters,
            site_ids=[device.site_id] * quarters,
            at=at,
            values=[[1.0]] * quarters,
            counters=[[1000.0 + kwh_per_quarter * n] for n in range(quarters)],
        )
        history.prepare(batch)
        history.append(batch)
        return device

    def rows(self, user: User | None = None) -> dict[str, Any]:
        period = period_of(site=self.cast.site, day="2026-11-20", month="", now=NOW)
        found = balances(user=user or self.cast.bo, site=self.cast.site, period=period)
        return {row.kind: row for row in found}


@pytest.fixture
def plant(cast: People) -> Plant:
    return Plant(cast)


@pytest.mark.parametrize(
    ("second", "percent", "is_over"), [(3.9, 1.0, False), (3.0, 10.0, True), (5.0, -10.0, True)]
)
def test_the_difference_of_a_day_is_told_at_every_level(
    plant: Plant, *, second: float, percent: float, is_over: bool
) -> None:
    plant.meter(plant.incomer, 10.0)
    plant.meter(plant.circuit("一", parent=plant.incomer), 6.0)
    plant.meter(plant.circuit("二", parent=plant.incomer), second)

    found = plant.rows()

    assert list(found) == ["site", "transformer", "circuit"]
    for row in found.values():
        assert row.main.kwh == pytest.approx(960.0)
        assert row.parts_kwh == pytest.approx(96 * (6.0 + second))
        assert row.percent == pytest.approx(percent)
        assert (row.is_whole, row.is_over) == (True, is_over)


def test_the_limit_is_the_sites(plant: Plant) -> None:
    plant.cast.site.balance_limit_percent = 15
    plant.meter(plant.incomer, 10.0)
    plant.meter(plant.circuit("一", parent=plant.incomer), 9.0)

    assert not plant.rows()["circuit"].is_over


def test_what_nobody_measures_is_told_and_nothing_is_judged(plant: Plant) -> None:
    plant.meter(plant.incomer, 10.0)
    plant.meter(plant.circuit("一", parent=plant.incomer), 1.0)
    plant.circuit("没有表", parent=plant.incomer)
    plant.circuit("电容", parent=plant.incomer, kind="capacitor")

    row = plant.rows()["circuit"]

    assert [one.name for one in row.unmetered] == ["没有表"]
    assert row.difference_kwh == pytest.approx(864.0)
    assert (row.is_whole, row.is_over) == (False, False)


def test_a_meter_that_was_silent_is_told_not_zero(plant: Plant) -> None:
    plant.meter(plant.incomer, 10.0)
    plant.meter(plant.circuit("半天", parent=plant.incomer), 5.0, quarters=49)
    silent = plant.circuit("无数据", parent=plant.incomer)
    plant.meter(silent, 5.0, quarters=1)

    row = plant.rows()["circuit"]

    assert [one.name for one in row.lacking] == ["半天", "无数据"]
    assert [part.amount.kwh for part in row.parts] == [pytest.approx(240.0), None]
    assert not row.is_whole
    assert not row.is_over


def test_two_incomers_of_which_one_has_no_meter_give_no_total(plant: Plant) -> None:
    plant.meter(plant.incomer, 10.0)
    plant.meter(plant.circuit("一", parent=plant.incomer), 9.9)
    plant.circuit("二进线", kind="incomer")

    found = plant.rows()

    assert found["site"].main.kwh is None
    assert found["site"].difference_kwh is None
    assert found["circuit"].is_whole


def test_energy_is_a_class_of_data(plant: Plant) -> None:
    plant.meter(plant.incomer, 10.0)
    plant.meter(plant.circuit("一", parent=plant.incomer), 9.9)
    Grant.objects.filter(user=plant.cast.bo).update(data_classes=[DataClass.SAFETY])

    assert all(row.main.kwh is None for row in plant.rows().values())


def test_page_file_and_api_say_the_same(plant: Plant, client: Client) -> None:
    plant.meter(plant.incomer, 10.0)
    plant.meter(plant.circuit("一", parent=plant.incomer), 9.0)
    pk = plant.cast.site.pk
    client.force_login(plant.cast.bo)

    page = client.get(f"/sites/{pk}/?tab=energy&day=2026-11-20").text
    file: Any = client.get(f"/sites/{pk}/balance/?day=2026-11-20")
    told = api_client(plant.cast.bo).get(f"/api/v1/sites/{pk}/balance/", {"day": "2026-11-20"})

    assert "10.00 %" in page
    assert "超过限值" in page
    head, *rows = list(csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"))))
    assert [row[head.index("差值 (kWh)")] for row in rows] == ["96.0"] * 3
    assert [row["is_over"] for row in told.json()["balances"]] == [True] * 3
    assert told.json()["balances"][2]["parts"][0]["energy"] == {"kwh": 864.0, "is_whole": True}


@pytest.mark.parametrize(
    "facts",
    [
        {"day": "x"},
        {"month": "2026"},
        {"day": "2026-11-20", "month": "2026-11"},
        {"day": "20261120"},
        {"month": "2190-01"},
    ],
)
def test_nonsense_is_told(plant: Plant, client: Client, facts: dict[str, str]) -> None:
    pk = plant.cast.site.pk
    client.force_login(plant.cast.bo)

    assert api_client(plant.cast.bo).get(f"/api/v1/sites/{pk}/balance/", facts).status_code == 400
    assert client.get(f"/sites/{pk}/", {"tab": "energy"} | facts).context["refused"]


def test_a_month_has_its_days_and_this_one_ends_now(cast: People) -> None:
    month = period_of(site=cast.site, day="", month="2026-10", now=NOW)
    this = period_of(site=cast.site, day="", month="2026-11", now=NOW)
    usual = period_of(site=cast.site, day="", month="", now=NOW)

    assert month.end - month.start == timedelta(days=31)
    assert this.end == NOW
    assert usual.day.isoformat() == "2026-11-21"
    assert timezone.is_aware(this.start)
