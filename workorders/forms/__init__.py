"""What people say about orders, tasks and plans."""

from workorders.forms.orders import CreateForm, MoveForm, NoteForm, OrdersForm, PhotoForm
from workorders.forms.tasks import PlanForm, TaskForm, TaskMoveForm

__all__ = [
    "CreateForm",
    "MoveForm",
    "NoteForm",
    "OrdersForm",
    "PhotoForm",
    "PlanForm",
    "TaskForm",
    "TaskMoveForm",
]
