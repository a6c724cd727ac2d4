"""Which simulated meters measure what others measure too: incomers above feeders, neighbours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.drivers.simulator import SimDevice
from devices.drivers.simulator.noise import Floats

# What busbars and cables take between an incomer and its feeders.
LINE_LOSS = 0.012


@dataclass(frozen=True, slots=True)
class Tree:
    """Rows of meters whose load is that of others.

    weights: [rows, devices], shares of the meters that have a load of their own. incomers: those of
    the rows above feeders; is_below: [incomers, devices].
    """

    rows: NDArray[np.intp]
    weights: Floats
    incomers: NDArray[np.intp]
    is_below: NDArray[np.bool_]

    @classmethod
    def of(cls, devices: Sequence[SimDevice]) -> "Tree | None":
        """None when every meter has a load of its own.

        Names that are not among the devices take no part. Raises ValueError for a circle.
        """
        places = {device.name: row for row, device in enumerate(devices) if device.name}
        parts = {
            row: [places[name] for name in (*device.feeders, device.beside) if name in places]
            for row, device in enumerate(devices)
        }
        rows = [row for row, members in parts.items() if members]
        if not rows:
            return None
        weights = np.zeros((len(rows), len(devices)))
        for place, row in enumerate(rows):
            for leaf, share in _leaves(row, parts, devices, ()).items():
                weights[place, leaf] = share
        is_incomer = np.array([bool(devices[row].feeders) for row in rows])
        below = np.zeros((len(rows), len(devices)), dtype=np.bool_)
        for place, row in enumerate(rows):
            below[place, parts[row]] = True
        taken = np.array(rows, dtype=np.intp)
        return cls(taken, weights, taken[is_incomer], below[is_incomer])

    def add_up(self, quantity: Floats) -> None:
        """Replace what these rows show by what follows from the others; [times, devices, phases]."""
        quantity[:, self.rows] = np.matmul(self.weights, quantity)

    def pass_on(self, more: Floats) -> None:
        """Add changes of the others to these rows; [times, devices] or [times, devices, phases]."""
        if more.ndim == 2:
            more[:, self.rows] += more @ self.weights.T
        else:
            more[:, self.rows] += np.matmul(self.weights, more)

    def lose(self, lost: Floats, is_open: NDArray[np.bool_]) -> None:
        """What an incomer loses, or switches off, its feeders lose too; [times, devices, phases]."""
        for row, below in zip(self.incomers, self.is_below, strict=True):
            gone = np.maximum(lost[:, row], is_open[:, row, None])
            if gone.any():
                lost[:, below] = np.maximum(lost[:, below], gone[:, None, :])


def _leaves(
    row: int,
    parts: Mapping[int, Sequence[int]],
    devices: Sequence[SimDevice],
    above: tuple[int, ...],
) -> dict[int, float]:
    """The meters with a load of their own behind a row, with their shares."""
    if row in above:
        raise ValueError(f"{devices[row].name} would measure itself")
    if not parts[row]:
        return {row: 1.0}
    factor = 1 + LINE_LOSS if devices[row].feeders else 1.0
    found: dict[int, float] = {}
    for member in parts[row]:
        for leaf, share in _leaves(member, parts, devices, (*above, row)).items():
            found[leaf] = found.get(leaf, 0.0) + share * factor
    return found
