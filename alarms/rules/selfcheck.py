"""When the platform itself is in trouble: its disk, its spool, its collectors. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from alarms.rules.links import Verdict
from alarms.rules.specs import RuleSpec

# What a limit of the disk is followed by when no reset is given: so much more room.
RESET_SHARE = 1.1
SHARDS_TOLD = 12


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen. `value` is None when nobody can tell; `is_low`: the lower the worse.

    `shards`: the value of each poll shard, where it is about these.
    """

    value: float | None
    unit: str = ""
    is_low: bool = False
    shards: Mapping[int, float] = field(default_factory=dict)

    def beyond(self, limit: float | None) -> dict[str, float]:
        """The shards whose value is above a limit, the worst first, the first few of them."""
        worst = sorted(self.shards.items(), key=lambda pair: -pair[1])
        return {str(shard): value for shard, value in worst[:SHARDS_TOLD] if value > (limit or 0)}


def judge(spec: RuleSpec, sight: Sight) -> Verdict:
    """RAISE beyond the threshold, UP from the reset on; else UNKNOWN: an alarm stays as it is."""
    if sight.value is None or spec.threshold is None:
        return Verdict.UNKNOWN
    sign = -1 if sight.is_low else 1
    value, threshold = sign * sight.value, sign * spec.threshold
    if value > threshold:
        return Verdict.RAISE
    reset = threshold if spec.reset is None else min(threshold, sign * spec.reset)
    return Verdict.UP if value <= reset else Verdict.UNKNOWN


def with_days(spec: RuleSpec, days: int) -> RuleSpec:
    """A rule without a limit of its own takes the days that the storage plan names."""
    if spec.threshold is not None:
        return spec
    return replace(spec, threshold=float(days), reset=days * RESET_SHARE)
