"""Every write of alarms: following samples and links, raising and recovering, handling by people."""

from alarms.services import links, watching
from alarms.services.handling import (
    IGNORE_AT_MOST,
    archive,
    comment,
    ignore,
    move_for_order,
    note_order_closed,
    verify,
)
from alarms.services.library import load_rules
from alarms.services.raising import raise_batch, recover_batch, update_peaks
from alarms.services.spots import Fault, Peak, Recovery
from alarms.services.sweeping import sweep

__all__ = [
    "IGNORE_AT_MOST",
    "Fault",
    "Peak",
    "Recovery",
    "archive",
    "comment",
    "ignore",
    "links",
    "load_rules",
    "move_for_order",
    "note_order_closed",
    "raise_batch",
    "recover_batch",
    "sweep",
    "update_peaks",
    "verify",
    "watching",
]
