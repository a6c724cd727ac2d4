"""How collecting does: for the operator of the platform, his monitoring, and whoever watches both."""

from reports.selectors.collection.access import may_operate, require_operator
from reports.selectors.collection.bridges import BridgeLine, BridgeState, bridge_lines
from reports.selectors.collection.days import DayRows, days
from reports.selectors.collection.lines import AwayLine, SlowBus, away_lines, slow_buses
from reports.selectors.collection.parts import (
    Parts,
    Queue,
    last_beat,
    note_beat,
    parts,
    queues,
)
from reports.selectors.collection.pulse import Pulse, last_pulse
from reports.selectors.collection.shards import ShardLine, shard_lines, shard_name
from reports.selectors.collection.troubles import (
    Code,
    Report,
    Trouble,
    last_report,
    look,
    note_report,
    troubles_of,
)

__all__ = [
    "AwayLine",
    "BridgeLine",
    "BridgeState",
    "Code",
    "DayRows",
    "Parts",
    "Pulse",
    "Queue",
    "Report",
    "ShardLine",
    "SlowBus",
    "Trouble",
    "away_lines",
    "bridge_lines",
    "days",
    "last_beat",
    "last_pulse",
    "last_report",
    "look",
    "may_operate",
    "note_beat",
    "note_report",
    "parts",
    "queues",
    "require_operator",
    "shard_lines",
    "shard_name",
    "slow_buses",
    "troubles_of",
]
