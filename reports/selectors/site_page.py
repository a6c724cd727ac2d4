"""What the page of one site shows: the head of every tab, and what each of them is about."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from alarms import selectors as alarm_selectors
from alarms.models import Alarm
from core.errors import NotFound
from devices import history, live
from devices import selectors as device_selectors
from devices.live import LatestPoint
from devices.models import Device, Gateway
from devices.selectors import DevicePoint
from devices.states import Quality
from reports.selectors import completeness, energy, places
from reports.selectors.completeness import DeviceShare, HeatRow, Share
from reports.selectors.energy import SiteEnergy
from reports.selectors.places import FRESH_PERIODS, Power
from sites import selectors as site_selectors
from sites.models import Circuit, Room, Site, Transformer, User
from sites.rules import Ability, DataClass
from workorders.models import Task, WorkOrder

# Values beside a device in the list of devices, the first of them that it has.
KEY_POINTS = ("P", "I_avg", "Ia", "Uab", "Ua", "T_oil", "T1", "IR", "DI1")
KEY_VALUES = 2
OPEN_ROWS = 6
# What apparent power is known from.
APPARENT = ("S", "P", "Q", "PF")
TRACE = timedelta(hours=6)
TRACE_STEP_S = 900


@dataclass(frozen=True, slots=True)
class SiteHead:
    """One site as every tab shows it; the person sees it."""

    site: Any
    capacity_kva: int
    power: Power | None
    last_at: datetime | None
    may_create_order: bool
    may_manage: bool
    sees_load: bool
    sees_energy: bool


@dataclass(frozen=True, slots=True)
class TransformerLoad:
    """A transformer with the apparent power that its incomers measure now.

    `loading_percent` of its rating; None without a fresh value of each incomer.
    """

    transformer: Transformer
    power_kva: float | None

    @property
    def loading_percent(self) -> float | None:
        if self.power_kva is None:
            return None
        return 100 * self.power_kva / self.transformer.rated_kva


@dataclass(frozen=True, slots=True)
class Overview:
    """The first tab."""

    today: Share
    month: Share
    heat: list[HeatRow]
    devices: list[DeviceShare]
    energy: SiteEnergy | None
    transformers: list[TransformerLoad]
    load_devices: list[Device]
    alarms: list[Alarm]
    orders: list[WorkOrder]
    tasks: list[Task]


@dataclass(frozen=True, slots=True)
class KeyValue:
    """The newest good value of one point."""

    point: DevicePoint
    value: float


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device with its newest key values, worst open alarm and completeness of today.

    `trace`: means of the first key value over the last hours, NaN where there is none.
    """

    device: Device
    values: list[KeyValue]
    at: datetime | None
    is_stale: bool
    worst: str
    share: Share
    trace: list[float] = field(default_factory=list)


def site_head(*, user: User, pk: int, now: datetime) -> SiteHead:
    """Raises NotFound when the person cannot see the site."""
    sites: Any = places.with_counts(places.with_conditions(Site.objects.visible_to(user)))
    rows = sites.select_related(
        "enterprise__category", "enterprise__town", "enterprise__department", "team"
    )
    site = rows.filter(pk=pk).first()
    if site is None:
        raise NotFound
    classes = site_selectors.data_classes_for(user=user, site=site)
    sees_load = DataClass.LOAD in classes
    powers = places.power_by_site(user=user, now=now, site_ids=[pk]) if sees_load else {}
    ratings = Transformer.objects.filter(room__site=site).values_list("rated_kva", flat=True)
    return SiteHead(
        site=site,
        capacity_kva=sum(ratings),
        power=powers.get(pk),
        last_at=completeness.last_data([pk]).get(pk),
        may_create_order=site_selectors.may(user=user, ability=Ability.CREATE_ORDER, site=site),
        may_manage=site_selectors.may(user=user, ability=Ability.MANAGE_SITE, site=site),
        sees_load=sees_load,
        sees_energy=DataClass.ENERGY in classes,
    )


def overview(*, user: User, head: SiteHead, now: datetime) -> Overview:
    """The first tab of a site that the person sees."""
    site = head.site
    incomers = list(
        places.incomers(user)
        .filter(site=site)
        .select_related("circuit__transformer", "bus__gateway", "source")
    )
    by_energy = places.roots(Device.objects.visible_to(user, data_class=DataClass.ENERGY))
    meters = list(by_energy.filter(site=site)) if head.sees_energy else []
    return Overview(
        today=completeness.days_of_site(site=site, now=now, days=1),
        month=completeness.days_of_site(site=site, now=now),
        heat=completeness.heat(site=site, now=now),
        devices=completeness.by_device(site=site, now=now),
        energy=energy.site_energy(devices=meters, zone=site.timezone, now=now) if meters else None,
        transformers=transformer_loads(site=site, incomers=incomers, now=now),
        load_devices=incomers,
        alarms=list(
            Alarm.objects.filter(site=site)
            .open()
            .with_place()
            .prefetch_related("orders")[:OPEN_ROWS]
        ),
        orders=list(
            WorkOrder.objects.filter(site=site).open().with_place().order_by("due_at")[:OPEN_ROWS]
        ),
        tasks=list(
            Task.objects.filter(site=site).open().with_place().order_by("due_at")[:OPEN_ROWS]
        ),
    )


def transformer_loads(
    *, site: Site, incomers: list[Device], now: datetime
) -> list[TransformerLoad]:
    """Transformers with their load, from the incomers whose load the person may see.

    Apparent power is the meter's S, else √(P² + Q²).
    """
    site_of = {device.pk: site.pk for device in incomers}
    found = live.latest_points(device_ids=site_of.keys(), codes=APPARENT, site_of=site_of)
    sums: dict[int, list[float | None]] = {}
    for device in incomers:
        if device.circuit is None or device.circuit.transformer_id is None:
            continue
        oldest = now.timestamp() - FRESH_PERIODS * device.period_s
        values = {
            point.code: point.value
            for point in found.get(device.pk, [])
            if point.at >= oldest and point.quality == Quality.GOOD and point.value is not None
        }
        sums.setdefault(device.circuit.transformer_id, []).append(_apparent(values))
    rows = Transformer.objects.filter(room__site=site).select_related("room")
    loads = []
    for transformer in rows:
        parts = sums.get(transformer.pk, [None])
        known = [part for part in parts if part is not None]
        loads.append(TransformerLoad(transformer, sum(known) if len(known) == len(parts) else None))
    return loads


def _apparent(values: dict[str, float]) -> float | None:
    if "S" in values:
        return values["S"]
    if "P" in values and "Q" in values:
        return float((values["P"] ** 2 + values["Q"] ** 2) ** 0.5)
    if "P" in values and values.get("PF"):
        return abs(values["P"] / values["PF"])
    return None


def device_rows(*, user: User, site: Site, now: datetime) -> list[DeviceRow]:
    """Every device of the site, in use or not, with what the person may see of its values."""
    devices = list(
        Device.objects.filter(site=site).select_related(
            "site__enterprise",
            "site__team",
            "circuit",
            "room",
            "bus__gateway",
            "source",
            "template_version__layout",
            "template_version__template",
        )
    )
    pks = [device.pk for device in devices]
    allowed = device_selectors.points_for(user=user, devices=devices)
    found = live.latest_points(device_ids=pks)
    worst = alarm_selectors.worst_by_device(device_ids=pks)
    shares = {row.device.pk: row.today for row in completeness.by_device(site=site, now=now)}
    rows = []
    for device in devices:
        points = found.get(device.pk, [])
        at = max((point.at for point in points), default=None)
        period = device.period_s
        rows.append(
            DeviceRow(
                device=device,
                values=_key_values(allowed.get(device.pk, []), points),
                at=datetime.fromtimestamp(at, tz=UTC) if at else None,
                is_stale=at is None or now.timestamp() - at > FRESH_PERIODS * period,
                worst=worst.get(device.pk, ""),
                share=shares.get(device.pk, Share()),
            )
        )
    return _with_traces(rows, now)


def _key_values(allowed: list[DevicePoint], points: list[LatestPoint]) -> list[KeyValue]:
    names = {point.code: point for point in allowed}
    values = {
        point.code: point.value
        for point in points
        if point.value is not None and point.quality == Quality.GOOD
    }
    codes = [code for code in KEY_POINTS if code in names and code in values]
    return [KeyValue(names[code], values[code]) for code in codes[:KEY_VALUES]]


def _with_traces(rows: list[DeviceRow], now: datetime) -> list[DeviceRow]:
    """The first key value of each over the last hours; one query per point."""
    by_code: dict[str, list[DeviceRow]] = {}
    for row in rows:
        if row.values:
            by_code.setdefault(row.values[0].point.code, []).append(row)
    for code, members in by_code.items():
        found = history.means(
            device_ids=[row.device.pk for row in members],
            code=code,
            start=now - TRACE,
            end=now,
            step_s=TRACE_STEP_S,
        )
        for row in members:
            row.trace.extend(found[row.device.pk].tolist())
    return rows


def rooms_of(site: Site) -> list[tuple[Room, list[tuple[int, Circuit]]]]:
    """Rooms with their transformers, and circuits as (depth, circuit)."""
    rooms = site.rooms.prefetch_related("transformers", "circuits__parent")
    return [(room, circuits_in_order(room)) for room in rooms]


def gateways_of(site: Site) -> list[Gateway]:
    """Gateways in use."""
    return list(Gateway.objects.filter(site=site, is_enabled=True))


def circuits_in_order(room: Room) -> list[tuple[int, Circuit]]:
    """Circuits of a room as (depth, circuit), each under the one that feeds it."""
    children: dict[int, list[Circuit]] = {}
    here = {circuit.pk for circuit in room.circuits.all()}
    for circuit in room.circuits.all():
        parent = circuit.parent_id if circuit.parent_id in here else 0
        children.setdefault(parent or 0, []).append(circuit)
    found: list[tuple[int, Circuit]] = []
    waiting = [(0, circuit) for circuit in reversed(children.get(0, []))]
    while waiting:
        depth, circuit = waiting.pop()
        found.append((depth, circuit))
        waiting.extend((depth + 1, child) for child in reversed(children.get(circuit.pk, [])))
    return found
