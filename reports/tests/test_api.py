"""The REST API of the work hall: its figures are the lengths of the lists behind them."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from alarms.states import Handling, Severity
from alarms.tests.factories import make_alarm, make_rule
from sites.tests.clients import api_client
from sites.tests.factories import People, people
from workorders.states import Kind, State
from workorders.tests.factories import make_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


def test_every_figure_is_the_length_of_the_list_behind_it(cast: People) -> None:
    make_alarm(site=cast.site, rule=make_rule(severity=Severity.CRITICAL))
    make_alarm(site=cast.site, handling=Handling.VERIFIED)
    make_alarm(site=cast.site, handling=Handling.ARCHIVED)
    now = timezone.now() - timedelta(minutes=10)
    recent = {"now": now, "due_at": now + timedelta(minutes=5)}
    make_order(cast=cast, kind=Kind.DEFECT, **recent)
    make_order(cast=cast, state=State.CLOSED, **recent)
    client = api_client(cast.di)

    def count(path: str) -> int:
        return client.get(f"/api/v1/{path}").json()["count"]

    figures = client.get("/api/v1/hall/").json()

    assert figures["alarms"]["open"] == count("alarms/?is_open=true") == 2
    assert figures["alarms"]["unverified"] == count("alarms/?handling=unverified") == 1
    for severity, number in figures["alarms"]["by_severity"].items():
        assert number == count(f"alarms/?is_open=true&severity={severity}")
    assert figures["orders"]["open"] == count("orders/?is_open=true") == 1
    assert figures["orders"]["overdue"] == count("orders/?overdue=true") == 1
    start, end = figures["month_starts_at"], figures["month_ends_at"]
    for stage in figures["orders"]["stages"]:
        path = f"orders/?state={stage['state']}&created_from={start}&created_to={end}"
        assert stage["count"] == count(path)
    assert figures["sites"]["total"] == count("sites/") == 1
    assert (figures["sites"]["abnormal"], figures["sites"]["defect"]) == (1, 1)
    assert figures["devices"]["total"] == count("devices/?is_enabled=true") == 3
    assert len(figures["bars"]) == 24


def test_an_outsider_counts_nothing_of_it_and_nobody_is_turned_away(cast: People) -> None:
    make_alarm(site=cast.site)
    make_order(cast=cast)

    figures = api_client(cast.cy).get("/api/v1/hall/").json()

    assert figures["alarms"]["open"] == figures["orders"]["open"] == 0
    assert figures["sites"]["total"] == 1
    assert figures["devices"]["total"] == 0
    assert APIClient().get("/api/v1/hall/").status_code == 401
