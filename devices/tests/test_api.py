"""The REST API of equipment and values, tried by insiders, an outsider and nobody."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import nan
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from devices import live
from devices.ingest import ingest
from devices.models import Device, PointOverride
from devices.tests.factories import make_device, make_gateway, make_point, make_template_version
from devices.tests.samples import make_batch
from sites.models import User
from sites.rules import DataClass, Role
from sites.tests.clients import api_client
from sites.tests.factories import People, make_grant, make_user, people

pytestmark = pytest.mark.django_db

CODES = ("Ua", "Ia", "T1")
COUNTERS = ("EPI",)


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def device(cast: People) -> Device:
    version = make_template_version(value_codes=CODES, counter_codes=COUNTERS)
    device = make_device(site=cast.site, template_version=version)
    yield device
    live.forget(site_id=cast.site.pk, device_ids=[device.pk])


def sample(device: Device, at: datetime, values: list[float], energy: float = 1.0) -> None:
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk],
        site_ids=[device.site_id],
        at=[at.timestamp()],
        values=[values],
        counters=[[energy]],
    )
    ingest(batch, now=at)


def viewer_of(cast: People, *classes: DataClass) -> User:
    user = make_user()
    make_grant(user, Role.DISTRICT_VIEWER, cast.site, data_classes=list(classes))
    return user


def paths_of(device: Device) -> list[str]:
    assert device.bus is not None
    return [
        f"/api/v1/devices/{device.pk}/",
        f"/api/v1/devices/{device.pk}/latest/",
        f"/api/v1/devices/{device.pk}/series/?points=Ua",
        f"/api/v1/sites/{device.site_id}/latest/",
        f"/api/v1/gateways/{device.bus.gateway_id}/",
    ]


def test_equipment_is_that_of_the_sites_one_sees(cast: People, device: Device) -> None:
    make_device(site=cast.other_site)

    for path in paths_of(device):
        for user in (cast.ana, cast.bo, cast.gu):
            assert api_client(user).get(path).status_code == 200
        assert api_client(cast.cy).get(path).status_code == 404
        assert APIClient().get(path).status_code == 401
    for path in ("/api/v1/devices/", "/api/v1/gateways/"):
        assert [row["site"]["id"] for row in api_client(cast.bo).get(path).json()["results"]] == [
            cast.site.pk
        ]
        assert APIClient().get(path).status_code == 401


def test_a_device_shows_what_it_is_and_which_points_it_has(cast: People, device: Device) -> None:
    device.meters.create(serial="SN-1", installed_at=datetime(2026, 1, 1, tzinfo=UTC))
    device.ratios.create(ct=80, pt=1, valid_from=datetime(2026, 1, 1, tzinfo=UTC))
    PointOverride.objects.create(
        device=device, point=make_point("T1"), name="A 相接头", name_en="Joint A"
    )
    PointOverride.objects.create(device=device, point=make_point("Ia"), is_enabled=False)

    body = api_client(cast.bo, language="en").get(f"/api/v1/devices/{device.pk}/").json()

    assert body["meter"] == {"serial": "SN-1", "installed_at": "2026-01-01T00:00:00Z"}
    assert body["ratio"]["ct"] == 80.0
    assert body["template"]["version"] == 1
    points = {point["code"]: point for point in body["points"]}
    assert points.keys() == {"Ua", "T1", "EPI"}
    assert points["T1"]["name"] == "Joint A"
    assert points["Ua"] | {"name": ""} == {
        "id": f"{device.pk}:Ua",
        "code": "Ua",
        "name": "",
        "unit": "V",
        "kind": "inst",
        "decimals": 1,
    }


def test_points_are_those_of_the_classes_that_one_holds(cast: People, device: Device) -> None:
    now = timezone.now()
    sample(device, now, [230.0, 12.0, 40.0])
    safety = api_client(viewer_of(cast, DataClass.SAFETY))
    energy = api_client(viewer_of(cast, DataClass.ENERGY))

    def codes(client: APIClient) -> list[set[str]]:
        detail = client.get(f"/api/v1/devices/{device.pk}/").json()["points"]
        latest = client.get(f"/api/v1/devices/{device.pk}/latest/").json()["points"]
        site = client.get(f"/api/v1/sites/{cast.site.pk}/latest/").json()["devices"][0]["points"]
        return [{row["code"] for row in rows} for rows in (detail, latest, site)]

    assert codes(safety) == [{"Ua", "T1"}] * 3
    assert codes(energy) == [{"EPI"}] * 3
    series = f"/api/v1/devices/{device.pk}/series/?points="
    assert safety.get(f"{series}Ua").status_code == 200
    hidden, unknown = safety.get(f"{series}Ia"), safety.get(f"{series}Xx")
    assert hidden.status_code == unknown.status_code == 400
    assert (
        hidden.json()["fields"]["points"][0].replace("Ia", "Xx")
        == (unknown.json()["fields"]["points"][0])
    )


def test_a_value_comes_with_unit_time_age_and_quality(cast: People, device: Device) -> None:
    at = timezone.now() - timedelta(seconds=90)
    sample(device, at, [229.2, nan, 41.5], energy=123456.78)

    body = api_client(cast.bo).get(f"/api/v1/devices/{device.pk}/latest/").json()

    points = {point["code"]: point for point in body["points"]}
    ua = points["Ua"]
    assert (ua["value"], ua["unit"], ua["quality"]) == (229.2, "V", "good")
    assert datetime.fromisoformat(ua["at"]) == at
    assert 90 <= ua["age_s"] < 120
    assert points["EPI"]["value"] == 123456.78
    ia = points["Ia"]
    assert (ia["value"], ia["at"], ia["quality"]) == (None, None, None)


def test_a_bad_value_is_null_and_says_so(cast: People, device: Device) -> None:
    now = timezone.now()
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk],
        site_ids=[device.site_id],
        at=[now.timestamp()],
        values=[[9999.0, 1.0, 40.0]],
        counters=[[1.0]],
        quality=[1],
        flags=[b"\x01"],
    )
    ingest(batch, now=now)

    points = api_client(cast.bo).get(f"/api/v1/devices/{device.pk}/latest/").json()["points"]

    ua = next(point for point in points if point["code"] == "Ua")
    assert (ua["value"], ua["quality"]) == (None, "bad")
    assert ua["at"]


def test_a_device_that_never_answered_has_points_without_time(cast: People, device: Device) -> None:
    points = api_client(cast.bo).get(f"/api/v1/devices/{device.pk}/latest/").json()["points"]

    assert {point["at"] for point in points} == {None}
    assert len(points) == len(CODES) + len(COUNTERS)


def test_a_sites_values_come_in_one_answer(cast: People, device: Device) -> None:
    sample(device, timezone.now(), [230.0, 12.0, 40.0])
    make_device(site=cast.site, is_enabled=False)
    path = f"/api/v1/sites/{cast.site.pk}/latest/"

    everything = api_client(cast.bo).get(path).json()
    some = api_client(cast.bo).get(f"{path}?points=Ua,T1").json()

    assert [row["device_id"] for row in everything["devices"]] == [device.pk]
    assert {point["code"] for point in some["devices"][0]["points"]} == {"Ua", "T1"}
    assert api_client(cast.bo).get(f"{path}?points=,").status_code == 400
    assert api_client(cast.bo).get(f"{path}?nonsense=1").status_code == 400


def test_series_keep_values_units_peaks_and_gaps(cast: People, device: Device) -> None:
    start = timezone.now().replace(microsecond=0) - timedelta(hours=1)
    for minute in [*range(20), *range(30, 50)]:
        peak = 260.0 if minute == 13 else 230.0
        sample(device, start + timedelta(minutes=minute), [peak, 5.0, nan])
    query = {
        "points": "Ua,Ia",
        "from": start.isoformat(),
        "to": (start + timedelta(hours=1)).isoformat(),
    }
    path = f"/api/v1/devices/{device.pk}/series/"
    client = api_client(cast.bo)

    whole = client.get(path, query).json()["series"]
    thin = client.get(path, query | {"max_points": 8}).json()["series"][0]

    ua = whole[0]
    assert (ua["code"], ua["unit"], ua["is_reduced"]) == ("Ua", "V", False)
    assert len(ua["value"]) == 41
    assert ua["value"].count(None) == 1
    first = start.timestamp()
    assert ua["gaps"] == [{"from_s": first + 19 * 60, "to_s": first + 30 * 60}]
    assert thin["is_reduced"] is True
    assert max(value for value in thin["value"] if value is not None) == 260.0
    assert len(thin["at_s"]) == len(thin["value"]) == len(thin["minimum"]) < 15


@pytest.mark.parametrize(
    "query",
    [
        "",
        "points=",
        "points=,,",
        "points=Nothing",
        "points=Ua%00",
        "points=" + ",".join(f"P{n}" for n in range(13)),
        "points=" + "x" * 401,
        "points=Ua&max_points=1",
        "points=Ua&max_points=99999999999999999999",
        "points=Ua&max_points=x",
        "points=Ua&from=yesterday",
        "points=Ua&from=2026-11-21T00:00:00",
        "points=Ua&from=2026-11-21T01:00:00Z&to=2026-11-21T00:00:00Z",
        "points=Ua&from=2020-01-01T00:00:00Z&to=2026-11-21T00:00:00Z",
        "points=Ua&to=0001-01-01T00:00:00Z",
        "points=Ua&to=0001-01-01T00:00:00%2B14:00",
        "points=Ua&from=9999-12-31T23:59:59-14:00",
        "points=Ua&nonsense=1",
    ],
)
def test_series_that_make_no_sense_are_refused(cast: People, device: Device, query: str) -> None:
    answer = api_client(cast.bo).get(f"/api/v1/devices/{device.pk}/series/?{query}")

    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"


def test_a_plus_sign_that_was_not_escaped_is_understood(cast: People, device: Device) -> None:
    path = f"/api/v1/devices/{device.pk}/series/?points=Ua&from=2026-11-21T08:00:00+08:00"
    path += "&to=2026-11-21T09:00:00+08:00"

    body = api_client(cast.bo).get(path).json()

    assert body["from_s"] == datetime(2026, 11, 21, tzinfo=UTC).timestamp()


def test_reading_now_is_for_those_who_may_and_says_why_it_fails(
    cast: People, device: Device
) -> None:
    path = f"/api/v1/devices/{device.pk}/read-now/"

    codes = {
        name: api_client(user).post(path).status_code
        for name, user in (("gu", cast.gu), ("cy", cast.cy))
    }
    answer = api_client(cast.bo).post(path)

    assert codes == {"gu": 403, "cy": 404}
    assert APIClient().post(path).status_code == 401
    assert (answer.status_code, answer.json()["code"]) == (502, "no_answer")
    assert answer.json()["error"] == "no_worker"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("is_online=true", 0),
        ("is_online=false", 0),
        ("is_enabled=true", 1),
        ("is_online=maybe", None),
        ("updated_since=2199-01-01", 0),
        ("q=nothing", 0),
        ("room=1e9", None),
        ("template=nothing", None),
        ("ordering=-updated_at", 1),
        ("nonsense=1", None),
    ],
)
def test_devices_and_gateways_are_filtered(
    cast: People, device: Device, query: str, count: int | None
) -> None:
    client = api_client(cast.bo)
    answer = client.get(f"/api/v1/devices/?{query}")

    if count is None:
        assert answer.status_code == 400
    else:
        assert len(answer.json()["results"]) == count
    by_code = client.get(f"/api/v1/devices/?q={device.code}&site={cast.site.pk}").json()
    assert by_code["count"] == 1
    key = device.template_version.template.key
    assert client.get(f"/api/v1/devices/?template={key}").json()["count"] == 1


def test_updated_since_finds_devices_that_went_offline(cast: People, device: Device) -> None:
    client = api_client(cast.bo)
    mark = timezone.now() + timedelta(seconds=1)

    before = client.get("/api/v1/devices/", {"updated_since": mark.isoformat()}).json()["count"]
    Device.objects.filter(pk=device.pk).update(
        is_online=False, link_changed_at=mark + timedelta(seconds=1)
    )
    after = client.get("/api/v1/devices/", {"updated_since": mark.isoformat()}).json()["count"]

    assert (before, after) == (0, 1)


def test_the_dictionary_of_points_is_for_everybody_who_signed_in(
    cast: People, device: Device
) -> None:
    body = api_client(cast.cy).get("/api/v1/points/?page_size=200").json()

    rows = {row["code"]: row for row in body["results"]}
    assert rows["EPI"]["unit"] == "kWh"
    assert rows["EPI"]["data_class"] == "energy"
    assert APIClient().get("/api/v1/points/").status_code == 401


def test_the_number_of_queries_does_not_grow_with_rows(cast: People, device: Device) -> None:
    client = api_client(cast.bo)

    def queries(act: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert act().status_code == 200
        return len(seen)

    def grow() -> None:
        for _ in range(3):
            one = make_device(site=cast.site, template_version=device.template_version)
            sample(one, timezone.now(), [230.0, 1.0, 2.0])
            make_gateway(site=cast.site)

    addresses = [
        "/api/v1/devices/",
        "/api/v1/gateways/",
        "/api/v1/points/",
        f"/api/v1/sites/{cast.site.pk}/latest/",
        f"/api/v1/devices/{device.pk}/series/?points=Ua,Ia,T1",
    ]
    grow()
    for path in addresses:
        client.get(path)  # The use of the token is noted once, layouts are kept.
    before = [queries(lambda path=path: client.get(path)) for path in addresses]
    grow()

    assert [queries(lambda path=path: client.get(path)) for path in addresses] == before
