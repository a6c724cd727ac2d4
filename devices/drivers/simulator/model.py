"""What simulated meters show: three-phase values, consistent with each other and with the counters."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from devices.drivers.simulator import CHINA_OFFSET_S, SimDevice
from devices.drivers.simulator.curves import DAY_S, DayCurve, Facts, day_curve
from devices.drivers.simulator.faults import Effects, FaultBook
from devices.drivers.simulator.noise import Floats, smooth, uniform
from devices.drivers.simulator.quantities import State, quantities

RATED_RISE_K = 26.0
DROP_AT_RATED = 0.03
JOINT_S = 60.0
CONDUCTOR_S = 1500.0
LONGEST_CHUNK = 720
LOST_FOR_GOOD = 0.97
SMALL_K = 0.02

Frame = dict[str, Floats]


@dataclass(slots=True)
class Carry:
    """What faults leave behind in each device: energy (kWh, kvarh) and heat (K), per phase."""

    ep_kwh: Floats
    eq_kvarh: Floats
    joint_k: Floats
    conductor_k: Floats

    @classmethod
    def nothing(cls, devices: int) -> "Carry":
        """Of meters that never had a fault."""
        return cls(*(np.zeros((devices, 3)) for _ in range(4)))

    def parts(self) -> tuple[Floats, Floats, Floats, Floats]:
        """All four, to be read and written."""
        return self.ep_kwh, self.eq_kvarh, self.joint_k, self.conductor_k

    def is_any(self) -> bool:
        """Whether anything is left to show."""
        heat = max(np.abs(self.joint_k).max(initial=0), np.abs(self.conductor_k).max(initial=0))
        return bool(heat > SMALL_K or self.ep_kwh.any() or self.eq_kvarh.any())


class Simulation:
    """A set of meters through time.

    Without faults everything follows from seed and time alone, so any moment may be asked for in any
    order. Faults leave traces (energy, heat), so with faults time has to go forward.
    """

    def __init__(
        self,
        devices: Sequence[SimDevice],
        *,
        faults: FaultBook | None = None,
        utc_offset_s: int = CHINA_OFFSET_S,
    ) -> None:
        self.devices = list(devices)
        self.faults = faults or FaultBook()
        self.rows: dict[str, list[int]] = {}
        for row, device in enumerate(devices):
            self.rows.setdefault(device.name, []).append(row)
        self._offset_s = utc_offset_s
        self._facts = Facts.of(devices)
        self._curve: DayCurve | None = None
        self._at: float | None = None
        self._last: Frame = {}
        self.carry = Carry.nothing(len(devices))
        self._is_reset = np.zeros(len(devices), dtype=np.bool_)

    def left_behind(self) -> dict[str, list[list[float]]]:
        """What faults left in each device, by name: kWh, kvarh and K of joints and conductors."""
        kept = np.round(np.stack(self.carry.parts(), axis=1), 6)
        return {
            device.name: kept[row].tolist()
            for row, device in enumerate(self.devices)
            if kept[row].any()
        }

    def take_up(self, left: Mapping[str, list[list[float]]]) -> None:
        """Go on with what left_behind() gave; devices it does not name have nothing left."""
        for row, device in enumerate(self.devices):
            for part, kept in zip(self.carry.parts(), left.get(device.name, ()), strict=False):
                part[row] = kept

    def value_at(self, moment: float) -> Frame:
        """Values by point code, [n], at a moment (epoch seconds)."""
        return {code: rows[0] for code, rows in self.advance(np.array([moment])).items()}

    def series(self, start: float, end: float, step_s: float) -> Iterator[tuple[Floats, Frame]]:
        """Times and values [times, n] from start up to before end, in chunks of bounded size."""
        times = np.arange(start, end, step_s, dtype=np.float64)
        for chunk in np.array_split(times, max(1, -(-len(times) // LONGEST_CHUNK))):
            if len(chunk):
                yield chunk, self.advance(chunk)

    def advance(self, times: Floats) -> Frame:
        """Values by point code, [times, n], at ascending moments."""
        days = np.floor((times + self._offset_s) / DAY_S).astype(np.int64)
        parts = [self._within_day(times[days == day], int(day)) for day in np.unique(days)]
        if len(parts) == 1:
            return parts[0]
        return {code: np.concatenate([part[code] for part in parts]) for code in parts[0]}

    def _within_day(self, times: Floats, day: int) -> Frame:
        if self._curve is None or self._curve.day != day:
            self._curve = day_curve(self._facts, day, before=self._curve)
        effects = self.faults.effects(times, self.rows, len(self.devices))
        state = self._undisturbed(times, self._curve)
        if effects is None and self._has_traces():
            effects = Effects.none(len(times), len(self.devices))
        more = self._disturb(state, effects) if effects is not None else None
        load = self._drop_voltage(state)
        if effects is not None and more is not None:
            self._trace(state, effects, more, load)
        frame = quantities(state)
        if effects is not None and effects.is_frozen.any():
            _freeze(frame, effects, self._last)
        self._at = float(times[-1])
        self._last = {code: rows[-1] for code, rows in frame.items()}
        return frame

    def _has_traces(self) -> bool:
        """Whether faults of the past still show."""
        return self.carry.is_any() or bool(self._is_reset.any())

    def _undisturbed(self, times: Floats, curve: DayCurve) -> State:
        facts = self._facts
        minute = (times + self._offset_s) / 60.0 - curve.day * 1440.0
        whole = np.minimum(minute.astype(np.int64), 1439)
        part = (minute - whole)[:, None, None]
        p_kw, p_more = curve.p_kw[whole], curve.p_kw[whole + 1]
        q_kvar, q_more = curve.q_kvar[whole], curve.q_kvar[whole + 1]
        moment = times[:, None]
        quarter = np.maximum(whole - 15, 0)
        demand_h = (np.maximum(minute - quarter, 1 / 60) / 60.0)[:, None, None]
        ep = curve.ep_kwh[whole] + (p_kw + (p_more - p_kw) * part / 2) * part / 60.0
        eq = curve.eq_kvarh[whole] + (q_kvar + (q_more - q_kvar) * part / 2) * part / 60.0
        heat = curve.heat[whole] * (1 - part) + curve.heat[whole + 1] * part
        room_c = self._room(moment)
        return State(
            facts=facts,
            times=times,
            p_kw=p_kw * (1 - part) + p_more * part,
            q_kvar=q_kvar * (1 - part) + q_more * part,
            ep_kwh=ep,
            eq_kvarh=eq,
            dmd_kw=((ep - curve.ep_kwh[quarter]) / demand_h).sum(axis=2),
            dmd_kvar=((eq - curve.eq_kvarh[quarter]) / demand_h).sum(axis=2),
            u_v=self._open_voltage(moment),
            room_c=room_c,
            conductor_c=room_c[:, :, None] + RATED_RISE_K * heat,
            residual_ma=self._leakage(moment),
            distortion=np.zeros((len(times), len(facts.seed))),
            is_open=np.zeros((len(times), len(facts.seed)), dtype=np.bool_),
            is_ajar=np.zeros((len(times), len(facts.seed)), dtype=np.bool_),
        )

    def _open_voltage(self, moment: Floats) -> Floats:
        """Phase voltages before the drop inside the installation, [times, n, 3]."""
        facts = self._facts
        hour = ((moment + self._offset_s) / 3600.0) % 24.0
        daily = -0.010 * np.cos((hour - 3.0) / 24.0 * 2 * np.pi + np.pi)
        slow = 0.006 * smooth(facts.supply, moment / 7200.0, 20)
        slow = slow + 0.003 * smooth(facts.supply, moment / 300.0, 21)
        phases = np.arange(3)
        fixed = 0.003 * uniform(facts.supply[:, None], phases, 22)
        quick = 0.0008 * smooth(facts.seed[:, None] * 3 + phases, moment[:, :, None] / 5.0, 23)
        level = 1.03 + daily + slow
        return facts.un_v[:, None] * (level[:, :, None] + fixed + quick)

    def _room(self, moment: Floats) -> Floats:
        """Air in the switch room, °C, [times, n]."""
        day = (moment + self._offset_s) / DAY_S
        season = -9.5 * np.cos((day % 365.25 - 20) / 365.25 * 2 * np.pi)
        daily = -2.0 * np.cos((day % 1.0 - 0.17) * 2 * np.pi)
        weather = 2.5 * smooth(0, day, 24) + 0.4 * smooth(self._facts.seed, moment / 1800.0, 25)
        return 19.5 + season + daily + weather

    def _leakage(self, moment: Floats) -> Floats:
        facts = self._facts
        usual = 42 + 22 * uniform(facts.seed, 0, 26)
        slow = 0.18 * smooth(facts.seed, moment / 5400.0, 27)
        quick = 0.05 * smooth(facts.seed, moment / 11.0, 28)
        return usual * (1 + slow + quick)

    def _disturb(self, state: State, effects: Effects) -> tuple[Floats, Floats]:
        """Let faults change power, voltage, leakage and breaker; returns the added kW and kvar."""
        rated, tree = self._facts.rated_kva, self._facts.tree
        if tree is not None:
            tree.lose(effects.lost, effects.is_open)
        s_kva = np.hypot(state.p_kw.sum(axis=2), state.q_kvar.sum(axis=2))
        wanted = np.maximum(effects.load_to * rated / np.maximum(s_kva, 1e-9), 1.0)
        factor = (1 + (wanted - 1) * effects.load) * ~effects.is_open
        kept = factor[:, :, None] * (1 - np.minimum(effects.lost / LOST_FOR_GOOD, 1.0))
        more_kw, more_kvar = state.p_kw * (kept - 1), state.q_kvar * (kept - 1)
        if tree is not None:
            for more in (more_kw, more_kvar, effects.residual_ma):
                tree.pass_on(more)
        state.dmd_kw = state.dmd_kw * _changed(state.p_kw, more_kw)
        state.dmd_kvar = state.dmd_kvar * _changed(state.q_kvar, more_kvar)
        state.p_kw = state.p_kw + more_kw
        state.q_kvar = state.q_kvar + more_kvar
        state.u_v = state.u_v * (1 - effects.lost) * (1 + effects.shift)[:, :, None]
        state.residual_ma = state.residual_ma + effects.residual_ma
        state.distortion = effects.distortion
        state.is_open, state.is_ajar = effects.is_open, effects.is_ajar
        return more_kw, more_kvar

    def _drop_voltage(self, state: State) -> Floats:
        """Voltage lost inside the installation; returns the load of each phase, 1 = rated."""
        facts = self._facts
        load = np.hypot(state.p_kw, state.q_kvar) * (3 / facts.rated_kva)[:, None]
        state.u_v = np.maximum(state.u_v - DROP_AT_RATED * facts.un_v[:, None] * load, 0)
        return load

    def _trace(
        self, state: State, effects: Effects, more: tuple[Floats, Floats], load: Floats
    ) -> None:
        """Energy and heat that faults leave behind, added to what the state shows."""
        steps_s = np.diff(state.times, prepend=state.times[0] if self._at is None else self._at)
        hours = np.clip(steps_s, 0, None)[:, None, None] / 3600
        carry = self.carry
        for counter, added, kept in (
            (state.ep_kwh, more[0], carry.ep_kwh),
            (state.eq_kvarh, more[1], carry.eq_kvarh),
        ):
            extra = kept + np.cumsum(added * hours, axis=0)
            np.add(counter, extra, out=counter)
            kept[:] = extra[-1]
        self._reset_counters(state, effects)
        usual = np.hypot(state.p_kw - more[0], state.q_kvar - more[1])
        usual *= (3 / self._facts.rated_kva)[:, None]
        joint_to = effects.joint_k * np.clip((load / 0.5) ** 2, 0.3, 3.0)
        conductor_to = RATED_RISE_K * (load**2 - usual**2)
        for row, step_s in enumerate(np.clip(steps_s, 0, None)):
            carry.joint_k += (joint_to[row] - carry.joint_k) * -np.expm1(-step_s / JOINT_S)
            carry.conductor_k += (conductor_to[row] - carry.conductor_k) * -np.expm1(
                -step_s / CONDUCTOR_S
            )
            state.conductor_c[row] += carry.joint_k + carry.conductor_k

    def _reset_counters(self, state: State, effects: Effects) -> None:
        """From the moment of a reset a counter begins at zero."""
        for row in np.flatnonzero(effects.is_reset.any(axis=0) & ~self._is_reset):
            first = int(np.argmax(effects.is_reset[:, row]))
            for counter, kept in (
                (state.ep_kwh, self.carry.ep_kwh),
                (state.eq_kvarh, self.carry.eq_kvarh),
            ):
                shown = counter[first, row].copy()
                counter[first:, row] -= shown
                kept[row] -= shown
        self._is_reset = effects.is_reset[-1].copy()


def _changed(power: Floats, more: Floats) -> Floats:
    """Power after a change as a share of the power before, [times, devices]."""
    before = power.sum(axis=2)
    return np.where(before > 0, 1 + more.sum(axis=2) / np.maximum(before, 1e-9), 1.0)


def _freeze(frame: Frame, effects: Effects, last: Frame) -> None:
    """A frozen device repeats what it showed before."""
    for row in np.flatnonzero(effects.is_frozen.any(axis=0)):
        frozen = effects.is_frozen[:, row]
        for code, values in frame.items():
            if not values.flags.writeable:
                values = frame[code] = values.copy()  # noqa: PLW2901 (a shared row is made its own)
            column = values[:, row]
            before = last[code][row] if last else column[0]
            for moment in np.flatnonzero(frozen):
                column[moment] = column[moment - 1] if moment else before
