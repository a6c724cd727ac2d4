"""One end of a socket, for tests (channels' own tester would bring a second server along)."""

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator

PATIENCE_S = 5


class Socket(ApplicationCommunicator):
    """A browser's side of a websocket of an ASGI application."""

    def __init__(
        self, application: Any, path: str, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": b"",
            "headers": headers or [],
            "subprotocols": [],
        }
        super().__init__(application, scope)

    async def connect(self) -> bool:
        """Whether the application accepts."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(PATIENCE_S)
        return bool(answer["type"] == "websocket.accept")

    async def send(self, text: str) -> None:
        await self.send_input({"type": "websocket.receive", "text": text})

    async def receive(self) -> Any:
        """The next message, decoded."""
        answer = await self.receive_output(PATIENCE_S)
        assert answer["type"] == "websocket.send", answer
        return json.loads(answer["text"])

    async def closing_code(self) -> int:
        """The code of the close; messages before it are passed over."""
        while (answer := await self.receive_output(PATIENCE_S))["type"] != "websocket.close":
            pass
        return int(answer["code"])

    async def disconnect(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(PATIENCE_S)
