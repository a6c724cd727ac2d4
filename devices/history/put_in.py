"""Samples whose value somebody put in: they are read like others, and count for no completeness."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from devices.history import overlay, raw
from devices.states import Quality, RepairKind

_PUTTING = (RepairKind.VALUE, RepairKind.INTERPOLATE, RepairKind.SHEET)


def put_in(
    *, device_id: int, codes: Sequence[str], edges: Sequence[datetime]
) -> dict[str, list[int]]:
    """How many there are of each code between the edges (ascending); one query when there is none."""
    found = {code: [0] * (len(edges) - 1) for code in codes}
    laid = overlay.laid_on([device_id], edges[0], edges[-1])
    putting = [one for one in laid if one.kind in _PUTTING and one.code in found]
    if not putting:
        return found
    asked = sorted({one.code for one in putting})
    layouts = raw.layouts_with(set(asked))
    moments = np.array([at.timestamp() for at in edges])
    for number, (start, end) in enumerate(zip(edges, edges[1:], strict=False)):
        begin_us, end_us = moments[number] * 1e6, moments[number + 1] * 1e6
        if not any(one.start_us < end_us and one.end_us >= begin_us for one in putting):
            continue
        for since in (start + timedelta(days=n) for n in range((end - start).days + 1)):
            until = min(since + timedelta(days=1), end)
            if since >= until:
                continue
            read = raw.rows(device_id, asked, layouts, since, until, with_quality=True)
            marks = read[:, 1 + len(asked) :] == Quality.SUBSTITUTED
            for code, count in zip(asked, marks.sum(axis=0).tolist(), strict=True):
                found[code][number] += count
    return found
