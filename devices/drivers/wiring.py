"""Is a meter connected as it should be? Judged from one read, by the numbers alone.

Values are at the primary side, in the units of the dictionary; a point that was not read is
missing. Every check says what it saw, also when there was too little to judge by.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations, product
from math import atan2, degrees, hypot
from typing import Literal

from devices.drivers.orders import ORDERS, Look, is_tiny
from devices.drivers.ranges import PHASES, SQRT3, Place, Range

Verdict = Literal["passed", "failed", "unknown"]
Values = Mapping[str, float]

# Below this share of the rated current, or this much, a current says nothing about its direction.
_LEAST_SHARE, _LEAST_A = 0.01, 0.05
_CLAMP_OFF = 0.15
_RATED_SECONDARY_A = 5.0
_MOST_SECONDARY_A = 1.2 * _RATED_SECONDARY_A
_SNAP_OFF = 0.25
_POWER_OFF = 0.2
_SUM_OFF, _SUM_OFF_KW = 0.03, 0.05
_DEAD_SECONDARY_V = 2.0
_NEAR_DEG, _APART_DEG = 35.0, 60.0
_SEQUENCE_OFF_DEG = 30.0

_CT_PRIMARIES_A = (
    *(5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 80, 100, 120, 125, 150, 160, 200, 250, 300, 400),
    *(500, 600, 750, 800, 1000, 1200, 1250, 1500, 1600, 2000, 2500, 3000, 4000, 5000, 6000),
)
CT_RATIOS = tuple(primary / _RATED_SECONDARY_A for primary in _CT_PRIMARIES_A)
PT_RATIOS = (1.0, 3.8, 6.6, 30.0, 60.0, 100.0, 105.0, 110.0, 200.0, 350.0, 1100.0, 2200.0)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. code: stable word for the sentence, facts: what fills it.

    proposed: the ratio or the order that would be right.
    """

    check: str
    verdict: Verdict
    code: str
    facts: Mapping[str, str | float] = field(default_factory=dict)
    proposed: float | str | None = None


def findings(
    looks: Sequence[Look],
    factors: Mapping[str, float],
    ranges: Mapping[str, Range],
    place: Place,
) -> list[Finding]:
    """Every check, in the order in which somebody would go through them at the cabinet.

    factors: what brings each point to the primary side.
    """
    values = {
        look.code: look.value * factors[look.code] for look in looks if look.value is not None
    }
    return [
        order(looks, factors, ranges),
        span(values, ranges),
        voltage(values, place),
        current(values, place),
        power(values),
        direction(values, place),
        total(values),
        phases(values, place),
    ]


def order(
    looks: Sequence[Look], factors: Mapping[str, float], ranges: Mapping[str, Range]
) -> Finding:
    """Whether the template's word order gives the likeliest values; another is proposed when not."""
    judged = [
        look for look in looks if len(look.words) > 1 and any(look.words) and look.code in ranges
    ]
    if not judged:
        return Finding("order", "unknown", "order_unknown")
    used = judged[0].used
    scores = {
        name: sum(
            _fits(look.values[name], ranges[look.code], factors[look.code]) for look in judged
        )
        for name in ORDERS
    }
    best = max(scores, key=lambda name: (scores[name], name == used))
    facts: dict[str, str | float] = {
        "used": used,
        "best": best,
        "fits": scores[best],
        "fits_used": scores[used],
        "of": len(judged),
    }
    if scores[best] > scores[used]:
        return Finding("order", "failed", "order_other", facts, proposed=best)
    if not scores[used]:
        return Finding("order", "failed", "order_none", facts)
    return Finding("order", "passed", "order_fits", facts)


def span(values: Values, ranges: Mapping[str, Range]) -> Finding:
    """Whether every value lies where it can lie."""
    judged = [code for code in values if code in ranges]
    outside = [code for code in judged if not within(values[code], ranges[code])]
    if not judged:
        return Finding("span", "unknown", "span_unknown")
    if outside:
        return Finding("span", "failed", "span_outside", {"points": ", ".join(outside)})
    return Finding("span", "passed", "span_fits", {"of": len(judged)})


def voltage(values: Values, place: Place) -> Finding:
    """Measured voltage against the nominal one; a PT ratio is proposed."""
    measured = _mean(values, ("Ua", "Ub", "Uc"))
    if measured is None and (line := _mean(values, ("Uab", "Ubc", "Uca"))) is not None:
        measured = line / SQRT3
    if measured is None:
        return Finding("voltage", "unknown", "voltage_unknown")
    nominal = place.phase_nominal_v
    facts: dict[str, str | float] = {"measured": measured, "nominal": nominal, "pt": place.pt}
    if measured < (_DEAD_SECONDARY_V * place.pt if place.is_secondary else 0.02 * nominal):
        return Finding("voltage", "failed", "voltage_none", facts)
    if 0.8 <= measured / nominal <= 1.2:
        return Finding("voltage", "passed", "voltage_fits", facts)
    proposed = _snapped(place.pt * nominal / measured, PT_RATIOS) if place.is_secondary else None
    if proposed is None or proposed == place.pt:
        return Finding("voltage", "failed", "voltage_off", facts)
    return Finding(
        "voltage", "failed", "pt_wrong", facts | {"proposed": proposed}, proposed=proposed
    )


def current(values: Values, place: Place) -> Finding:
    """Secondary current × ratio against the primary current of a clamp meter, or the rated one."""
    flowing = [values[code] for code in ("Ia", "Ib", "Ic") if code in values]
    most = max(flowing, default=None)
    facts: dict[str, str | float] = {"ct": place.ct}
    if most is None:
        return Finding("current", "unknown", "current_unknown", facts)
    facts |= {"primary": most, "secondary": most / place.ct}
    if most <= _least(place):
        return Finding("current", "unknown", "current_none", facts)
    if place.clamp_a:
        return _against_clamp(most, place, facts | {"clamp": place.clamp_a})
    # Without a CT a meter may well carry more than 6 A itself.
    if place.is_secondary and place.ct > 1 and most / place.ct > _MOST_SECONDARY_A:
        return Finding("current", "failed", "secondary_high", facts, proposed=1.0)
    if place.rated_current_a and most > 1.2 * place.rated_current_a:
        return Finding("current", "failed", "over_rated", facts | {"rated": place.rated_current_a})
    return Finding("current", "unknown", "clamp_missing", facts)


def _against_clamp(most: float, place: Place, facts: dict[str, str | float]) -> Finding:
    clamp = place.clamp_a or 0.0
    if abs(clamp - most) <= _CLAMP_OFF * clamp:
        return Finding("current", "passed", "clamp_fits", facts)
    if not place.is_secondary:
        return Finding("current", "failed", "ct_inside", facts | {"times": clamp / most})
    proposed = _snapped(place.ct * clamp / most, CT_RATIOS)
    if proposed is None or proposed == place.ct:
        return Finding("current", "failed", "clamp_off", facts)
    return Finding(
        "current", "failed", "ct_wrong", facts | {"proposed": proposed}, proposed=proposed
    )


def power(values: Values) -> Finding:
    """Power against voltage × current × power factor: all three must have the same ratios."""
    apparent = sum(
        values[f"U{phase}"] * values[f"I{phase}"] / 1000
        for phase in PHASES
        if f"U{phase}" in values and f"I{phase}" in values
    )
    total_kw, factor = values.get("P"), values.get("PF")
    if total_kw is None or not factor or apparent < 0.1 or abs(factor) < 0.3:
        return Finding("power", "unknown", "power_unknown")
    expected = apparent * abs(factor)
    facts: dict[str, str | float] = {"power": abs(total_kw), "expected": expected}
    is_off = abs(abs(total_kw) - expected) > _POWER_OFF * expected
    return Finding(
        "power", "failed" if is_off else "passed", "power_off" if is_off else "power_fits", facts
    )


def direction(values: Values, place: Place) -> Finding:
    """Negative power while current flows: a current transformer is the wrong way round."""
    flowing = _flowing(values, place)
    if not flowing:
        return Finding("direction", "unknown", "no_current")
    judged = [phase for phase in flowing if f"P{phase}" in values]
    reversed_ = [phase.upper() for phase in judged if values[f"P{phase}"] < 0]
    if reversed_:
        code = "all_reversed" if len(reversed_) == len(judged) == len(PHASES) else "ct_reversed"
        return Finding("direction", "failed", code, {"phases": ", ".join(reversed_)})
    if not judged and "P" not in values:
        return Finding("direction", "unknown", "direction_unknown")
    if values.get("P", 0.0) < 0:
        return Finding("direction", "failed", "total_reversed", {"power": values["P"]})
    return Finding("direction", "passed", "direction_fits")


def total(values: Values) -> Finding:
    """The sum of the phases against the total."""
    parts = [values[f"P{phase}"] for phase in PHASES if f"P{phase}" in values]
    if len(parts) < len(PHASES) or "P" not in values:
        return Finding("total", "unknown", "total_unknown")
    off = abs(sum(parts) - values["P"])
    facts: dict[str, str | float] = {"sum": sum(parts), "total": values["P"]}
    allowed = max(_SUM_OFF * sum(abs(part) for part in parts), _SUM_OFF_KW)
    return Finding(
        "total", *(("failed", "total_off") if off > allowed else ("passed", "total_fits")), facts
    )


def phases(values: Values, place: Place) -> Finding:
    """Sequence of the voltages by their angles, pairing of voltages and currents by P and Q."""
    sequence = _sequence(values)
    if sequence == "negative":
        return Finding("phases", "failed", "sequence_negative")
    angles = _angles(values, _flowing(values, place))
    if len(angles) < len(PHASES):
        if sequence == "positive":
            return Finding("phases", "passed", "sequence_positive")
        return Finding("phases", "unknown", "phases_unknown")
    pairing, turned = _likeliest(angles)
    facts: dict[str, str | float] = {
        "pairs": ", ".join(
            f"U{v.upper()}–I{i.upper()}" for v, i in zip(PHASES, pairing, strict=True)
        ),
        "reversed": ", ".join(phase.upper() for phase in turned),
    }
    if pairing != PHASES:
        return Finding("phases", "failed", "pairs_swapped", facts)
    return Finding("phases", "passed", "pairs_fit", facts)


def _likeliest(angles: Mapping[str, float]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which current is at each phase's voltage, and which are the wrong way round.

    The currents of a load lie at much the same angle to their own voltages. As it is, unless the
    angles lie apart and some other connection explains them well.
    """
    spread = _spread([_half(angles[phase]) for phase in PHASES])
    found: tuple[tuple[str, ...], tuple[str, ...]] = (PHASES, ())
    if spread <= _APART_DEG:
        return found
    best = _NEAR_DEG
    for pairing, turned in _connections():
        own = [
            _wrap(
                angles[at]
                - 120 * (PHASES.index(of) - PHASES.index(at))
                - (180 if at in turned else 0)
            )
            for at, of in zip(PHASES, pairing, strict=True)
        ]
        # A load neither feeds back nor is all reactive; with fewer changes it is likelier.
        cost = (
            _spread(own)
            + 3 * len(turned)
            + 2 * sum(a != b for a, b in zip(PHASES, pairing, strict=True))
        )
        if cost < best and all(abs(angle) <= 75 for angle in own):
            best, found = cost, (pairing, turned)
    return found


def _connections() -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    for pairing, flags in product(permutations(PHASES), product((False, True), repeat=3)):
        yield pairing, tuple(p for p, is_turned in zip(PHASES, flags, strict=True) if is_turned)


def _angles(values: Values, flowing: Sequence[str]) -> dict[str, float]:
    """By which each phase's current lags its voltage, in degrees, where P and Q tell it."""
    return {
        phase: degrees(atan2(values[f"Q{phase}"], values[f"P{phase}"]))
        for phase in flowing
        if f"Q{phase}" in values
        and f"P{phase}" in values
        and hypot(values[f"P{phase}"], values[f"Q{phase}"]) > 0
    }


def _sequence(values: Values) -> str:
    a, b, c = (values.get(f"U{phase}_ang") for phase in PHASES)
    if a is None or b is None or c is None or a == b == c:
        return ""
    steps = (_wrap(b - a), _wrap(c - b), _wrap(a - c))
    for name, step in (("positive", -120.0), ("negative", 120.0)):
        if all(abs(one - step) <= _SEQUENCE_OFF_DEG for one in steps):
            return name
    return ""


def within(value: float, limits: Range) -> bool:
    """Whether a value lies in its range; a number of a wrong word order never does."""
    return limits[0] <= value <= limits[1] and not is_tiny(value)


def _fits(value: float | None, limits: Range, factor: float) -> bool:
    return value is not None and not is_tiny(value) and within(value * factor, limits)


def _least(place: Place) -> float:
    rated = place.rated_current_a
    return max(_LEAST_SHARE * rated, _LEAST_A) if rated else _LEAST_A * place.ct


def _flowing(values: Values, place: Place) -> list[str]:
    return [phase for phase in PHASES if values.get(f"I{phase}", 0.0) > _least(place)]


def _mean(values: Values, codes: Sequence[str]) -> float | None:
    """Of those that are alive: a phase that is lost says nothing about a ratio."""
    found = [values[code] for code in codes if code in values]
    alive = [value for value in found if value >= max(found) / 2]
    return sum(alive) / len(alive) if alive else None


def _snapped(ratio: float, known: Sequence[float]) -> float | None:
    """The nearest ratio that is made; None when none is near."""
    nearest = min(known, key=lambda one: abs(one - ratio) / one)
    return nearest if abs(nearest - ratio) <= _SNAP_OFF * nearest else None


def _half(angle: float) -> float:
    """The same line whichever way round."""
    return _wrap(angle - 180) if abs(angle) > 90 else angle


def _wrap(angle: float) -> float:
    return (angle + 180) % 360 - 180


def _spread(angles: Sequence[float]) -> float:
    return max(abs(_wrap(a - b)) for a in angles for b in angles)
