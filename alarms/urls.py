"""Addresses of the app's pages."""

from django.urls import path

from alarms import views

app_name = "alarms"
urlpatterns = [
    path("alarms/", views.alarm_list, name="alarm-list"),
    path("alarms/<int:pk>/", views.alarm_detail, name="alarm-detail"),
    path("alarms/<int:pk>/verify/", views.alarm_verify, name="alarm-verify"),
    path("alarms/<int:pk>/ignore/", views.alarm_ignore, name="alarm-ignore"),
    path("alarms/<int:pk>/archive/", views.alarm_archive, name="alarm-archive"),
    path("alarms/<int:pk>/comment/", views.alarm_comment, name="alarm-comment"),
]
