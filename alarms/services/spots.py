"""What the plant reports of one spot: a fault, its end, a new extreme."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Key = tuple[str, int, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """What an open alarm is unique by; `point_code` is '' where no single point is meant."""

    scope_kind: str
    scope_id: int
    rule_id: int
    point_code: str = ""

    @property
    def key(self) -> Key:
        return self.scope_kind, self.scope_id, self.point_code, self.rule_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Spot):
    """Something to be raised.

    `worst_code` is the point that decided, `points` what was measured (of the platform itself: by
    poll shard), `is_low`: the lower the worse.
    """

    at: datetime
    severity: str
    worst_code: str = ""
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    is_low: bool = False
    points: Mapping[str, float] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        """For the log row; empty where nothing was measured."""
        if self.value is None:
            return {}
        facts = {"value": self.value, "limit": self.limit, "unit": self.unit}
        return facts | ({"points": dict(self.points)} if self.points else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery(Spot):
    """The end of a fault; `reason` (a stable word) when it is not what was measured."""

    at: datetime
    value: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak(Spot):
    """A new extreme while a fault lasts."""

    at: datetime
    value: float
    is_low: bool = False
