"""Addresses of the whole product."""

from django.contrib import admin
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from config import documentation
from config.openapi import SchemaView

urlpatterns = [
    path("", include("reports.urls")),
    path("", include("sites.urls")),
    path("", include("devices.urls")),
    path("", include("alarms.urls")),
    path("", include("workorders.urls")),
    path("accounts/", include("config.accounts")),
    path("api/v1/", include("config.api")),
    path("api/docs/", documentation.start, name="api-docs"),
    path("api/docs/<slug:key>/", documentation.group, name="api-docs-group"),
    path("api/schema/", SchemaView.as_view(), name="api-schema"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("jsi18n/", JavaScriptCatalog.as_view(), name="jsi18n"),
    path("admin/", admin.site.urls),
]

handler500 = "core.http.server_error"
