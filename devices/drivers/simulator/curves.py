"""One local day of power for a set of meters, and the energy that has passed before it.

Power is random within the day, but a day's energy follows from the calendar alone: so the counters
at any moment are known without adding up all the past, and history and live values agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.drivers.simulator import SimDevice
from devices.drivers.simulator.loads import SATURDAY, SUNDAY, WORKDAY, industry_of
from devices.drivers.simulator.noise import Floats, smooth, uniform
from devices.drivers.simulator.tree import Tree

DAY_S = 86400
MINUTES = 1440
# Counters start here (2024-01-01 in local days since 1970) with what the meter then showed.
FIRST_DAY = 19723
HEAT_MINUTES = 25.0
WARMING_MINUTES = 180
_HOURS = np.arange(25) / 24.0


@dataclass(frozen=True, slots=True)
class Facts:
    """The meters as arrays, one row each; three columns where a phase is meant."""

    seed: NDArray[np.int64]
    supply: NDArray[np.int64]
    rated_kva: Floats
    un_v: Floats
    hours: Floats
    scale_kw: Floats
    share: Floats
    tan_phi: Floats
    ripple: Floats
    thd_i: Floats
    season: Floats
    first_kwh: Floats
    tree: Tree | None

    @classmethod
    def of(cls, devices: Sequence[SimDevice]) -> "Facts":
        """Take the devices' facts and draw the rest from their seeds."""
        seed = np.array([device.seed for device in devices], dtype=np.int64)
        rated = np.array([device.rated_kva for device in devices])
        kinds = [industry_of(device.industry) for device in devices]
        share = 1 + 0.05 * uniform(seed[:, None], np.arange(3), 1)
        share /= share.sum(axis=1, keepdims=True)
        use = 0.85 + 0.15 * uniform(seed, 0, 2)
        peak = np.array([kind.peak for kind in kinds])
        tan_phi = np.array([kind.tan_phi for kind in kinds]) * (1 + 0.06 * uniform(seed, 0, 3))
        first = rated * (350 + 300 * uniform(seed, 0, 4))
        scale = rated * peak * use / np.sqrt(1 + tan_phi**2)
        tree = Tree.of(devices)
        if tree is not None:
            scale[tree.rows] = tree.weights @ scale
        return cls(
            seed=seed,
            supply=np.array([device.supply for device in devices], dtype=np.int64),
            rated_kva=rated,
            un_v=np.array([device.un_v for device in devices]),
            hours=np.array(
                [[kind.hours(day) for day in (WORKDAY, SATURDAY, SUNDAY)] for kind in kinds]
            ).reshape(-1, 3, 24),
            scale_kw=scale,
            share=share,
            tan_phi=tan_phi,
            ripple=np.array([kind.ripple for kind in kinds]),
            thd_i=np.array([kind.thd_i for kind in kinds]),
            season=np.array([[kind.summer, kind.winter] for kind in kinds]).reshape(-1, 2),
            first_kwh=first[:, None] * share,
            tree=tree,
        )


@dataclass(frozen=True, slots=True)
class DayCurve:
    """Knots per minute, [1441, n, 3] for phases: kW, kvar, kWh and kvarh counters, heat.

    heat: what is left of the squared load (1 = rated) after the warming of conductors.
    """

    day: int
    p_kw: Floats
    q_kvar: Floats
    ep_kwh: Floats
    eq_kvarh: Floats
    heat: Floats


def kind_of_day(day: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """0 work day, 1 Saturday, 2 Sunday; day 0 was a Thursday."""
    return np.maximum((np.asarray(day) + 3) % 7 - 4, 0)


def day_curve(facts: Facts, day: int, *, before: DayCurve | None = None) -> DayCurve:
    """Everything about one local day; with the day before at hand it is cheaper."""
    p_kw = _power(facts, day)
    tree = facts.tree
    day_kwh = _energies(facts, np.array([day]))[:, 0, None] * facts.share
    at = np.arange(MINUTES + 1)[:, None, None] + day * MINUTES
    tan_phi = 1 + 0.12 * smooth(facts.seed[:, None] + np.arange(3), at / 45.0, 10)
    q_kvar = p_kw * tan_phi
    q_kvar *= day_kwh * facts.tan_phi[:, None] / _hours_under(q_kvar)[-1]
    passed = _energies(facts, np.arange(FIRST_DAY, day)).sum(axis=1)[:, None] * facts.share
    passed += facts.first_kwh
    if before is not None and before.day == day - 1:
        warm = before.heat[-1]
    else:
        evening = _power(facts, day - 1)[-WARMING_MINUTES:]
        if tree is not None:
            tree.add_up(evening)
        warm = _heat(facts, evening, _squared(facts, evening).mean(axis=0))[-1]
    ep_kwh = passed + _hours_under(p_kw)
    eq_kvarh = passed * facts.tan_phi[:, None] + _hours_under(q_kvar)
    if tree is not None:
        for quantity in (p_kw, q_kvar, ep_kwh, eq_kvarh):
            tree.add_up(quantity)
    return DayCurve(
        day=day,
        p_kw=p_kw,
        q_kvar=q_kvar,
        ep_kwh=ep_kwh,
        eq_kvarh=eq_kvarh,
        heat=_heat(facts, p_kw, warm),
    )


def _power(facts: Facts, day: int) -> Floats:
    """Active power [1441, n, 3] whose integral is the day's energy."""
    minutes = np.arange(MINUTES + 1)
    level = _levels(facts, np.array([day, day + 1]))
    share_of_day = (minutes / MINUTES)[:, None]
    plain = _shape(facts, day, minutes / 60.0)
    plain *= level[:, 0] * (1 - share_of_day) + level[:, 1] * share_of_day
    p_kw = plain[:, :, None] * np.maximum(0.2, 1 + _ripple(facts, day, minutes))
    day_kwh = _energies(facts, np.array([day]))[:, 0, None] * facts.share
    p_kw *= day_kwh / _hours_under(p_kw)[-1]
    return p_kw


def _shape(facts: Facts, day: int, hour: Floats) -> Floats:
    """Share of the highest hour, [times, n]; ends where the next day begins."""
    knots = _day_knots(facts, int(kind_of_day(day)), int(kind_of_day(day + 1)))
    whole = np.minimum(hour.astype(np.int64), 23)
    part = (hour - whole)[:, None]
    return (knots[:, whole].T * (1 - part) + knots[:, whole + 1].T * part) * facts.scale_kw


def _day_knots(facts: Facts, kind: int, next_kind: int) -> Floats:
    return np.concatenate([facts.hours[:, kind], facts.hours[:, next_kind, :1]], axis=1)


def _levels(facts: Facts, days: NDArray[np.int64]) -> Floats:
    """How much of the usual a day begins with: season and a little chance, [n, days]."""
    of_year = (days % 365.25) / 365.25
    summer = np.maximum(0, np.cos(2 * np.pi * (of_year - 0.56))) ** 2
    winter = np.maximum(0, np.cos(2 * np.pi * (of_year - 0.05))) ** 2
    season = 1 + facts.season[:, :1] * summer + facts.season[:, 1:] * winter
    return season * (1 + 0.04 * uniform(facts.seed[:, None], days, 5))


def _energies(facts: Facts, days: NDArray[np.int64]) -> Floats:
    """kWh of whole days from the calendar alone, [n, days]."""
    even = np.empty((len(facts.seed), 3, 3))
    rising = np.empty_like(even)
    for kind in range(3):
        for next_kind in range(3):
            knots = _day_knots(facts, kind, next_kind)
            even[:, kind, next_kind] = np.trapezoid(knots, axis=1)
            rising[:, kind, next_kind] = np.trapezoid(knots * _HOURS, axis=1)
    kinds, next_kinds = kind_of_day(days), kind_of_day(days + 1)
    left, right = _levels(facts, days), _levels(facts, days + 1)
    shares = left * even[:, kinds, next_kinds] + (right - left) * rising[:, kinds, next_kinds]
    return shares * facts.scale_kw[:, None]


def _ripple(facts: Facts, day: int, minutes: NDArray[np.int64]) -> Floats:
    """Restlessness [1441, n, 3]: mostly common to the phases."""
    at = (minutes + day * MINUTES)[:, None]
    common = 0.5 * smooth(facts.seed, at / 23.0, 6) + 0.3 * smooth(facts.seed, at / 6.0, 7)
    common += 0.15 * uniform(facts.seed, at, 8)
    phases = facts.seed[:, None] * 3 + np.arange(3)
    own = 0.5 * smooth(phases, at[:, :, None] / 40.0, 9)
    return facts.ripple[:, None] * (common[:, :, None] + own)


def _hours_under(power: Floats) -> Floats:
    """Running integral over the minutes, in power times hours."""
    steps = (power[1:] + power[:-1]) / 120.0
    return np.concatenate([np.zeros_like(power[:1]), np.cumsum(steps, axis=0)])


def _squared(facts: Facts, p_kw: Floats) -> Floats:
    load = p_kw * (3 * np.sqrt(1 + facts.tan_phi**2) / facts.rated_kva)[:, None]
    return load**2


def _heat(facts: Facts, p_kw: Floats, warm: Floats) -> Floats:
    """The squared load as a conductor feels it, beginning with what was left before."""
    squared = _squared(facts, p_kw)
    heat = np.empty_like(squared)
    heat[0] = warm
    for minute in range(1, len(squared)):
        heat[minute] = heat[minute - 1] + (squared[minute] - heat[minute - 1]) / HEAT_MINUTES
    return heat
