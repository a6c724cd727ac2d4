"""What is to happen when, in the demo's past: people and lines act in the order of time."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

Act = Callable[[datetime], None]

# Who is late with something clears it up in so many of the last minutes.
CLEARED = (2, 240)


def in_time(at: datetime, *, before: datetime, now: datetime, random: Random) -> datetime:
    """The moment of an act that is due before the present: before it, but after the act `before`.

    What is overdue in the demo is overdue on purpose.
    """
    last = now - timedelta(minutes=random.uniform(*CLEARED))
    return min(at, max(last, before + timedelta(seconds=random.uniform(20, 50))))


class Agenda:
    """Acts by their moment; acting may put more on it."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Act]] = []
        self._count = 0
        self.done_until: datetime | None = None

    def add(self, at: datetime, act: Act) -> None:
        """Let something happen; what lies before the present of the demo happens next."""
        if self.done_until is not None and at <= self.done_until:
            at = self.done_until + timedelta(seconds=1 + self._count % 40)
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, act))

    def run(self, *, until: datetime) -> None:
        """Let everything happen up to a moment."""
        while self._heap and self._heap[0][0] <= until:
            at, _number, act = heapq.heappop(self._heap)
            act(at)
        self.done_until = until
