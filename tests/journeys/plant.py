"""A plant on sockets: simulated meters in a thread, and a polling loop that reads them."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from alarms.services import watching
from devices import live
from devices.models import Device, TemplateVersion
from devices.services import polling
from devices.tests import simulated
from devices.tests.factories import make_bus, make_device, make_gateway
from devices.tests.simulated import Background
from sites.tests.factories import People, make_circuit, make_room, make_transformer, people

SHARD = 0
PERIOD_S = 1
TARGET = "plant/1"


@dataclass(frozen=True)
class Plant:
    """The cast's site with one meter, and the simulator that answers for it."""

    cast: People
    device: Device
    simulator: Background

    def fault(self, kind: str, **facts: object) -> None:
        """Let something go wrong at the meter."""
        self.simulator.tell(cmd="start", fault=kind, target=TARGET, ramp_s=0, **facts)

    def clear(self) -> None:
        """Put everything right."""
        self.simulator.tell(cmd="stop", target=TARGET)


class Polling:
    """The poll worker's loop in a thread: one cycle after the other, as beat would send them."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.failure: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            while not self._stop.wait(settings.POLL_TICK_S / 2):
                polling.poll_shard(shard=SHARD, now=timezone.now())
        except BaseException as failure:  # noqa: BLE001 - told when the test ends
            self.failure = failure
        finally:
            polling.stop_polling()
            connections.close_all()


@pytest.fixture
def plant(transactional_db: None) -> Iterator[Plant]:
    """Shipped templates and rules, the cast's site, one simulated meter that is read every second."""
    watching.forget()
    call_command("load_library", verbosity=0)
    call_command("load_rules", verbosity=0)
    cast = people()
    with simulated.background(simulated.make_gateway("plant")) as simulator:
        room = make_room("一号配电室", site=cast.site)
        transformer = make_transformer("1 号变压器", room=room)
        circuit = make_circuit("进线 401", room=room, transformer=transformer, kind="incomer")
        gateway = make_gateway(site=cast.site, shard=SHARD, period_s=PERIOD_S)
        device = make_device(
            bus=make_bus(gateway=gateway, port=simulator.listeners[0].port),
            name="401 电表",
            unit_id=1,
            room=room,
            circuit=circuit,
            template_version=TemplateVersion.objects.get(template__key="simulated"),
        )
        reading = Polling()
        reading.start()
        yield Plant(cast=cast, device=device, simulator=simulator)
        reading.stop()
    live.forget(site_id=cast.site.pk, device_ids=[device.pk])
    watching.forget()
