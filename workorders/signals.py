"""What work orders announce, after commit, with ids only."""

from django.dispatch import Signal

# Sent with order_id: int after an order was created or moved.
workorder_moved = Signal()
