"""Every write of alarms: following samples and links, raising and recovering, handling by people."""

from alarms.services import links, selfcheck, values, watching
from alarms.services.bulk import (
    ALARMS_AT_ONCE,
    Outcome,
    Skipped,
    check_number,
    move_many,
    undo_many,
)
from alarms.services.handling import (
    IGNORE_AT_MOST,
    UNDO_WITHIN,
    archive,
    ignore,
    move_for_order,
    note_order_closed,
    undo,
    verify,
)
from alarms.services.library import load_rules
from alarms.services.raising import raise_batch, recover_batch, update_peaks
from alarms.services.remarks import comment
from alarms.services.spots import Fault, Peak, Recovery
from alarms.services.sweeping import sweep

__all__ = [
    "ALARMS_AT_ONCE",
    "IGNORE_AT_MOST",
    "UNDO_WITHIN",
    "Fault",
    "Outcome",
    "Peak",
    "Recovery",
    "Skipped",
    "archive",
    "check_number",
    "comment",
    "ignore",
    "links",
    "load_rules",
    "move_for_order",
    "move_many",
    "note_order_closed",
    "raise_batch",
    "recover_batch",
    "selfcheck",
    "sweep",
    "undo",
    "undo_many",
    "update_peaks",
    "values",
    "verify",
    "watching",
]
