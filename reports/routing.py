"""Addresses of sockets."""

from django.urls import URLPattern, path

from reports.consumers import LiveConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/live/", LiveConsumer.as_asgi()),
]
