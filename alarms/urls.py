"""Addresses of the app's pages."""

from django.urls import path

from alarms import views

app_name = "alarms"
urlpatterns = [
    path("alarms/", views.alarm_list, name="alarm-list"),
]
