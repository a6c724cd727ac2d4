"""What is to happen when, in the demo's past: people and lines act in the order of time."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta

Act = Callable[[datetime], None]


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
