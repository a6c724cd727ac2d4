"""Stretches of time in which something answered or did not, out of the moments when that changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Change:
    """From `at` on it is online, offline, or nobody asks (None); why."""

    at: datetime
    is_online: bool | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Interval:
    """Half-open; `is_online` None: not in service, or before the first verdict."""

    start: datetime
    end: datetime
    is_online: bool | None
    reason: str = ""

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class OnlineTime:
    """How long it was online, offline, and neither, in seconds."""

    online_s: float = 0.0
    offline_s: float = 0.0
    unknown_s: float = 0.0

    @property
    def percent(self) -> float | None:
        """Online time of the time that is known, 0 to 100; None when nothing is."""
        known_s = self.online_s + self.offline_s
        return 100.0 * self.online_s / known_s if known_s else None


def intervals(changes: Iterable[Change], *, start: datetime, end: datetime) -> list[Interval]:
    """The period as intervals in a row, none like its neighbour; changes ascending, some before it.

    Before the first change nothing is known. Of two verdicts that say the same the first counts.
    """
    found: list[Interval] = []
    now = Change(start, None)
    for change in changes:
        if change.is_online == now.is_online:
            continue
        if change.at > start:
            found.append(
                Interval(max(now.at, start), min(change.at, end), now.is_online, now.reason)
            )
        now = change
        if change.at >= end:
            break
    else:
        found.append(Interval(max(now.at, start), end, now.is_online, now.reason))
    return _joined(one for one in found if one.start < one.end)


def _joined(found: Iterable[Interval]) -> list[Interval]:
    """Neighbours that say the same as one: what lay between them had no length."""
    joined: list[Interval] = []
    for one in found:
        if joined and joined[-1].is_online == one.is_online:
            joined[-1] = replace(joined[-1], end=one.end)
        else:
            joined.append(one)
    return joined


def cut(found: Sequence[Interval], *, start: datetime, end: datetime) -> list[Interval]:
    """What of the intervals lies in a shorter period."""
    return [
        Interval(max(one.start, start), min(one.end, end), one.is_online, one.reason)
        for one in found
        if one.start < end and one.end > start
    ]


def online_time(found: Iterable[Interval]) -> OnlineTime:
    """The lengths by state."""
    lengths = {True: 0.0, False: 0.0, None: 0.0}
    for one in found:
        lengths[one.is_online] += one.length.total_seconds()
    return OnlineTime(lengths[True], lengths[False], lengths[None])
