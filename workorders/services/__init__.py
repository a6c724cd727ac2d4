"""Every write of a work order: gate, one transaction with its log row, news after commit."""

from workorders.services.creating import create
from workorders.services.moving import Moved, move
from workorders.services.photos import add_photo
from workorders.services.remarks import add_note, edit

__all__ = ["Moved", "add_note", "add_photo", "create", "edit", "move"]
