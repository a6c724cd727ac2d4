"""Addresses of the app's pages."""

from django.urls import path

from devices import views

app_name = "devices"
urlpatterns = [
    path("live/", views.live, name="live"),
    path("live/tree/<int:pk>/", views.tree, name="tree"),
    path("live/curve/", views.curve, name="curve"),
    path("live/series/", views.series, name="series"),
]
