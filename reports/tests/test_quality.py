"""Data that cannot be believed: the list of a site, curves that say so, completeness and rules without."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alarms.services import frozen
from devices import history, ingest
from devices.models import Device
from devices.states import FlagKind
from devices.tests.factories import make_device, make_flag, make_template_version
from devices.tests.samples import make_batch
from reports.selectors.curve_charts import as_chart
from reports.selectors.curve_query import query_of
from reports.selectors.curves import drawing
from sites.models import Grant
from sites.rules import DataClass
from sites.tests.clients import api_client
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def device(cast: People) -> Device:
    version = make_template_version(value_codes=("Ua", "Ia"), counter_codes=("EPI",))
    return make_device(site=cast.site, template_version=version)


def text(answer: Any) -> str:
    body = answer.streaming_content if answer.streaming else [answer.content]
    return b"".join(body).decode()


def test_the_list_tells_point_kind_and_samples(
    cast: People, device: Device, client: Client
) -> None:
    client.force_login(cast.ana)
    make_flag(device)
    make_flag(device, "EPI", kind=FlagKind.BACKWARDS, low=0.0, high=0.0, count=12)
    address = reverse("reports:site-quality", args=[cast.site.pk])

    page = text(client.get(address))
    only = text(client.get(address, {"kind": "backwards"}))
    sheet = text(client.get(address, {"export": "csv"}))

    assert "数值冻结" in page
    assert "231.7" in page
    assert ">390<" in page
    assert ">12<" in only
    assert ">390<" not in only
    assert len(sheet.strip().splitlines()) == 3
    assert "累计量倒走" in sheet


@pytest.mark.parametrize("page", ["site-quality", "site-gaps"])
def test_a_site_without_devices_says_so(cast: People, client: Client, page: str) -> None:
    client.force_login(cast.ana)

    assert "还没有接入设备。" in text(client.get(reverse(f"reports:{page}", args=[cast.site.pk])))


def test_points_of_another_class_are_not_listed(
    cast: People, device: Device, client: Client
) -> None:
    Grant.objects.filter(user=cast.ana).update(data_classes=[DataClass.ENERGY])
    client.force_login(cast.ana)
    make_flag(device)
    make_flag(device, "EPI", kind=FlagKind.BACKWARDS, low=0.0, high=0.0)

    page = text(client.get(reverse("reports:site-quality", args=[cast.site.pk])))

    assert "累计量倒走" in page
    assert "231.7" not in page


def test_rest_tells_the_same_and_refuses_a_long_period(cast: People, device: Device) -> None:
    make_flag(device)
    client = api_client(cast.ana)
    address = reverse("api-site-flags", args=[cast.site.pk])

    answer = client.get(address).json()
    refused = client.get(address, {"from": "2020-01-01T00:00:00Z"})

    assert answer["samples"] == 390
    assert [row["kind"] for row in answer["flags"]] == ["frozen"]
    assert answer["flags"][0]["repair"] is None
    assert refused.status_code == 400


def test_a_curve_says_what_was_left_out_and_where(cast: People, device: Device) -> None:
    now = timezone.now()
    start = now - timedelta(hours=2)
    at = [start.timestamp() + 60 * n for n in range(100)]
    values = [[230.0 + n % 3, 5.0] for n in range(100)]
    values[50] = [9999.0, 5.0]
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk] * 100,
        at=at,
        values=values,
        counters=[[1.0]] * 100,
    )
    ingest.ingest(batch, now=now, is_live=False)
    moment = datetime.fromtimestamp(at[50], UTC)
    facts = {"start_at": moment, "end_at": moment, "count": 1, "low": 9999.0, "high": 9999.0}
    make_flag(device, kind=FlagKind.JUMP, **facts)
    given = Client().get("/", {"point": f"{device.pk}:Ua", "range": "6h"}).wsgi_request.GET

    found = drawing(user=cast.ana, query=query_of(user=cast.ana, given=given, now=now), now=now)

    (curve,) = found.curves
    assert curve.statistics.maximum == 232
    assert curve.statistics.count == 99
    (said,) = as_chart(found)["panels"][0]["series"][0]["said"]
    assert (said["words"], said["left_out"]) == ("数值跳变", [9999.0, 9999.0])
    assert said["from"] == pytest.approx(at[50], abs=0.001)


def test_rules_do_not_see_a_point_that_stands_still(device: Device) -> None:
    make_flag(device)
    frozen.forget()
    layout_id = device.template_version.layout_id
    ids, at = np.array([device.pk, device.pk + 1]), np.array([timezone.now().timestamp()] * 2)
    values = np.full((2, 2), 300.0, np.float32)

    seen = frozen.without(layout_id, ids, at, values)

    assert np.isnan(seen).tolist() == [[True, False], [False, False]]
    assert not np.isnan(values).any()
    frozen.forget()


def test_a_sheet_of_samples_has_a_word_for_what_was_left_out(device: Device) -> None:
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk],
        at=[moment.timestamp()],
        values=[[9999.0, 5.0]],
        counters=[[1.0]],
    )
    history.prepare(batch)
    history.append(batch)
    make_flag(device, kind=FlagKind.JUMP, start_at=moment, end_at=moment)

    (lines,) = history.by_sample(
        points=[(device.pk, "Ua"), (device.pk, "Ia")],
        start=moment,
        end=moment + timedelta(seconds=1),
    )

    assert lines.quality.tolist() == [[4, 0]]
    assert np.isnan(lines.value[0, 0])
    assert lines.value[0, 1] == 5
