"""The door as a whole: a DTU dials in, its meter is read, stored, shown, and missed when it goes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.utils import timezone

from devices import live
from devices.drivers.simulator import SimDevice, SimGateway
from devices.models import Device, DtuDoor, GatewaySession
from devices.services import dialin, on_demand, templates
from devices.tests.factories import make_bus, make_device
from devices.tests.simulated import background, shipped_profile
from devices.tests.test_dial_in_rows import make_dtu
from tests.conftest import Eventually, eventually

__all__ = ["eventually"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@contextmanager
def serving(*, door: int = 0) -> Iterator[None]:
    """The command's work in a thread, on any free port."""
    stop = threading.Event()

    def run() -> None:
        try:
            dialin.serve(host="127.0.0.1", port=0, door=door, stop=stop)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def dtu(port: int, device: Device) -> SimGateway:
    """What dials in: the device's address, with a simulated meter behind it."""
    meter = SimDevice(unit_id=device.unit_id, profile=shipped_profile("simulated"), name="meter")
    return SimGateway(
        name="dtu",
        port=port,
        devices=[meter],
        registration=b"SIM00000001",
        heartbeat=b"\xff\xff\x80\x80",
    )


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    monkeypatch.setattr(dialin, "RECORD_S", 0.0)
    versions = {result.version.template.key: result.version for result in templates.load_library()}
    gateway = make_dtu("SIM00000001", code="ascii-id-ff80", period_s=1, offline_after_s=5)
    return make_device(bus=make_bus(gateway=gateway), template_version=versions["simulated"])


def test_a_meter_behind_a_dtu_is_read_like_any_other(
    device: Device, eventually: Eventually
) -> None:
    with serving():
        eventually(DtuDoor.objects.exists)
        port = int(DtuDoor.objects.get().address.rpartition(":")[2])
        with background(dtu(port, device)) as plant:
            eventually(lambda: live.latest(device_ids=[device.pk]))
            eventually(lambda: Device.objects.get(pk=device.pk).is_online)
            read = on_demand.read_now(device=device, by=None, now=timezone.now())
            shown = plant.simulator.world.values("meter")
            eventually(lambda: GatewaySession.objects.filter(is_connected=True).exists())
        eventually(lambda: GatewaySession.objects.filter(is_connected=False).exists())

    session = GatewaySession.objects.get()
    assert read.values["F"] == pytest.approx(shown["F"], abs=0.5)
    assert session.bytes_in > 100
    assert session.crc_errors == 0


def test_who_calls_again_after_the_door_was_shut_is_heard_again(
    device: Device, eventually: Eventually
) -> None:
    with serving():
        eventually(DtuDoor.objects.exists)
    opened_at = DtuDoor.objects.get().opened_at

    with serving():
        eventually(lambda: DtuDoor.objects.get().opened_at > opened_at)
        port = int(DtuDoor.objects.get().address.rpartition(":")[2])
        with background(dtu(port, device)):
            eventually(lambda: live.latest(device_ids=[device.pk]))
