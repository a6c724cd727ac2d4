"""A thousand faults at once cost a few statements more than one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alarms import live, services
from alarms.models import Alarm, AlarmLog, Rule
from alarms.services import watching
from alarms.signals import alarm_moved
from alarms.tests.factories import NOW, fault_of, make_rule
from alarms.tests.samples import at, keep, sample
from devices.models import Device
from devices.tests.factories import make_bus, make_device, make_gateway

pytestmark = pytest.mark.django_db

STORM = 1000


@pytest.fixture
def devices() -> list[Device]:
    first = make_device(bus=make_bus(gateway=make_gateway(period_s=10)))
    rows = [
        Device(site=first.site, template_version=first.template_version, name=f"D{n}", bus=None)
        for n in range(STORM - 1)
    ]
    return [first, *Device.objects.bulk_create(rows)]


@pytest.fixture
def rules() -> list[Rule]:
    return [
        make_rule(delay_s=0.0, reset_delay_s=0.0),
        make_rule(point_codes=["Ua"], threshold=250.0, reset=240.0, delay_s=15.0),
    ]


def statements(story: list[tuple[float, dict[str, float]]], devices: list[Device]) -> int:
    """How many statements the rules need for the samples, after the devices were taken up."""
    batches = [
        sample([(device, seconds, values) for device in devices]) for seconds, values in story
    ]
    keep(batches[0])
    watching.evaluate(batch=batches[0], now=at(0))
    with CaptureQueriesContext(connection) as spent:
        for batch, (seconds, _values) in zip(batches[1:], story[1:], strict=True):
            watching.evaluate(batch=batch, now=at(seconds))
    return len(spent)


STORY = [
    (0.0, {}),
    (10.0, {"IR": 400.0, "Ua": 260.0}),
    (20.0, {"IR": 500.0, "Ua": 260.0}),
    (30.0, {"IR": 20.0, "Ua": 260.0}),
    (40.0, {"IR": 400.0}),
]


def test_number_of_statements_does_not_grow_with_the_storm(
    devices: list[Device], rules: list[Rule]
) -> None:
    alone = statements(STORY, devices[:1])
    watching.forget()

    together = statements(STORY, devices[1:])

    # By the wall clock, every two seconds there is a look at the places too.
    assert together <= alone + 3
    assert alone <= 64
    assert Alarm.objects.count() == 2 * STORM
    assert AlarmLog.objects.filter(move="recur").count() == STORM


def test_calm_batch_costs_one_look_at_the_rules(devices: list[Device], rules: list[Rule]) -> None:
    assert statements([(0.0, {}), (10.0, {"IR": 21.0})], devices[:200]) <= 2


def test_storm_is_announced_once_per_site(
    devices: list[Device], rules: list[Rule], django_capture_on_commit_callbacks: Any
) -> None:
    heard: list[list[int]] = []

    def hear(alarm_ids: list[int], **_facts: Any) -> None:
        heard.append(alarm_ids)

    alarm_moved.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        pks = services.raise_batch(
            faults=[fault_of(rule=rules[0], device=device) for device in devices], now=NOW
        )
    alarm_moved.disconnect(hear)

    assert [sorted(ids) for ids in heard] == [sorted(pks)]
    numbers = Alarm.objects.order_by("number").values_list("number", flat=True)
    assert numbers[0] == "GJ-20261120-0001"
    assert len(set(numbers)) == STORM


def test_many_alarms_of_a_site_are_one_message() -> None:
    few = [(pk, 1, "minor") for pk in range(live.MESSAGES_PER_SITE)]
    many = [(pk, 2, "minor") for pk in range(100, 120)] + [(200, 2, "critical")]

    messages = live.messages_of(few + many, "raised")

    assert len(messages) == len(few) + 1
    assert messages[0] == {
        "site": 1, "alarm": 0, "event": "raised", "severity": "minor",
        "count": 1,
    }  # fmt: skip
    assert messages[-1]["alarm"] == 200
    assert messages[-1]["count"] == 21


def test_numbers_follow_the_day_of_the_site() -> None:
    device = make_device()
    evening = NOW.replace(hour=16, minute=30)

    (pk,) = services.raise_batch(
        faults=[fault_of(rule=make_rule(), device=device, at=evening)],
        now=evening + timedelta(seconds=1),
    )

    assert Alarm.objects.get(pk=pk).number == "GJ-20261121-0001"
