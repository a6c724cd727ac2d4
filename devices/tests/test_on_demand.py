"""Reading now, through Redis, by the owner of the bus."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from devices.models import Device
from devices.services.lease import Lease
from devices.services.on_demand import NoAnswer, OnDemandRead, read_now
from devices.services.plan import planned_version
from devices.services.polling import Poller
from devices.tests.factories import make_bus, make_device, make_gateway
from devices.tests.meters import Line, Meter, listening

pytestmark = pytest.mark.django_db

SHARD = 79


@pytest.fixture
def line() -> Iterator[Line]:
    with listening() as opened:
        yield opened


@pytest.fixture
def device(line: Line) -> Device:
    gateway = make_gateway(shard=SHARD, period_s=3600)
    made = make_device(bus=make_bus(gateway=gateway, port=line.port, timeout_ms=150))
    meter = Meter(planned_version(made.template_version).profile)
    meter.show({"Ua": 230.5, "EPI": 1234567.5})
    meter.show({"Ub": float("nan")})
    line.units[made.unit_id] = meter
    return made


@pytest.fixture
def poller(device: Device) -> Iterator[Poller]:
    """A worker that owns the shard and whose next poll is an hour away."""
    made = Poller(SHARD)
    made.cycle(now=timezone.now(), deadline_s=0.1)
    yield made
    made.stop(now=timezone.now())


def ask(device: Device, *, timeout_s: float = 5.0) -> OnDemandRead:
    return read_now(device=device, by=None, now=timezone.now(), timeout_s=timeout_s)


def test_the_values_come_from_the_meter(device: Device, poller: Poller) -> None:
    asked_at = time.time()

    found = ask(device)

    assert found.values["Ua"] == 230.5
    assert found.values["EPI"] == 1234567.5
    assert found.values["Ub"] is None
    assert abs(found.at.timestamp() - asked_at) < 5


def test_the_sample_is_stored_with_the_next_cycle(device: Device, poller: Poller) -> None:
    ask(device)

    cycle = poller.cycle(now=timezone.now(), deadline_s=0.1)

    assert cycle is not None
    assert cycle.stored == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reading WHERE device_id = %s", [device.pk])
        assert cursor.fetchone() == (1,)


def test_a_silent_meter_is_said(line: Line, device: Device, poller: Poller) -> None:
    line.units[device.unit_id].is_silent = True

    with pytest.raises(NoAnswer) as caught:
        ask(device)

    assert caught.value.facts["error"] == "timeout"


def test_a_gateway_that_is_gone_is_said(line: Line, device: Device, poller: Poller) -> None:
    line.stop()

    with pytest.raises(NoAnswer) as caught:
        ask(device)

    assert caught.value.facts["error"] == "refused"


def test_without_a_worker_it_is_said_at_once(device: Device) -> None:
    began = time.monotonic()

    with pytest.raises(NoAnswer) as caught:
        ask(device, timeout_s=5)

    assert caught.value.facts["error"] == "no_worker"
    assert time.monotonic() - began < 2


def test_a_worker_that_hangs_is_not_waited_for(device: Device) -> None:
    lease = Lease(SHARD)
    lease.hold()
    try:
        with pytest.raises(NoAnswer) as caught:
            ask(device, timeout_s=0.2)
    finally:
        lease.release()

    assert caught.value.facts["error"] == "late"


def test_a_device_without_a_bus_cannot_be_read(device: Device) -> None:
    device.bus = None

    with pytest.raises(NoAnswer) as caught:
        ask(device)

    assert caught.value.facts["error"] == "not_polled"


def test_several_may_ask_at_once(device: Device, poller: Poller) -> None:
    shard = device.bus.gateway.shard  # type: ignore[union-attr]
    barrier = threading.Barrier(4)

    def one(_number: int) -> float | None:
        barrier.wait(5)
        return ask(device).values["Ua"]

    assert shard == SHARD
    with ThreadPoolExecutor(4) as people:
        assert list(people.map(one, range(4))) == [230.5] * 4
