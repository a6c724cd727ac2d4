"""Repeated work keeps to its part of the time."""

import pytest

from core.pacing import paced


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_long_work_is_repeated_less_often() -> None:
    clock = Clock()
    runs: list[float] = []

    @paced(0.1, clock=clock)
    def work(*, takes_s: float) -> None:
        runs.append(clock.now_s)
        clock.now_s += takes_s

    for begin_s, takes_s in ((0.0, 3.0), (15.0, 3.0), (29.9, 3.0), (30.0, 0.1), (32.0, 0.1)):
        clock.now_s = begin_s
        work(takes_s=takes_s)

    assert runs == [0.0, 30.0, 32.0]


def test_work_that_fails_has_taken_its_time_too() -> None:
    clock = Clock()

    @paced(0.5, clock=clock)
    def work() -> None:
        clock.now_s += 4
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        work()
    clock.now_s = 7.9
    work()
    clock.now_s = 8.0
    with pytest.raises(ValueError, match="a bug"):
        work()
