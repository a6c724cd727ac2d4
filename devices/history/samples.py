"""Samples in arrays: the shape in which readings travel from the bus to every reader."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class LayoutGroup:
    """Samples of devices that share a layout; n rows, k values and m counters each.

    `at` is in epoch seconds, rows of one device are in time order. NaN = not sampled or invalid.
    `flags` names single bad points: bit i (little endian) is position i of values, then counters.
    `has_slow`: registers that are not read in every cycle were read this time.
    """

    layout_id: int
    device_ids: NDArray[np.int64]
    site_ids: NDArray[np.int64]
    at: NDArray[np.float64]
    values: NDArray[np.float32]
    counters: NDArray[np.float64]
    quality: NDArray[np.uint8]
    flags: list[bytes | None]
    has_slow: bool = False

    def __len__(self) -> int:
        return len(self.device_ids)

    def take(self, kept: NDArray[np.bool_]) -> "LayoutGroup":
        """The rows of a mask."""
        return LayoutGroup(
            layout_id=self.layout_id,
            device_ids=self.device_ids[kept],
            site_ids=self.site_ids[kept],
            at=self.at[kept],
            values=self.values[kept],
            counters=self.counters[kept],
            quality=self.quality[kept],
            flags=[self.flags[row] for row in np.flatnonzero(kept)],
            has_slow=self.has_slow,
        )


@dataclass(slots=True)
class Batch:
    """What is stored, evaluated and announced at one time: a cycle of a shard, never one point."""

    groups: list[LayoutGroup] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Device samples in all groups."""
        return sum(len(group) for group in self.groups)
