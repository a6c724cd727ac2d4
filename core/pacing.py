"""Repeated work that may not take more than its part of the time, however much there is of it."""

import functools
import time
from collections.abc import Callable
from typing import Any

# Of one process's time, for looking at everything again.
SWEEP_SHARE = 0.05


def paced(
    share: float, *, clock: Callable[[], float] = time.monotonic
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Skip a run that comes before the last one's duration is that part of the time since it began.

    For sweeps whose next run does what a skipped one would have done. Counted per process; clock in
    seconds.
    """

    def wrap(work: Callable[..., None]) -> Callable[..., None]:
        not_before_s = float("-inf")

        @functools.wraps(work)
        def run(*given: Any, **named: Any) -> None:
            nonlocal not_before_s
            began_s = clock()
            if began_s < not_before_s:
                return
            try:
                work(*given, **named)
            finally:
                not_before_s = began_s + (clock() - began_s) / share

        return run

    return wrap
