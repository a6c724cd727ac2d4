"""Reading alarms: the gate, statistics, neighbours, lines of the list."""

from alarms.selectors.lines import AlarmLine, lines_of
from alarms.selectors.reading import (
    Statistics,
    alarm_for,
    moves_for,
    open_alarms,
    same_alarm,
    same_path,
    statistics,
    worst_by_device,
    worst_by_site,
)

__all__ = [
    "AlarmLine",
    "Statistics",
    "alarm_for",
    "lines_of",
    "moves_for",
    "open_alarms",
    "same_alarm",
    "same_path",
    "statistics",
    "worst_by_device",
    "worst_by_site",
]
