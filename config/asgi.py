"""One ASGI application for pages, API and sockets."""

import os
from typing import cast

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application

from core.bodies import Application, BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
pages = get_asgi_application()

from reports.routing import websocket_urlpatterns  # noqa: E402 - the apps must be ready first

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(cast(Application, pages), limit_bytes=settings.REQUEST_MAX_BYTES),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
    }
)
