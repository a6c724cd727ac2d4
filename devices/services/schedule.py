"""Which gateways are due: slots by the clock, spread over the period, the same after a restart."""

import heapq
from collections.abc import Iterable
from math import floor

from devices.drivers.pool import PollJob
from devices.services.plan import PlannedGateway

SLOW_S = 900.0
DAILY_S = 86_400.0
# A slot that came so late has made the next one due already: that one is kept for the next look. Ticks
# that jitter, or come from two sides, so poll once per period. What is later is not made up.
KEPT_S = 2.0

_GOLDEN = 0.6180339887498949


class Schedule:
    """The slots of a shard's gateways. Moments are epoch seconds.

    A gateway is due once per period however late its slot is noticed: slots that were missed by more
    than a moment are not made up.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._gateways: dict[int, PlannedGateway] = {}
        self._last_at: float | None = None
        # When the slow and the daily registers were last asked for.
        self._slow_at: dict[int, float] = {}
        self._daily_at: dict[int, float] = {}

    def replace(self, gateways: Iterable[PlannedGateway], *, now: float) -> None:
        """Take other gateways; a slot between the last look and now is still due."""
        self._gateways = {gateway.pk: gateway for gateway in gateways}
        since = now if self._last_at is None else self._last_at
        self._heap = [(slot_after(since, gateway), pk) for pk, gateway in self._gateways.items()]
        heapq.heapify(self._heap)

    def due(self, *, now: float) -> list[PlannedGateway]:
        """Gateways whose slot has come, in the order of their slots."""
        self._last_at = now
        due, kept = [], []
        while self._heap and self._heap[0][0] <= now:
            slot, pk = self._heap[0]
            gateway = self._gateways[pk]
            due.append(gateway)
            following = slot_after(slot if now - slot < KEPT_S else now, gateway)
            if following > now:
                heapq.heapreplace(self._heap, (following, pk))
            else:
                kept.append((following, pk))
                heapq.heappop(self._heap)
        for entry in kept:
            heapq.heappush(self._heap, entry)
        return due

    def jobs(self, gateways: Iterable[PlannedGateway], *, now: float) -> list[PollJob]:
        """What to ask of them: the fast registers, and the slower ones when it is their time."""
        jobs = []
        for gateway in gateways:
            level = self._level(gateway.pk, now)
            jobs += [job for device in gateway.devices if (job := device.jobs[level]) is not None]
        return jobs

    def _level(self, pk: int, now: float) -> int:
        if now - self._daily_at.get(pk, -DAILY_S) >= DAILY_S:
            self._daily_at[pk] = self._slow_at[pk] = now
            return 2
        if now - self._slow_at.get(pk, -SLOW_S) >= SLOW_S:
            self._slow_at[pk] = now
            return 1
        return 0


def slot_after(moment: float, gateway: PlannedGateway) -> float:
    """The gateway's first slot after a moment; neighbours by number lie far apart."""
    period = gateway.period_s
    phase = gateway.pk * _GOLDEN % 1.0 * period
    slot = (floor((moment - phase) / period) + 1) * period + phase
    return slot if slot > moment else slot + period
