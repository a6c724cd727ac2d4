"""Derived points among curves: chart, comparison, table, files, the picker."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from devices import history
from devices.models import DerivedPoint, Device
from devices.services.derived import retire_derived
from devices.tests.factories import make_derived, make_device, make_template_version
from devices.tests.samples import make_batch
from sites.models import Job
from sites.services.running import run_job
from sites.tests.clients import api_client
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 20, tzinfo=UTC)
HOUR = "from=2026-11-20T00:00:00Z&to=2026-11-20T01:00:00Z"


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def pair(cast: People) -> tuple[Device, Device]:
    """Two meters: 1 kW more each minute, and 100 kW; a day before half of both."""
    version = make_template_version(value_codes=("P", "Ua"), counter_codes=("EPI",))
    devices = [
        make_device(site=cast.site, name=name, template_version=version)
        for name in ("总表", "分表")
    ]
    for place, device in enumerate(devices):
        for back, factor in ((1, 0.5), (0, 1.0)):
            at = [(START - timedelta(days=back)).timestamp() + 60 * n for n in range(60)]
            power = [factor * (100.0 if place else float(n)) for n in range(60)]
            batch = make_batch(
                layout_id=version.layout_id,
                device_ids=[device.pk] * 60,
                site_ids=[device.site_id] * 60,
                at=at,
                values=[[value, 230.0] for value in power],
                counters=[[1000.0 + n] for n in range(60)],
            )
            history.prepare(batch)
            history.append(batch)
    return devices[0], devices[1]


@pytest.fixture
def total(cast: People, pair: tuple[Device, Device]) -> DerivedPoint:
    formula = f"d{pair[0].pk}:P + d{pair[1].pk}:P"
    return make_derived(site=cast.site, by=cast.ana, formula=formula, name="两表之和")


@pytest.fixture
def bo(cast: People, client: Client) -> Client:
    client.force_login(cast.bo)
    return client


def series_of(chart: Any) -> dict[str, Any]:
    return {one["id"]: one for panel in chart["panels"] for one in panel["series"]}


def test_it_is_drawn_beside_a_point_and_compared(
    bo: Client, pair: tuple[Device, Device], total: DerivedPoint
) -> None:
    page = bo.get(f"/curves/?point={total.word}&point={pair[0].pk}:P&{HOUR}&compare=day&totals=1")

    found = series_of(page.context["chart"])
    assert list(found) == [total.word, f"{pair[0].pk}:P"]
    assert found[total.word]["value"] == [100.0 + n for n in range(60)]
    assert found[total.word]["compare"]["value"] == [50.0 + n / 2 for n in range(60)]
    assert [len(panel["axes"]) for panel in page.context["chart"]["panels"]] == [1]
    html = page.content.decode()
    assert f"/sites/{total.site_id}/derived/" in html
    # It can be taken out again like any other.
    assert f'href="?point={pair[0].pk}%3AP&amp;' in html
    assert bo.get(f"/curves/drawer/?point={total.word}").status_code == 200


def test_the_table_has_means_and_takes_its_place_among_the_columns(
    cast: People, pair: tuple[Device, Device], total: DerivedPoint
) -> None:
    squared = make_derived(
        site=cast.site, by=cast.ana, formula=f"d{pair[0].pk}:P * d{pair[0].pk}:P"
    )
    points = f"{total.word},{pair[0].pk}:P,{squared.word}"
    answer = api_client(cast.bo).get(
        f"/api/v1/curves/table/?points={points}&{HOUR}&step=15m&compare=day"
    )

    rows = answer.json()["rows"]
    first = [(cell["value"], cell["count"], cell["compared"]) for cell in rows[0]["cells"]]
    mean_of_squares = sum(n * n for n in range(15)) / 15
    assert first == [
        (107.0, 15, 53.5),
        (7.0, 15, 3.5),
        (pytest.approx(mean_of_squares, abs=1e-6), 15, pytest.approx(mean_of_squares / 4)),
    ]
    assert len(rows) == 4


def test_a_file_holds_it_and_samples_as_stored_are_refused(
    cast: People, bo: Client, pair: tuple[Device, Device], total: DerivedPoint
) -> None:
    query = f"point={total.word}&{HOUR}"
    bo.post(f"/curves/sheet/?{query}", {"step": "15m", "kind": "csv"})
    job = Job.objects.get()
    run_job(job_id=job.pk)
    job.refresh_from_db()
    assert job.result is not None
    text = job.result.read().decode("utf-8-sig")
    head, *lines = csv.reader(io.StringIO(text))
    assert head[1] == "两表之和 (kW)"
    assert [float(line[1]) for line in lines] == [107.0, 122.0, 137.0, 152.0]

    bo.post(f"/curves/sheet/?{query}", {"step": "raw", "kind": "csv"})
    assert Job.objects.count() == 1
    assert 'value="raw"' not in bo.get(f"/curves/table/?{query}").content.decode()
    shown = bo.get(f"/curves/csv/?{query}").getvalue().decode("utf-8-sig")  # type: ignore[attr-defined]
    assert "两表之和" in shown


def test_one_that_is_retired_says_so_and_is_not_offered(
    cast: People, bo: Client, total: DerivedPoint
) -> None:
    branch = f"/curves/site/{cast.site.pk}/"
    pick = f'data-pick="{total.word}"'
    assert pick in bo.get(branch).content.decode()
    assert pick in bo.get("/curves/find/?q=liangbiao").content.decode()

    retire_derived(row=total, by=cast.ana)

    assert pick not in bo.get(branch).content.decode()
    assert pick not in bo.get("/curves/find/?q=liangbiao").content.decode()
    page = bo.get(f"/curves/?point={total.word}&{HOUR}").content.decode()
    assert "该计算测点已停用。" in page
    table = bo.get(f"/curves/table/?point={total.word}&{HOUR}").content.decode()
    assert "该计算测点已停用。" in table


def test_it_does_not_exist_for_who_does_not_see_the_site(
    cast: People, client: Client, total: DerivedPoint
) -> None:
    client.force_login(cast.cy)
    for word in (total.word, "x999999", "x0", f"{total.word}:P", "x٣"):
        assert client.get(f"/curves/?point={word}").status_code == 404
