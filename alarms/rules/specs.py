"""A rule as the evaluator sees it: inherited, overridden, and applied to one device. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

LIMIT, DIGITAL, PHASE_LOSS = "limit", "digital", "phase_loss"
EACH, LARGEST, SMALLEST, OFFSET = "each", "largest", "smallest", "offset"
# A device that measures no circuit, in `circuit_kinds`.
NO_CIRCUIT = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpec:
    """One rule; the fields mean what they mean in the table of rules."""

    id: int
    kind: str
    codes: tuple[str, ...]
    severity: str
    level: str = ""
    measure: str = EACH
    basis: str = "absolute"
    threshold: float | None = None
    reset: float | None = None
    guard: float | None = None
    reference: float | None = None
    to_value: int | None = None
    delay_s: float = 0.0
    reset_delay_s: float = 0.0
    circuit_kinds: tuple[str, ...] = ()
    is_enabled: bool = True

    @property
    def is_low(self) -> bool:
        """Whether lower is worse."""
        return self.kind == PHASE_LOSS or self.level in {"l", "ll"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What a site or a device says differently; None (or '') inherits."""

    threshold: float | None = None
    reset: float | None = None
    delay_s: float | None = None
    reset_delay_s: float | None = None
    severity: str | None = None
    is_enabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What rules need to know of a device. A base that is None makes its rules not applicable.

    `step_s` is the usual time between two samples, `steps_s` that of points sampled less often;
    `missing` names points that are not connected.
    """

    device_id: int
    step_s: float
    nominal_v: float | None = None
    rated_current_a: float | None = None
    rated_kva: float | None = None
    circuit_kind: str = NO_CIRCUIT
    steps_s: Mapping[str, float] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Limits:
    """In the unit of the points. `guard` is NaN where the rule has none."""

    threshold: float
    reset: float
    guard: float


def overridden(spec: RuleSpec, *overrides: Override | None) -> RuleSpec:
    """The rule after its overrides, the last one winning.

    A threshold without a reset keeps the proportion between the two; a reset on the wrong side of
    the threshold is taken as the threshold itself, which is no hysteresis.
    """
    for override in overrides:
        if override is None:
            continue
        changes = {
            name: value
            for name in (entry.name for entry in fields(Override))
            if (value := getattr(override, name)) not in {None, ""}
        }
        if "threshold" in changes and "reset" not in changes:
            changes["reset"] = _in_proportion(spec, changes["threshold"])
        spec = replace(spec, **changes)
    return spec


def _in_proportion(spec: RuleSpec, threshold: float) -> float | None:
    if spec.threshold is None or spec.reset is None:
        return spec.reset
    if not spec.threshold:
        return threshold + spec.reset
    return threshold * spec.reset / spec.threshold


def limits_of(spec: RuleSpec, facts: Facts) -> Limits | None:
    """The limits on a device; None when the rule does not apply to it."""
    if not spec.is_enabled:
        return None
    if spec.circuit_kinds and facts.circuit_kind not in spec.circuit_kinds:
        return None
    base = {
        "absolute": 100.0,
        "nominal_voltage": facts.nominal_v,
        "rated_current": facts.rated_current_a,
        "rated_power": facts.rated_kva,
    }[spec.basis]
    if not base:
        return None
    if spec.kind == DIGITAL:
        nan = float("nan")
        return None if spec.to_value is None else Limits(float(spec.to_value), nan, nan)
    if spec.threshold is None or spec.reset is None:
        return None
    share = base / 100.0
    inner = max if spec.is_low else min
    return Limits(
        threshold=spec.threshold * share,
        reset=inner(spec.threshold, spec.reset) * share,
        guard=float("nan") if spec.guard is None else spec.guard * share,
    )
