"""What the simulator has to serve: the gateways and devices that are marked as simulated."""

from math import sqrt

from django.db.models import Count, Max

from devices.drivers import Profile
from devices.drivers.simulator import SimDevice, SimGateway
from devices.models import Bus, Device
from devices.services.templates import profile_of

INDUSTRIES = {
    "traditional": "textile",
    "hotels": "hotel",
    "malls": "mall",
    "markets": "market",
    "hazardous": "chemical",
    "key-energy": "machinery",
    "polluting": "chemical",
    "medical": "hospital",
    "care": "hospital",
    "schools": "school",
}
REPLAY_PREFIX = "replay-"
DEFAULT_KVA = 100.0


def simulated_gateways() -> list[SimGateway]:
    """One listener per bus of an enabled simulated gateway, with its enabled simulated devices.

    A device whose template's key begins with `replay-` serves the measured file that its code names.
    """
    profiles: dict[int, Profile] = {}
    members: dict[int, list[SimDevice]] = {}
    rows = Device.objects.in_service().filter(is_simulated=True).order_by("bus_id", "unit_id")
    for device in rows.select_related(
        "site__enterprise__category", "circuit__transformer", "template_version__template"
    ):
        version = device.template_version
        if version.pk not in profiles:
            profiles[version.pk] = profile_of(version)
        members.setdefault(device.bus_id or 0, []).append(_device(device, profiles[version.pk]))
    buses = Bus.objects.filter(gateway__is_simulated=True, gateway__is_enabled=True)
    return [
        SimGateway(
            name=bus_name(bus_id=bus.pk),
            host=bus.gateway.host,
            port=bus.port,
            devices=members.get(bus.pk, []),
        )
        for bus in buses.select_related("gateway").order_by("pk")
    ]


def simulated_key() -> str:
    """Changes when anything changes that the simulator serves."""
    devices = Device.objects.filter(is_simulated=True).aggregate(Count("pk"), Max("updated_at"))
    buses = Bus.objects.filter(gateway__is_simulated=True).aggregate(
        Count("pk"), Max("updated_at"), Max("gateway__updated_at")
    )
    return f"{devices} {buses}"


def device_name(*, device_id: int) -> str:
    """What faults and scripts call a device."""
    return f"device-{device_id}"


def bus_name(*, bus_id: int) -> str:
    """What faults and scripts call a gateway's line."""
    return f"bus-{bus_id}"


def _device(device: Device, profile: Profile) -> SimDevice:
    category = device.site.enterprise.category
    is_replayed = device.template_version.template.key.startswith(REPLAY_PREFIX)
    return SimDevice(
        unit_id=device.unit_id,
        profile=profile,
        name=device_name(device_id=device.pk),
        seed=device.pk,
        industry=INDUSTRIES.get(category.code if category else "", "office"),
        rated_kva=_rated_kva(device),
        un_v=device.site.phase_nominal_v,
        supply=device.site_id,
        replay=device.code if is_replayed else None,
    )


def _rated_kva(device: Device) -> float:
    """What the circuit carries: by its rated current, else the transformer's rating."""
    circuit = device.circuit
    if circuit is None:
        return DEFAULT_KVA
    if circuit.rated_current_a:
        line_v = device.site.phase_nominal_v * sqrt(3)
        return circuit.rated_current_a * line_v * sqrt(3) / 1000
    return float(circuit.transformer.rated_kva) if circuit.transformer else DEFAULT_KVA
