"""Alarm pages: the list, one alarm, what people do about it."""

from alarms.views.details import alarm_detail
from alarms.views.lists import alarm_list
from alarms.views.moves import alarm_archive, alarm_comment, alarm_ignore, alarm_verify

__all__ = [
    "alarm_archive",
    "alarm_comment",
    "alarm_detail",
    "alarm_ignore",
    "alarm_list",
    "alarm_verify",
]
