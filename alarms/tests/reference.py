"""The rules once more, a sample at a time in plain Python: what the evaluator must agree with."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alarms.rules.specs import Facts, Override, RuleSpec

Spot = tuple[int, int, str]


def single(value: float) -> float:
    """The value as a sample holds it: float32."""
    return struct.unpack("f", struct.pack("f", value))[0]


@dataclass
class Memory:
    """What is remembered of one check."""

    is_active: bool = False
    since: float | None = None
    known_at: float | None = None
    last_digit: int | None = None
    peak: float | None = None


@dataclass
class Reference:
    """Devices with their overrides of each rule (site's, device's), fed sample by sample."""

    rules: Sequence[RuleSpec]
    facts: Mapping[int, Facts]
    overrides: Mapping[tuple[int, int], tuple[Override | None, Override | None]]
    codes: Sequence[str]
    memory: dict[Spot, Memory] = field(default_factory=dict)
    last_at: dict[int, float] = field(default_factory=dict)
    events: list[tuple[int, int, str, bool, float, float]] = field(default_factory=list)

    def feed(self, device: int, at: float, values: Sequence[float], *, usable: bool) -> None:
        if at <= self.last_at.get(device, -math.inf):
            return
        self.last_at[device] = at
        sample = dict(zip(self.codes, values, strict=True))
        if not usable:
            sample = dict.fromkeys(self.codes, math.nan)
        for rule in self.rules:
            for point, codes in self.checks(rule):
                self.step(device, rule, point, [(code, sample[code]) for code in codes], at)

    def checks(self, rule: RuleSpec) -> list[tuple[str, list[str]]]:
        present = [code for code in rule.codes if code in self.codes]
        if rule.kind == "phase_loss":
            whole = len(present) == len(rule.codes) and len(present) >= 2
            return [("", present)] if whole else []
        if rule.kind == "limit" and rule.measure in ("largest", "smallest"):
            return [("", present)] if present else []
        return [(code, [code]) for code in present]

    def setting(self, device: int, rule: RuleSpec, name: str):
        value = getattr(rule, name)
        for override in self.overrides.get((device, rule.id), ()):
            if override is None:
                continue
            if name == "reset" and override.reset is None and override.threshold is not None:
                before = self.threshold_before(device, rule, override)
                value = (
                    override.threshold * value / before if before else override.threshold + value
                )
            elif getattr(override, name, None) is not None:
                value = getattr(override, name)
        return value

    def threshold_before(self, device: int, rule: RuleSpec, override: Override) -> float:
        site, _device = self.overrides[device, rule.id]
        if override is not site and site is not None and site.threshold is not None:
            return site.threshold
        return rule.threshold

    def base(self, device: int, rule: RuleSpec) -> float | None:
        facts = self.facts[device]
        if rule.basis == "absolute":
            return 100.0
        return {
            "nominal_voltage": facts.nominal_v,
            "rated_current": facts.rated_current_a,
            "rated_power": facts.rated_kva,
        }[rule.basis]

    def step(
        self,
        device: int,
        rule: RuleSpec,
        point: str,
        points: list[tuple[str, float]],
        at: float,
    ) -> None:
        facts = self.facts[device]
        enabled = self.setting(device, rule, "is_enabled")
        base = self.base(device, rule)
        if not enabled or not base or any(code in facts.missing for code, _value in points):
            return
        if rule.circuit_kinds and facts.circuit_kind not in rule.circuit_kinds:
            return
        memory = self.memory.setdefault((device, rule.id, point), Memory())
        if rule.kind == "digital":
            value, is_over, is_inside = self.digital(rule, memory, points[0][1])
        elif rule.kind == "phase_loss":
            value, is_over, is_inside = self.phases(device, rule, base, points)
        else:
            value, is_over, is_inside = self.limit(device, rule, base, points)
        if value is None:
            return
        gap = 3 * max(facts.steps_s.get(code, facts.step_s) for code, _value in points)
        if memory.known_at is None or at - memory.known_at > gap:
            memory.since = None
        memory.known_at = at
        if rule.kind == "digital":
            memory.last_digit = int(value >= 0.5)
        self.hold(
            device, rule, point, memory, value, at, is_inside if memory.is_active else is_over
        )

    def hold(self, device, rule, point, memory, value, at, is_wanted) -> None:
        was_active = memory.is_active
        if not is_wanted:
            memory.since = None
        else:
            if memory.since is None:
                memory.since = at
            name = "reset_delay_s" if memory.is_active else "delay_s"
            if at - memory.since >= self.setting(device, rule, name):
                memory.is_active = not memory.is_active
                memory.since = None
                self.events.append((device, rule.id, point, memory.is_active, at, value))
                if memory.is_active:
                    memory.peak = value
        if was_active and memory.is_active:
            memory.peak = (min if rule.is_low else max)(memory.peak, value)

    def limit(self, device, rule, base, points):
        values = [value for _code, value in points]
        if any(math.isnan(value) for value in values):
            return None, False, False
        if rule.measure == "offset":
            value = single(abs(single(values[0] - single(rule.reference))))
        else:
            value = min(values) if rule.measure == "smallest" else max(values)
        threshold = self.setting(device, rule, "threshold")
        reset = self.setting(device, rule, "reset")
        if rule.is_low:
            reset = max(threshold, reset)
            low, back = single(threshold * (base / 100)), single(reset * (base / 100))
            return value, value < low, value >= back
        reset = min(threshold, reset)
        high, back = single(threshold * (base / 100)), single(reset * (base / 100))
        return value, value > high, value <= back

    def phases(self, device, rule, base, points):
        known = [value for _code, value in points if not math.isnan(value)]
        if not known:
            return None, False, False
        threshold = self.setting(device, rule, "threshold")
        reset = max(threshold, self.setting(device, rule, "reset"))
        share = base / 100
        is_lost = min(known) < single(threshold * share) and max(known) > single(rule.guard * share)
        if len(known) < len(points) and not is_lost:
            return None, False, False
        return min(known), is_lost, min(known) >= single(reset * share)

    def digital(self, rule, memory, value):
        if math.isnan(value):
            return None, False, False
        digit = int(value >= 0.5)
        is_edge = memory.last_digit == 1 - rule.to_value
        is_over = digit == rule.to_value and (is_edge or memory.since is not None)
        return value, is_over, digit != rule.to_value
