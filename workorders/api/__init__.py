"""REST: work orders, their moves, remarks and photos."""

from django.urls import path

from workorders.api.moves import AssigneesEndpoint, MovesEndpoint, NotesEndpoint
from workorders.api.orders import (
    AlarmOrdersEndpoint,
    OrderEndpoint,
    OrderLogEndpoint,
    OrdersEndpoint,
)
from workorders.api.photos import PhotosEndpoint, PictureEndpoint

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
]
