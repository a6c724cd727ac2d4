"""Every write of an order, a task or a plan: gate, one transaction with its log row, then news."""

from workorders.services.creating import create
from workorders.services.generating import generate
from workorders.services.moving import Moved, move
from workorders.services.photos import add_photo, add_task_photo
from workorders.services.planning import PlanFacts, create_plan, edit_plan, enable_plan
from workorders.services.remarks import add_note, edit
from workorders.services.task_moving import move_task
from workorders.services.tasks import add_task_note, create_task, edit_task

__all__ = [
    "Moved",
    "PlanFacts",
    "add_note",
    "add_photo",
    "add_task_note",
    "add_task_photo",
    "create",
    "create_plan",
    "create_task",
    "edit",
    "edit_plan",
    "edit_task",
    "enable_plan",
    "generate",
    "move",
    "move_task",
]
