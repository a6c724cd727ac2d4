"""The limits that watch the points of devices: rules after their overrides, in the points' units."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from alarms.models import Rule
from alarms.rules.specs import (
    DIGITAL,
    LIMIT,
    OFFSET,
    RuleSpec,
    limits_of,
    overridden,
)
from alarms.services.admission import facts_of, read_overrides, spec_of
from alarms.states import SEVERITY_RANK


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of one point. `is_low`: values below it are bad. `is_state`: the bad state of a contact."""

    rule_id: int
    level: str
    value: float
    reset: float | None
    is_low: bool
    severity: str
    is_state: bool = False

    def is_passed(self, value: float) -> bool:
        """Whether the value lies beyond (a state: is the watched one); equal is not beyond."""
        if self.is_state:
            return round(value) == round(self.value)
        return value < self.value if self.is_low else value > self.value

    @property
    def word(self) -> str:
        """What passing it is called."""
        if self.is_state:
            return _("状态异常")
        return {
            "hh": _("越上上限"),
            "h": _("越上限"),
            "l": _("越下限"),
            "ll": _("越下下限"),
        }.get(self.level, _("越限"))

    @property
    def name(self) -> str:
        """What it is called itself."""
        return {
            "hh": _("上上限"),
            "h": _("上限"),
            "l": _("下限"),
            "ll": _("下下限"),
        }.get(self.level, _("限值"))


Limits = dict[str, list[Limit]]


def limits_on(*, device_ids: Collection[int]) -> dict[int, Limits]:
    """Limits of each device by point code, the most severe first; four queries for any number.

    Rules on the largest or smallest of several points are told of each of these points; the loss of
    a phase and of communication are no limits of a point.
    """
    rules = [spec_of(rule=rule) for rule in Rule.objects.filter(kind__in=(LIMIT, DIGITAL))]
    overrides = read_overrides()
    found: dict[int, Limits] = {}
    for device_id, (site_id, facts) in facts_of(device_ids=device_ids).items():
        here: Limits = defaultdict(list)
        for rule in rules:
            spec = overridden(
                rule,
                overrides.of_sites.get((rule.id, site_id)),
                overrides.of_devices.get((rule.id, device_id)),
            )
            limits = limits_of(spec, facts)
            if limits is None:
                continue
            for code in set(spec.codes) - facts.missing:
                here[code] += _told(spec, limits.threshold, limits.reset)
        for several in here.values():
            several.sort(key=lambda limit: (SEVERITY_RANK[limit.severity], limit.value))
        found[device_id] = dict(here)
    return found


def _told(spec: RuleSpec, threshold: float, reset: float) -> list[Limit]:
    if spec.kind == DIGITAL:
        return [Limit(spec.id, "", threshold, None, False, spec.severity, is_state=True)]
    if spec.measure == OFFSET:
        middle = spec.reference or 0.0
        return [
            Limit(spec.id, "h", middle + threshold, middle + reset, False, spec.severity),
            Limit(spec.id, "l", middle - threshold, middle - reset, True, spec.severity),
        ]
    return [Limit(spec.id, spec.level, threshold, reset, spec.is_low, spec.severity)]


def passed(limits: Iterable[Limit], value: float | None) -> Limit | None:
    """The most severe limit that the value passes."""
    if value is None:
        return None
    return next((limit for limit in limits if limit.is_passed(value)), None)
