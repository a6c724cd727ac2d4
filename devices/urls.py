"""Addresses of the app's pages."""

from django.urls import path

from devices import views

app_name = "devices"
urlpatterns = [
    path("meters/add/", views.meters_add, name="meters-add"),
    path("live/series/", views.series, name="series"),
    path("live/open/", views.live, name="live"),
]
