"""From the electrical state of meters to everything they show, by point code."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.drivers.simulator.curves import Facts
from devices.drivers.simulator.noise import Floats, smooth

PHASES = "abc"
LINES = ("ab", "bc", "ca")
NOMINAL_HZ = 50.0
TRIPLEN_SHARE = 0.05
DEAD_V = 1.0
# What the oil of an idle transformer is above the room.
OIL_RISE_K = 11.0


@dataclass(slots=True)
class State:
    """Meters at some moments: arrays [times, n], with a third axis for phases where one is meant."""

    facts: Facts
    times: Floats
    p_kw: Floats
    q_kvar: Floats
    ep_kwh: Floats
    eq_kvarh: Floats
    dmd_kw: Floats
    dmd_kvar: Floats
    u_v: Floats
    room_c: Floats
    conductor_c: Floats
    residual_ma: Floats
    distortion: Floats
    is_open: NDArray[np.bool_]
    is_ajar: NDArray[np.bool_]


def quantities(state: State) -> dict[str, Floats]:
    """Values by point code, [times, n], in the units of the dictionary."""
    s_kva = np.hypot(state.p_kw, state.q_kvar)
    current = np.where(state.u_v > DEAD_V, s_kva * 1000 / np.maximum(state.u_v, DEAD_V), 0.0)
    frame = _voltages(state)
    frame |= _currents(current)
    frame |= _powers(state, s_kva)
    frame |= _energies(state)
    frame |= _qualities(state, current)
    frame |= _safety(state)
    angle = -np.degrees(np.arctan2(state.q_kvar, np.maximum(state.p_kw, 1e-9)))
    for number, phase in enumerate(PHASES):
        turned = (0.0, -120.0, 120.0)[number]
        frame[f"U{phase}_ang"] = np.full_like(state.room_c, turned)
        frame[f"I{phase}_ang"] = (angle[:, :, number] + turned + 180) % 360 - 180
        frame[f"PhAng{phase}"] = -angle[:, :, number]
    frame["PhAng_total"] = np.degrees(np.arccos(np.clip(frame["PF"], -1, 1)))
    return frame


def _voltages(state: State) -> dict[str, Floats]:
    a, b, c = (state.u_v[:, :, number] for number in range(3))
    lines = [np.sqrt(x * x + y * y + x * y) for x, y in ((a, b), (b, c), (c, a))]
    frame = {f"U{phase}": value for phase, value in zip(PHASES, (a, b, c), strict=True)}
    frame |= {f"U{line}": value for line, value in zip(LINES, lines, strict=True)}
    frame["Uln_avg"] = (a + b + c) / 3
    frame["Ull_avg"] = (lines[0] + lines[1] + lines[2]) / 3
    frame["UnbU"] = _voltage_unbalance(lines)
    return frame


def _voltage_unbalance(lines: list[Floats]) -> Floats:
    """Negative to positive sequence in per cent. Source: GB/T 15543-2008, annex A."""
    squares = [line * line for line in lines]
    total = np.maximum(squares[0] + squares[1] + squares[2], 1e-9)
    ratio = (squares[0] ** 2 + squares[1] ** 2 + squares[2] ** 2) / total**2
    root = np.sqrt(np.maximum(3 - 6 * ratio, 0))
    return 100 * np.sqrt(np.maximum(1 - root, 0) / (1 + root))


def _currents(current: Floats) -> dict[str, Floats]:
    a, b, c = (current[:, :, number] for number in range(3))
    mean = (a + b + c) / 3
    vector = np.sqrt(np.maximum(a * a + b * b + c * c - a * b - b * c - c * a, 0))
    frame = {f"I{phase}": value for phase, value in zip(PHASES, (a, b, c), strict=True)}
    frame["I_avg"] = mean
    frame["I_sum"] = a + b + c
    frame["In_calc"] = vector
    frame["In"] = frame["In_meas"] = frame["I4"] = np.hypot(vector, 3 * TRIPLEN_SHARE * mean)
    spread = np.max(np.abs(current - mean[:, :, None]), axis=2)
    frame["UnbI"] = 100 * spread / np.maximum(mean, 1e-6) * (mean > 1e-3)
    return frame


def _powers(state: State, s_kva: Floats) -> dict[str, Floats]:
    frame = {}
    for number, phase in enumerate(PHASES):
        p, q, s = state.p_kw[:, :, number], state.q_kvar[:, :, number], s_kva[:, :, number]
        frame[f"P{phase}"], frame[f"Q{phase}"], frame[f"S{phase}"] = p, q, s
        frame[f"PF{phase}"] = frame[f"dPF{phase}"] = _ratio(p, s)
    p, q = state.p_kw.sum(axis=2), state.q_kvar.sum(axis=2)
    s = np.hypot(p, q)
    frame |= {"P": p, "Q": q, "S": s}
    frame["PF"] = frame["dPF"] = frame["PF_4q"] = _ratio(p, s)
    frame["DmdP"], frame["DmdQ"] = state.dmd_kw, state.dmd_kvar
    frame["DmdS"] = np.hypot(state.dmd_kw, state.dmd_kvar)
    high = state.facts.scale_kw * 1.1
    frame["MaxDmdP"] = np.maximum(state.dmd_kw, high)
    frame["MaxDmdQ"] = np.maximum(state.dmd_kvar, high * state.facts.tan_phi)
    frame["MaxDmdS"] = np.hypot(frame["MaxDmdP"], frame["MaxDmdQ"])
    demand_a = frame["DmdS"] * 1000 / (3 * state.facts.un_v)
    for phase in PHASES:
        frame[f"DmdI{phase}"] = demand_a
    frame["DmdIn"] = demand_a * 0.18
    frame["MaxDmdIn"] = frame["MaxDmdS"] * 1000 / (3 * state.facts.un_v) * 0.2
    return frame


def _ratio(p: Floats, s: Floats) -> Floats:
    return np.where(s > 1e-9, p / np.maximum(s, 1e-9), 1.0)


def _energies(state: State) -> dict[str, Floats]:
    none = np.zeros_like(state.room_c)
    frame = {"EPE": none, "EQE": none, "EQ2": none, "EQ3": none, "EQ4": none}
    for number, phase in enumerate(PHASES):
        ep, eq = state.ep_kwh[:, :, number], state.eq_kvarh[:, :, number]
        frame[f"EPI_{phase}"] = frame[f"EPT_{phase}"] = ep
        frame[f"EQI_{phase}"] = frame[f"EQT_{phase}"] = eq
        frame[f"EPE_{phase}"] = frame[f"EQE_{phase}"] = none
    frame["EPI"] = frame["EPT"] = state.ep_kwh.sum(axis=2)
    frame["EQI"] = frame["EQT"] = frame["EQ1"] = state.eq_kvarh.sum(axis=2)
    frame["ES"] = np.hypot(frame["EPI"], frame["EQI"])
    return frame


def _qualities(state: State, current: Floats) -> dict[str, Floats]:
    moment, facts = state.times[:, None], state.facts
    rated_a = facts.rated_kva * 1000 / (3 * facts.un_v)
    frame = {}
    for number, phase in enumerate(PHASES):
        load = np.clip(current[:, :, number] / rated_a, 0.12, 1.5)
        wander = 1 + 0.12 * smooth(facts.seed * 3 + number, moment / 240.0, 30)
        is_fed = state.u_v[:, :, number] > DEAD_V * 20
        frame[f"THD_U{phase}"] = ((1.3 + 1.6 * load) * wander + state.distortion) * is_fed
        has_load = current[:, :, number] > 1e-3
        frame[f"THD_I{phase}"] = facts.thd_i * (0.7 + 0.3 / load) * wander * has_load
    frame["THD_U_avg"] = (frame["THD_Ua"] + frame["THD_Ub"] + frame["THD_Uc"]) / 3
    hertz = (
        NOMINAL_HZ + 0.018 * smooth(0, moment / 25.0, 31) + 0.012 * smooth(0, moment / 300.0, 32)
    )
    frame["F"] = np.broadcast_to(hertz, state.room_c.shape)
    return frame


def _safety(state: State) -> dict[str, Floats]:
    rise = state.conductor_c - state.room_c[:, :, None]
    frame = {f"T{number + 1}": state.conductor_c[:, :, number] for number in range(3)}
    frame["T4"] = state.room_c + 2.0 + 0.2 * rise.mean(axis=2)
    frame["IR"] = np.maximum(state.residual_ma, 0) * np.where(state.is_open, 0.1, 1.0)
    frame["DI1"] = np.where(state.is_open, 0.0, 1.0)
    frame["DI2"] = np.where(state.is_ajar, 1.0, 0.0)
    frame["T_oil"] = state.room_c + OIL_RISE_K + 1.5 * rise.mean(axis=2)
    frame["T_amb"] = state.room_c
    return frame
