"""Data that cannot be believed: one alarm per device, over when an hour passes without."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alarms import services, tasks
from alarms.models import Alarm, AlarmLog, Rule, RuleOverride
from alarms.states import Condition
from devices import history
from devices.history.partitions import forget_known
from devices.models import Device, JudgedHour
from devices.services import compacting, judging
from devices.states import FlagKind, RepairKind
from devices.tests.factories import (
    make_bus,
    make_device,
    make_flag,
    make_gateway,
    make_template_version,
)
from devices.tests.samples import make_batch
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db

START = (timezone.now() - timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
FALSE = 0.0


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def device(cast: People) -> Device:
    forget_known()
    services.load_rules()
    version = make_template_version(value_codes=("Ua",), counter_codes=("EPI", "EPE"))
    bus = make_bus(gateway=make_gateway(site=cast.site, period_s=600))
    return make_device(bus=bus, unit_id=7, template_version=version)


def store(device: Device, number: int, *false: int) -> None:
    """An hour of samples every ten minutes; in some both counters say zero."""
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk] * 6,
        at=[(START + timedelta(hours=number, minutes=10 * n)).timestamp() for n in range(6)],
        values=[[230.0 + n] for n in range(6)],
        counters=[
            [FALSE, FALSE] if n in false else [1000.0 + 60 * number + 10 * n] * 2 for n in range(6)
        ],
    )
    history.prepare(batch)
    history.append(batch)


def follow(number: int) -> None:
    """The hours up to this one are judged, and that is looked at."""
    now = START + timedelta(hours=number + 1, minutes=30)
    while compacting.compact(now=now).hours or judging.judge(now=now):
        pass
    services.values.sweep(now=now)


def hour(device: Device, number: int, *false: int) -> None:
    store(device, number, *false)
    follow(number)


def alarms() -> list[tuple[int, str, int]]:
    rows = Alarm.objects.filter(rule__key="DATA_BAD").order_by("pk")
    return [(row.scope_id, row.condition, row.recurrences) for row in rows]


def test_one_alarm_per_device_and_over_when_an_hour_passes_without(device: Device) -> None:
    hour(device, 0)
    assert alarms() == []

    hour(device, 1, 2, 3)
    services.values.sweep(now=START + timedelta(hours=3))
    assert alarms() == [(device.pk, Condition.ACTIVE, 0)]
    assert device.flagged.filter(kind=FlagKind.BACKWARDS).count() == 2
    hour(device, 2)
    assert alarms() == [(device.pk, Condition.ACTIVE, 0)]
    hour(device, 3)

    assert alarms() == [(device.pk, Condition.RECOVERED, 0)]
    alarm = Alarm.objects.get(rule__key="DATA_BAD")
    assert (alarm.severity, alarm.point_code, alarm.device) == ("info", "", device)


def test_silence_ends_nothing_and_a_device_out_of_service_does(device: Device) -> None:
    hour(device, 0)
    hour(device, 1, 2)
    for number in range(2, 5):
        follow(number)
    assert alarms() == [(device.pk, Condition.ACTIVE, 0)]

    Device.objects.filter(pk=device.pk).update(is_enabled=False)
    services.values.sweep(now=START + timedelta(hours=6))

    assert alarms() == [(device.pk, Condition.RECOVERED, 0)]
    assert AlarmLog.objects.filter(facts__reason="not_applicable").exists()


@pytest.mark.parametrize("place", ["site", "device"])
def test_it_is_switched_off_for_a_site_or_a_device(device: Device, place: str) -> None:
    rule = Rule.objects.get(key="DATA_BAD")
    where = {"site": {"site": device.site}, "device": {"device": device}}[place]
    RuleOverride.objects.create(rule=rule, is_enabled=False, **where)

    hour(device, 0)
    hour(device, 1, 2)

    assert alarms() == []


def test_what_somebody_took_as_right_raises_nothing(device: Device, cast: People) -> None:
    from_at = START + timedelta(hours=1)
    hour(device, 0)
    hour(device, 1, 2)
    for code in ("EPI", "EPE"):
        device.repairs.create(
            code=code, kind=RepairKind.KEEP, start_at=from_at, end_at=from_at + timedelta(hours=1),
            count=6, reason="核对无误", by=cast.ana, made_at=from_at,
        )  # fmt: skip

    services.values.sweep(now=START + timedelta(hours=3))

    assert alarms() == [(device.pk, Condition.RECOVERED, 0)]


def test_the_alarm_leads_to_the_suspect_data(device: Device, cast: People, client: Client) -> None:
    hour(device, 0)
    hour(device, 1, 2)
    client.force_login(cast.ana)

    alarm = Alarm.objects.get(rule__key="DATA_BAD")

    page = client.get(reverse("alarms:alarm-detail", args=[alarm.pk])).text

    assert f"{reverse('reports:site-quality', args=[device.site_id])}?device={device.pk}" in page
    assert "核对" in page


def test_the_task_looks(device: Device) -> None:
    make_flag(device, start_at=START, end_at=START)
    JudgedHour.objects.create(hour=START, rows=1, is_done=True)

    tasks.check_values()

    assert alarms() == [(device.pk, Condition.ACTIVE, 0)]
