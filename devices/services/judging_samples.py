"""The samples of devices that are judged together."""

from dataclasses import dataclass

import numpy as np

from devices import history
from devices.history.codec import Floats, Ints, Rows, joined


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows of devices one after the other, of one layout; device: the number of each row's."""

    rows: Rows
    pks: list[int]
    starts: Ints
    device: Ints

    @classmethod
    def of(cls, parts: list[Rows], pks: list[int]) -> "Samples":
        sizes = np.array([len(part) for part in parts])
        device = np.repeat(np.arange(len(parts)), sizes)
        return cls(joined(parts), pks, np.cumsum(sizes) - sizes, device)

    def part(self, number: int) -> slice:
        """The rows of one device."""
        ends = np.append(self.starts[1:], len(self.rows))
        return slice(int(self.starts[number]), int(ends[number]))

    def column(self, layout: history.Positions, code: str) -> Floats:
        """The column of a point that the layout has."""
        name, position = layout.column_of(code) or ("", 0)
        found = self.rows.values if name == "values" else self.rows.counters
        return found[:, position].astype(np.float64)
