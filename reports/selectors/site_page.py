"""What the page of one site shows."""

from dataclasses import dataclass
from datetime import datetime

from alarms.models import Alarm
from devices.models import Device, Gateway
from reports.selectors import places
from reports.selectors.places import Power
from sites import selectors as site_selectors
from sites.models import Circuit, Room, Site, Transformer, User
from sites.rules import Ability, DataClass
from workorders.models import WorkOrder


@dataclass(frozen=True, slots=True)
class SitePage:
    """One site with its places, equipment, and what is open there."""

    site: Site
    rooms: list[Room]
    gateways: list[Gateway]
    devices: list[Device]
    alarms: list[Alarm]
    orders: list[WorkOrder]
    power: Power | None
    load_devices: list[Device]
    capacity_kva: int
    may_create_order: bool


def site_page(*, user: User, pk: int, now: datetime) -> SitePage:
    """Raises NotFound when the person cannot see the site; a constant number of queries."""
    site_selectors.site_for(user=user, pk=pk)
    sites = places.with_counts(places.with_conditions(Site.objects.visible_to(user)))
    site = sites.select_related(
        "enterprise__category", "enterprise__town", "enterprise__department", "team"
    ).get(pk=pk)
    rooms = list(site.rooms.prefetch_related("transformers", "circuits__parent"))
    transformers = Transformer.objects.filter(room__site=site)
    sees_load = DataClass.LOAD in site_selectors.data_classes_for(user=user, site=site)
    powers = places.power_by_site(user=user, now=now, site_ids=[pk]) if sees_load else {}
    return SitePage(
        site=site,
        rooms=rooms,
        gateways=list(Gateway.objects.filter(site=site, is_enabled=True)),
        devices=list(
            Device.objects.filter(site=site).in_service().select_related("circuit", "room")
        ),
        alarms=list(Alarm.objects.filter(site=site).open().with_place()),
        orders=list(WorkOrder.objects.filter(site=site).open().with_place()),
        power=powers.get(pk),
        load_devices=list(places.incomers(user).filter(site=site)) if sees_load else [],
        capacity_kva=sum(transformers.values_list("rated_kva", flat=True)),
        may_create_order=site_selectors.may(user=user, ability=Ability.CREATE_ORDER, site=site),
    )


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
