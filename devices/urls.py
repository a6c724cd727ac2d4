"""Addresses of the app's pages."""

from django.urls import path
from django.views.generic import RedirectView

from devices import views

app_name = "devices"
urlpatterns = [
    path("live/series/", views.series, name="series"),
    path(
        "live/open/",
        RedirectView.as_view(pattern_name="reports:live", query_string=True),
        name="live",
    ),
]
