"""Reading alarms: the gate, statistics, neighbours, lines of the list."""

from alarms.selectors.lines import AlarmLine, lines_of, measure
from alarms.selectors.reading import (
    Statistics,
    alarm_for,
    moves_for,
    open_alarms,
    photo_for,
    same_alarm,
    same_path,
    statistics,
    worst_by_device,
    worst_by_site,
)
from alarms.selectors.related import Level, Past, around, neighbours, past_of, place_of
from alarms.selectors.tallies import archived_tally, counters, tally

__all__ = [
    "AlarmLine",
    "Level",
    "Past",
    "Statistics",
    "alarm_for",
    "archived_tally",
    "around",
    "counters",
    "lines_of",
    "measure",
    "moves_for",
    "neighbours",
    "open_alarms",
    "past_of",
    "photo_for",
    "place_of",
    "same_alarm",
    "same_path",
    "statistics",
    "tally",
    "worst_by_device",
    "worst_by_site",
]
