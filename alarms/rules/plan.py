"""Rules compiled for the devices of one layout: a row per device, a column per check. Pure.

A check is one rule on one point, or on several points taken together. Values are compared with a
sign, so that higher is always worse; limits are rounded to float32 as the samples are, so that a
sample that equals its limit does not pass it.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alarms.rules.specs import (
    DIGITAL,
    EACH,
    LARGEST,
    LIMIT,
    OFFSET,
    PHASE_LOSS,
    Facts,
    Limits,
    RuleSpec,
    limits_of,
)

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Times = NDArray[np.float64]

# Positions in the second axis of `Plan.limits` and of `Plan.times`.
THRESHOLD, RESET = range(2)
DELAY, RESET_DELAY, GAP = range(3)
# A pause of more than so many steps is a gap: what held before it says nothing about after it.
GAP_STEPS = 3.0
MOST_KINDS = 10_000


@dataclass(frozen=True, slots=True)
class Check:
    """One rule on `codes`; `point_code` is '' when they are judged together."""

    rule: int
    spec: RuleSpec
    codes: tuple[str, ...]
    columns: tuple[int, ...]
    point_code: str
    sign: float


class Plan:
    """Checks of one layout, and the limits of each device on them.

    `limits` is float32 [device, THRESHOLD…, check], signed; `times` float64 [device, DELAY…, check];
    `guards` float32 [device, phase-loss check]. What does not apply is NaN, which nothing passes.
    """

    def __init__(self, codes: Sequence[str], specs: Sequence[RuleSpec]) -> None:
        self.checks = tuple(_checks(codes, specs))
        width = len(self.checks)
        self.signs = np.array([check.sign for check in self.checks], np.float32)
        self.digital = _places(DIGITAL, self.checks)
        self.phase_loss = _places(PHASE_LOSS, self.checks)
        self.single = [n for n, check in enumerate(self.checks) if _is_single(check)]
        self.single_columns = np.array([self.checks[n].columns[0] for n in self.single], np.intp)
        self.several = [
            n
            for n, check in enumerate(self.checks)
            if not _is_single(check) and check.spec.kind != PHASE_LOSS
        ]
        self.slots: dict[int, int] = {}
        self.device_ids: list[int] = []
        self.specs: list[tuple[RuleSpec, ...]] = []
        # The rows of one device of each kind; most devices are alike. The rules keep their id alive.
        self._alike: dict[Hashable, tuple[tuple[RuleSpec, ...], tuple[NDArray[Any], ...]]] = {}
        self.limits: Floats = np.empty((0, 2, width), np.float32)
        self.guards: Floats = np.empty((0, len(self.phase_loss)), np.float32)
        self.times: Times = np.empty((0, 3, width), np.float64)

    def __len__(self) -> int:
        return len(self.device_ids)

    def add(self, rows: Sequence[tuple[Facts, tuple[RuleSpec, ...]]]) -> None:
        """Devices with their own version of each rule, in the order of the plan's rules."""
        self._grow([facts.device_id for facts, _specs in rows])
        for facts, specs in rows:
            slot = self.slots[facts.device_id]
            self.specs[slot] = specs
            kind = _kind_of(facts, specs)
            if kind in self._alike:
                _specs, rows_of_kind = self._alike[kind]
                self.limits[slot], self.guards[slot], self.times[slot] = rows_of_kind
                continue
            self._compile(slot, facts, specs)
            if len(self._alike) < MOST_KINDS:
                made = self.limits[slot], self.guards[slot], self.times[slot]
                self._alike[kind] = specs, tuple(row.copy() for row in made)

    def _grow(self, device_ids: Sequence[int]) -> None:
        fresh = [device_id for device_id in device_ids if device_id not in self.slots]
        for device_id in fresh:
            self.slots[device_id] = len(self.device_ids)
            self.device_ids.append(device_id)
            self.specs.append(())
        self.limits = lengthened(self.limits, len(self))
        self.guards = lengthened(self.guards, len(self))
        self.times = lengthened(self.times, len(self))

    def _compile(self, slot: int, facts: Facts, specs: tuple[RuleSpec, ...]) -> None:
        self.limits[slot] = self.guards[slot] = np.nan
        guard_of = {column: place for place, column in enumerate(self.phase_loss.tolist())}
        known: dict[int, Limits | None] = {}
        for column, check in enumerate(self.checks):
            spec = specs[check.rule]
            if check.rule not in known:
                known[check.rule] = limits_of(spec, facts)
            found = known[check.rule]
            self.times[slot, :, column] = spec.delay_s, spec.reset_delay_s, _gap_s(check, facts)
            if found is None or not facts.missing.isdisjoint(check.codes):
                continue
            limits = found.threshold * check.sign, found.reset * check.sign
            self.limits[slot, :, column] = limits
            if column in guard_of:
                self.guards[slot, guard_of[column]] = found.guard

    def limit(self, slot: int, column: int) -> float | None:
        """The threshold as people say it; None for a digital input."""
        if self.checks[column].spec.kind == DIGITAL:
            return None
        return shortest(self.limits[slot, THRESHOLD, column] * self.signs[column])


def shortest(value: np.float32) -> float:
    """The shortest decimal that is the same float32: 246.1, not 246.10000610351562."""
    return float(str(np.float32(value)))


def _kind_of(facts: Facts, specs: tuple[RuleSpec, ...]) -> Hashable:
    """Devices of one kind have the same limits and times."""
    return (
        id(specs),
        facts.step_s,
        facts.nominal_v,
        facts.rated_current_a,
        facts.rated_kva,
        facts.circuit_kind,
        tuple(facts.steps_s.items()),
        facts.missing,
    )


def _gap_s(check: Check, facts: Facts) -> float:
    return GAP_STEPS * max(facts.steps_s.get(code, facts.step_s) for code in check.codes)


def _is_single(check: Check) -> bool:
    return len(check.columns) == 1 and check.spec.measure != OFFSET


def _checks(codes: Sequence[str], specs: Sequence[RuleSpec]) -> list[Check]:
    """A check per rule and point, or per rule, of those whose points the layout has."""
    places = {code: column for column, code in enumerate(codes)}
    checks = []
    for rule, spec in enumerate(specs):
        sign = -1.0 if spec.is_low else 1.0
        present = tuple(code for code in spec.codes if code in places)
        together = spec.kind == PHASE_LOSS or (
            spec.kind == LIMIT and spec.measure not in {EACH, OFFSET}
        )
        if spec.kind not in {LIMIT, DIGITAL, PHASE_LOSS} or not present:
            continue
        if spec.kind == PHASE_LOSS and (len(present) < 2 or present != spec.codes):
            continue
        groups = [present] if together else [(code,) for code in present]
        checks += [
            Check(
                rule=rule,
                spec=spec,
                codes=group,
                columns=tuple(places[code] for code in group),
                point_code="" if together else group[0],
                sign=sign if spec.kind != DIGITAL else 1.0,
            )
            for group in groups
        ]
    return checks


@dataclass(frozen=True, slots=True)
class Measured:
    """What each check looks at, [row, check], signed.

    `strongest` [row, phase-loss check] is the strongest known phase, where `looked` has the
    weakest; `is_partial` says that not all phases are known.
    """

    looked: Floats
    strongest: Floats
    is_partial: Bools


def measured(plan: Plan, values: Floats) -> Measured:
    """The figures of the checks in rows of samples.

    Several points together are unknown (NaN) as soon as one of them is, except for phase loss:
    there the known phases may prove it already.
    """
    looked = np.empty((len(values), len(plan.checks)), np.float32)
    looked[:, plan.single] = values[:, plan.single_columns]
    for column in plan.several:
        check = plan.checks[column]
        if check.spec.measure == OFFSET:
            offset = values[:, check.columns[0]] - np.float32(check.spec.reference)
            looked[:, column] = np.abs(offset)
        elif check.spec.measure == LARGEST:
            looked[:, column] = values[:, check.columns].max(axis=1)
        else:
            looked[:, column] = values[:, check.columns].min(axis=1)
    strongest = np.empty((len(values), len(plan.phase_loss)), np.float32)
    is_partial = np.empty(strongest.shape, np.bool_)
    for place, column in enumerate(plan.phase_loss):
        phases = values[:, plan.checks[column].columns]
        looked[:, column] = np.fmin.reduce(phases, axis=1)
        strongest[:, place] = np.fmax.reduce(phases, axis=1)
        is_partial[:, place] = np.isnan(phases).any(axis=1)
    looked *= plan.signs
    return Measured(looked, strongest, is_partial)


def lengthened(kept: NDArray[Any], rows: int) -> NDArray[Any]:
    """The array with room for so many rows; where it has to grow, for half as many again.

    Thousands of devices come a few at a time: copying all that is known for each few took longer
    than taking them up.
    """
    if rows <= len(kept):
        return kept
    more = max(rows, len(kept) * 3 // 2) - len(kept)
    return np.concatenate((kept, np.empty((more, *kept.shape[1:]), kept.dtype)))


def _places(kind: str, checks: Sequence[Check]) -> NDArray[np.intp]:
    return np.array([n for n, check in enumerate(checks) if check.spec.kind == kind], np.intp)
