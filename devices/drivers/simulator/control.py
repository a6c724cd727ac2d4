"""Talking to a running simulator: JSON lines over a unix socket, one answer per line."""

import asyncio
import errno
import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

Handler = Callable[[dict[str, Any]], Mapping[str, Any]]

LONGEST_LINE = 64 * 1024
PATIENCE_S = 10.0


class ControlError(Exception):
    """The simulator refused a command, or cannot be reached."""


class ControlServer:
    """Answers with {"ok": true, …} or {"ok": false, "error": …}; only its own user may connect."""

    def __init__(self, path: Path, handle: Handler) -> None:
        self.path = path
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listen; a socket file left behind by a dead process is replaced. Raises OSError."""
        if _answers(self.path):
            raise OSError(
                errno.EADDRINUSE, "another simulator's control socket is in use", str(self.path)
            )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._talk, str(self.path), limit=LONGEST_LINE
            )
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Stop listening and take the socket file away."""
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._clients):
            writer.close()
        await self._server.wait_closed()
        self._server = None
        self.path.unlink(missing_ok=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            with suppress(ConnectionError, ValueError):
                while line := await reader.readline():
                    writer.write(json.dumps(self._answer(line)).encode() + b"\n")
                    await writer.drain()
        finally:
            self._clients.discard(writer)
            writer.close()

    def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            command = json.loads(line)
        except ValueError:
            return {"ok": False, "error": "one JSON object per line is wanted"}
        if not isinstance(command, dict):
            return {"ok": False, "error": "a JSON object is wanted"}
        try:
            return {"ok": True, **self._handle(command)}
        except (ValueError, TypeError, KeyError) as error:
            return {"ok": False, "error": str(error)}


def command(path: Path | str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Send one command and return the answer. Raises ControlError."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_S)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(facts).encode() + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline()
        except OSError as error:
            raise ControlError(f"no simulator answers at {path}: {error}") from error
    if not line:
        raise ControlError("the simulator closed the connection")
    answer: dict[str, Any] = json.loads(line)
    if not answer.get("ok"):
        raise ControlError(str(answer.get("error")))
    return answer


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
