"""Curves as tables and files: means and last values, days of 23 and 25 hours, totals, every sample."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.test import Client
from openpyxl import load_workbook

from core import sheets
from devices import history
from devices.models import Device, Repair
from devices.states import RepairKind
from devices.tests.factories import make_device, make_flag, make_template_version
from devices.tests.samples import make_batch
from reports.selectors.curve_table import slot_edges
from sites.models import Grant, Job
from sites.rules import DataClass
from sites.services.running import run_job
from sites.tests.clients import api_client
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 11, 20, tzinfo=UTC)
TABLE = "/api/v1/curves/table/"


@pytest.fixture
def cast() -> People:
    return people()


def make_meter(cast: People, name: str) -> Device:
    version = make_template_version(value_codes=("P", "Ua"), counter_codes=("EPI",))
    return make_device(site=cast.site, name=name, template_version=version)


def store(
    device: Device, rows: list[tuple[float, float, float]], quality: list[int] | None = None
) -> None:
    """(epoch seconds, kW, kWh)"""
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk] * len(rows),
        site_ids=[device.site_id] * len(rows),
        at=[at for at, _kw, _kwh in rows],
        values=[[kw, 230.0] for _at, kw, _kwh in rows],
        counters=[[kwh] for _at, _kw, kwh in rows],
        quality=quality,
    )
    history.prepare(batch)
    history.append(batch)


def minutes(start: datetime, values: range | list[int], step_s: int = 60) -> list[Any]:
    begin = start.timestamp()
    return [(begin + step_s * n, float(n), 100.0 + n) for n in values]


def asked(cast: People, start: datetime, hours: float, **facts: Any) -> dict[str, Any]:
    period = {"from": start.isoformat(), "to": (start + timedelta(hours=hours)).isoformat()}
    answer = api_client(cast.bo).get(TABLE, period | facts)
    assert answer.status_code == 200, answer.content
    return answer.json()


def values(told: dict[str, Any], column: int = 0, key: str = "value") -> list[Any]:
    return [row["cells"][column][key] for row in told["rows"]]


@pytest.mark.parametrize("step", ["5m", "15m"])
def test_a_row_has_the_mean_of_instants_the_last_of_counters_and_no_zero_for_nothing(
    cast: People, step: str
) -> None:
    """By samples and by slots of quarters: the same kind of numbers."""
    device = make_meter(cast, "总表")
    store(device, minutes(START, [*range(15), *range(45, 60)]))

    told = asked(cast, START, 1, points=f"{device.pk}:P,{device.pk}:EPI", step=step)

    per_row = {"5m": 5, "15m": 15}[step]
    begins = range(0, 60, per_row)
    is_there = [begin < 15 or begin >= 45 for begin in begins]
    means = [begin + (per_row - 1) / 2 for begin in begins]
    assert values(told) == [m if there else None for m, there in zip(means, is_there, strict=True)]
    last = [100.0 + begin + per_row - 1 for begin in begins]
    assert values(told, 1) == [
        m if there else None for m, there in zip(last, is_there, strict=True)
    ]
    assert values(told, 0, "count") == [per_row if there else 0 for there in is_there]
    assert [column["unit"] for column in told["columns"]] == ["kW", "kWh"]


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 3, 29, tzinfo=BERLIN), 23), (datetime(2026, 10, 25, tzinfo=BERLIN), 25)],
)
def test_days_have_their_hours(day: datetime, hours: int) -> None:
    following = datetime(day.year, day.month, day.day + 1, tzinfo=BERLIN)
    edges = slot_edges(day.astimezone(UTC), following.astimezone(UTC), "Europe/Berlin", 3600)
    days = slot_edges(day.astimezone(UTC), following.astimezone(UTC), "Europe/Berlin", 86_400)

    assert len(edges) == hours + 1
    assert np.diff(days).tolist() == [hours * 3_600_000_000]


def berlin(cast: People) -> Device:
    cast.site.timezone = "Europe/Berlin"
    cast.site.save()
    return make_meter(cast, "总表")


def test_a_day_of_25_hours_beside_one_of_24(cast: People) -> None:
    """On 25 October two o'clock comes twice; the day before has it once, for the first of them."""
    device = berlin(cast)
    day = datetime(2026, 10, 24, tzinfo=BERLIN)
    store(device, minutes(day, range(49), 3600))

    told = asked(
        cast, day + timedelta(days=1), 24, points=f"{device.pk}:P", step="1h", compare="day"
    )

    assert len(told["rows"]) == 25
    assert values(told) == [24.0 + hour for hour in range(25)]
    assert values(told, 0, "compared") == [0.0, 1.0, 2.0, None, *map(float, range(3, 24))]


def test_a_day_of_24_hours_beside_one_of_23(cast: People) -> None:
    """On 29 March the clock has no two o'clock: the day after has nothing to compare then."""
    device = berlin(cast)
    day = datetime(2026, 3, 29, tzinfo=BERLIN)
    store(device, minutes(day, range(47), 3600))

    told = asked(
        cast, day + timedelta(days=1), 24, points=f"{device.pk}:P", step="1h", compare="day"
    )

    assert values(told) == [23.0 + hour for hour in range(24)]
    assert values(told, 0, "compared") == [0.0, 1.0, None, *map(float, range(2, 23))]


def test_a_total_says_how_many_of_its_parts_were_there(cast: People) -> None:
    one, two = make_meter(cast, "一"), make_meter(cast, "二")
    store(one, minutes(START, range(0, 61, 5)))
    store(two, minutes(START, range(0, 31, 5)))

    points = f"{one.pk}:P,{two.pk}:P,{one.pk}:EPI,{two.pk}:EPI,{one.pk}:Ua"
    told = asked(cast, START, 1, points=points, step="15m", totals="true")

    assert [c["id"] for c in told["columns"] if c["is_total"]] == ["total:kW", "total:kWh"]
    assert [c["parts"] for c in told["columns"]] == [1, 1, 1, 1, 1, 2, 2]
    # Means of 0, 5, 10 and so on; the second meter's last reading begins the third quarter.
    assert values(told, 5) == [10.0, 40.0, 65.0, 50.0]
    assert values(told, 5, "is_whole") == [True, True, True, False]
    assert values(told, 5, "count") == [2, 2, 2, 1]
    energy, whole = values(told, 6), values(told, 6, "is_whole")
    # From 0 to 15 minutes each meter counted 15 kWh.
    assert energy[:2] == [30.0, 30.0]
    assert whole == [True, True, False, False]
    assert energy[3] == 15.0


def between(minute: int, until: int) -> dict[str, datetime]:
    return {
        "start_at": START + timedelta(minutes=minute),
        "end_at": START + timedelta(minutes=until),
    }


def lay(device: Device, cast: People, kind: RepairKind, minute: int, until: int) -> None:
    """A repair of its power, as services.repairs writes it; what is put in is 7."""
    ends = between(minute, until)
    line_us = [history.micros_of(at) for at in ends.values()]
    line_us[1] += 1
    facts = {"line_us": line_us, "line": [7.0, 7.0]} if kind == RepairKind.VALUE else {}
    Repair.objects.create(
        device=device, code="P", kind=kind, count=1, by=cast.ana, made_at=START, **ends, **facts
    )


def test_a_cell_says_what_was_left_out_and_put_in(cast: People, client: Client) -> None:
    """Frozen from 5 to 35 minutes, right after all up to 20; put in at 50; the total says so too."""
    one, two = make_meter(cast, "一"), make_meter(cast, "二")
    for device in (one, two):
        store(device, minutes(START, range(0, 60, 5)))
    make_flag(one, "P", **between(5, 35))
    lay(one, cast, RepairKind.KEEP, 0, 20)
    lay(one, cast, RepairKind.VALUE, 50, 50)
    points = f"{one.pk}:P,{one.pk}:Ua,{two.pk}:P"

    told = asked(cast, START, 1, points=points, step="15m", totals="true")

    marks = [[], ["suspect"], ["suspect"], ["substituted"]]
    assert values(told, 0, "quality") == marks
    assert values(told, 1, "quality") == values(told, 2, "quality") == [[]] * 4
    assert values(told, 3, "quality") == marks
    # Means of 0, 5, 10; 15, 20; 40; 45, 7, 55.
    assert values(told) == [5.0, 17.5, 40.0, 35.666667]
    client.force_login(cast.bo)
    facts = f"point={one.pk}:P&from=2026-11-20T08:00&to=2026-11-20T09:00&step=15m"
    page = client.get(f"/curves/table/?{facts}").text
    assert (page.count("可疑</span>"), page.count("人工置数</span>")) == (2, 1)
    answer = api_client(cast.bo).post(
        "/api/v1/curves/sheets/", body(one, 1, step="15m"), format="json"
    )
    read = list(csv.reader(io.StringIO(made(answer.json()["id"])[1].decode("utf-8-sig"))))
    assert read[0][3] == "一 · 测点 P 质量"
    assert [row[3] for row in read[1:]] == ["", "可疑", "可疑", "人工置数"]


def test_totals_are_offered_for_what_can_be_added(cast: People) -> None:
    device = make_meter(cast, "总表")
    told = asked(cast, START, 1, points=f"{device.pk}:P,{device.pk}:Ua", step="15m", totals="true")
    assert not any(column["is_total"] for column in told["columns"])


def made(job_id: int) -> tuple[Job, bytes]:
    run_job(job_id=job_id)
    job = Job.objects.get(pk=job_id)
    return job, job.result.read() if job.result else b""


def body(device: Device, hours: float, **facts: Any) -> dict[str, Any]:
    end = START + timedelta(hours=hours)
    period = {"from": START.isoformat(), "to": end.isoformat()}
    return {"points": f"{device.pk}:P,{device.pk}:EPI"} | period | facts


def test_a_file_of_every_sample_has_quality_units_and_zone(cast: People) -> None:
    """Over the edge of two days that are read one after the other; a gap is no row."""
    device = make_meter(cast, "=总表")
    rows = [*minutes(START, range(2)), (START.timestamp() + 30 * 3600, float("nan"), 107.0)]
    store(device, rows, quality=[0, 3, 1])

    answer = api_client(cast.bo).post(
        "/api/v1/curves/sheets/", body(device, 48, step="raw"), format="json"
    )
    job, content = made(answer.json()["id"])

    assert job.state == "done", job.message
    assert job.result_name.endswith("-raw.csv")
    read = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert read[0] == [
        "时间 (Asia/Shanghai)",
        "'=总表 · 测点 P (kW)",
        "'=总表 · 测点 P 质量",
        "'=总表 · 测点 EPI (kWh)",
        "'=总表 · 测点 EPI 质量",
    ]
    assert read[1] == ["2026-11-20T08:00:00+08:00", "0.0", "良好", "100.0", "良好"]
    assert read[2][1:] == ["1.0", "人工置数", "101.0", "人工置数"]
    assert read[3] == ["2026-11-21T14:00:00+08:00", "", "无效", "107.0", "良好"]
    assert len(read) == 4
    assert job.done == job.total == 48 * 60


def test_a_workbook_goes_on_in_another_sheet(cast: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "ROWS_IN_WORKBOOK", 3)
    device = make_meter(cast, "总表")
    store(device, minutes(START, range(60)))

    answer = api_client(cast.bo).post(
        "/api/v1/curves/sheets/", body(device, 1, step="15m", format="xlsx"), format="json"
    )
    _job, content = made(answer.json()["id"])

    book = load_workbook(io.BytesIO(content))
    assert [sheet.max_row for sheet in book.worksheets] == [4, 2]
    assert [row[1].value for row in book.worksheets[0].rows][1:] == [7.0, 22.0, 37.0]
    assert [row[1].value for row in book.worksheets[1].rows][1:] == [52.0]


def test_a_file_holds_what_its_owner_may_see_when_it_is_made(cast: People, client: Client) -> None:
    device = make_meter(cast, "总表")
    client.force_login(cast.bo)
    client.post(f"/curves/sheet/?point={device.pk}:P&range=24h", {"kind": "csv", "step": "1h"})
    job = Job.objects.get()
    Grant.objects.filter(user=cast.bo).update(data_classes=[DataClass.SAFETY])

    ended, content = made(job.pk)

    assert (ended.state, content) == ("failed", b"")


@pytest.mark.parametrize(
    "facts",
    [
        {"step": "raw", "compare": "day"},
        {"step": "raw", "totals": True},
        {"step": "7s"},
        {"format": "pdf"},
        {"points": ""},
        {"points": " , "},
    ],
)
def test_nonsense_is_told(cast: People, facts: dict[str, Any]) -> None:
    device = make_meter(cast, "总表")
    answer = api_client(cast.bo).post(
        "/api/v1/curves/sheets/", body(device, 1) | facts, format="json"
    )
    assert answer.status_code == 400
    assert not Job.objects.exists()


def test_the_page_shows_pages_of_the_table(cast: People, client: Client) -> None:
    one, two = make_meter(cast, "一"), make_meter(cast, "二")
    store(one, minutes(START, range(0, 1440, 10)))
    client.force_login(cast.bo)
    facts = f"point={one.pk}:P&point={two.pk}:P&from=2026-11-20T08:00&to=2026-11-21T08:00&step=5m"

    first = client.get(f"/curves/table/?{facts}&totals=1")
    last = client.get(f"/curves/table/?{facts}&totals=1&page=3")

    assert [len(answer.context["rows"]) for answer in (first, last)] == [100, 88]
    assert "1 / 2" in first.text
    assert client.get(f"/curves/table/?{facts}&page=x").status_code == 200
