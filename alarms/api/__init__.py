"""REST: alarms, their log and their moves."""

from django.urls import path

from alarms.api.lists import AlarmEndpoint, AlarmLogEndpoint, AlarmsEndpoint
from alarms.api.many import (
    AlarmPhotosEndpoint,
    AlarmPictureEndpoint,
    AlarmSheetEndpoint,
    BulkEndpoint,
    NearbyEndpoint,
    PastEndpoint,
    UndoEndpoint,
)
from alarms.api.moves import (
    ArchiveEndpoint,
    CommentsEndpoint,
    IgnoreEndpoint,
    VerifyEndpoint,
)

urlpatterns = [
    path("alarms/", AlarmsEndpoint.as_view(), name="api-alarms"),
    path("alarms/bulk/", BulkEndpoint.as_view(), name="api-alarms-bulk"),
    path("alarms/sheet/", AlarmSheetEndpoint.as_view(), name="api-alarms-sheet"),
    path("alarms/photos/<int:pk>/", AlarmPictureEndpoint.as_view(), name="api-alarm-photo"),
    path("alarms/<int:pk>/undo/", UndoEndpoint.as_view(), name="api-alarm-undo"),
    path("alarms/<int:pk>/nearby/", NearbyEndpoint.as_view(), name="api-alarm-nearby"),
    path("alarms/<int:pk>/past/", PastEndpoint.as_view(), name="api-alarm-past"),
    path("alarms/<int:pk>/photos/", AlarmPhotosEndpoint.as_view(), name="api-alarm-photos"),
    path("alarms/<int:pk>/", AlarmEndpoint.as_view(), name="api-alarm"),
    path("alarms/<int:pk>/log/", AlarmLogEndpoint.as_view(), name="api-alarm-log"),
    path("alarms/<int:pk>/verify/", VerifyEndpoint.as_view(), name="api-alarm-verify"),
    path("alarms/<int:pk>/ignore/", IgnoreEndpoint.as_view(), name="api-alarm-ignore"),
    path("alarms/<int:pk>/archive/", ArchiveEndpoint.as_view(), name="api-alarm-archive"),
    path("alarms/<int:pk>/comments/", CommentsEndpoint.as_view(), name="api-alarm-comments"),
]
