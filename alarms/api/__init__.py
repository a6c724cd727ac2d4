"""REST: alarms, their log and their moves."""

from django.urls import path

from alarms.api.lists import AlarmEndpoint, AlarmLogEndpoint, AlarmsEndpoint
from alarms.api.moves import (
    ArchiveEndpoint,
    CommentsEndpoint,
    IgnoreEndpoint,
    VerifyEndpoint,
)

urlpatterns = [
    path("alarms/", AlarmsEndpoint.as_view(), name="api-alarms"),
    path("alarms/<int:pk>/", AlarmEndpoint.as_view(), name="api-alarm"),
    path("alarms/<int:pk>/log/", AlarmLogEndpoint.as_view(), name="api-alarm-log"),
    path("alarms/<int:pk>/verify/", VerifyEndpoint.as_view(), name="api-alarm-verify"),
    path("alarms/<int:pk>/ignore/", IgnoreEndpoint.as_view(), name="api-alarm-ignore"),
    path("alarms/<int:pk>/archive/", ArchiveEndpoint.as_view(), name="api-alarm-archive"),
    path("alarms/<int:pk>/comments/", CommentsEndpoint.as_view(), name="api-alarm-comments"),
]
