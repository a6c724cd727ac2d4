"""The tree of the live page: enterprise › site › room › circuit › device, with what is wrong there.

Enterprises come page by page, what is inside a site when its branch is opened, so that a district
of thousands of sites is no longer to load than a street.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Min, Q, QuerySet

from alarms.models import Alarm
from alarms.states import Severity
from devices.models import Device
from sites.models import Circuit, Enterprise, Room, Site, User

PAGE = 50
_SEVERITIES = tuple(severity.value for severity in Severity)


@dataclass(slots=True)
class State:
    """What is wrong in a branch: devices in service, those that do not answer, open alarms."""

    devices: int = 0
    offline: int = 0
    alarms: int = 0
    worst: str = ""

    def add(self, other: State) -> None:
        """Take a part's state into the whole."""
        self.devices += other.devices
        self.offline += other.offline
        self.alarms += other.alarms
        worse = [s for s in (self.worst, other.worst) if s]
        self.worst = min(worse, key=_SEVERITIES.index, default="")


@dataclass(slots=True)
class Node:
    """One branch; devices are its leaves. `is_lazy`: its inside is loaded when it is opened."""

    kind: str
    pk: int
    label: str
    icon: str
    children: list[Node] = field(default_factory=list)
    devices: list[Leaf] = field(default_factory=list)
    state: State = field(default_factory=State)
    is_lazy: bool = False
    is_open: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.devices and all(child.is_empty for child in self.children)

    def sum_up(self) -> State:
        """The state of everything below, worked out once."""
        for leaf in self.devices:
            self.state.add(leaf.state)
        for child in self.children:
            self.state.add(child.sum_up())
        return self.state


@dataclass(slots=True)
class Leaf:
    """A device with its own state."""

    device: Device
    state: State


@dataclass(slots=True)
class Forest:
    """One page of enterprises; `more` is where the next page begins, 0 at the end."""

    nodes: list[Node]
    total: int
    more: int


def forest(*, user: User, site: Site | None = None, begin: int = 0) -> Forest:
    """Enterprises that have sites, by name, their sites inside; that of the chosen site is open."""
    sites = Site.objects.visible_to(user)
    owners = Enterprise.objects.filter(pk__in=sites.order_by().values("enterprise"))
    rows = list(owners.order_by("name", "pk")[begin : begin + PAGE])
    total = sites.order_by().aggregate(n=Count("enterprise", distinct=True))["n"]
    if site is not None and begin == 0 and site.enterprise_id not in {row.pk for row in rows}:
        rows.insert(0, site.enterprise)
    inside: dict[int, list[Site]] = {}
    for row in sites.filter(enterprise__in=rows).order_by("number"):
        inside.setdefault(row.enterprise_id, []).append(row)
    states = _states_of_sites([row.pk for several in inside.values() for row in several])
    nodes = []
    for owner in rows:
        node = Node("enterprise", owner.pk, owner.label, "building", is_open=len(rows) <= PAGE // 4)
        for row in inside.get(owner.pk, []):
            child = Node("site", row.pk, row.label, "building-factory-2", is_lazy=True)
            child.state.add(states.get(row.pk, State()))
            node.children.append(child)
        node.is_open = node.is_open or (site is not None and owner.pk == site.enterprise_id)
        node.sum_up()
        nodes.append(node)
    return Forest(nodes, total, begin + PAGE if begin + PAGE < total else 0)


def _states_of_sites(site_ids: Collection[int]) -> dict[int, State]:
    """Two counts for all sites at once."""
    devices = Device.objects.in_service().filter(site__in=site_ids).order_by().values("site")
    found = {
        row["site"]: State(devices=row["devices"], offline=row["offline"])
        for row in devices.annotate(
            devices=Count("pk"), offline=Count("pk", filter=Q(is_online=False))
        )
    }
    for row in _open_alarms("site").filter(site__in=site_ids):
        state = found.setdefault(row["site"], State())
        state.add(State(alarms=row["n"], worst=_SEVERITIES[row["worst"]]))
    return found


def _open_alarms(by: str) -> QuerySet[Any]:
    alarms = Alarm.objects.open().order_by().values(by)
    return alarms.annotate(n=Count("pk"), worst=Min("severity_rank"))


def leaves(devices: Iterable[Device]) -> list[Leaf]:
    """The devices with their states, in one query."""
    rows = list(devices)
    alarms = {row["device"]: row for row in _open_alarms("device").filter(device__in=rows)}
    found = []
    for device in rows:
        state = State(devices=1, offline=int(device.is_online is False))
        if row := alarms.get(device.pk):
            state.add(State(alarms=row["n"], worst=_SEVERITIES[row["worst"]]))
        found.append(Leaf(device, state))
    return found


def branch_of(*, site: Site, leaves: Iterable[Leaf]) -> Node:
    """What is inside a site: rooms, circuits as they feed each other, devices.

    Only branches that hold at least one of the devices.
    """
    root = Node("site", site.pk, site.label, "building-factory-2")
    rooms = {
        room.pk: Node("room", room.pk, room.label, "home", is_open=True)
        for room in Room.objects.filter(site=site)
    }
    rows = list(Circuit.objects.filter(room__site=site))
    circuits = {
        row.pk: Node("circuit", row.pk, row.label, "circuit-switch-open", is_open=True)
        for row in rows
    }
    for row in rows:
        parent = circuits.get(row.parent_id or 0) or rooms.get(row.room_id)
        (parent or root).children.append(circuits[row.pk])
    root.children = [*rooms.values(), *root.children]
    for leaf in leaves:
        device = leaf.device
        place = circuits.get(device.circuit_id or 0) or rooms.get(device.room_id or 0) or root
        place.devices.append(leaf)
    root = _pruned(root)
    root.sum_up()
    return root


def _pruned(node: Node) -> Node:
    node.children = [_pruned(child) for child in node.children if not child.is_empty]
    return node
