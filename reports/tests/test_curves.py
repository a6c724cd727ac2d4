"""Curves: the query of the address, thinning, comparison over DST, statistics, CSV."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from alarms.tests.factories import make_alarm, make_rule
from devices import history
from devices.models import Device
from devices.tests.factories import make_device, make_template_version
from devices.tests.samples import make_batch
from reports.selectors.curves import moved
from sites.tests.clients import api_client
from sites.tests.factories import People, people
from tests.queries import check, queries_of

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
CODES = ("Ua", "Ia", "DI1")


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def device(cast: People) -> Device:
    version = make_template_version(value_codes=CODES, counter_codes=("EPI",))
    return make_device(site=cast.site, name="总表", template_version=version)


@pytest.fixture
def bo(cast: People, client: Client) -> Client:
    client.force_login(cast.bo)
    return client


def store(device: Device, at: list[float], values: list[list[float]], energy: list[float]) -> None:
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk] * len(at),
        site_ids=[device.site_id] * len(at),
        at=at,
        values=values,
        counters=[[number] for number in energy],
    )
    history.prepare(batch)
    history.append(batch)


def curve(device: Device, start: datetime, count: int, step_s: float = 60.0) -> list[float]:
    at = [start.timestamp() + step_s * n for n in range(count)]
    store(
        device,
        at,
        [[230.0 + n % 5, float(n), 1.0] for n in range(count)],
        [100.0 + n for n in range(count)],
    )
    return at


def query(device: Device, *codes: str, **facts: str) -> str:
    points = "&".join(f"point={device.pk}:{code}" for code in codes)
    return "&".join([points, *(f"{name.strip('_')}={value}" for name, value in facts.items())])


def shown(client: Client, text: str) -> dict[str, Any]:
    context = client.get(f"/curves/?{text}").context
    return json.loads(json.dumps(context["chart"]))


def test_two_units_share_a_panel_and_more_are_stacked(bo: Client, device: Device) -> None:
    two = shown(bo, query(device, "Ua", "Ia", range="6h"))
    three = shown(bo, query(device, "Ua", "Ia", "EPI", "DI1", range="6h"))

    assert [panel["axes"] for panel in two["panels"]] == [["测点 Ua (V)", "测点 Ia (A)"]]
    assert [series["axis"] for series in two["panels"][0]["series"]] == [0, 1]
    assert [len(panel["series"]) for panel in three["panels"]] == [1, 1, 1, 1]
    assert three["panels"][-1]["series"][0]["is_state"]


def test_a_year_comes_in_two_points_per_pixel_with_its_peak(bo: Client, device: Device) -> None:
    end = datetime(2026, 11, 20, tzinfo=UTC)
    at = [end.timestamp() - 3600.0 * n for n in range(1, 2000)][::-1]
    values = [[230.0, 999.0 if n == 777 else 10.0, 1.0] for n in range(len(at))]
    store(device, at, values, [1.0] * len(at))

    text = query(device, "Ia", from_="2025-11-20T00:00:00Z", to="2026-11-20T00:00:00Z", width="300")
    (series,) = shown(bo, text)["panels"][0]["series"]

    assert len([value for value in series["value"] if value is not None]) <= 600
    assert (at[777], 999.0) in zip(series["at"], series["value"], strict=True)


def test_a_comparison_keeps_the_clock_on_the_wall_over_dst(
    cast: People, bo: Client, device: Device
) -> None:
    """On 25 October 2026 Berlin's clocks go back: noon is 25 hours after noon."""
    cast.site.timezone = "Europe/Berlin"
    cast.site.save()
    noon = datetime(2026, 10, 24, 12, tzinfo=BERLIN)
    curve(device, noon, 3)

    text = query(device, "Ia", from_="2026-10-25T11:00", to="2026-10-25T13:00", compare="day")
    (series,) = shown(bo, text)["panels"][0]["series"]

    day_after = datetime(2026, 10, 25, 12, tzinfo=BERLIN)
    assert (day_after - noon.astimezone(UTC)).total_seconds() == 25 * 3600
    assert series["compare"]["at"] == [day_after.timestamp() + 60 * n for n in range(3)]
    assert series["compare"]["value"] == [0.0, 1.0, 2.0]
    back = moved("Europe/Berlin", -1)
    assert back(day_after.timestamp()) == noon.timestamp()


def test_statistics_are_of_every_sample(bo: Client, device: Device) -> None:
    now = timezone.now().replace(microsecond=0)
    at = curve(device, now - timedelta(hours=2), 120)

    context = bo.get(f"/curves/?{query(device, 'Ia', 'EPI', range='1h', width='200')}").context

    current, energy = context["curves"]
    late = [n for n, moment in enumerate(at) if moment >= context["query"].start.timestamp()]
    assert current.statistics.count == len(late)
    assert (current.statistics.minimum, current.statistics.maximum) == (late[0], late[-1])
    assert current.statistics.maximum_at == at[-1]
    assert current.statistics.mean == pytest.approx(sum(late) / len(late))
    assert energy.statistics.increase == len(late) - 1
    assert current.completeness == pytest.approx(1.0, abs=0.03)


def test_what_is_missing_is_shown_also_at_the_ends(bo: Client, device: Device) -> None:
    now = timezone.now().replace(microsecond=0)
    at = curve(device, now - timedelta(hours=4), 60)

    context = bo.get(f"/curves/?{query(device, 'Ia', range='6h')}").context

    (series,) = context["chart"]["panels"][0]["series"]
    begin, end = series["gaps"]
    assert begin == (pytest.approx(now.timestamp() - 6 * 3600, abs=5), at[0])
    assert end == (at[-1], pytest.approx(now.timestamp(), abs=5))
    assert context["curves"][0].completeness == pytest.approx(1 / 6, abs=0.01)


def test_alarms_of_the_points_are_bands(bo: Client, device: Device) -> None:
    now = timezone.now()
    rule = make_rule(severity="major")
    alarm = make_alarm(device=device, rule=rule, at=now - timedelta(minutes=30), point_code="Ia")

    (band,) = shown(bo, query(device, "Ia", range="6h"))["bands"]
    none = shown(bo, query(device, "Ua", range="6h"))["bands"]

    assert band["from"] == pytest.approx(alarm.last_raised_at.timestamp(), abs=1)
    assert band["to"] == pytest.approx(now.timestamp(), abs=10)
    assert none == []


def test_csv_holds_what_is_shown(bo: Client, device: Device) -> None:
    start = datetime(2026, 11, 20, 0, tzinfo=UTC)
    curve(device, start, 3)
    device.name = "=1+1"
    device.save()
    text = query(device, "Ua", "EPI", from_="2026-11-20T00:00:00Z", to="2026-11-20T01:00:00Z")

    answer = bo.get(f"/curves/csv/?{text}")

    body = answer.getvalue().decode()
    assert body.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(body.removeprefix("\ufeff"))))
    assert rows[0] == ["时间", "'=1+1 · 测点 Ua (V)", "'=1+1 · 测点 EPI (kWh)"]
    assert rows[1] == ["2026-11-20T08:00:00+08:00", "230.0", "100.0"]
    assert len(rows) == 4
    assert "attachment" in answer["Content-Disposition"]
    assert bo.get(f"/curves/csv/?{text}&format=xlsx").content[:2] == b"PK"


def test_a_view_keeps_points_period_and_comparison(bo: Client, device: Device) -> None:
    text = query(device, "Ua", "Ia", range="7d", compare="week")
    here = f"/curves/?{text}"

    bo.post("/lists/curves/views/", {"name": "电压电流", "next": here})

    (view,) = bo.get("/curves/").context["views"]
    again = bo.get(f"/curves/?{view.address}").context["query"]
    assert again.text == bo.get(here).context["query"].text


def test_the_api_tells_series_comparison_and_statistics(cast: People, device: Device) -> None:
    now = timezone.now().replace(microsecond=0)
    curve(device, now - timedelta(hours=2), 120)
    client = api_client(cast.bo)
    facts = {"points": f"{device.pk}:Ia,{device.pk}:EPI", "compare": "day", "width_px": 300}

    told = client.get("/api/v1/curves/", facts | {"from": (now - timedelta(hours=3)).isoformat()})

    current, energy = told.json()["series"]
    assert (current["unit"], current["statistics"]["maximum"]) == ("A", 119.0)
    assert energy["statistics"]["increase"] == 119.0
    assert current["compare"]["value"] == []
    assert current["gaps"]
    assert client.get("/api/v1/curves/", {"points": "1:Nope"}).status_code == 404
    assert client.get("/api/v1/curves/").status_code == 400
    assert api_client(cast.cy).get("/api/v1/curves/", facts).status_code == 404


def test_the_api_tells_the_tree(cast: People, device: Device) -> None:
    (owner,) = api_client(cast.bo).get("/api/v1/tree/").json()["nodes"]
    assert owner["children"][0]["id"] == cast.site.pk
    inside = api_client(cast.bo).get(f"/api/v1/sites/{cast.site.pk}/tree/").json()
    assert inside["devices"][0]["id"] == device.pk
    assert inside["state"]["devices"] == 1


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 200),
        ("point={pk}:Ia&range=6h&compare=week", 200),
        ("point={pk}:Ia&range=nonsense", 200),
        ("point={pk}:Ia&from=2026-01-02&to=2026-01-01", 200),
        ("point={pk}:Ia&from=x&to=y", 200),
        ("point={pk}:Ia&compare=2199-01-01", 200),
        ("point={pk}:Nope", 404),
        ("point=x:Ia", 404),
        ("point=99999999999999999999:Ia", 404),
    ],
)
def test_nonsense_is_told_and_nothing_is_lost(
    text: str, status: int, bo: Client, device: Device
) -> None:
    answer = bo.get(f"/curves/?{text.format(pk=device.pk)}")

    assert answer.status_code == status
    if "nonsense" in text or "2199" in text or "from=" in text:
        assert answer.context["refused"]
        assert [point.code for point in answer.context["query"].points] == ["Ia"]


def test_the_address_says_it_all(bo: Client, device: Device) -> None:
    text = query(
        device, "Ia", "Ua", from_="2026-11-20T08:00", to="2026-11-20T12:00", compare="week"
    )
    found = bo.get(f"/curves/?{text}").context["query"]

    again = bo.get(f"/curves/?{found.text}").context["query"]

    assert again == found
    assert found.start == datetime(2026, 11, 20, 0, tzinfo=UTC)
    assert found.days_back == 7


def test_points_are_found_and_offered(bo: Client, device: Device) -> None:
    found = bo.get("/curves/find/?q=zongbiao Ia").content.decode()
    assert f'data-pick="{device.pk}:Ia"' in found
    offered = bo.get(f"/curves/device/{device.pk}/").content.decode()
    assert f'data-pick="{device.pk}:EPI"' in offered
    assert "总表" in bo.get(f"/curves/site/{device.site_id}/").content.decode()


def test_queries_do_not_grow_with_points(bo: Client, device: Device) -> None:
    one, three = query(device, "Ia", range="6h"), query(device, "Ia", "Ua", "EPI", range="6h")
    bo.get(f"/curves/?{three}")

    before = queries_of(lambda: bo.get(f"/curves/?{one}"))

    assert queries_of(lambda: bo.get(f"/curves/?{three}")) == before
    check("curves", before)
