"""REST: work orders, tasks and plans; their moves, remarks and photos; the calendar."""

from django.urls import path

from workorders.api.moves import AssigneesEndpoint, MovesEndpoint, NotesEndpoint
from workorders.api.orders import (
    AlarmOrdersEndpoint,
    OrderEndpoint,
    OrderLogEndpoint,
    OrdersEndpoint,
)
from workorders.api.photos import (
    PhotosEndpoint,
    PictureEndpoint,
    TaskPhotosEndpoint,
    TaskPictureEndpoint,
)
from workorders.api.plans import PlanEndpoint, PlansEndpoint
from workorders.api.tasks import (
    CalendarEndpoint,
    TaskAssigneesEndpoint,
    TaskEndpoint,
    TaskLogEndpoint,
    TaskMonthEndpoint,
    TaskMovesEndpoint,
    TaskNotesEndpoint,
    TasksEndpoint,
)

urlpatterns = [
    path("orders/", OrdersEndpoint.as_view(), name="api-orders"),
    path("orders/<int:pk>/", OrderEndpoint.as_view(), name="api-order"),
    path("orders/<int:pk>/log/", OrderLogEndpoint.as_view(), name="api-order-log"),
    path("orders/<int:pk>/moves/", MovesEndpoint.as_view(), name="api-order-moves"),
    path("orders/<int:pk>/notes/", NotesEndpoint.as_view(), name="api-order-notes"),
    path("orders/<int:pk>/assignees/", AssigneesEndpoint.as_view(), name="api-order-assignees"),
    path("orders/<int:pk>/photos/", PhotosEndpoint.as_view(), name="api-order-photos"),
    path("alarms/<int:pk>/orders/", AlarmOrdersEndpoint.as_view(), name="api-alarm-orders"),
    path(
        "photos/<int:pk>/image/",
        PictureEndpoint.as_view(field="image"),
        name="api-photo-image",
    ),
    path(
        "photos/<int:pk>/thumbnail/",
        PictureEndpoint.as_view(field="thumbnail"),
        name="api-photo-thumbnail",
    ),
    path("tasks/", TasksEndpoint.as_view(), name="api-tasks"),
    path("tasks/month/", TaskMonthEndpoint.as_view(), name="api-tasks-month"),
    path("tasks/<int:pk>/", TaskEndpoint.as_view(), name="api-task"),
    path("tasks/<int:pk>/log/", TaskLogEndpoint.as_view(), name="api-task-log"),
    path("tasks/<int:pk>/moves/", TaskMovesEndpoint.as_view(), name="api-task-moves"),
    path("tasks/<int:pk>/notes/", TaskNotesEndpoint.as_view(), name="api-task-notes"),
    path("tasks/<int:pk>/assignees/", TaskAssigneesEndpoint.as_view(), name="api-task-assignees"),
    path("tasks/<int:pk>/photos/", TaskPhotosEndpoint.as_view(), name="api-task-photos"),
    path(
        "tasks/photos/<int:pk>/image/",
        TaskPictureEndpoint.as_view(field="image"),
        name="api-task-photo-image",
    ),
    path(
        "tasks/photos/<int:pk>/thumbnail/",
        TaskPictureEndpoint.as_view(field="thumbnail"),
        name="api-task-photo-thumbnail",
    ),
    path("plans/", PlansEndpoint.as_view(), name="api-plans"),
    path("plans/<int:pk>/", PlanEndpoint.as_view(), name="api-plan"),
    path("calendar/", CalendarEndpoint.as_view(), name="api-calendar"),
]
