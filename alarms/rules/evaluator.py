"""Samples in, raised and recovered alarms out, a whole batch at a time. Pure.

A check is active or not. While it is not, a sample past the limit starts the delay and one that is
not stops it; when the condition has held for the delay, the check is raised. While it is active,
the same goes for samples inside the reset value and the delay of recovery. An unknown sample (NaN,
bad quality) changes nothing; after a gap the delay starts anew. A digital check starts only by an
edge: a known sample of the other value before. Samples not newer than the last are ignored.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alarms.rules.plan import (
    DELAY,
    GAP,
    RESET,
    RESET_DELAY,
    THRESHOLD,
    Bools,
    Check,
    Floats,
    Measured,
    Plan,
    Times,
    lengthened,
    measured,
    shortest,
)
from alarms.rules.specs import DIGITAL, PHASE_LOSS, SMALLEST, Facts, RuleSpec

Slots = NDArray[np.intp]
NOBODY = -1
# Rows and columns, pair by pair.
Cells = tuple[NDArray[Any], ...]
# Device, rule, point; and the two latter of one device.
Spot = tuple[int, int, str]
SpotOfDevice = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A device, its version of each rule, and where its evaluation stands.

    `until_s`: the last sample that was evaluated, -inf for none. `active` maps the active checks
    (rule id, point code) to their peaks, `pending` the running delays to their beginning.
    """

    facts: Facts
    specs: tuple[RuleSpec, ...]
    until_s: float = float("-inf")
    active: Mapping[SpotOfDevice, float | None] = field(default_factory=dict)
    pending: Mapping[SpotOfDevice, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A check was raised or recovered. `at` in epoch seconds; `limit` is None for a digital input.

    `peak` is the extreme since it was raised, given when it recovers and was exceeded since.
    """

    device_id: int
    spec: RuleSpec
    point_code: str
    worst_code: str
    is_raised: bool
    at: float
    value: float
    limit: float | None
    points: Mapping[str, float]
    peak: tuple[float, float] | None = None

    @property
    def spot(self) -> Spot:
        return self.device_id, self.spec.id, self.point_code


@dataclass(slots=True)
class Outcome:
    """What followed from samples.

    `events` in time order per device; `pending`: (towards raising, since in epoch seconds), or None
    for a delay that ended; `peaks`: (at, value) of checks that are still active.
    """

    events: list[Event] = field(default_factory=list)
    pending: dict[Spot, tuple[bool, float] | None] = field(default_factory=dict)
    peaks: dict[Spot, tuple[float, float]] = field(default_factory=dict)
    is_low: dict[int, bool] = field(default_factory=dict)
    rows: int = 0


class Track:
    """The state of the checks of one layout.

    [device, check]: `active`; `held`, whether a delay runs, `since` when, and `known_at`, the last
    known sample of a running delay; `peak`, signed, of active checks. [device, digital check]:
    `last`, the last known value. [device]: `last_at`.
    """

    def __init__(self, codes: Sequence[str], specs: Sequence[RuleSpec]) -> None:
        self.plan = Plan(codes, specs)
        width = len(self.plan.checks)
        self.active: Bools = np.empty((0, width), np.bool_)
        self.held: Bools = np.empty((0, width), np.bool_)
        self.since: Times = np.empty((0, width), np.float64)
        self.known_at: Times = np.empty((0, width), np.float64)
        self.peak: Floats = np.empty((0, width), np.float32)
        self.last: Floats = np.empty((0, len(self.plan.digital)), np.float32)
        self.last_at: Times = np.empty(0, np.float64)

    def admit(self, rows: Sequence[Admission]) -> None:
        """Take up devices, or begin anew with those that are there."""
        self.plan.add([(row.facts, row.specs) for row in rows])
        for name in ("active", "held", "since", "known_at", "peak", "last", "last_at"):
            setattr(self, name, lengthened(getattr(self, name), len(self.plan)))
        for row in rows:
            self._begin(self.plan.slots[row.facts.device_id], row)

    def _begin(self, slot: int, row: Admission) -> None:
        self.last_at[slot] = row.until_s
        self.known_at[slot] = row.until_s
        self.last[slot] = np.nan
        self.active[slot] = self.held[slot] = False
        self.peak[slot] = -np.inf
        if not row.pending and not row.active:
            return
        for column, check in enumerate(self.plan.checks):
            spot = check.spec.id, check.point_code
            if spot in row.pending:
                self.held[slot, column] = True
                self.since[slot, column] = row.pending[spot]
            if spot in row.active:
                self.active[slot, column] = True
                peak = row.active[spot]
                if peak is not None:
                    self.peak[slot, column] = peak * check.sign

    def observe(self, device_id: int, at: float, values: Floats) -> None:
        """Let a device know a sample that was evaluated before: what was known, and when."""
        slot = self.plan.slots[device_id]
        looked = measured(self.plan, values[None, :]).looked[0]
        self.known_at[slot, ~np.isnan(looked)] = at
        digits = _binary(looked[self.plan.digital])
        is_told = ~np.isnan(digits)
        self.last[slot, is_told] = digits[is_told]

    def evaluate(self, slots: Slots, at: Times, values: Floats, outcome: Outcome) -> None:
        """Rows of different devices, each newer than the device's last."""
        seen = measured(self.plan, values)
        active, held = self.active[slots], self.held[slots]
        over, inside, known = self._compare(seen, slots, held)
        wanted = np.where(active, inside, over)
        self.last_at[slots] = at
        step = _Step(slots, at, values, seen.looked)
        fired = self._hold(step, np.nonzero(known & (wanted | held)), active, wanted, outcome)
        self._follow_peaks(step, np.nonzero(active & known), outcome)
        for row, column in fired:
            outcome.events.append(self._event(step, row, column, outcome))

    def _compare(self, seen: Measured, slots: Slots, held: Bools) -> tuple[Bools, Bools, Bools]:
        """Which checks are past their limit, which inside their reset value, which are known."""
        looked, limits = seen.looked, self.plan.limits[slots]
        threshold = limits[:, THRESHOLD]
        over, inside = looked > threshold, looked <= limits[:, RESET]
        known = ~np.isnan(looked)
        if len(losses := self.plan.phase_loss):
            is_lost = over[:, losses] & (seen.strongest > self.plan.guards[slots])
            over[:, losses] = is_lost
            known[:, losses] &= ~seen.is_partial | is_lost
        if len(digital := self.plan.digital):
            digits, target = _binary(looked[:, digital]), threshold[:, digital]
            last = self.last[slots]
            is_edge = last == 1 - target
            over[:, digital] = (digits == target) & (is_edge | held[:, digital])
            inside[:, digital] = digits == 1 - target
            self.last[slots] = np.where(np.isnan(digits), last, digits)
        return over, inside, known

    def _hold(
        self, step: "_Step", cells: Cells, active: Bools, wanted: Bools, outcome: Outcome
    ) -> list[tuple[int, int]]:
        """Let delays begin, go on, end and be over, for known checks only; those that fired."""
        rows, columns = cells
        if not len(rows):
            return []
        slots, moment = step.slots[rows], step.at[rows]
        is_wanted, is_active = wanted[rows, columns], active[rows, columns]
        was_held, since = self.held[slots, columns], self.since[slots, columns]
        times = self.plan.times[slots, :, columns]
        is_stale = moment - self.known_at[slots, columns] > times[:, GAP]
        begun = np.where(was_held & ~is_stale, since, moment)
        patience = np.where(is_active, times[:, RESET_DELAY], times[:, DELAY])
        is_fired = is_wanted & (moment - begun >= patience)
        is_held = is_wanted & ~is_fired
        self.held[slots, columns] = is_held
        self.since[slots, columns] = begun
        self.known_at[slots, columns] = moment
        self.active[slots, columns] = is_active ^ is_fired
        for n in np.flatnonzero((is_held != was_held) | (is_held & (begun != since))):
            spot = self._spot(int(slots[n]), int(columns[n]))
            outcome.pending[spot] = (not is_active[n], float(begun[n])) if is_held[n] else None
        fired = np.flatnonzero(is_fired)
        return list(zip(rows[fired].tolist(), columns[fired].tolist(), strict=True))

    def _follow_peaks(self, step: "_Step", cells: Cells, outcome: Outcome) -> None:
        """Note new extremes of the checks that were active before this step."""
        rows, columns = cells
        slots, looked = step.slots[rows], step.looked[rows, columns]
        for n in np.flatnonzero(looked > self.peak[slots, columns]):
            slot, column = int(slots[n]), int(columns[n])
            check = self.plan.checks[column]
            self.peak[slot, column] = looked[n]
            if check.spec.kind != DIGITAL:
                outcome.is_low[check.spec.id] = check.spec.is_low
                value = shortest(looked[n] * self.plan.signs[column])
                outcome.peaks[self._spot(slot, column)] = float(step.at[rows[n]]), value

    def _event(self, step: "_Step", row: int, column: int, outcome: Outcome) -> Event:
        check, slot = self.plan.checks[column], int(step.slots[row])
        is_raised = bool(self.active[slot, column])
        if is_raised:
            self.peak[slot, column] = step.looked[row, column]
        spot = self._spot(slot, column)
        return Event(
            device_id=spot[0],
            spec=self.plan.specs[slot][check.rule],
            point_code=check.point_code,
            worst_code=_worst(check, step.values[row]),
            is_raised=is_raised,
            at=float(step.at[row]),
            value=shortest(step.looked[row, column] * self.plan.signs[column]),
            limit=self.plan.limit(slot, column),
            points=_points(check, step.values[row]),
            peak=None if is_raised else outcome.peaks.pop(spot, None),
        )

    def _spot(self, slot: int, column: int) -> Spot:
        check = self.plan.checks[column]
        return self.plan.device_ids[slot], check.spec.id, check.point_code


@dataclass(frozen=True, slots=True)
class _Step:
    """One row per device; `looked` is what the checks looked at."""

    slots: Slots
    at: Times
    values: Floats
    looked: Floats


class Evaluator:
    """Devices of any layouts. A device that changes its layout begins anew with the new one."""

    def __init__(self, specs: Sequence[RuleSpec]) -> None:
        self.specs = tuple(specs)
        self._tracks: dict[int, Track] = {}
        self._layout_of: dict[int, int] = {}
        # Rows of the admitted devices in their track, by layout.
        self._slots: dict[int, dict[int, int]] = {}

    def unknown(self, layout_id: int, device_ids: Sequence[int]) -> list[int]:
        """Devices that must be admitted before their samples of this layout can be evaluated."""
        return [pk for pk in dict.fromkeys(device_ids) if self._layout_of.get(pk) != layout_id]

    def admit(self, layout_id: int, codes: Sequence[str], rows: Sequence[Admission]) -> None:
        """Take up devices whose samples have these codes in this order."""
        if layout_id not in self._tracks:
            self._tracks[layout_id] = Track(codes, self.specs)
            self._slots[layout_id] = {}
        track = self._tracks[layout_id]
        track.admit(rows)
        device_ids = [row.facts.device_id for row in rows]
        self.forget(device_ids)
        self._layout_of.update(dict.fromkeys(device_ids, layout_id))
        self._slots[layout_id].update((pk, track.plan.slots[pk]) for pk in device_ids)

    def forget(self, device_ids: Sequence[int]) -> None:
        """Let go of devices; they must be admitted again."""
        for device_id in device_ids:
            layout_id = self._layout_of.pop(device_id, None)
            if layout_id is not None:
                del self._slots[layout_id][device_id]

    def until(self, device_id: int) -> float:
        """The time of the last sample evaluated, -inf before the first."""
        track = self._tracks[self._layout_of[device_id]]
        return float(track.last_at[track.plan.slots[device_id]])

    def devices(self) -> list[int]:
        """All that are admitted."""
        return list(self._layout_of)

    def observe(self, layout_id: int, device_id: int, at: float, values: Floats) -> None:
        """Tell an admitted device of a sample that was evaluated before; see Track.observe."""
        self._tracks[layout_id].observe(device_id, at, values)

    def evaluate(  # noqa: PLR0913 - the columns of a group of samples
        self,
        *,
        layout_id: int,
        device_ids: NDArray[np.int64],
        at: Times,
        values: Floats,
        usable: Bools,
        outcome: Outcome,
    ) -> None:
        """Evaluate samples of one layout, in time order per device; others' rows are left out.

        usable: whether the quality of the row lets its values be believed.
        """
        track = self._tracks.get(layout_id)
        if track is None:
            return
        slot_of = self._slots[layout_id].get
        slots = np.fromiter(map(slot_of, device_ids.tolist(), repeat(NOBODY)), np.intp)
        known = slots != NOBODY
        if not known.all():
            slots, at, values, usable = slots[known], at[known], values[known], usable[known]
        if not usable.all():
            values = np.where(usable[:, None], values, np.float32(np.nan))
        for rows in _rounds(slots):
            newer = rows[at[rows] > track.last_at[slots[rows]]]
            if len(newer):
                outcome.rows += len(newer)
                track.evaluate(slots[newer], at[newer], values[newer], outcome)


def _rounds(slots: Slots) -> Iterator[Slots]:
    """Row numbers, split so that each part has a device at most once and keeps its order."""
    count = len(slots)
    order = np.argsort(slots, kind="stable")
    is_first = np.ones(count, np.bool_)
    is_first[1:] = slots[order[1:]] != slots[order[:-1]]
    if is_first.all():
        yield np.arange(count)
        return
    starts = np.flatnonzero(is_first)
    ranks = np.empty(count, np.intp)
    ranks[order] = np.arange(count) - np.repeat(starts, np.diff(np.append(starts, count)))
    by_rank = np.argsort(ranks, kind="stable")
    yield from np.split(by_rank, np.cumsum(np.bincount(ranks))[:-1])


def _binary(values: Floats) -> Floats:
    """0 or 1, NaN where it is unknown."""
    return np.where(np.isnan(values), values, (values >= 0.5).astype(np.float32))


def _worst(check: Check, values: Floats) -> str:
    if len(check.columns) == 1:
        return check.codes[0]
    points = values[list(check.columns)]
    is_lowest = check.spec.kind == PHASE_LOSS or check.spec.measure == SMALLEST
    return check.codes[int(np.nanargmin(points) if is_lowest else np.nanargmax(points))]


def _points(check: Check, values: Floats) -> dict[str, float]:
    if len(check.columns) == 1:
        return {}
    return {
        code: shortest(values[column])
        for code, column in zip(check.codes, check.columns, strict=True)
        if not np.isnan(values[column])
    }
