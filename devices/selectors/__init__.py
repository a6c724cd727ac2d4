"""Reads of equipment: gates, points of devices, and the search over all of them."""

from devices.selectors.commissioning import (
    CheckLine,
    DeviceLine,
    PointLine,
    acceptance_for,
    acceptances_of,
    check_lines,
    device_lines,
    device_to_commission,
    devices_behind,
    gateway_to_commission,
    may_commission,
    point_lines,
    proposed_ratio,
    trial_of,
)
from devices.selectors.points import DevicePoint, device_for, gateway_for, points_for
from devices.selectors.search import Found, search
from devices.selectors.sources import SHOWN as SOURCES_SHOWN
from devices.selectors.sources import (
    refusal_words,
    sites_to_feed,
    source_for,
    source_lines,
    source_page,
)
from devices.selectors.templates import (
    devices_per_version,
    library,
    may_keep_library,
    newest_version,
    require_library,
    template_for,
    version_for,
)

__all__ = [
    "SOURCES_SHOWN",
    "CheckLine",
    "DeviceLine",
    "DevicePoint",
    "Found",
    "PointLine",
    "acceptance_for",
    "acceptances_of",
    "check_lines",
    "device_for",
    "device_lines",
    "device_to_commission",
    "devices_behind",
    "devices_per_version",
    "gateway_for",
    "gateway_to_commission",
    "library",
    "may_commission",
    "may_keep_library",
    "newest_version",
    "point_lines",
    "points_for",
    "proposed_ratio",
    "refusal_words",
    "require_library",
    "search",
    "sites_to_feed",
    "source_for",
    "source_lines",
    "source_page",
    "template_for",
    "trial_of",
    "version_for",
]
