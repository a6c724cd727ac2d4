"""Templates and equipment. Samples live in a partitioned table without a model (devices.history)."""

from devices.models.archive import (
    CompactedHour,
    Handover,
    ReopenedHour,
    RolledDay,
    SampleLoss,
)
from devices.models.clocks import ClockSetting, DeviceClock
from devices.models.commissioning import Acceptance, TrialRead
from devices.models.control import ControlLog, ControlOperation, Lockout
from devices.models.derived import DerivedInput, DerivedPoint
from devices.models.dialin import DtuDoor, DtuProfile, GatewaySession
from devices.models.equipment import Device, LinkEvent, Meter, PointOverride, Ratio
from devices.models.exchanges import CounterReading, ExchangePhoto, MeterExchange
from devices.models.gateways import FIRST_DOOR, Bus, Gateway, PollHour, PollShard
from devices.models.mqtt import MqttBroker, MqttMapping
from devices.models.outputs import TemplateOutput
from devices.models.retention import Retention
from devices.models.sources import DataSource
from devices.models.storage import StoragePlan
from devices.models.tallies import CountedZone, LateHour, SiteTally, Tally
from devices.models.templates import (
    DeviceTemplate,
    Layout,
    PointCode,
    Register,
    TemplateVersion,
)
from devices.models.values import FlaggedStretch, JudgedHour, Repair

__all__ = [
    "FIRST_DOOR",
    "Acceptance",
    "Bus",
    "ClockSetting",
    "CompactedHour",
    "ControlLog",
    "ControlOperation",
    "CountedZone",
    "CounterReading",
    "DataSource",
    "DerivedInput",
    "DerivedPoint",
    "Device",
    "DeviceClock",
    "DeviceTemplate",
    "DtuDoor",
    "DtuProfile",
    "ExchangePhoto",
    "FlaggedStretch",
    "Gateway",
    "GatewaySession",
    "Handover",
    "JudgedHour",
    "LateHour",
    "Layout",
    "LinkEvent",
    "Lockout",
    "Meter",
    "MeterExchange",
    "MqttBroker",
    "MqttMapping",
    "PointCode",
    "PointOverride",
    "PollHour",
    "PollShard",
    "Ratio",
    "Register",
    "ReopenedHour",
    "Repair",
    "Retention",
    "RolledDay",
    "SiteTally",
    "Tally",
    "TemplateOutput",
    "StoragePlan",
    "TemplateVersion",
    "TrialRead",
    "SampleLoss",
]
