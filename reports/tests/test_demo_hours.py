"""Whenever the demo is started, something of every kind is there to be shown."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alarms.models import Alarm
from alarms.services import load_rules, watching
from alarms.states import Condition, Handling, Severity
from devices.services import templates
from reports.services import demo as demos
from reports.services.demo import Size
from workorders.models import Task, WorkOrder
from workorders.states import State, TaskState

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SMALL = Size(sites=14, days=1.0)


@pytest.mark.parametrize(
    "local",
    ["2026-12-01T00:10+08:00", "2026-11-15T12:00+08:00", "2026-11-22T07:03+08:00"],
)
def test_something_of_every_kind_is_there(local: str, tmp_path: Path, settings: Any) -> None:
    settings.SIMULATOR_STATE, settings.MEDIA_ROOT = tmp_path / "simulator.json", tmp_path
    templates.load_library()
    load_rules()
    now = datetime.fromisoformat(local)
    end = now + timedelta(seconds=90)

    demos.load(now=now, progress=lambda _text: None, clock=lambda: end, size=SMALL)
    watching.forget()

    assert set(WorkOrder.objects.values_list("state", flat=True)) == set(State)
    assert set(Task.objects.values_list("state", flat=True)) == set(TaskState)
    assert 1 <= WorkOrder.objects.overdue(end).count() <= 3
    assert 1 <= Task.objects.overdue(end).count() <= 2
    assert Alarm.objects.filter(handling=Handling.IGNORED, ignored_until__gt=end).exists()
    bad = Alarm.objects.open().filter(condition=Condition.ACTIVE)
    severities = set(bad.values_list("severity", flat=True))
    assert {Severity.CRITICAL, Severity.MAJOR, Severity.MINOR} <= severities
