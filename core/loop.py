"""The event loop of this process: one thread, started on first use, alive until the end.

Connections live on it across tasks. A forked child gets a loop of its own.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

Result = TypeVar("Result")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_pid = 0


def event_loop() -> asyncio.AbstractEventLoop:
    """The loop, running."""
    global _loop, _pid  # noqa: PLW0603 - one per process is the point
    with _lock:
        if _loop is None or _pid != os.getpid():
            _pid, _loop = os.getpid(), uvloop.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="event-loop", daemon=True).start()
        return _loop


def run(work: Coroutine[Any, Any, Result], *, timeout_s: float) -> Result:
    """Run a coroutine on the loop and wait. Raises TimeoutError, and cancels it, when it is late.

    Not to be called from the loop itself.
    """
    future = asyncio.run_coroutine_threadsafe(work, event_loop())
    try:
        return future.result(timeout_s)
    except TimeoutError:
        future.cancel()
        raise
