"""Batches of readings for tests."""

from collections.abc import Sequence

import numpy as np

from devices.history import Batch, LayoutGroup


def make_group(
    *,
    layout_id: int,
    device_ids: Sequence[int],
    at: Sequence[float],
    values: Sequence[Sequence[float]],
    counters: Sequence[Sequence[float]] | None = None,
    site_ids: Sequence[int] | None = None,
    quality: Sequence[int] | None = None,
    flags: Sequence[bytes | None] | None = None,
) -> LayoutGroup:
    """Rows of one layout from plain lists."""
    count = len(device_ids)
    counted = np.array(counters, np.float64) if counters else np.empty((count, 0), np.float64)
    return LayoutGroup(
        layout_id=layout_id,
        device_ids=np.array(device_ids, np.int64),
        site_ids=np.array(site_ids or [1] * count, np.int64),
        at=np.array(at, np.float64),
        values=np.array(values, np.float32).reshape(count, -1),
        counters=counted,
        quality=np.array(quality or [0] * count, np.uint8),
        flags=list(flags or [None] * count),
    )


def make_batch(**facts: object) -> Batch:
    """A batch of one such group."""
    return Batch([make_group(**facts)])  # type: ignore[arg-type]
