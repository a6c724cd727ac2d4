"""Addresses of the REST API, version 1."""

from django.urls import include, path, re_path

from core.endpoints import UnknownEndpoint

urlpatterns = [
    path("", include("sites.api")),
    path("", include("devices.api")),
    path("", include("alarms.api")),
    path("", include("workorders.api")),
    path("", include("reports.api")),
    re_path(r"", UnknownEndpoint.as_view(), name="api-unknown"),
]
