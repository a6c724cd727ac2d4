"""Gates of equipment, and which points of a device a person may see."""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import get_language

from core.errors import NotFound
from devices.models import Device, Gateway, PointCode, PointOverride
from sites import selectors as site_selectors
from sites.models import User, access_for
from sites.rules import Ability


@dataclass(frozen=True, slots=True)
class DevicePoint:
    """One point of one device, named as the device names it, in the reader's language."""

    device_id: int
    code: str
    name: str
    point: PointCode

    @property
    def id(self) -> str:
        """Its public id: `<device id>:<code>`."""
        return f"{self.device_id}:{self.code}"


def device_for(*, user: User, pk: int, ability: Ability = Ability.VIEW) -> Device:
    """The device with its place, bus and template.

    Raises NotFound when the person cannot see its site, Forbidden when he lacks the ability there.
    """
    devices = Device.objects.visible_to(user).with_place()
    device = (
        devices.select_related("bus__gateway", "source", "template_version__template")
        .select_related("template_version__layout")
        .filter(pk=pk)
        .first()
    )
    if device is None:
        raise NotFound
    site_selectors.require(user=user, ability=ability, site=device.site)
    return device


def gateway_for(*, user: User, pk: int, ability: Ability = Ability.VIEW) -> Gateway:
    """The gateway with its site, kind and call. Raises NotFound or Forbidden as `device_for` does."""
    gateways = Gateway.objects.visible_to(user).select_related(
        "site__enterprise", "site__team", "dtu_profile", "session"
    )
    gateway = gateways.filter(pk=pk).first()
    if gateway is None:
        raise NotFound
    site_selectors.require(user=user, ability=ability, site=gateway.site)
    return gateway


def points_for(*, user: User, devices: Collection[Device]) -> dict[int, list[DevicePoint]]:
    """The points of each device, by its id, in the dictionary's order.

    Only those that are connected and whose class of data the person may see on the device's site.
    devices: with site__enterprise, site__team and template_version__layout selected.
    """
    dictionary = {point.code: point for point in PointCode.objects.all()}
    said: dict[tuple[int, int], PointOverride] = {
        (row.device_id, row.point_id): row
        for row in PointOverride.objects.filter(device__in=[device.pk for device in devices])
    }
    access = access_for(user)
    found: dict[int, list[DevicePoint]] = {}
    for device in devices:
        classes = access.data_classes(device.site)
        layout = device.template_version.layout
        known = {*layout.value_codes, *layout.counter_codes}
        points = []
        for code, point in dictionary.items():
            override = said.get((device.pk, point.pk))
            if code not in known or point.data_class not in classes:
                continue
            if override is None or override.is_enabled:
                points.append(DevicePoint(device.pk, code, _name(point, override), point))
        found[device.pk] = points
    return found


def _name(point: PointCode, override: PointOverride | None) -> str:
    """The device's own name of the point, else the dictionary's, in the reader's language."""
    if override is None:
        return point.label
    is_english = (get_language() or "").startswith("en")
    return (override.name_en if is_english else "") or override.name or point.label
