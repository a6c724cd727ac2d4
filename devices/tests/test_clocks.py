"""Clocks of meters over a real socket: read once a day, set once, told as it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alarms.models import Alarm
from core.errors import Forbidden, Invalid
from devices.drivers import clocks as rules
from devices.drivers.clocks import ClockDef
from devices.drivers.simulator.faults import Fault
from devices.drivers.simulator.image import Image
from devices.drivers.simulator.units import ImageUnit
from devices.models import ClockSetting, Device, DeviceClock, DtuDoor
from devices.services import clock_running, clocks, dialin
from devices.services.polling import Poller
from devices.services.templates import profile_of
from devices.states import ClockResult
from devices.tests.factories import make_bus, make_clock, make_device, make_gateway
from devices.tests.factories import make_library_version as library
from devices.tests.meters import Line, listening
from devices.tests.simulated import background
from devices.tests.test_dial_in_rows import make_dtu
from devices.tests.test_dtu_server import dtu, eventually, serving
from sites.tests.factories import People, people
from tests.conftest import Eventually

__all__ = ["eventually"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SHARD = 79
AHEAD_S = 300.0


def put_ahead(unit: ImageUnit, number: int = 1) -> None:
    unit.disobey(
        Fault(
            number=number,
            kind="clock_drift",
            target="",
            begins_at=0,
            ends_at=None,
            ramp_s=0,
            level=AHEAD_S,
            phase="a",
        )
    )


@pytest.fixture
def any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second of the day is an edge: a test must not wait for the middle of a quarter."""
    for name in ("QUARTER_EDGE_S", "MINUTE_EDGE_S", "LONGEST_SHIFT_S"):
        monkeypatch.setattr(rules, name, 0)


@pytest.fixture
def cast() -> People:
    cast = people()
    cast.site.is_clock_setting_allowed = True
    cast.site.save()
    return cast


@pytest.fixture
def line() -> Iterator[Line]:
    with listening() as opened:
        yield opened


@pytest.fixture
def device(cast: People, line: Line) -> Device:
    gateway = make_gateway(site=cast.site, shard=SHARD, period_s=3600)
    device = make_device(
        bus=make_bus(gateway=gateway, port=line.port), template_version=library("simulated")
    )
    Device.objects.filter(pk=device.pk).update(is_online=True)
    return device


@pytest.fixture
def unit(line: Line, device: Device) -> ImageUnit:
    unit = ImageUnit(Image(profile_of(device.template_version), 1), 0)
    line.units[device.unit_id] = unit  # type: ignore[assignment]
    put_ahead(unit)
    return unit


@pytest.fixture
def poller(unit: ImageUnit) -> Iterator[Poller]:
    made = Poller(SHARD)
    made.cycle(now=timezone.now(), deadline_s=0.1)
    yield made
    made.stop(now=timezone.now())


def turn(device: Device) -> DeviceClock:
    """The device's turn has come."""
    now = timezone.now()
    clocks.enter_new(now=now)
    DeviceClock.objects.filter(pk=device.pk).update(due_at=now)
    clocks.take_turns(now=now)
    return DeviceClock.objects.get(pk=device.pk)


@pytest.mark.usefixtures("poller", "any_time")
def test_a_clock_is_set_once_a_day_and_read_back(device: Device, unit: ImageUnit) -> None:
    row = turn(device)

    setting = ClockSetting.objects.get()
    assert setting.before_s == pytest.approx(AHEAD_S, abs=2)
    assert (setting.result, setting.error, setting.by) == (ClockResult.DONE, "", None)
    assert setting.after_s == pytest.approx(0, abs=2)
    assert row.drift_s == setting.after_s
    assert row.due_at == clocks.turn_after(timezone.now(), device.pk)

    put_ahead(unit, number=2)
    assert turn(device).drift_s == pytest.approx(AHEAD_S, abs=2)
    assert ClockSetting.objects.count() == 1, "at most once a day"


@pytest.mark.usefixtures("poller", "any_time")
def test_a_run_whose_time_is_up_leaves_the_rest_to_the_next(device: Device, cast: People) -> None:
    now = timezone.now()
    clocks.enter_new(now=now)
    DeviceClock.objects.update(due_at=now)
    assert clocks.take_turns(now=now, budget_s=0) == clocks.Turn()
    assert DeviceClock.objects.get().due_at == now, "its turn is still to come"

    cast.site.is_clock_setting_allowed = False
    cast.site.save()
    turn(device)
    cast.site.is_clock_setting_allowed = True
    cast.site.save()
    off = DeviceClock.objects.select_related(
        "device__site", "device__template_version", "device__bus__gateway"
    )

    assert clocks._set_all(off, until_s=time.monotonic()) == 0
    assert not ClockSetting.objects.exists()
    assert DeviceClock.objects.get().due_at < timezone.now() + timedelta(minutes=15)

    assert clocks._set_all(off, until_s=time.monotonic() + 30) == 1
    assert ClockSetting.objects.get().result == ClockResult.DONE


@pytest.mark.usefixtures("poller", "any_time")
def test_a_site_that_has_not_asked_for_it_is_only_read(device: Device, cast: People) -> None:
    cast.site.is_clock_setting_allowed = False
    cast.site.save()

    assert turn(device).drift_s == pytest.approx(AHEAD_S, abs=2)

    assert not ClockSetting.objects.exists()


@pytest.mark.usefixtures("poller", "any_time")
@pytest.mark.parametrize(
    ("fault", "result"), [("ignores_writes", ClockResult.KEPT), ("refuses_writes", "refused")]
)
def test_a_meter_that_does_not_take_it_is_told_and_raises_no_alarm(
    device: Device, unit: ImageUnit, fault: str, result: str
) -> None:
    setattr(unit, fault, True)

    row = turn(device)

    setting = ClockSetting.objects.get()
    assert setting.result == result
    assert setting.after_s == pytest.approx(AHEAD_S, abs=2)
    assert row.drift_s == setting.after_s
    assert not Alarm.objects.exists()


@pytest.mark.usefixtures("poller", "any_time")
def test_a_map_that_nobody_tried_is_never_written(device: Device) -> None:
    version = device.template_version
    version.clock = version.clock | {"confidence": "inferred"}
    version.save()
    clock = ClockDef.of(version.clock)
    row = make_clock(device, drift_s=AHEAD_S)

    assert clock_running.why_not(row, clock, now=timezone.now()) == "unproven"


def test_the_edge_of_a_demand_interval_is_waited_out(device: Device) -> None:
    edge = datetime(2026, 11, 26, 4, 44, 30, tzinfo=UTC)
    row = make_clock(device, drift_s=AHEAD_S, checked_at=edge)
    clock = ClockDef.of(device.template_version.clock)

    assert clock_running.why_not(row, clock, now=edge) == "not_calm"
    calm = rules.next_calm(edge, AHEAD_S)
    DeviceClock.objects.filter(pk=row.pk).update(checked_at=calm)
    row.refresh_from_db()
    assert clock_running.why_not(row, clock, now=calm) == ""
    assert clock_running.why_not(row, clock, now=calm + timedelta(minutes=5)) == "stale"


@pytest.mark.usefixtures("any_time")
def test_a_time_that_is_none_is_told_and_nothing_is_set(device: Device, line: Line) -> None:
    version = device.template_version
    # Six words of a clock, of which three are taken for decimal digits: 0x07ea is no year.
    version.clock = version.clock | {"format": "bcd", "year_base": 2000}
    version.save()
    line.units[device.unit_id] = ImageUnit(Image(profile_of(version), 1), 0)  # type: ignore[assignment]
    poller = Poller(SHARD)
    poller.cycle(now=timezone.now(), deadline_s=0.1)
    try:
        row = turn(device)
    finally:
        poller.stop(now=timezone.now())

    assert (row.error, row.drift_s) == ("no_time", None)
    assert not ClockSetting.objects.exists()


def test_turns_are_spread_over_the_day_and_never_at_an_edge() -> None:
    now = timezone.now()
    turns = [clocks.turn_after(now, pk) for pk in range(1, 2000)]

    assert all(now < one <= now + timedelta(days=1) for one in turns)
    hours = [sum(one.hour == hour for one in turns) for hour in range(24)]
    assert max(hours) < 1.3 * min(hours)
    assert all(240 <= one.timestamp() % 900 < 540 for one in turns)


@pytest.fixture
def dialled_device(monkeypatch: pytest.MonkeyPatch) -> Device:
    monkeypatch.setattr(dialin, "RECORD_S", 0.0)
    version = library("simulated")
    gateway = make_dtu("SIM00000001", code="ascii-id-ff80", period_s=1, offline_after_s=5)
    return make_device(bus=make_bus(gateway=gateway), template_version=version)


@pytest.mark.usefixtures("any_time")
def test_behind_a_gateway_that_dials_in(dialled_device: Device, eventually: Eventually) -> None:
    site = dialled_device.site
    site.is_clock_setting_allowed = True
    site.save()
    with serving():
        eventually(DtuDoor.objects.exists)
        port = int(DtuDoor.objects.get().address.rpartition(":")[2])
        with background(dtu(port, dialled_device)) as plant:
            plant.simulator.world.start_fault("clock_drift", "meter", {"level": AHEAD_S})
            plant.simulator.world.step()
            eventually(lambda: Device.objects.get(pk=dialled_device.pk).is_online)
            turn(dialled_device)

    setting = ClockSetting.objects.get()
    assert setting.before_s == pytest.approx(AHEAD_S, abs=2)
    assert setting.result == ClockResult.DONE


def test_the_switch_is_of_those_who_manage_the_site(cast: People, client: Client) -> None:
    with pytest.raises(Forbidden):
        clocks.allow(site=cast.site, is_allowed=True, tolerance_s=60, by=cast.bo)
    with pytest.raises(Invalid):
        clocks.allow(site=cast.site, is_allowed=True, tolerance_s=4, by=cast.ana)
    client.force_login(cast.ana)
    address = reverse("devices:clock-switch", args=[cast.site.pk])

    told = client.post(address, {"is_allowed": "1", "tolerance_s": "x"}, follow=True)
    assert "5 至 3600" in told.content.decode()
    client.post(address, {"is_allowed": "0", "tolerance_s": "120"})

    cast.site.refresh_from_db()
    assert (cast.site.is_clock_setting_allowed, cast.site.clock_tolerance_s) == (False, 120)


def test_the_list_tells_those_that_are_off_from_the_others(
    device: Device, cast: People, client: Client
) -> None:
    make_clock(device, drift_s=-AHEAD_S, result=ClockResult.KEPT)
    right = make_device(bus=device.bus, template_version=device.template_version)
    make_clock(right, drift_s=2.0)
    client.force_login(cast.bo)

    def shown(query: str) -> set[int]:
        answer = client.get(reverse("devices:clock-list") + query)
        return {one.clock.pk for one in answer.context["lines"]}

    assert shown("") == {device.pk, right.pk}
    assert shown("?state=off") == shown("?state=kept") == {device.pk}
    assert shown("?state=failed") == set()
    assert shown("?state=nonsense") == set()
    assert client.get("/api/v1/devices/?is_clock_off=true").json()["results"][0]["id"] == device.pk
    client.force_login(cast.cy)
    assert shown("") == set()


def test_local_time_of_the_site_is_what_a_clock_shows(unit: ImageUnit) -> None:
    shown = [int.from_bytes(unit.registers(3, 60100, 6)[n : n + 2]) for n in range(0, 12, 2)]
    local = datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(seconds=AHEAD_S)

    assert abs(datetime(*shown, tzinfo=ZoneInfo("Asia/Shanghai")) - local) < timedelta(seconds=5)  # type: ignore[arg-type,misc]
