"""The ticks of a poll worker: from the queue, and its own when the queue is silent.

Redis carries the queue and beat fills it; meters are read also while one of them is away, and as often
while another worker listens to the same queue and takes every other tick.
"""

import logging
import math
import threading
import time

from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from devices.services import polling

logger = logging.getLogger(__name__)

# So many ticks that do not come make a silence.
MISSED_TICKS = 3
# The part of a tick that the owner of a shard gives the queue before it polls unasked.
GRACE = 0.25


class Turns:
    """When a shard is to be polled without being told. Moments are seconds of one clock."""

    def __init__(self, *, now_s: float) -> None:
        self._told_s = self._turn_s = now_s

    def begin(self, *, now_s: float) -> None:
        """It was told: no other turn comes before this one is done."""
        self._told_s, self._turn_s = now_s, math.inf

    def done_told(self, *, began_s: float, now_s: float) -> None:
        """What it was told is done; after a long cycle the queue's next tick is waiting already."""
        self._told_s, self._turn_s = now_s, max(began_s, now_s - settings.POLL_TICK_S)

    def begin_alone(self, *, now_s: float) -> None:
        """It polls unasked; the grace before must not make its ticks longer."""
        tick_s = settings.POLL_TICK_S
        self._turn_s = max(self._turn_s + tick_s, now_s - GRACE * tick_s)

    def is_silent(self, *, now_s: float) -> bool:
        """Whether the queue tells nothing any more."""
        return now_s > self._told_s + MISSED_TICKS * settings.POLL_TICK_S

    def next_s(self, *, now_s: float, is_owner: bool) -> float:
        """The next turn unless it is told; who does not own the shard waits for a silence."""
        tick_s = settings.POLL_TICK_S
        if is_owner and not self.is_silent(now_s=now_s):
            return self._turn_s + (1 + GRACE) * tick_s
        return max(self._told_s + MISSED_TICKS * tick_s, self._turn_s + tick_s)


class Ticker:
    """The shards of one process and their turns."""

    def __init__(self) -> None:
        self._turns: dict[int, Turns] = {}
        self._is_silent = False
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def expect(self, shard: int) -> Turns:
        """Poll this shard from now on also without being told.

        A tick may never come: beat may be away, and what it sends has expired by the clock of a
        machine that is ahead of it.
        """
        turns = self._turns.setdefault(shard, Turns(now_s=time.monotonic()))
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="ticker", daemon=True)
            self._thread.start()
        return turns

    def tick(self, shard: int) -> None:
        """A tick came from the queue: poll."""
        turns = self.expect(shard)
        began_s = time.monotonic()
        turns.begin(now_s=began_s)
        try:
            polling.poll_shard(shard=shard, now=timezone.now())
        finally:
            turns.done_told(began_s=began_s, now_s=time.monotonic())

    def stop(self) -> None:
        """No more ticks of its own."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        # New shards and owners are noticed within a tick.
        while not self._stopped.wait(min(self._next_s() - time.monotonic(), settings.POLL_TICK_S)):
            now_s = time.monotonic()
            silent = [no for no, turns in self._turns.items() if turns.is_silent(now_s=now_s)]
            if bool(silent) != self._is_silent:
                self._is_silent = bool(silent)
                logger.warning("poll.own_ticks shards=%s", silent or "none")
            for shard, turns in list(self._turns.items()):
                if _next_s(shard, turns) <= time.monotonic():
                    turns.begin_alone(now_s=time.monotonic())
                    self._poll(shard)

    def _next_s(self) -> float:
        return min(_next_s(shard, turns) for shard, turns in list(self._turns.items()))

    def _poll(self, shard: int) -> None:
        close_old_connections()
        try:
            polling.poll_shard(shard=shard, now=timezone.now())
        except Exception:
            # As a task that fails: the next tick is another try.
            logger.exception("poll.failed shard=%d", shard)
        finally:
            close_old_connections()


def _next_s(shard: int, turns: Turns) -> float:
    return turns.next_s(now_s=time.monotonic(), is_owner=polling.is_ours(shard))
