"""Energy from a counter: differences, never negative, right across an exchange of the meter.

A measuring position keeps its counter's history while meters come and go: each has a segment with
the reading that somebody wrote down when it came and when it went. What a counter does by itself
(rolls over, is reset, shows nothing for a while) is told from the readings alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf, isnan, nan

# More than so many times the capacity of a place never flows (DOMAIN.md §2).
_HEADROOM = 1.5
# A counter that is nearer than this to its end, as a share of it, may have passed it.
_NEAR_END = 0.05


class Odd(StrEnum):
    """Why a step is not the plain difference of its two readings.

    rolled: past the end of the counter. fell: reset, or exchanged without anybody saying so; what
    flowed is unknown and counts as none. jumped: more than can flow, as when a used meter was put
    in; none, too. recovered: false readings between two right ones; the difference of the right
    ones. exchanged: by the readings written down. half: the same, and a reading is missing.
    """

    ROLLED = "rolled"
    FELL = "fell"
    JUMPED = "jumped"
    RECOVERED = "recovered"
    EXCHANGED = "exchanged"
    HALF = "half"


# After these, part of what flowed is unknown.
UNKNOWN = frozenset({Odd.FELL, Odd.JUMPED, Odd.HALF})


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One meter, with one ratio, at a measuring position: half-open, in epoch seconds.

    factor: what its display was multiplied by to give the stored readings. first, last: what its
    display showed at both ends, NaN where nobody wrote it down. is_same_meter: it goes on from the
    segment before, where only the ratio changed. rolls_at: the first reading that the display
    cannot show.
    """

    start_s: float = -inf
    end_s: float = inf
    factor: float = 1.0
    first: float = nan
    last: float = nan
    is_same_meter: bool = False
    rolls_at: float | None = None


@dataclass(frozen=True, slots=True)
class Counter:
    """How the readings of one point of a device are to be taken. most_kw: the capacity of its place."""

    segments: tuple[Segment, ...] = (Segment(),)
    most_kw: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What flowed up to a reading since the one before. at_s: of the reading; kwh ≥ 0."""

    at_s: float
    kwh: float
    odd: Odd | None = None


@dataclass(slots=True)
class _Seen:
    """A reading on the meter's display, and its segment."""

    at_s: float
    shown: float
    place: int


def steps(
    at_s: Sequence[float], readings: Sequence[float], counter: Counter, *, slack_s: float = 0.0
) -> list[Step]:
    """What flowed between each two readings in a row, in the unit of the readings.

    at_s ascending; NaN readings are left out, so that a gap is one step. slack_s: by how much the
    readings may be older than `at_s` says.
    """
    return _Walk(counter, slack_s).through(at_s, readings)


class _Walk:
    """The way through the readings of one counter."""

    def __init__(self, counter: Counter, slack_s: float) -> None:
        self._segments = counter.segments
        self._most_kw = counter.most_kw
        self._slack_s = slack_s
        # The last reading before something odd, and whether the counter has moved since.
        self._held: _Seen | None = None
        self._since = 0.0

    def through(self, at_s: Sequence[float], readings: Sequence[float]) -> list[Step]:
        found: list[Step] = []
        before: _Seen | None = None
        for at, reading in zip(at_s, readings, strict=True):
            if isnan(reading):
                continue
            place = self._place(at, before.place if before else 0)
            seen = _Seen(at, reading / self._segments[place].factor, place)
            if before is not None:
                found.append(self._step(before, seen))
            before = seen
        return found

    def _place(self, at_s: float, start: int) -> int:
        place = start
        while place + 1 < len(self._segments) and at_s >= self._segments[place + 1].start_s:
            place += 1
        return place

    def _step(self, before: _Seen, now: _Seen) -> Step:
        if before.place != now.place:
            self._held = None
            return self._across(before, now)
        factor = self._segments[now.place].factor
        kwh, odd = self._within(before, now)
        return Step(now.at_s, kwh * factor, odd)

    def _within(self, before: _Seen, now: _Seen) -> tuple[float, Odd | None]:
        """On one meter's display."""
        difference = now.shown - before.shown
        is_odd = difference < 0 or not self._can_flow(difference, before, now)
        if self._held is not None and (is_odd or not self._since):
            right = self._recovered(self._held, now)
            if right is not None:
                return right, Odd.RECOVERED
        if not is_odd:
            self._since += difference
            return difference, None
        rolls_at = self._segments[now.place].rolls_at
        if difference < 0 and rolls_at is not None:
            rest = difference + rolls_at
            is_near = before.shown >= rolls_at * (1 - _NEAR_END)
            if is_near and self._can_flow(rest, before, now):
                return rest, Odd.ROLLED
        self._held, self._since = self._held or before, 0.0
        return 0.0, Odd.FELL if difference < 0 else Odd.JUMPED

    def _recovered(self, held: _Seen, now: _Seen) -> float | None:
        """What flowed since the last right reading, when this one goes on from it."""
        difference = now.shown - held.shown
        if difference < 0 or not self._can_flow(difference, held, now):
            return None
        self._held = None
        return max(0.0, difference - self._since)

    def _across(self, before: _Seen, now: _Seen) -> Step:
        """Over the ends of one segment or more."""
        kwh, shown, is_whole, is_exchanged = 0.0, before.shown, True, False
        for place in range(before.place, now.place):
            here, after = self._segments[place], self._segments[place + 1]
            if after.is_same_meter:
                continue
            is_exchanged = True
            rest = (here.last - shown) * here.factor
            is_whole &= rest >= 0 and not isnan(after.first)
            kwh += rest if rest > 0 else 0.0
            # Without its first reading the new meter counts from what was read first.
            shown = now.shown if isnan(after.first) else after.first
        rest = (now.shown - shown) * self._segments[now.place].factor
        is_whole &= rest >= 0
        odd = None if not is_exchanged and is_whole else Odd.EXCHANGED if is_whole else Odd.HALF
        return Step(now.at_s, kwh + max(rest, 0.0), odd)

    def _can_flow(self, difference: float, since: _Seen, now: _Seen) -> bool:
        if self._most_kw is None:
            return True
        hours = (now.at_s - since.at_s + self._slack_s) / 3600
        factor = self._segments[now.place].factor
        return difference * factor <= _HEADROOM * self._most_kw * hours
