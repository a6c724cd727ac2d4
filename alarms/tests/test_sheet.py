"""The alarm list as a sheet: same filters, columns and order; nothing that one may not see."""

import csv
import io
from typing import Any

import pytest
from django.test import Client

from alarms.tests.factories import make_alarm, make_rule
from core import sheets
from devices.tests.factories import make_device
from sites.models import Grant, Job, Site
from sites.services.running import run_job
from sites.tests.clients import api_client
from sites.tests.factories import People, people
from tests.queries import queries_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


def sheet_of(client: Client, query: str) -> list[list[str]]:
    response: Any = client.get(f"/alarms/?export=csv&{query}")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    body = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(body)))


def test_the_sheet_is_the_list(cast: People, client: Client) -> None:
    Site.objects.filter(pk=cast.site.pk).update(name="=站点")
    device = make_device(site=cast.site)
    alarms = [make_alarm(device=device, rule=make_rule(severity="critical")) for _ in range(2)]
    make_alarm(device=device, rule=make_rule(severity="minor"))
    make_alarm(site=cast.other_site)
    client.force_login(cast.di)

    head, *rows = sheet_of(client, "severity=critical&ordering=number&columns=alarm,lasting,raised")

    assert head[:2] == ["编号", "告警"]
    assert head[6:] == ["工况", "持续 (s)", "首次触发", "最近触发", "恢复时间"]
    assert [row[0] for row in rows] == [alarm.number for alarm in alarms]
    assert rows[0][3] == "'=站点"
    assert rows[0][8] == "2026-11-20T14:00:00+08:00"


def test_values_of_a_class_that_one_may_not_see_stay_out(cast: People, client: Client) -> None:
    make_alarm(site=cast.site, value=420.0)
    client.force_login(cast.di)
    assert sheet_of(client, "columns=value")[1][-4:] == ["420.0", "300.0", "420.0", "mA"]
    Grant.objects.filter(user=cast.di).update(data_classes=["energy"])

    assert sheet_of(client, "columns=value")[1][-4:] == ["", "", "", "mA"]


def test_too_many_rows_go_back_to_the_list_with_a_sentence(
    cast: People, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_alarm(site=cast.site)
    client.force_login(cast.di)
    monkeypatch.setattr(sheets, "ROWS_AT_ONCE", 0)

    response = client.get("/alarms/?export=xlsx&view=all", follow=True)

    assert response.redirect_chain == [("/alarms/?view=all", 302)]
    assert "一次最多导出 0 行" in response.content.decode()


def test_a_sheet_takes_no_query_per_row(cast: People, client: Client) -> None:
    device = make_device(site=cast.site)
    make_alarm(device=device)
    client.force_login(cast.di)
    one = queries_of(lambda: sheet_of(client, ""))
    for _ in range(3):
        make_alarm(device=device)

    assert queries_of(lambda: sheet_of(client, "")) == one


def test_a_sheet_too_long_for_one_answer_is_made_by_a_job(
    cast: People, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm = make_alarm(site=cast.site, rule=make_rule(severity="critical"))
    make_alarm(site=cast.site, rule=make_rule(severity="minor"))
    make_alarm(site=cast.other_site, rule=make_rule(severity="critical"))
    client.force_login(cast.di)
    monkeypatch.setattr(sheets, "ROWS_AT_ONCE", 0)
    text = client.get("/alarms/?severity=critical").content.decode()
    assert 'action="/alarms/sheet/?severity=critical&amp;export=csv"' in text

    answer = client.post("/alarms/sheet/?severity=critical&export=csv")
    job = Job.objects.get()
    run_job(job_id=job.pk)

    job.refresh_from_db()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert (job.state, job.owner, job.message) == ("done", cast.di, "已导出 1 行。")
    file = b"".join(client.get(f"/jobs/{job.pk}/file/").streaming_content)  # type: ignore[arg-type]
    head, *rows = list(csv.reader(io.StringIO(file.decode("utf-8-sig"))))
    assert [row[head.index("编号")] for row in rows] == [alarm.number]
    client.post("/alarms/sheet/?export=pdf")
    assert Job.objects.count() == 1


def test_the_api_has_a_long_sheet_made_by_the_same_job(cast: People) -> None:
    alarm = make_alarm(site=cast.site, rule=make_rule(severity="critical"), handling="archived")
    make_alarm(site=cast.site, rule=make_rule(severity="minor"))
    make_alarm(site=cast.other_site, rule=make_rule(severity="critical"))
    api = api_client(cast.di)

    answer = api.post("/api/v1/alarms/sheet/?kind=csv&severity=critical&columns=alarm")
    run_job(job_id=answer.json()["id"])

    assert answer.status_code == 202
    made: Any = api.get(f"/api/v1/jobs/{answer.json()['id']}/file/")
    file = b"".join(made.streaming_content)
    head, *rows = list(csv.reader(io.StringIO(file.decode("utf-8-sig"))))
    assert [row[head.index("编号")] for row in rows] == [alarm.number]
    for wrong in ("kind=pdf", "severity=none", "export=csv"):
        assert api.post(f"/api/v1/alarms/sheet/?{wrong}").status_code == 400
    assert Job.objects.count() == 1
