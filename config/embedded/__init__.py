"""PostgreSQL and Redis without an installation: programs from wheels, run as our children."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.children import Child, ChildFailed, Process, stop, tail
from config.embedded.folders import remove_sockets
from config.embedded.postgres import Postgres
from config.embedded.redis import Redis

__all__ = ["Postgres", "Redis", "child_environment", "temporary_services"]

START_DEADLINE_S = 90.0


def child_environment() -> dict[str, str]:
    """Our environment without libpq's own variables, which would bend a connection's address."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


@contextmanager
def temporary_services(home: Path, *, durable: bool = False) -> Iterator[dict[str, str]]:
    """Run a pair for a test run or a check below an existing folder; yields its environment.

    durable: PostgreSQL waits for the disk, as in service. Nothing outlives the block; the folder
    itself is the caller's. Raises ChildFailed when a service does not come up.
    """
    postgres, redis = Postgres(home, durable=durable), Redis(home)
    children: list[Child] = []
    try:
        children.extend(_start(line, home) for line in (postgres.process(), redis.process()))
        yield {
            "DIANWU_HOME": str(home),
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
            "DIANWU_EMBEDDED": "1",
        }
    finally:
        stop(children)
        remove_sockets(home)
        if postgres.ground.folder != home:
            shutil.rmtree(postgres.ground.folder, ignore_errors=True)


def _start(process: Process, home: Path) -> Child:
    deadline = time.monotonic() + START_DEADLINE_S
    if process.prepare:
        process.prepare()
    child = Child(process, log=home / f"{process.name}.log", environment=child_environment())
    while process.is_ready and not process.is_ready():
        if child.has_ended() or time.monotonic() > deadline:
            stop([child])
            raise ChildFailed(f"{process.name} does not come up:\n{tail(child.log)}")
        time.sleep(0.02)
    return child
