"""Addresses of the app's pages."""

from django.urls import path

from devices import views

app_name = "devices"
urlpatterns = [
    path("live/", views.live, name="live"),
]
