"""A day of meters for the history: the simulator's load model, shown as meters show it."""

from collections.abc import Iterator

import numpy as np

from devices.drivers import Profile
from devices.drivers.simulator import SimDevice
from devices.drivers.simulator.model import Frame, Simulation
from devices.history import LayoutGroup

VALUES = (
    *("Ua", "Ub", "Uc", "Uab", "Ubc", "Uca", "Ia", "Ib", "Ic", "In", "Pa", "Pb", "Pc", "P"),
    *("Qa", "Qb", "Qc", "Q", "Sa", "Sb", "Sc", "S", "PFa", "PFb", "PFc", "PF", "F", "UnbU", "UnbI"),
    *("THD_Ua", "THD_Ub", "THD_Uc", "THD_Ia", "THD_Ib", "THD_Ic", "IR"),
)
COUNTERS = ("EPI", "EPE", "EQI", "EQE")
POINTS = len(VALUES) + len(COUNTERS)
# What a three-phase meter resolves, on its secondary side where there is a transformer.
_RESOLUTION = {"THD": 0.1, "Unb": 0.1, "PF": 0.001, "IR": 1.0, "F": 0.01, "U": 0.1}
_SECONDARY = 0.001
_COUNTER_KWH = 0.01
_RATIOS = (1.0, 20.0, 40.0, 80.0, 120.0)
_RATED_KVA = (30.0, 60.0, 100.0, 200.0, 400.0)
_INDUSTRIES = ("office", "hotel", "factory")
# How punctual a cycle is.
_JITTER_S = 0.005


class Meters:
    """Meters with ids from 1, sampled once a minute. Kinds: "decimals", "floats", "noise"."""

    def __init__(self, count: int, kind: str) -> None:
        self.kind, self.count = kind, count
        profile = Profile(key="history", version=1, registers=())
        self._simulation = Simulation(
            [
                SimDevice(
                    unit_id=1,
                    profile=profile,
                    seed=number,
                    rated_kva=_RATED_KVA[number % 5],
                    industry=_INDUSTRIES[number % 3],
                )
                for number in range(count)
            ]
        )
        self._ratio = np.array([_RATIOS[number % 5] for number in range(count)])
        self._random = np.random.default_rng(1)

    def samples(self, start: float, end: float, layout_id: int) -> Iterator[LayoutGroup]:
        """Cycles of all meters in their order, an hour at a time."""
        for times, frame in self._simulation.series(start, end, 60.0):
            for hour in np.array_split(np.arange(len(times)), max(1, len(times) // 60)):
                yield self._group(
                    times[hour], {c: rows[hour] for c, rows in frame.items()}, layout_id
                )

    def _group(self, times: np.ndarray, frame: Frame, layout_id: int) -> LayoutGroup:
        rows = len(times) * self.count
        values = np.stack([self._shown(code, frame[code]) for code in VALUES], axis=2)
        counters = np.stack([self._counted(frame[code]) for code in COUNTERS], axis=2)
        late = self._random.integers(0, int(_JITTER_S * 1000), (len(times), self.count)) / 1000
        at = times[:, None] + np.arange(self.count) * 0.05 + late
        return LayoutGroup(
            layout_id=layout_id,
            device_ids=np.tile(np.arange(1, self.count + 1), len(times)),
            site_ids=np.ones(rows, np.int64),
            at=at.ravel(),
            values=values.reshape(rows, -1).astype(np.float32),
            counters=counters.reshape(rows, -1),
            quality=np.zeros(rows, np.uint8),
            flags=[None] * rows,
        )

    def _shown(self, code: str, values: np.ndarray) -> np.ndarray:
        if self.kind == "noise":
            return self._random.normal(0.0, 100.0, values.shape)
        if self.kind == "floats":
            return values
        step = next((s for start, s in _RESOLUTION.items() if code.startswith(start)), None)
        resolution = step if step is not None else _SECONDARY * self._ratio
        return np.rint(values / resolution) * resolution

    def _counted(self, values: np.ndarray) -> np.ndarray:
        if self.kind == "noise":
            return self._random.random(values.shape) * 1e6
        resolution = _COUNTER_KWH * self._ratio
        return np.rint(values / resolution) * resolution
