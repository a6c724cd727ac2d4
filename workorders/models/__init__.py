"""Work orders and planned tasks, their logs and their photos."""

from workorders.models.orders import Photo, WorkOrder, WorkOrderLog, WorkOrderQuerySet
from workorders.models.tasks import (
    Task,
    TaskLog,
    TaskPhoto,
    TaskPlan,
    TaskPlanQuerySet,
    TaskQuerySet,
)

__all__ = [
    "Photo",
    "Task",
    "TaskLog",
    "TaskPhoto",
    "TaskPlan",
    "TaskPlanQuerySet",
    "TaskQuerySet",
    "WorkOrder",
    "WorkOrderLog",
    "WorkOrderQuerySet",
]
