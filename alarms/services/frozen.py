"""Points that stand still are unknown to the rules: a number that does not move tells nothing."""

import time
from datetime import UTC, datetime, timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from devices import history, selectors

# What is frozen is looked up so often; it is found once an hour.
CHECK_S = 60.0
# A stretch is known to the end of the last hour that was judged.
KNOWN_FOR = timedelta(hours=3)

_known: dict[str, tuple[dict[int, list[str]], float]] = {}


def without(
    layout_id: int,
    device_ids: NDArray[np.int64],
    at: NDArray[np.float64],
    values: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The values, those of frozen points NaN; the same array when there are none."""
    known = _frozen(float(at.max())) if len(at) else {}
    here = known.keys() & set(device_ids.tolist()) if known else set()
    if not here:
        return values
    values = values.copy()
    layout = history.positions([layout_id])[layout_id]
    for pk in here:
        places = [layout.value_codes.index(c) for c in known[pk] if c in layout.value_codes]
        values[np.ix_(device_ids == pk, places)] = np.nan
    return values


def forget() -> None:
    """Look again at the next batch."""
    _known.clear()


def _frozen(now_s: float) -> dict[int, list[str]]:
    name = str(connection.settings_dict["NAME"])
    found, since = _known.get(name, ({}, -CHECK_S))
    if time.monotonic() - since >= CHECK_S:
        found = selectors.not_to_judge(since=datetime.fromtimestamp(now_s, UTC) - KNOWN_FOR)
        _known[name] = found, time.monotonic()
    return found
