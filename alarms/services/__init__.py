"""Every write of alarms: raising and recovering, handling by people."""

from alarms.services.handling import (
    IGNORE_AT_MOST,
    archive,
    comment,
    ignore,
    move_for_order,
    note_order_closed,
    verify,
)
from alarms.services.raising import raise_batch, recover_batch, update_peaks
from alarms.services.spots import Fault, Peak, Recovery

__all__ = [
    "IGNORE_AT_MOST",
    "Fault",
    "Peak",
    "Recovery",
    "archive",
    "comment",
    "ignore",
    "move_for_order",
    "note_order_closed",
    "raise_batch",
    "recover_batch",
    "update_peaks",
    "verify",
]
