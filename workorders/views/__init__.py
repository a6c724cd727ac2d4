"""Pages of work: orders, tasks and their plans; lists, board, calendar, one's own work."""

from workorders.views.boards import order_ask, order_board, order_drop
from workorders.views.calendars import calendar, my_work
from workorders.views.creating import order_create
from workorders.views.details import order_detail, order_print
from workorders.views.from_alarms import orders_from_alarms
from workorders.views.lists import order_list, task_list
from workorders.views.moves import order_move, order_note
from workorders.views.photos import photo_add, photo_image, photo_thumbnail
from workorders.views.plans import (
    plan_create,
    plan_detail,
    plan_edit,
    plan_enable,
    plan_list,
    plan_preview,
)
from workorders.views.task_creating import task_create
from workorders.views.task_details import task_detail, task_print
from workorders.views.task_moves import (
    task_edit,
    task_move,
    task_note,
    task_photo_add,
    task_photo_image,
    task_photo_thumbnail,
)

__all__ = [
    "calendar",
    "my_work",
    "order_ask",
    "order_board",
    "order_create",
    "order_detail",
    "order_drop",
    "order_list",
    "order_move",
    "order_note",
    "order_print",
    "orders_from_alarms",
    "photo_add",
    "photo_image",
    "photo_thumbnail",
    "plan_create",
    "plan_detail",
    "plan_edit",
    "plan_enable",
    "plan_list",
    "plan_preview",
    "task_create",
    "task_detail",
    "task_edit",
    "task_list",
    "task_move",
    "task_note",
    "task_photo_add",
    "task_photo_image",
    "task_photo_thumbnail",
    "task_print",
]
