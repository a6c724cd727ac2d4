"""Which lost links of a site are worth an alarm. Pure.

A site whose devices are all silent is one fault, a silent gateway is one fault whatever is behind
it. Who hides under a greater fault raises nothing new; every alarm ends by its own truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """RAISE: down and nothing greater explains it. HIDDEN: down under a greater fault. UP: not
    down, by its own truth. UNKNOWN: nobody can tell."""

    RAISE = "raise"
    HIDDEN = "hidden"
    UP = "up"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class GatewayLink:
    """`is_online` is None until the first verdict of the poll worker."""

    id: int
    is_online: bool | None


@dataclass(frozen=True, slots=True)
class DeviceLink:
    """A device in service and the gateway it is behind; None when a source feeds it."""

    id: int
    gateway_id: int | None
    is_online: bool | None


@dataclass(frozen=True, slots=True)
class LinkVerdicts:
    """The verdict on a site, and on its gateways and devices by id."""

    site: Verdict
    gateways: dict[int, Verdict]
    devices: dict[int, Verdict]


def judge(gateways: Sequence[GatewayLink], devices: Sequence[DeviceLink]) -> LinkVerdicts:
    """Judge the equipment in service of one site."""
    site = _site(gateways, devices)
    is_site_down = site == Verdict.RAISE
    of_gateways = {
        gateway.id: _verdict(is_online=gateway.is_online, is_hidden=is_site_down)
        for gateway in gateways
    }
    silent = {gateway.id for gateway in gateways if gateway.is_online is False}
    of_devices = {
        device.id: _verdict(
            is_online=device.is_online,
            is_hidden=is_site_down or device.gateway_id in silent,
        )
        for device in devices
    }
    return LinkVerdicts(site=site, gateways=of_gateways, devices=of_devices)


def _site(gateways: Sequence[GatewayLink], devices: Sequence[DeviceLink]) -> Verdict:
    """A single silent device behind a gateway that answers is its own fault, not the site's."""
    links = {device.is_online for device in devices}
    if True in links or not links:
        return Verdict.UP
    if None in links:
        return Verdict.UNKNOWN
    if len(devices) == 1 and any(gateway.is_online for gateway in gateways):
        return Verdict.UP
    return Verdict.RAISE


def _verdict(*, is_online: bool | None, is_hidden: bool) -> Verdict:
    if is_online is None:
        return Verdict.UNKNOWN
    if is_online:
        return Verdict.UP
    return Verdict.HIDDEN if is_hidden else Verdict.RAISE
