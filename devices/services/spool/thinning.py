"""What is kept of samples when there is no room for all: the last of each quarter hour. Pure.

It carries the counters from which energy is computed, and one value for the curve.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from devices.history import Batch, LayoutGroup
from devices.states import Quality

SLOT_S = 900.0


def thinned(batches: Sequence[Batch]) -> list[Batch]:
    """The last good row per device, quarter hour and set of registers; batches in the order of time.

    A row with the registers that are read seldom does not stand for one without, nor the reverse.
    """
    last: dict[tuple[int, float, int, bool], tuple[int, int, int]] = {}
    good: set[tuple[int, float, int, bool]] = set()
    for number, batch in enumerate(batches):
        for place, group in enumerate(batch.groups):
            slots = np.floor(group.at / SLOT_S)
            usable = (group.quality != Quality.BAD).tolist()
            rows = zip(group.device_ids.tolist(), slots.tolist(), usable, strict=True)
            for row, (device_id, slot, is_good) in enumerate(rows):
                key = device_id, slot, group.layout_id, group.has_slow
                if is_good:
                    good.add(key)
                if is_good or key not in good:
                    last[key] = number, place, row
    wanted = set(last.values())
    kept = (
        [_some(group, wanted, number, place) for place, group in enumerate(batch.groups)]
        for number, batch in enumerate(batches)
    )
    return [Batch(some) for groups in kept if (some := [g for g in groups if len(g)])]


def _some(
    group: LayoutGroup, wanted: set[tuple[int, int, int]], number: int, place: int
) -> LayoutGroup:
    mask: NDArray[np.bool_] = np.fromiter(
        ((number, place, row) in wanted for row in range(len(group))), np.bool_, len(group)
    )
    return group.take(mask)
