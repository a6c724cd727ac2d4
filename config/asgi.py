"""One ASGI application for pages, API and sockets."""

import os
from typing import cast

import django
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponseBase

from core.bodies import Application, BodyLimit


class Pages(ASGIHandler):
    """Pages and API in one trip to a thread and back.

    Our views and middlewares are all synchronous; Django would go to the loop and back between
    them for every hook, each time waiting for its turn.
    """

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        answer = sync_to_async(self.get_response, thread_sensitive=True)
        return await answer(request)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)
pages = Pages()

from reports.routing import websocket_urlpatterns  # noqa: E402 - the apps must be ready first

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(cast(Application, pages), limit_bytes=settings.REQUEST_MAX_BYTES),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
    }
)
