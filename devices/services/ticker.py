"""The ticks of a poll worker: from the queue, and its own when the queue is silent.

Redis carries the queue and beat fills it; meters are read also while one of them is away.
"""

import logging
import threading
import time

from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from devices.services import polling

logger = logging.getLogger(__name__)

# So many ticks that do not come make a silence.
MISSED_TICKS = 3


class Ticker:
    """The shards of one process, and when each was told to poll last."""

    def __init__(self) -> None:
        self._told_s: dict[int, float] = {}
        self._is_silent = False
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def expect(self, shard: int) -> None:
        """Poll this shard from now on also without being told.

        A tick may never come: beat may be away, and what it sends has expired by the clock of a
        machine that is ahead of it.
        """
        self._told_s[shard] = time.monotonic()
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="ticker", daemon=True)
            self._thread.start()

    def tick(self, shard: int) -> None:
        """A tick came from the queue: poll."""
        self.expect(shard)
        polling.poll_shard(shard=shard, now=timezone.now())
        self._told_s[shard] = time.monotonic()

    def stop(self) -> None:
        """No more ticks of its own."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(settings.POLL_TICK_S):
            silent = [shard for shard, told_s in self._told_s.items() if _is_silent(told_s)]
            if bool(silent) != self._is_silent:
                self._is_silent = bool(silent)
                logger.warning("poll.own_ticks shards=%s", silent or "none")
            for shard in silent:
                self._poll(shard)

    def _poll(self, shard: int) -> None:
        close_old_connections()
        try:
            polling.poll_shard(shard=shard, now=timezone.now())
        except Exception:
            # As a task that fails: the next tick is another try.
            logger.exception("poll.failed shard=%d", shard)
        finally:
            close_old_connections()


def _is_silent(told_s: float) -> bool:
    return time.monotonic() - told_s > MISSED_TICKS * settings.POLL_TICK_S
