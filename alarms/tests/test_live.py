"""News of alarms reach whoever watches the site, after the commit and not before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.db import transaction

from alarms import services, tasks
from alarms.models import Alarm
from alarms.tests.factories import NOW, fault_of, make_alarm, make_rule, recover
from core.groups import NEWS
from core.loop import run
from devices.models import Device
from devices.tests.factories import make_device
from sites.tests.factories import make_site

PATIENCE_S = 5.0


class Watcher:
    """A browser's place among those that hear news."""

    def __init__(self) -> None:
        self.layer = get_channel_layer()
        self.channel = run(self.layer.new_channel(), timeout_s=PATIENCE_S)
        run(self.layer.group_add(NEWS, self.channel), timeout_s=PATIENCE_S)

    def hear_all(self) -> list[dict[str, Any]]:
        """The alarms of the next message."""
        message = run(self.layer.receive(self.channel), timeout_s=PATIENCE_S)
        assert message["type"] == "site.alarms"
        return list(message["alarms"])

    def hear(self) -> dict[str, Any]:
        (alarm,) = self.hear_all()
        return alarm


@pytest.fixture
def device(transactional_db: None) -> Device:
    return make_device()


@pytest.fixture
def watcher(device: Device) -> Iterator[Watcher]:
    made = Watcher()
    yield made
    # The loop outlives the test, its subscription must not.
    run(made.layer.flush(), timeout_s=PATIENCE_S)


def test_what_happens_to_an_alarm_is_told_in_order(device: Device, watcher: Watcher) -> None:
    rule = make_rule()
    (pk,) = services.raise_batch(faults=[fault_of(rule=rule, device=device)], now=NOW)
    recover(Alarm.objects.get(pk=pk), at=NOW)
    services.verify(alarm_id=pk, verdict="real", by=None, door="web", now=NOW)

    heard = [watcher.hear() for _event in range(3)]

    assert [message["event"] for message in heard] == ["raised", "recovered", "moved"]
    assert heard[0] == {
        "site": device.site_id,
        "alarm": pk,
        "event": "raised",
        "severity": "major",
        "count": 1,
    }


def test_alarms_of_many_sites_at_once_are_one_message(watcher: Watcher) -> None:
    rule = make_rule()
    devices = [make_device(site=make_site()) for _site in range(3)]

    services.raise_batch(faults=[fault_of(rule=rule, device=one) for one in devices], now=NOW)

    heard = watcher.hear_all()
    assert sorted(alarm["site"] for alarm in heard) == sorted(one.site_id for one in devices)


def test_what_is_rolled_back_is_not_told(device: Device, watcher: Watcher) -> None:
    rule = make_rule()
    with transaction.atomic():
        services.raise_batch(faults=[fault_of(rule=rule, device=device)], now=NOW)
        transaction.set_rollback(True)
    alarm = make_alarm(device=device)

    assert watcher.hear()["alarm"] == alarm.pk


@pytest.mark.usefixtures("transactional_db")
def test_sweep_is_a_task_that_may_be_repeated() -> None:
    alarm = make_alarm(handling="ignored")

    for _twice in range(2):
        tasks.sweep_alarms()

    alarm.refresh_from_db()
    assert alarm.handling == "unverified", "its time was over long before today"
    assert alarm.log.filter(move="unignore").count() == 1
