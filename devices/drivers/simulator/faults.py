"""What can go wrong, on command or by script, and how strong it is at a moment."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from devices.drivers.simulator.noise import Floats

# What `level` means, and what it is when not given.
FAULTS: dict[str, tuple[str, float]] = {
    "overload": ("load as a share of the rating", 1.3),
    "phase_loss": ("share of the phase voltage that is lost", 0.97),
    "residual_step": ("mA on top", 400.0),
    "hot_joint": ("K on top at half load", 60.0),
    "breaker_trip": ("not used", 1.0),
    "door_open": ("not used", 1.0),
    "harmonics": ("% of voltage distortion on top", 4.5),
    "high_voltage": ("share of the voltage on top", 0.06),
    "low_voltage": ("share of the voltage that is missing", 0.08),
    "dead_meter": ("not used", 1.0),
    "slow_meter": ("seconds before it answers", 0.5),
    "dead_gateway": ("not used", 1.0),
    "silent_gateway": ("not used", 1.0),
    "frozen_value": ("not used", 1.0),
    "counter_reset": ("not used", 1.0),
    "output_refuses": ("not used", 1.0),
    "output_ignores": ("not used", 1.0),
    "output_late": ("seconds before it answers a write", 2.0),
    "clock_drift": ("seconds that the clock is put ahead, once", 300.0),
}
GATEWAY_FAULTS = ("dead_gateway", "silent_gateway")
# Faults of outputs and of the clock: nothing that is measured changes.
OUTPUT_FAULTS = ("output_refuses", "output_ignores", "output_late", "clock_drift")
# Faults that add to one quantity of a whole device.
_ADDED = {
    "residual_step": ("residual_ma", 1),
    "harmonics": ("distortion", 1),
    "high_voltage": ("shift", 1),
    "low_voltage": ("shift", -1),
}
PHASES = "abc"


class FaultError(ValueError):
    """A command or script asks for something that does not exist."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault on one target. Strength rises from 0 to 1 within ramp_s and ends at once."""

    number: int
    kind: str
    target: str
    begins_at: float
    ends_at: float | None
    ramp_s: float
    level: float
    phase: str

    def strength(self, times: Floats) -> Floats:
        """0 to 1 at each moment (epoch seconds)."""
        rise = np.clip((times - self.begins_at) / self.ramp_s, 0, 1) if self.ramp_s > 0 else 1.0
        is_on = times >= self.begins_at
        if self.ends_at is not None:
            is_on &= times < self.ends_at
        return np.where(is_on, rise, 0.0)


@dataclass(slots=True)
class Effects:
    """Strengths of everything that changes values, [times, n]; three columns where a phase is meant."""

    load_to: Floats
    load: Floats
    lost: Floats
    residual_ma: Floats
    joint_k: Floats
    distortion: Floats
    shift: Floats
    is_open: NDArray[np.bool_]
    is_ajar: NDArray[np.bool_]
    is_frozen: NDArray[np.bool_]
    is_reset: NDArray[np.bool_]
    is_dead: NDArray[np.bool_]

    @classmethod
    def none(cls, times: int, devices: int) -> "Effects":
        """Nothing happens."""
        shape = (times, devices)
        return cls(
            load_to=np.zeros(shape),
            load=np.zeros(shape),
            lost=np.zeros((*shape, 3)),
            residual_ma=np.zeros(shape),
            joint_k=np.zeros((*shape, 3)),
            distortion=np.zeros(shape),
            shift=np.zeros(shape),
            is_open=np.zeros(shape, dtype=np.bool_),
            is_ajar=np.zeros(shape, dtype=np.bool_),
            is_frozen=np.zeros(shape, dtype=np.bool_),
            is_reset=np.zeros(shape, dtype=np.bool_),
            is_dead=np.zeros(shape, dtype=np.bool_),
        )

    def add(self, fault: Fault, row: int, strength: Floats) -> None:
        """Let a fault act on one device."""
        phase = PHASES.index(fault.phase)
        if fault.kind == "overload":
            self.load_to[:, row] = np.maximum(self.load_to[:, row], fault.level * (strength > 0))
            self.load[:, row] = np.maximum(self.load[:, row], strength)
        elif fault.kind == "phase_loss":
            self.lost[:, row, phase] = np.maximum(self.lost[:, row, phase], fault.level * strength)
        elif fault.kind == "hot_joint":
            self.joint_k[:, row, phase] += fault.level * strength
        elif fault.kind in _ADDED:
            name, sign = _ADDED[fault.kind]
            getattr(self, name)[:, row] += sign * fault.level * strength
        else:
            self._switch(fault.kind)[:, row] |= strength > 0

    def _switch(self, kind: str) -> NDArray[np.bool_]:
        return {
            "breaker_trip": self.is_open,
            "door_open": self.is_ajar,
            "frozen_value": self.is_frozen,
            "counter_reset": self.is_reset,
        }.get(kind, self.is_dead)


class FaultBook:
    """Faults that are under way or to come, by target name."""

    def __init__(self) -> None:
        self.faults: dict[int, Fault] = {}
        self._numbers = itertools.count(1)

    def start(
        self,
        kind: str,
        target: str,
        *,
        at: float,
        facts: Mapping[str, Any] | None = None,
    ) -> Fault:
        """Enter a fault. facts: duration_s, ramp_s, level, phase. Raises FaultError."""
        given = dict(facts or {})
        if kind not in FAULTS:
            raise FaultError(f"no fault {kind!r}; there are: {', '.join(FAULTS)}")
        phase = str(given.pop("phase", "a"))
        if phase not in PHASES or len(phase) != 1:
            raise FaultError(f"no phase {phase!r}; there are a, b, c")
        duration_s = _number(given, "duration_s", None)
        fault = Fault(
            number=next(self._numbers),
            kind=kind,
            target=target,
            begins_at=at,
            ends_at=None if duration_s is None else at + duration_s,
            ramp_s=_number(given, "ramp_s", 0.0) or 0.0,
            level=_number(given, "level", FAULTS[kind][1]) or 0.0,
            phase=phase,
        )
        if given:
            raise FaultError(f"unknown: {', '.join(given)}")
        self.faults[fault.number] = fault
        return fault

    def stop(
        self, *, kind: str | None = None, target: str | None = None, number: int | None = None
    ) -> list[Fault]:
        """Take out every fault that fits all that is given; returns them."""
        gone = [
            fault
            for fault in self.faults.values()
            if (kind is None or fault.kind == kind)
            and (target is None or fault.target == target)
            and (number is None or fault.number == number)
        ]
        for fault in gone:
            del self.faults[fault.number]
        return gone

    def remember(self) -> list[dict[str, Any]]:
        """Everything that is under way or to come, as plain data."""
        return [asdict(fault) for fault in self.faults.values()]

    def recall(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Enter again what remember() gave, under new numbers."""
        for entry in entries:
            number = next(self._numbers)
            self.faults[number] = Fault(**{**entry, "number": number})

    def forget_past(self, now: float) -> None:
        """Drop what has ended."""
        for fault in list(self.faults.values()):
            if fault.ends_at is not None and fault.ends_at <= now:
                del self.faults[fault.number]

    def active(self, now: float) -> list[Fault]:
        """What is under way."""
        return [
            fault
            for fault in self.faults.values()
            if fault.begins_at <= now and (fault.ends_at is None or now < fault.ends_at)
        ]

    def effects(
        self, times: Floats, names: Mapping[str, Sequence[int]], devices: int
    ) -> Effects | None:
        """What acts on which device row at which time; None when nothing does."""
        found: Effects | None = None
        for fault in self.faults.values():
            if fault.kind in OUTPUT_FAULTS:
                continue
            strength = fault.strength(times)
            if not strength.any() and not (fault.ramp_s and (times == fault.begins_at).any()):
                continue
            for row in names.get(fault.target, ()):
                found = found or Effects.none(len(times), devices)
                found.add(fault, row, strength)
        return found


def read_script(path: Path) -> list[dict[str, Any]]:
    """Entries {at, fault, target, …} of a YAML or JSON list, `at` in seconds after the start.

    Raises FaultError.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise FaultError(f"{path.name}: {error}") from error
    if not isinstance(entries, list):
        raise FaultError(f"{path.name}: a list of faults is wanted")
    return [_entry(path.name, number, entry) for number, entry in enumerate(entries, 1)]


def _entry(name: str, number: int, entry: object) -> dict[str, Any]:
    if not isinstance(entry, dict) or not {"at", "fault", "target"} <= set(entry):
        raise FaultError(f"{name}: entry {number} needs at, fault and target")
    return {**entry, "at": _number(entry, "at", 0.0), "target": str(entry["target"])}


def _number(facts: Mapping[str, Any], key: str, default: float | None) -> float | None:
    value = facts.get(key)
    if isinstance(facts, dict):
        facts.pop(key, None)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise FaultError(f"{key} must be a number from 0 up, not {value!r}")
    return float(value)
