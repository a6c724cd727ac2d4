"""What people say about orders, tasks and plans."""

from workorders.forms.orders import CreateForm, MoveForm, NoteForm, PhotoForm
from workorders.forms.tasks import PlanForm, TaskForm, TaskMoveForm

__all__ = [
    "CreateForm",
    "MoveForm",
    "NoteForm",
    "PhotoForm",
    "PlanForm",
    "TaskForm",
    "TaskMoveForm",
]
