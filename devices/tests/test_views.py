"""Live data: the tree, the table of one device, curves; points by class of data."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from devices import history, live
from devices.models import Device
from devices.tests.factories import (
    make_bus,
    make_device,
    make_gateway,
    make_template_version,
)
from devices.tests.samples import make_batch
from sites.models import Grant
from sites.tests.factories import People, make_circuit, make_room, people

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


def test_a_series_is_of_what_the_person_may_see(
    cast: People, device: Device, client: Client
) -> None:
    Grant.objects.filter(user=cast.gu).update(data_classes=["safety"])
    url = f"/live/series/?point={device.pk}"
    assert client.get(f"{url}:Ua&hours=1").status_code == 302
    client = as_person(client, cast.gu)
    assert client.get(f"{url}:Ua&hours=1").status_code == 200
    assert client.get(f"{url}:Ia&hours=1").status_code == 404
    assert as_person(client, cast.cy).get(f"{url}:Ua&hours=1").status_code == 404


def test_a_series_keeps_peaks_and_names_gaps(cast: People, device: Device, client: Client) -> None:
    end = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    start = end - timedelta(hours=12)
    count = 4320
    at = [start.timestamp() + 10 * i for i in range(count) if not 1000 <= i < 1200]
    values = [[230.0, 999.0 if i == 2000 else 10.0, 1.0] for i in range(len(at))]
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk] * len(at),
        site_ids=[device.site_id] * len(at),
        at=at,
        values=values,
        counters=[[0.0]] * len(at),
    )
    history.prepare(batch)
    history.append(batch)

    response = as_person(client, cast.bo).get(
        f"/live/series/?point={device.pk}:Ia&from={start.timestamp()}&to={end.timestamp()}"
    )

    data = json.loads(response.content)
    series = data["series"][0]
    assert (series["unit"], data["axis"]) == ("A", "测点 Ia (A)")
    assert len(series["at"]) < 1700
    assert max(v for v in series["value"] if v is not None) == 999.0
    assert data["gaps"] == [[at[999], at[1000]]]
    assert None in series["value"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("point=abc:Ua&hours=1", 404),
        ("point={pk}:Ua", 400),
        ("point={pk}:Ua&hours=7", 400),
        ("point={pk}:Nope&hours=1", 404),
        ("point={pk}:Ua&from=nan&to=1", 400),
        ("point={pk}:Ua&from=10&to=5", 400),
        ("point={pk}:Ua&from=0&to=99999999999", 400),
        ("point=99999999999999999999:Ua&hours=1", 404),
    ],
)
def test_nonsense_is_answered(
    query: str, status: int, cast: People, device: Device, client: Client
) -> None:
    client = as_person(client, cast.bo)

    assert client.get(f"/live/series/?{query.format(pk=device.pk)}").status_code == status
