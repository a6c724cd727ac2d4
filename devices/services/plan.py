"""What a shard has to read: loaded from the tables as a whole, replaced when they change."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import numpy as np
from django.db import connection
from django.db.models import Q, QuerySet
from numpy.typing import NDArray

from devices import models
from devices.drivers import Block, Profile
from devices.drivers.bus import BusSpec
from devices.drivers.clocks import ClockDef
from devices.drivers.codec import Decoder
from devices.drivers.dialin import DtuProfile
from devices.drivers.planner import plan as plan_blocks
from devices.drivers.pool import PollJob
from devices.models import FIRST_DOOR, Bus, Device, Gateway, PointOverride, Ratio, TemplateVersion
from devices.services.templates import profile_of
from devices.states import Framing, GatewayKind

# Which registers a poll asks for: usually the fast ones, now and then the slow ones, once a day all.
LEVELS = (("fast",), ("fast", "slow"), ("fast", "slow", "daily"))

# What a plan is made of. Versions of templates do not change.
PLANNED = (Gateway, Bus, Device, Ratio, PointOverride, models.DtuProfile)

_BY_PT = frozenset({"V"})
_BY_CT = frozenset({"A"})
_BY_BOTH = frozenset({"kW", "kvar", "kVA", "kWh", "kvarh", "kVAh"})


@dataclass(slots=True, eq=False)
class Ask:
    """The blocks of one level of one version, and how to decode them."""

    version: "PlannedVersion"
    blocks: tuple[Block, ...]
    decoder: Decoder
    has_slow: bool


@dataclass(slots=True, eq=False)
class PlannedVersion:
    """A template version, ready to read. Versions do not change: they outlive the plan.

    by_ct, by_pt: columns (values, then counters) that a transformer ratio multiplies.
    """

    pk: int
    layout_id: int
    profile: Profile
    by_ct: NDArray[np.bool_]
    by_pt: NDArray[np.bool_]
    asks: tuple[Ask, ...] = ()
    clock: ClockDef | None = None

    @property
    def width(self) -> int:
        """Values and counters."""
        return len(self.by_ct)


@dataclass(slots=True, eq=False)
class PlannedDevice:
    """A device in service. jobs: per level; None where there is nothing to ask."""

    pk: int
    site_id: int
    gateway: "PlannedGateway"
    version: PlannedVersion
    jobs: tuple[PollJob | None, ...]
    ct: float = 1.0
    pt: float = 1.0
    disabled: NDArray[np.intp] | None = None


@dataclass(slots=True, eq=False)
class PlannedGateway:
    """A gateway in service with its devices."""

    pk: int
    site_id: int
    period_s: float
    silence_s: float
    devices: list[PlannedDevice] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """Everything a shard reads. `expires_at`: epoch seconds at which a ratio changes by itself.

    dtus: who may dial in, by id. bus_keys: the line of each bus, by the bus's id.
    """

    key: str
    gateways: dict[int, PlannedGateway] = field(default_factory=dict)
    devices: dict[int, PlannedDevice] = field(default_factory=dict)
    buses: list[BusSpec] = field(default_factory=list)
    dtus: dict[str, DtuProfile] = field(default_factory=dict)
    asks: dict[int, Ask] = field(default_factory=dict)
    bus_keys: dict[int, int] = field(default_factory=dict)
    expires_at: float = float("inf")


def plan_key(shard: int) -> str:
    """Changes whenever anything changes that the shard's plan is made of."""
    of_shard = "g.shard = %s AND (g.kind = %s) = %s"
    of_bus = f"FROM devices_bus b JOIN devices_gateway g ON g.id = b.gateway_id WHERE {of_shard}"
    of_device = (
        "JOIN devices_bus b ON b.id = d.bus_id JOIN devices_gateway g ON g.id = b.gateway_id"
        f" WHERE {of_shard}"
    )
    facts = "SELECT concat(count(*), ' ', max({table}.updated_at)) "
    queries = [
        facts.format(table="g") + f"FROM devices_gateway g WHERE {of_shard}",
        facts.format(table="b") + of_bus,
        facts.format(table="d") + f"FROM devices_device d {of_device}",
        facts.format(table="x")
        + f"FROM devices_ratio x JOIN devices_device d ON d.id = x.device_id {of_device}",
        facts.format(table="x")
        + f"FROM devices_pointoverride x JOIN devices_device d ON d.id = x.device_id {of_device}",
        facts.format(table="x")
        + f"FROM devices_dtuprofile x JOIN devices_gateway g ON g.dtu_profile_id = x.id WHERE {of_shard}",
    ]
    is_door = shard >= FIRST_DOOR
    given: list[Any] = [shard - FIRST_DOOR if is_door else shard, GatewayKind.DTU, is_door]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT concat_ws(';', " + ", ".join(f"({query})" for query in queries) + ")",
            given * len(queries),
        )
        return str(cursor.fetchone()[0])


class PlanLoader:
    """Loads plans of one shard and keeps the versions it has met."""

    def __init__(self, shard: int) -> None:
        self.shard = shard
        self._versions: dict[int, PlannedVersion] = {}

    def load(self, *, now: datetime) -> Plan:
        """The plan as the tables are; the ratios are those in force at `now`."""
        plan = Plan(key=plan_key(self.shard))
        plan.gateways = {
            row.pk: PlannedGateway(
                pk=row.pk,
                site_id=row.site_id,
                period_s=float(row.period_s),
                silence_s=float(row.silence_s),
            )
            for row in self._gateways().only("site_id", "period_s", "offline_after_s")
        }
        plan.bus_keys = self._add_buses(plan)
        self._add_dtus(plan)
        self._add_devices(plan, plan.bus_keys)
        self._add_ratios(plan, now)
        self._add_overrides(plan)
        plan.asks = {
            id(ask.blocks): ask for version in self._versions.values() for ask in version.asks
        }
        return plan

    def _gateways(self) -> QuerySet[Gateway]:
        return Gateway.objects.polled_by(self.shard).filter(is_enabled=True)

    def _add_buses(self, plan: Plan) -> dict[int, int]:
        """Bus id to bus key. Rows that name the same host and port share a line, and its owner.

        So do all rows of a gateway that dials in: it has one socket.
        """
        lines: dict[tuple[str, int], int] = {}
        keys: dict[int, int] = {}
        rows = Bus.objects.filter(gateway__in=self._gateways()).order_by("pk")
        for bus in rows.select_related("gateway__dtu_profile"):
            spec = _spec(bus)
            where = (spec.host, spec.port) if not spec.dtu_id else (spec.dtu_id, 0)
            key = keys[bus.pk] = lines.setdefault(where, bus.pk)
            if key == bus.pk:
                plan.buses.append(spec)
        return keys

    def _add_dtus(self, plan: Plan) -> None:
        rows = self._gateways().filter(kind=GatewayKind.DTU).select_related("dtu_profile")
        plan.dtus = {row.dtu_id: dtu_profile(row.dtu_profile) for row in rows if row.dtu_profile}

    def _add_devices(self, plan: Plan, bus_keys: dict[int, int]) -> None:
        rows = (
            Device.objects.in_service()
            .filter(bus__gateway__in=self._gateways())
            .order_by("bus_id", "unit_id")
            .values_list(
                "pk", "site_id", "bus__gateway_id", "bus_id", "unit_id", "template_version_id"
            )
        )
        self._learn({row[-1] for row in rows})
        for pk, site_id, gateway_id, bus_id, unit_id, version_id in rows:
            if bus_id not in bus_keys or gateway_id not in plan.gateways:
                # Added since the queries above; the plan's key is older, so the next plan has it.
                continue
            gateway, version = plan.gateways[gateway_id], self._versions[version_id]
            jobs = tuple(
                PollJob(bus_keys[bus_id], pk, unit_id, ask.blocks) if ask.blocks else None
                for ask in version.asks
            )
            device = PlannedDevice(pk, site_id, gateway, version, jobs)
            plan.devices[pk] = device
            gateway.devices.append(device)

    def _learn(self, version_ids: Iterable[int]) -> None:
        missing = set(version_ids) - self._versions.keys()
        rows = TemplateVersion.objects.filter(pk__in=missing)
        for row in rows.select_related("template", "layout"):
            self._versions[row.pk] = planned_version(row)

    def _add_ratios(self, plan: Plan, now: datetime) -> None:
        rows = Ratio.objects.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gt=now),
            device__bus__gateway__in=self._gateways(),
        )
        for ratio in rows.order_by("valid_from"):
            edges = [edge for edge in (ratio.valid_from, ratio.valid_to) if edge and edge > now]
            plan.expires_at = min([plan.expires_at, *(edge.timestamp() for edge in edges)])
            device = plan.devices.get(ratio.device_id)
            if device is not None and ratio.valid_from <= now:
                device.ct, device.pt = ratio.ct, ratio.pt

    def _add_overrides(self, plan: Plan) -> None:
        codes: dict[int, list[str]] = defaultdict(list)
        rows = PointOverride.objects.filter(
            is_enabled=False, device__bus__gateway__in=self._gateways()
        )
        for device_id, code in rows.values_list("device_id", "point__code"):
            codes[device_id].append(code)
        for device_id, disabled in codes.items():
            device = plan.devices.get(device_id)
            if device is not None:
                profile = device.version.profile
                order = (*profile.value_codes, *profile.counter_codes)
                places = [order.index(code) for code in disabled if code in order]
                device.disabled = np.array(places, np.intp)


def _spec(bus: Bus) -> BusSpec:
    """How the bus is spoken to; its gateway with the kind of DTU must be loaded."""
    gateway = bus.gateway
    if gateway.kind == GatewayKind.DTU:
        # Somebody else's port is no part of a line that the gateway opened.
        host, port = "", 0
        framing = gateway.dtu_profile.framing if gateway.dtu_profile else Framing.RTU
    else:
        host, port = gateway.host, bus.port
        framing = Framing.RTU if gateway.kind == GatewayKind.RTU_TCP else Framing.MBAP
    return BusSpec(
        key=bus.pk,
        version=f"{host} {port} {gateway.dtu_id} {framing} {bus.timeout_ms} {bus.gap_ms}",
        host=host,
        port=port,
        dtu_id=gateway.dtu_id,
        framing="rtu" if framing == Framing.RTU else "mbap",
        timeout_s=bus.timeout_ms / 1000,
        gap_s=bus.gap_ms / 1000,
    )


def line_of(device: Device) -> str:
    """The connection and unit address of a device on a bus, read with its gateway."""
    return line_text(_spec(cast(Bus, device.bus)), device.unit_id)


def line_text(spec: BusSpec, unit_id: int) -> str:
    """Names a unit at the end of a line: another device is spoken to when this differs."""
    return "|".join(map(str, (*spec.line, unit_id)))


def dtu_profile(row: models.DtuProfile) -> DtuProfile:
    """The row as the door reads it."""
    return DtuProfile(
        key=row.code,
        registration=cast(Any, row.registration),
        prefix=bytes.fromhex(row.prefix_hex),
        pattern=row.pattern,
        heartbeat=bytes.fromhex(row.heartbeat_hex),
        answers_heartbeat=row.answers_heartbeat,
        framing="rtu" if row.framing == Framing.RTU else "mbap",
        registration_wait_s=float(row.registration_wait_s),
        idle_s=float(row.idle_s),
    )


def planned_version(row: TemplateVersion) -> PlannedVersion:
    """A version with its blocks planned."""
    profile = profile_of(row)
    units = [register.unit for register in profile.registers]
    is_secondary = profile.values_are == "secondary"
    version = PlannedVersion(
        pk=row.pk,
        layout_id=row.layout_id,
        profile=profile,
        by_ct=np.array([is_secondary and unit in _BY_CT | _BY_BOTH for unit in units], np.bool_),
        by_pt=np.array([is_secondary and unit in _BY_PT | _BY_BOTH for unit in units], np.bool_),
        clock=ClockDef.of(row.clock) if row.clock else None,
    )
    asks: list[Ask] = []
    for level in LEVELS:
        blocks = plan_blocks(profile, poll_classes=level)
        if asks and asks[-1].blocks == blocks:
            asks.append(asks[-1])
        else:
            asks.append(Ask(version, blocks, Decoder(profile, blocks), has_slow=bool(asks)))
    version.asks = tuple(asks)
    return version
