"""How quickly lines answer, and which of them somebody should look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import nlargest, nsmallest
from typing import Protocol

from devices.drivers.backoff import Backoffs, Silence

# The mean leans on about so many of the latest answers; a peak is forgotten ten times as slowly.
_WEIGHT = 1 / 16
_PEAK_WEIGHT = _WEIGHT / 10
SLOWEST = 20
SILENT = 500

# Key of a bus or id of a device, failures in a row, seconds to the next try.
Away = tuple[int, int, float]


@dataclass(slots=True)
class Pace:
    """Seconds from a question to its answer on one line: a running mean, and a peak that fades."""

    mean_s: float = 0.0
    peak_s: float = 0.0

    def note(self, took_s: float) -> None:
        """One more answer."""
        self.mean_s += (took_s - self.mean_s) * _WEIGHT if self.mean_s else took_s
        if took_s >= self.peak_s:
            self.peak_s = took_s
        else:
            self.peak_s -= (self.peak_s - self.mean_s) * _PEAK_WEIGHT


class Line(Protocol):
    """What is asked of a bus here."""

    pace: Pace
    backoffs: Backoffs

    @property
    def is_connected(self) -> bool: ...

    @property
    def queued(self) -> int: ...


@dataclass(slots=True)
class Digest:
    """All lines of a worker in a few numbers, and those that are worth a look.

    slowest: key of the bus, mean and peak in ms. away: lines that cannot be reached; silent: devices
    that let questions time out; both the longest first, at most SILENT, while the counts are of all.
    """

    buses: int = 0
    connected: int = 0
    queued: int = 0
    away_count: int = 0
    silent_count: int = 0
    slowest: list[tuple[int, float, float]] = field(default_factory=list)
    away: list[Away] = field(default_factory=list)
    silent: list[Away] = field(default_factory=list)


def digest(lines: Mapping[int, Line], *, now: float) -> Digest:
    """Look at all lines once. now: on their clock, monotonic seconds."""
    away: list[tuple[float, Away]] = []
    silent: list[tuple[float, Away]] = []
    connected = queued = 0
    for key, line in lines.items():
        connected += line.is_connected
        queued += line.queued
        backoffs = line.backoffs
        if backoffs.link is not None:
            away.append(_away(key, backoffs.link, now))
        if backoffs.devices:
            silent += [_away(pk, silence, now) for pk, silence in backoffs.devices.items()]
    slowest = nlargest(SLOWEST, lines.items(), key=lambda item: item[1].pace.mean_s)
    return Digest(
        buses=len(lines),
        connected=connected,
        queued=queued,
        away_count=len(away),
        silent_count=len(silent),
        slowest=[
            (key, round(line.pace.mean_s * 1000, 2), round(line.pace.peak_s * 1000, 2))
            for key, line in slowest
            if line.pace.mean_s
        ],
        away=[facts for _since, facts in nsmallest(SILENT, away)],
        silent=[facts for _since, facts in nsmallest(SILENT, silent)],
    )


def _away(key: int, silence: Silence, now: float) -> tuple[float, Away]:
    """With since when, to sort by."""
    next_s = round(max(0.0, silence.retry_at - now), 1)
    return silence.since, (key, silence.failures, next_s)
