"""The tree of one site: rooms, circuits as they feed each other, devices."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from devices.models import Device
from sites.models import Circuit, Room, Site


@dataclass(slots=True)
class Node:
    """One branch; devices are its leaves."""

    label: str
    icon: str
    children: list["Node"] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.devices and all(child.is_empty for child in self.children)


def tree_of(site: Site, devices: Iterable[Device]) -> Node:
    """The site's branches that hold at least one of the devices."""
    root = Node(site.label, "building-factory-2")
    rooms = {room.pk: Node(room.label, "home") for room in Room.objects.filter(site=site)}
    rows = list(Circuit.objects.filter(room__site=site))
    circuits = {row.pk: Node(row.label, "circuit-switch-open") for row in rows}
    for row in rows:
        parent = circuits.get(row.parent_id or 0) or rooms.get(row.room_id)
        (parent or root).children.append(circuits[row.pk])
    root.children = [*rooms.values(), *root.children]
    for device in devices:
        place = circuits.get(device.circuit_id or 0) or rooms.get(device.room_id or 0) or root
        place.devices.append(device)
    return _pruned(root)


def _pruned(node: Node) -> Node:
    node.children = [_pruned(child) for child in node.children if not child.is_empty]
    return node
