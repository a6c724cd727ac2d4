"""Pages and REST of collecting: gaps with filters and sheets, completeness point by point."""

from datetime import UTC, datetime, timedelta
from math import nan
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.time import day_bounds, local_day
from devices import ingest
from devices.models import Device, Register
from devices.services import tallies
from devices.tests.factories import make_bus, make_device, make_gateway, make_template_version
from devices.tests.samples import make_batch
from reports.selectors.point_shares import point_shares
from sites.models import Grant
from sites.rules import DataClass
from sites.tests.clients import api_client
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db

PERIOD_S = 600
LONG_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def devices(cast: People) -> list[Device]:
    """Two devices on a bus, one of which was silent for an hour yesterday; the day before Ia came in half."""
    gateway = make_gateway(site=cast.site, period_s=PERIOD_S)
    version = make_template_version(value_codes=("Ua", "Ia", "T1"), counter_codes=())
    Register.objects.filter(version=version, point__code="T1").update(poll_class="daily")
    bus = make_bus(gateway=gateway)
    made = [make_device(bus=bus, template_version=version) for _number in range(2)]
    today = day_bounds(local_day(timezone.now(), cast.site.timezone), cast.site.timezone)[0]
    start = today - timedelta(days=2)
    for number, device in enumerate(made):
        device.meters.create(serial="1", installed_at=LONG_BEFORE)
        slots = [n for n in range(288) if number or not 200 <= n < 206]
        batch = make_batch(
            layout_id=version.layout_id,
            device_ids=[device.pk] * len(slots),
            site_ids=[device.site_id] * len(slots),
            at=[start.timestamp() + PERIOD_S * (n + 0.1) for n in slots],
            values=[
                [230.0, nan if n < 144 and n % 2 else 5.0, nan if n % 144 else 40.0] for n in slots
            ],
        )
        ingest.ingest(batch, now=timezone.now(), is_live=False)
    tallies.recount(start=start, end=today)
    return made


def text(answer: Any) -> str:
    body = answer.streaming_content if answer.streaming else [answer.content]
    return b"".join(body).decode()


def test_gaps_are_found_by_device_reason_and_length(
    cast: People, devices: list[Device], client: Client
) -> None:
    client.force_login(cast.ana)
    address = reverse("reports:site-gaps", args=[cast.site.pk])

    def shown(**query: Any) -> int:
        answer = client.get(address, query)
        assert answer.status_code == 200
        return len(answer.context["page"].object_list)

    assert shown() == 1
    assert shown(device=devices[0].pk, reason="device", minutes=60, range="30d") == 1
    assert [shown(device=devices[1].pk), shown(reason="gateway"), shown(minutes=1440)] == [0, 0, 0]
    yesterday = local_day(timezone.now(), cast.site.timezone) - timedelta(days=1)
    assert shown(first=yesterday, last=yesterday) == 1
    assert shown(first=yesterday - timedelta(days=9), last=yesterday - timedelta(days=5)) == 0


@pytest.mark.parametrize(
    "query",
    [
        {"range": "1y"},
        {"first": "2026-01-02"},
        {"first": "2026-11-02", "last": "2026-11-01"},
        {"last": "2026-11-01"},
        {"first": "2026-01-01", "last": "2026-11-01"},
        {"first": "0001-01-01", "last": "0001-01-02"},
        {"device": "7x"},
        {"device": "999999999999999999999"},
        {"reason": "nobody"},
        {"minutes": "-1"},
    ],
)
def test_nonsense_is_refused_with_words(
    cast: People, client: Client, query: dict[str, str]
) -> None:
    client.force_login(cast.ana)

    answer = client.get(reverse("reports:site-gaps", args=[cast.site.pk]), query)

    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert "note-error" in text(answer)


def test_what_is_wrong_is_told_by_its_label(cast: People, client: Client) -> None:
    client.force_login(cast.ana)

    answer = client.get(reverse("reports:site-gaps", args=[cast.site.pk]), {"last": "2026-11-01"})

    assert "开始日期：请同时填写开始日期。" in text(answer)
    # Nothing was looked for, so nothing is said of what is there.
    assert 'class="empty"' not in text(answer)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_gaps_go_into_a_sheet(
    cast: People, devices: list[Device], client: Client, kind: str
) -> None:
    client.force_login(cast.ana)

    answer = client.get(reverse("reports:site-gaps", args=[cast.site.pk]), {"export": kind})

    assert kind in answer.headers["Content-Disposition"]
    if kind == "csv":
        lines = text(answer).splitlines()
        assert len(lines) == 2
        assert devices[0].name in lines[1]
        assert ",70.0,6," in lines[1]


def test_gaps_and_their_reasons_over_rest(cast: People, devices: list[Device]) -> None:
    client = api_client(cast.ana)
    address = reverse("api-site-gaps", args=[cast.site.pk])

    found = client.get(address, {"min_s": 600}).json()

    assert (found["total"], found["missing"]) == (1, 6)
    (gap,) = found["gaps"]
    assert (gap["device"], gap["missing"], gap["reason"]) == (devices[0].pk, 6, "device")
    assert (gap["duration_s"], gap["is_open"], gap["is_cut"]) == (4200.0, False, False)
    assert client.get(address, {"from": "2026-01-01T00:00:00Z"}).status_code == 400
    assert client.get(address, {"reason": "nobody"}).status_code == 400
    assert api_client(cast.cy).get(address).status_code == 404


def test_each_point_has_its_share_of_the_day(cast: People, devices: list[Device]) -> None:
    today = local_day(timezone.now(), cast.site.timezone)
    device = Device.objects.select_related(
        "site__enterprise", "site__team", "bus__gateway", "template_version__layout"
    ).get(pk=devices[0].pk)

    found = point_shares(user=cast.ana, device=device, first=today - timedelta(days=2), until=today)

    shares = {row.point.code: [share.percent for _d, share in row.by_day] for row in found.points}
    of_device = pytest.approx([100.0, 100 * 138 / 144])
    assert [share.percent for _day, share in found.device_days] == of_device
    assert shares == {
        "Ua": of_device,
        "Ia": pytest.approx([50.0, 100 * 138 / 144]),
        "T1": pytest.approx([100.0, 100.0]),
    }


def test_points_of_a_class_that_one_does_not_hold_are_left_out(
    cast: People, devices: list[Device]
) -> None:
    Grant.objects.filter(user=cast.bo).update(data_classes=[DataClass.SAFETY])
    address = reverse("api-device-completeness", args=[devices[0].pk])

    found = api_client(cast.bo).get(address).json()

    assert sorted(row["code"] for row in found["points"]) == ["T1", "Ua"]
    assert len(found["days"]) == len(found["by_day"]) == 14
    assert api_client(cast.bo).get(address, {"from": "2020-01-01"}).status_code == 400


def test_time_online_over_rest(cast: People, devices: list[Device]) -> None:
    client = api_client(cast.ana)
    for name, pk in (
        ("api-device-online", devices[0].pk),
        ("api-gateway-online", devices[0].bus.gateway_id),  # type: ignore[union-attr]
    ):
        found = client.get(reverse(name, args=[pk])).json()

        assert (found["percent"], found["online_s"]) == (None, 0.0)
        assert [one["is_online"] for one in found["intervals"]] == [None]
        too_long = client.get(reverse(name, args=[pk]), {"from": "2026-01-01T00:00:00Z"})
        assert too_long.status_code == 400


def test_the_page_of_a_device_tells_each_point_in_numbers(
    cast: People, devices: list[Device], client: Client
) -> None:
    client.force_login(cast.ana)

    page = text(client.get(reverse("reports:device-collection", args=[devices[0].pk])))

    assert "<b>50.0</b>" in page
    assert "<b>95.8</b>" in page
