"""What alarms announce, after commit, with ids only."""

from django.dispatch import Signal

# Sent with alarm_ids: list[int] after alarms were raised or moved.
alarm_moved = Signal()
