"""Every template that ships, from the simulator's model over a socket into the tables."""

import math
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from devices.models import Bus, Device, Ratio, TemplateVersion
from devices.services.polling import Poller
from devices.services.simulation import device_name, simulated_gateways
from devices.services.templates import load_library, profile_of
from devices.tests.factories import make_bus, make_device, make_gateway
from devices.tests.simulated import Background, background
from sites.tests.factories import make_circuit, make_room

pytestmark = pytest.mark.django_db

SHARD = 81
REPLAYED = "replay-"
# At most 27 kW: sixteen bits of watts end at 32,767 W, whatever the hour of the day asks for.
DIRECT_A = 40.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def bus() -> Bus:
    gateway = make_gateway(shard=SHARD, period_s=1)
    return make_bus(gateway=gateway, port=free_port(), timeout_ms=2000)


@pytest.fixture
def devices(bus: Bus) -> list[Device]:
    """One device of every template that has a model, on a circuit that a meter without CT carries."""
    versions = [result.version for result in load_library()]
    modelled = [v for v in versions if not v.template.key.startswith(REPLAYED)]
    room = make_room(site=bus.gateway.site)
    return [
        make_device(
            bus=bus,
            template_version=version,
            circuit=make_circuit(room=room, rated_current_a=DIRECT_A),
        )
        for version in modelled
    ]


@pytest.fixture
def simulator(devices: list[Device]) -> Iterator[Background]:
    with background(*simulated_gateways()) as running:
        yield running


@pytest.fixture
def poller(simulator: Background) -> Iterator[Poller]:
    made = Poller(SHARD)
    yield made
    made.stop(now=timezone.now())


def poll(poller: Poller) -> None:
    """A cycle in which everything is due."""
    now = timezone.now()
    poller.cycle(now=now, deadline_s=0)
    poller.cycle(now=now + timedelta(seconds=1), deadline_s=10)


def stored(device: Device) -> dict[str, float]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT values, counters FROM reading WHERE device_id = %s", [device.pk])
        ((values, counters),) = cursor.fetchall()
    layout = device.template_version.layout
    return dict(
        zip([*layout.value_codes, *layout.counter_codes], [*values, *counters], strict=True)
    )


def steps(version: TemplateVersion) -> dict[str, float]:
    """The smallest difference that each register can show; 0 for floats."""
    return {
        register.code: 0.0 if register.type == "float32" else abs(register.scale)
        for register in profile_of(version).registers
    }


def test_the_tables_hold_what_the_model_says(
    devices: list[Device], simulator: Background, poller: Poller
) -> None:
    poll(poller)

    assert len(devices) >= 6
    for device in devices:
        found = stored(device)
        shown = simulator.simulator.world.values(device_name(device_id=device.pk))
        resolution = steps(device.template_version)
        assert shown.keys() <= found.keys()
        # A meter has fifteen points or more, a thermometer of a transformer two; of a compressor or
        # a contact the model knows nothing.
        template = device.template_version.template
        is_meter = template.kind == "meter" and "Ua" in found
        assert len(shown) >= (15 if is_meter else 2 * template.is_simulated), device
        for code, value in shown.items():
            if value is None or math.isnan(value):
                continue
            allowed = max(resolution[code] * 0.51, abs(value) * 2e-7, 1e-6)
            assert found[code] == pytest.approx(value, abs=allowed, rel=0), (str(device), code)


def test_the_model_is_plausible_at_the_primary_side(
    devices: list[Device], simulator: Background, poller: Poller
) -> None:
    poll(poller)

    meters = [device for device in devices if "Ua" in stored(device)]
    assert len(meters) >= 6
    for device in meters:
        found = stored(device)
        assert 200 < found["Ua"] < 250, device
        assert 0 < found["P"] < 10_000, device
        assert found.get("EPI", 0.0) >= 0, device


def test_ratios_multiply_what_a_meter_shows_at_the_secondary_side(
    bus: Bus, devices: list[Device]
) -> None:
    secondary = [d for d in devices if d.template_version.values_are == "secondary"]
    for device in secondary:
        Ratio.objects.create(device=device, ct=20, valid_from=timezone.now() - timedelta(days=1))
    with background(*simulated_gateways()) as running:
        made = Poller(SHARD)
        try:
            poll(made)
        finally:
            made.stop(now=timezone.now())

        for device in secondary:
            shown = running.simulator.world.values(device_name(device_id=device.pk))
            found = stored(device)
            assert found["Ua"] == pytest.approx(shown["Ua"], abs=0.1)
            assert found["Ia"] == pytest.approx(20 * (shown["Ia"] or 0), abs=0.3)


def test_a_dead_meter_and_a_dead_gateway_are_noticed_and_come_back(
    devices: list[Device], bus: Bus, simulator: Background, poller: Poller
) -> None:
    now = timezone.now()
    gateway = bus.gateway
    gateway.offline_after_s = 5
    gateway.save()
    Bus.objects.update(timeout_ms=100)
    poller.cycle(now=now, deadline_s=0)
    victim = devices[0]

    def after(seconds: float) -> tuple[bool | None, bool | None]:
        moment = now + timedelta(seconds=seconds)
        poller.cycle(now=moment, deadline_s=2, stamp_s=moment.timestamp())
        victim.refresh_from_db()
        gateway.refresh_from_db()
        return victim.is_online, gateway.is_online

    assert after(1) == (True, True)
    simulator.tell(cmd="start", fault="dead_meter", target=device_name(device_id=victim.pk))
    assert after(2) == (True, True)
    assert after(10) == (False, True)
    simulator.tell(cmd="start", fault="dead_gateway", target=f"bus-{bus.pk}")
    assert after(11) == (False, True)
    assert after(20) == (False, False)
