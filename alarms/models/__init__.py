"""Rules, alarms and their log, the progress of evaluation."""

from alarms.models.alarms import Alarm, AlarmLog, AlarmQuerySet
from alarms.models.photos import AlarmPhoto
from alarms.models.progress import Pending, Watched
from alarms.models.rules import Rule, RuleOverride

__all__ = [
    "Alarm",
    "AlarmLog",
    "AlarmPhoto",
    "AlarmQuerySet",
    "Pending",
    "Rule",
    "RuleOverride",
    "Watched",
]
