"""Templates and equipment. Samples live in a partitioned table without a model (devices.history)."""

from devices.models.equipment import (
    Bus,
    Device,
    Gateway,
    LinkEvent,
    Meter,
    PointOverride,
    PollShard,
    Ratio,
)
from devices.models.templates import (
    DeviceTemplate,
    Layout,
    PointCode,
    Register,
    TemplateVersion,
)

__all__ = [
    "Bus",
    "Device",
    "DeviceTemplate",
    "Gateway",
    "Layout",
    "LinkEvent",
    "Meter",
    "PointCode",
    "PointOverride",
    "PollShard",
    "Ratio",
    "Register",
    "TemplateVersion",
]
