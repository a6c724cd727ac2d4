"""A hundred thousand alarms: pages come from an index, and no tab waits for the archive."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alarms.models import Alarm
from alarms.tests.factories import make_alarm, make_rule
from devices.tests.factories import make_device
from sites.tests.factories import People, people

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ALARMS = 100_000
# Copies of an archived alarm: what its number, times and severity are is counted up.
_COPIES = """
INSERT INTO alarms_alarm ({names}) SELECT {values} FROM alarms_alarm a, generate_series(1, %s) n
WHERE a.id = %s
"""


def fill(alarm: Alarm, count: int) -> None:
    """Archived alarms like this one, a minute apart, straight into the table."""
    changed = {
        "number": "'GJ-X-' || n",
        "severity_rank": "n %% 4",
        "severity": "(ARRAY['critical', 'major', 'minor', 'info'])[1 + n %% 4]",
        "last_raised_at": "a.last_raised_at - n * interval '1 minute'",
        "raised_at": "a.raised_at - n * interval '1 minute'",
    }
    names = [f.column for f in Alarm._meta.concrete_fields if f.column != "id"]
    values = [changed.get(name, f'a."{name}"') for name in names]
    statement = _COPIES.format(
        names=", ".join(f'"{name}"' for name in names), values=", ".join(values)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [count, alarm.pk])
        cursor.execute("ANALYZE alarms_alarm")


@pytest.fixture
def cast() -> People:
    return people()


def plans_of(client: Client, address: str) -> list[tuple[str, str]]:
    """The page's statements on alarms that look for keys, with their plans."""
    with CaptureQueriesContext(connection) as captured:
        response: Any = client.get(address)
        assert response.status_code == 200
    found = []
    for query in captured.captured_queries:
        sql = query["sql"]
        if sql.startswith('SELECT "alarms_alarm"."id"') and "LIMIT" in sql and "EXPLAIN" not in sql:
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN " + sql)
                found.append((sql, "\n".join(row[0] for row in cursor.fetchall())))
    return found


def test_pages_of_a_hundred_thousand_come_from_an_index(cast: People, client: Client) -> None:
    device = make_device(site=cast.site)
    old = timezone.now() - timedelta(days=2)
    archived = make_alarm(device=device, rule=make_rule(), at=old, handling="archived")
    fill(archived, ALARMS)
    for _ in range(3):
        make_alarm(device=device)
    client.force_login(cast.adm)

    for address in (
        "/alarms/",
        "/alarms/?view=all",
        "/alarms/?view=archived&page=200",
        "/alarms/?view=all&ordering=-last_raised_at&page=3",
        "/alarms/?view=all&ordering=number",
    ):
        plans = plans_of(client, address)
        assert plans, address
        for _sql, plan in plans:
            assert "Seq Scan on alarms_alarm" not in plan, f"{address}\n{plan}"

    shown = client.get("/alarms/?view=archived&page=2000").context["list"]
    assert shown.total == ALARMS + 1
    assert shown.page.number == 2000
    tabs = {tab.key: tab.count for tab in client.get("/alarms/").context["tabs_of_list"]}
    assert (tabs["open"], tabs["archived"]) == (3, ALARMS + 1)
