"""What the simulator has to serve: the gateways and devices that are marked as simulated."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import sqrt

from django.conf import settings
from django.db.models import Count, Max

from devices.drivers import Profile
from devices.drivers.simulator import SimDevice, SimGateway
from devices.models import Bus, Device
from devices.services.templates import profile_of
from devices.states import Framing, GatewayKind
from sites.models import Circuit

INDUSTRIES = {
    "traditional": "textile",
    "hotels": "hotel",
    "malls": "mall",
    "markets": "market",
    "hazardous": "chemical",
    "key-energy": "machinery",
    "dedicated": "machinery",
    "grid-platform": "machinery",
    "polluting": "chemical",
    "medical": "hospital",
    "care": "hospital",
    "schools": "school",
}
# What a circuit feeds tells more than who owns it: words of its English name.
LOADS_BY_WORD = {
    "office": "office",
    "cold": "cold_storage",
    "chiller": "cold_storage",
    "server": "data",
    "data hall": "data",
    "control room": "data",
    "canteen": "mall",
    "charg": "mall",
    "dormitor": "hotel",
    "workshop": "machinery",
    "wastewater": "chemical",
    "boiler": "hospital",
}
REPLAY_PREFIX = "replay-"
DEFAULT_KVA = 100.0
# A door that listens everywhere is dialled nearby.
DOOR_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to


def simulated_gateways() -> list[SimGateway]:
    """One listener per bus of an enabled simulated gateway, with its enabled simulated devices.

    A device whose template's key begins with `replay-` serves the measured file that its code names.
    """
    profiles: dict[int, Profile] = {}
    members: dict[int, list[SimDevice]] = {}
    rows = Device.objects.in_service().filter(is_simulated=True).order_by("bus_id", "unit_id")
    devices = list(
        rows.select_related(
            "site__enterprise__category", "circuit__transformer", "template_version__template"
        )
    )
    wiring = _wiring(devices)
    for device in devices:
        version = device.template_version
        if version.pk not in profiles:
            profiles[version.pk] = profile_of(version)
        made = replace(
            _device(device, profiles[version.pk]),
            feeders=tuple(map(_name, wiring.feeders.get(device.pk, ()))),
            beside=_name(wiring.beside[device.pk]) if device.pk in wiring.beside else "",
        )
        members.setdefault(device.bus_id or 0, []).append(made)
    buses = Bus.objects.filter(gateway__is_simulated=True, gateway__is_enabled=True)
    return [
        _gateway(bus, members.get(bus.pk, []))
        for bus in buses.select_related("gateway__dtu_profile").order_by("pk")
    ]


def _gateway(bus: Bus, devices: list[SimDevice]) -> SimGateway:
    """A line as the simulator serves it; its gateway and the kind of DTU must be selected."""
    gateway, name = bus.gateway, bus_name(bus_id=bus.pk)
    if gateway.kind != GatewayKind.DTU or gateway.dtu_profile is None:
        return SimGateway(name=name, host=gateway.host, port=bus.port, devices=devices)
    profile = gateway.dtu_profile
    return SimGateway(
        name=name,
        host=DOOR_HOSTS.get(settings.DTU_HOST, settings.DTU_HOST),
        port=settings.DTU_PORT,
        devices=devices,
        registration=bytes.fromhex(profile.prefix_hex) + gateway.dtu_id.encode(),
        heartbeat=bytes.fromhex(profile.heartbeat_hex),
        framing="mbap" if profile.framing == Framing.MBAP else "rtu",
    )


def simulated_key() -> str:
    """Changes when anything changes that the simulator serves."""
    devices = Device.objects.filter(is_simulated=True).aggregate(Count("pk"), Max("updated_at"))
    buses = Bus.objects.filter(gateway__is_simulated=True).aggregate(
        Count("pk"), Max("updated_at"), Max("gateway__updated_at")
    )
    return f"{devices} {buses}"


@dataclass(slots=True)
class _Wiring:
    """By device id: the devices whose load it adds up, or the one whose load it shares."""

    feeders: dict[int, list[int]] = field(default_factory=dict)
    beside: dict[int, int] = field(default_factory=dict)


def _wiring(devices: Iterable[Device]) -> _Wiring:
    """A circuit's first meter stands for it; what else is on the circuit shares its load."""
    wiring = _Wiring()
    main: dict[int, int] = {}
    ranked = sorted(
        devices, key=lambda one: (one.template_version.template.kind != "meter", one.pk)
    )
    for device in ranked:
        if device.circuit_id is None:
            continue
        first = main.setdefault(device.circuit_id, device.pk)
        if first != device.pk:
            wiring.beside[device.pk] = first
    below: dict[int, list[int]] = defaultdict(list)
    circuits = Circuit.objects.filter(room__site__devices__in=[one.pk for one in ranked]).distinct()
    for pk, parent_id in circuits.order_by("pk").values_list("pk", "parent_id"):
        if parent_id is not None:
            below[parent_id].append(pk)
    for circuit_id, device_id in main.items():
        if members := list(_metered(circuit_id, below, main)):
            wiring.feeders[device_id] = members
    return wiring


def _metered(circuit_id: int, below: dict[int, list[int]], main: dict[int, int]) -> Iterable[int]:
    """The nearest devices below a circuit."""
    for child in below.get(circuit_id, ()):
        if child in main:
            yield main[child]
        else:
            yield from _metered(child, below, main)


def _name(device_id: int) -> str:
    return device_name(device_id=device_id)


def device_name(*, device_id: int) -> str:
    """What faults and scripts call a device."""
    return f"device-{device_id}"


def bus_name(*, bus_id: int) -> str:
    """What faults and scripts call a gateway's line."""
    return f"bus-{bus_id}"


def _device(device: Device, profile: Profile) -> SimDevice:
    is_replayed = device.template_version.template.key.startswith(REPLAY_PREFIX)
    return SimDevice(
        unit_id=device.unit_id,
        profile=profile,
        name=device_name(device_id=device.pk),
        seed=device.pk,
        industry=_industry(device),
        rated_kva=_rated_kva(device),
        un_v=device.site.phase_nominal_v,
        supply=device.site_id,
        is_incomer=bool(device.circuit and device.circuit.kind == Circuit.Kind.INCOMER),
        replay=device.code if is_replayed else None,
    )


def _industry(device: Device) -> str:
    feeds = device.circuit.name_en.lower() if device.circuit else ""
    for word, load in LOADS_BY_WORD.items():
        if word in feeds:
            return load
    category = device.site.enterprise.category
    return INDUSTRIES.get(category.code if category else "", "office")


def _rated_kva(device: Device) -> float:
    """What the circuit carries: by its rated current, else the transformer's rating."""
    circuit = device.circuit
    if circuit is None:
        return DEFAULT_KVA
    if circuit.rated_current_a:
        line_v = device.site.phase_nominal_v * sqrt(3)
        return circuit.rated_current_a * line_v * sqrt(3) / 1000
    return float(circuit.transformer.rated_kva) if circuit.transformer else DEFAULT_KVA
