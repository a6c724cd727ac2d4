"""Counters of everybody with an open window: once per person for all his windows, in a part of the
time, so that a storm of news costs the pages nothing.
"""

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async

from reports.selectors import Counts, counts
from sites.models import User

# Of one process's time.
SHARE = 0.2


class Counting:
    """Answers those who wait one after the other; whoever asks while somebody else waits for the same
    person gets the same answer. What is being counted already may be too old for him.
    """

    def __init__(self, ask: Callable[[User], Counts] = counts, *, share: float = SHARE) -> None:
        self._ask = database_sync_to_async(ask)
        self._share = share
        self._waiting: dict[int, tuple[User, asyncio.Future[Counts]]] = {}
        self._work: asyncio.Task[None] | None = None

    async def of(self, user: User) -> Counts:
        """The counters of a person, of now or later. Raises what asking raises."""
        loop = asyncio.get_running_loop()
        _user, answer = self._waiting.setdefault(user.pk, (user, loop.create_future()))
        if self._work is None or self._work.done():
            self._work = loop.create_task(self._answer())
        # One window may go while others wait.
        return await asyncio.shield(answer)

    async def _answer(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            user, answer = self._waiting.pop(next(iter(self._waiting)))
            began = loop.time()
            try:
                answer.set_result(await self._ask(user))
            except Exception as reason:  # noqa: BLE001 - it is his who asked
                answer.set_exception(reason)
                # Nobody may be left to hear of it.
                answer.exception()
            await asyncio.sleep((loop.time() - began) * (1 / self._share - 1))


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Counting] = WeakKeyDictionary()


def counting() -> Counting:
    """The one of the running loop."""
    return _of_loops.setdefault(asyncio.get_running_loop(), Counting())
