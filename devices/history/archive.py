"""Samples before the handover, out of blocks: the other half of every reader.

Blocks are the truth there; rows of the hot table came late and count where the blocks have nothing.
Rows are asked for before blocks, since a row moves from there to here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from devices.history.codec import Block, Floats, Ints
from devices.history.layouts import Positions, positions
from devices.models import Handover

# From here on a statement reads the hot table; the time before is asked for here.
HOT_FROM = "coalesce((SELECT handed_until FROM devices_handover), '-infinity')"
_HOUR = timedelta(hours=1)
_SECOND_US = 1_000_000


@dataclass(slots=True)
class Kept:
    """Samples of one device: microseconds since 1970, quality, and a column per code asked for."""

    at_us: Ints
    quality: NDArray[np.uint8]
    columns: Floats


def handed_until() -> datetime | None:
    """Up to where the blocks are the truth; None as long as nothing was handed over."""
    return Handover.moment()


def kept(
    *,
    device_ids: Collection[int],
    codes: Sequence[str],
    start: datetime,
    end: datetime,
    layout_id: int | None = None,
) -> dict[int, Kept]:
    """Samples of a half-open period that ends no later than the handover, by device.

    NaN where a sample has no such point. Devices without a sample are left out. Given a layout, only
    its samples.
    """
    late = [row for row in _late(device_ids, start, end) if layout_id in (None, row[2])]
    parts: dict[int, list[Kept]] = {}
    for pk, layout, version, data in _blocks(device_ids, start, end):
        if layout_id in (None, layout):
            parts.setdefault(pk, []).append(_opened(Block(data, version), layout, codes))
    layouts = positions({row[2] for row in late})
    for pk, at_us, layout, quality, values, counters in late:
        line = [_number(layouts.get(layout), code, values, counters) for code in codes]
        parts.setdefault(pk, []).append(
            Kept(np.array([at_us]), np.array([quality], np.uint8), np.array([line], np.float64))
        )
    period = micros_of(start), micros_of(end)
    found = {pk: _merged(of_device, period) for pk, of_device in parts.items()}
    return {pk: samples for pk, samples in found.items() if len(samples.at_us)}


def micros_of(moment: datetime) -> int:
    """Microseconds since 1970."""
    return round(moment.timestamp() * _SECOND_US)


def _late(device_ids: Collection[int], start: datetime, end: datetime) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT device_id, (extract(epoch FROM at) * 1000000)::bigint, layout_id, quality,"
            " values::float8[], counters FROM reading"
            " WHERE device_id = ANY(%s) AND at >= %s AND at < %s",
            [list(device_ids), start, end],
        )
        return cursor.fetchall()


def _blocks(device_ids: Collection[int], start: datetime, end: datetime) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT device_id, layout_id, version, data FROM reading_block"
            " WHERE device_id = ANY(%s) AND hour > %s AND hour < %s ORDER BY device_id, hour",
            [list(device_ids), start - _HOUR, end],
        )
        return cursor.fetchall()


def _opened(block: Block, layout_id: int, codes: Sequence[str]) -> Kept:
    columns = np.full((block.rows, len(codes)), np.nan)
    layout = positions([layout_id]).get(layout_id)
    for number, code in enumerate(codes):
        if layout and (place := layout.column_of(code)):
            name, position = place
            read = block.value if name == "values" else block.counter
            columns[:, number] = read(position)
    return Kept(block.at_us, block.quality, columns)


def _number(
    layout: Positions | None, code: str, values: list[float], counters: list[float]
) -> float:
    place = layout.column_of(code) if layout else None
    if place is None:
        return np.nan
    name, position = place
    return (values if name == "values" else counters)[position]


def _merged(parts: list[Kept], period: tuple[int, int]) -> Kept:
    """One row a moment, ascending; of two the earlier part's."""
    at_us = np.concatenate([part.at_us for part in parts])
    _at, first = np.unique(at_us, return_index=True)
    first = first[(at_us[first] >= period[0]) & (at_us[first] < period[1])]
    return Kept(
        at_us[first],
        np.concatenate([part.quality for part in parts])[first],
        np.concatenate([part.columns for part in parts])[first],
    )
