"""How much one request may send: said before the body is read, which would fill the disk."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class _TooLarge(Exception):
    """The limit is passed; nothing of it was answered yet."""


class BodyLimit:
    """ASGI: refuses a body above the limit, whether its length is announced or only grows."""

    def __init__(self, application: Application, *, limit_bytes: int) -> None:
        self.application = application
        self.limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._announced(scope) > self.limit_bytes:
            await self._refuse(scope, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit_bytes:
                raise _TooLarge
            return message

        try:
            await self.application(scope, counted, send)
        except _TooLarge:
            await self._refuse(scope, send)

    @staticmethod
    def _announced(scope: Scope) -> int:
        length = _header(scope, b"content-length")
        return int(length) if length.isdigit() and len(length) < 20 else 0

    @staticmethod
    async def _refuse(scope: Scope, send: Send) -> None:
        with translation.override(_language(scope)):
            problem = {
                "type": "urn:dianwu:problem:too_large",
                "code": "too_large",
                "title": _("提交的内容过大。"),
                "status": 413,
            }
        body = json.dumps(problem, ensure_ascii=False).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            # What is still on its way is not read.
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _header(scope: Scope, wanted: bytes) -> str:
    found = (value for name, value in scope.get("headers", ()) if name.lower() == wanted)
    return next(found, b"").decode("latin-1")


def _language(scope: Scope) -> str:
    """Who asks is not known yet: what the request says, or the product's own."""
    request = HttpRequest()
    if accepted := _header(scope, b"accept-language"):
        request.META["HTTP_ACCEPT_LANGUAGE"] = accepted
    return translation.get_language_from_request(request)
