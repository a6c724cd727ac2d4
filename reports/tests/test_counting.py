"""Counters for many windows: one question per person, and time left for others."""

import asyncio
import threading

import pytest

from reports.counting import Counting
from reports.selectors import Counts
from sites.models import User

pytestmark = pytest.mark.asyncio
PATIENCE_S = 10.0


class Ledger:
    """Says how often it was asked; waits for `gate` while it is shut."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.begun, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def __call__(self, user: User) -> Counts:
        self.asked.append(user.pk)
        self.begun.set()
        self.gate.wait(PATIENCE_S)
        return Counts(alarms_open=len(self.asked))


async def test_windows_of_one_person_are_one_question() -> None:
    ledger = Ledger()
    counting = Counting(ledger, share=1.0)

    found = await asyncio.gather(*(counting.of(User(pk=pk)) for pk in (1, 1, 2, 1)))

    assert ledger.asked == [1, 2]
    assert [one.alarms_open for one in found] == [1, 1, 2, 1]


async def test_who_asks_while_it_is_counted_gets_a_newer_answer() -> None:
    ledger = Ledger()
    ledger.gate.clear()
    counting = Counting(ledger, share=1.0)
    first = asyncio.create_task(counting.of(User(pk=1)))
    assert await asyncio.to_thread(ledger.begun.wait, PATIENCE_S)

    second = asyncio.create_task(counting.of(User(pk=1)))
    await asyncio.sleep(0)
    ledger.gate.set()

    assert (await first).alarms_open == 1
    assert (await second).alarms_open == 2


async def test_a_window_that_goes_takes_nobody_with_it() -> None:
    ledger = Ledger()
    ledger.gate.clear()
    counting = Counting(ledger, share=1.0)
    gone, stays = (asyncio.create_task(counting.of(User(pk=1))) for _window in range(2))
    await asyncio.sleep(0)

    gone.cancel()
    ledger.gate.set()

    assert (await stays).alarms_open == 1


async def test_a_failed_question_is_told_and_the_next_one_is_asked() -> None:
    def ask(user: User) -> Counts:
        if user.pk == 1:
            raise OSError("away")
        return Counts()

    counting = Counting(ask, share=1.0)
    refused, answered = await asyncio.gather(
        counting.of(User(pk=1)), counting.of(User(pk=2)), return_exceptions=True
    )

    assert isinstance(refused, OSError)
    assert answered == Counts()


async def test_counting_leaves_most_of_the_time_to_others() -> None:
    took_s = 0.05

    def ask(_user: User) -> Counts:
        threading.Event().wait(took_s)
        return Counts()

    counting = Counting(ask, share=0.25)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(counting.of(User(pk=pk)) for pk in range(1, 4)))

    # Two pauses of three times as long lie between three questions.
    assert loop.time() - began >= (3 + 2 * 3) * took_s
