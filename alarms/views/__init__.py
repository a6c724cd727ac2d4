"""Alarm pages: the list, one alarm, what people do about it."""

from alarms.views.bulk import alarm_bulk, alarm_undo
from alarms.views.curves import alarm_curve
from alarms.views.details import alarm_detail
from alarms.views.lists import alarm_list
from alarms.views.moves import alarm_archive, alarm_comment, alarm_ignore, alarm_verify
from alarms.views.photos import photo_image, photo_thumbnail
from alarms.views.previews import alarm_preview
from alarms.views.sheets import alarm_sheet

__all__ = [
    "alarm_archive",
    "alarm_bulk",
    "alarm_comment",
    "alarm_curve",
    "alarm_detail",
    "alarm_ignore",
    "alarm_list",
    "alarm_preview",
    "alarm_sheet",
    "alarm_undo",
    "alarm_verify",
    "photo_image",
    "photo_thumbnail",
]
