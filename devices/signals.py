"""What collecting announces, after commit, with ids only."""

from django.dispatch import Signal

# Sent with site_ids: list[int] after a gateway or device went offline or came back.
link_changed = Signal()
