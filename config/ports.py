"""Which ports are free: the one for the pages, and a block for the demo's simulated gateways."""

import errno
import hashlib
import socket
from pathlib import Path

from config.children import ChildFailed

# Below the ports that the kernel gives to outgoing connections; one block per home.
BLOCK_PORTS = 100
BLOCKS = range(12_000, 32_000, BLOCK_PORTS)
KEPT = "simulator_port"


def problem_of(host: str, port: int) -> str:
    """Why an address cannot be listened on; empty when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                return "is in use"
            return f"cannot be used: {problem.strerror}"
    return ""


def simulator_block(home: Path) -> int:
    """The first port of a home's simulated gateways: chosen free once, kept for good.

    The demo writes the ports into the database, so they stay. Where the search begins depends on
    the home, so that two demos started at once on one machine do not choose the same.
    Raises ChildFailed when every block has a taken port.
    """
    kept = home / KEPT
    if kept.exists():
        return int(kept.read_text())
    begin = int(hashlib.sha256(str(home).encode()).hexdigest(), 16) % len(BLOCKS)
    for first in (*BLOCKS[begin:], *BLOCKS[:begin]):
        if not any(problem_of("127.0.0.1", first + offset) for offset in range(BLOCK_PORTS)):
            kept.write_text(f"{first}\n")
            return first
    raise ChildFailed(f"No {BLOCK_PORTS} free ports for simulated gateways: DIANWU_SIMULATOR_PORT.")
