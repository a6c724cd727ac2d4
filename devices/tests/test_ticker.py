"""A shard's rate with two workers on its queue: the owner does not wait for what the other takes."""

from collections.abc import Callable

import pytest

from devices.services.plan import PlannedGateway
from devices.services.schedule import Schedule
from devices.services.ticker import Turns

SECONDS = 120


def polls(
    *, takes_tick: Callable[[int], bool], took_s: float = 0.2, is_owner: bool = True
) -> list[float]:
    """When a worker polls that gets some of the queue's ticks, one of which comes every second."""
    turns = Turns(now_s=0.0)
    queued = [float(second) for second in range(1, SECONDS) if takes_tick(second)]
    moments, free_s, told_until_s = [], 0.0, 0.0
    while free_s < SECONDS:
        alone_s = max(free_s, turns.next_s(now_s=free_s, is_owner=is_owner))
        if queued and queued[0] <= alone_s:
            # The queue's thread takes a tick at once and waits for the other thread's poll to end.
            began_s = max(told_until_s, queued.pop(0))
            moments.append(max(free_s, began_s))
            told_until_s = moments[-1] + took_s
            turns.begin(now_s=began_s)
            turns.done_told(began_s=began_s, now_s=told_until_s)
        else:
            moments.append(alone_s)
            turns.begin_alone(now_s=alone_s)
        free_s = moments[-1] + took_s
    return moments


def reads(moments: list[float]) -> list[int]:
    """How often ten gateways with a period of one second are due at these moments."""
    schedule = Schedule()
    counts = [0] * 10
    gateways = [PlannedGateway(pk=pk, site_id=1, period_s=1.0, silence_s=600) for pk in range(10)]
    schedule.replace(gateways, now=0.0)
    for moment in moments:
        for gateway in schedule.due(now=moment):
            counts[gateway.pk] += 1
    return counts


@pytest.mark.parametrize(
    "takes_tick",
    [
        lambda second: second % 2 == 0,
        lambda second: second % 7 < 2,
        lambda second: second < 20,
        lambda _second: True,
        lambda _second: False,
    ],
    ids=["every other", "two of seven", "then none", "all", "none"],
)
@pytest.mark.parametrize("took_s", [0.01, 0.2, 0.7])
def test_the_owner_polls_at_its_full_rate_whatever_another_worker_takes(
    takes_tick: Callable[[int], bool], took_s: float
) -> None:
    moments = polls(takes_tick=takes_tick, took_s=took_s)

    begun_after_silence = 4
    assert min(reads(moments)) >= SECONDS - begun_after_silence
    assert max(reads(moments)) <= SECONDS + 1
    assert len(moments) <= SECONDS + 2


def test_a_worker_that_gets_every_tick_polls_no_other() -> None:
    moments = polls(takes_tick=lambda _second: True)

    assert moments == [*map(float, range(1, SECONDS)), pytest.approx(SECONDS + 0.25)]


def test_a_spare_worker_asks_by_itself_only_in_a_silence() -> None:
    told = polls(takes_tick=lambda second: second % 2 == 0, is_owner=False)
    alone = polls(takes_tick=lambda second: second <= 10, is_owner=False)

    assert len(told) == SECONDS // 2
    assert alone[10] == pytest.approx(13.2)
    assert len(alone) == pytest.approx(SECONDS, abs=4)


def test_no_turn_comes_while_a_told_one_is_under_way() -> None:
    turns = Turns(now_s=0.0)

    turns.begin(now_s=10.0)

    assert turns.next_s(now_s=12.0, is_owner=True) > 1e9
    turns.done_told(began_s=10.0, now_s=12.5)
    assert turns.next_s(now_s=12.5, is_owner=True) == 12.75
