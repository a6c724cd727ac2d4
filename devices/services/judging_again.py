"""Flags that late samples contradict: cut to what still holds, or taken back."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from devices import history, selectors
from devices.drivers import judging
from devices.history import raw
from devices.history.codec import Floats, Ints
from devices.models import FlaggedStretch
from devices.services.judging_finds import Finds, moment
from devices.services.judging_samples import Samples
from devices.states import FlagKind

_HOUR = timedelta(hours=1)
_TICK = timedelta(microseconds=1)


def withdraw(finds: Finds, layout: history.Positions, both: Samples) -> None:
    """Look again at what is flagged in the hour, with all samples of it and the hour before at hand."""
    numbers = {pk: number for number, pk in enumerate(both.pks)}
    counted: set[tuple[int, str]] = set()
    for row in finds.known:
        number = numbers.get(row.device_id)
        if number is None or layout.column_of(row.code) is None:
            continue
        if row.kind in (FlagKind.FROZEN, FlagKind.INVALID):
            _one_value(finds, row, layout, both, number)
        elif layout.counts(row.code):
            if row.start_at >= finds.hour:
                counted.add((row.device_id, row.code))
        else:
            _jump(finds, row, layout, both, number)
    for pk, code in sorted(counted):
        _counter(finds, pk, code)


def _one_value(
    finds: Finds, row: FlaggedStretch, layout: history.Positions, both: Samples, number: int
) -> None:
    """What stood still, or never had a number, ends where a sample of the hour says otherwise."""
    part = both.part(number)
    at_us = both.rows.at_us[part]
    start = max(history.micros_of(row.start_at), history.micros_of(finds.hour))
    inside = (at_us >= start) & (at_us <= history.micros_of(row.end_at))
    values = both.column(layout, row.code)[part][inside]
    if _fits(row, values).all():
        return
    at_us, values = _stored(row, timedelta())
    finds.take_back(row)
    for first, last in judging.runs(_fits(row, values)):
        if piece := _piece(finds, row, at_us[first : last + 1]):
            finds.put(piece)


def _fits(row: FlaggedStretch, values: Floats) -> np.ndarray:
    """Which samples are what was flagged; of what stood still also those without a number."""
    there = ~np.isnan(values)
    return ~there if row.kind == FlagKind.INVALID else ~there | (values == row.low)


def _piece(finds: Finds, row: FlaggedStretch, at_us: Ints) -> FlaggedStretch | None:
    """A part that is left; what stood still too briefly is only kept in mind at the end."""
    start, end = moment(at_us[0]), moment(at_us[-1])
    hours = finds.points[row.code].frozen_after_h if row.code in finds.points else None
    is_long = row.kind == FlagKind.INVALID or end - start >= timedelta(hours=hours or 0)
    if not is_long and end < row.end_at:
        return None
    return FlaggedStretch(
        device_id=row.device_id,
        code=row.code,
        kind=row.kind,
        start_at=start,
        end_at=end,
        count=len(at_us),
        low=row.low,
        high=row.high,
        is_excluded=is_long and row.is_excluded,
        found_at=row.found_at,
    )


def _jump(
    finds: Finds, row: FlaggedStretch, layout: history.Positions, both: Samples, number: int
) -> None:
    """A sample is none when it has neighbours on both sides and is not far from both."""
    part = both.part(number)
    values = both.column(layout, row.code)[part]
    there = ~np.isnan(values)
    at_us, values = both.rows.at_us[part][there], values[there]
    (found,) = np.nonzero(at_us == history.micros_of(row.start_at))
    step = finds.points[row.code].largest_step if row.code in finds.points else None
    if not len(found) or step is None or not 0 < found[0] < len(values) - 1:
        return
    if found[0] not in judging.isolated(values, np.zeros(len(values), np.int64), step):
        finds.take_back(row)


def _counter(finds: Finds, pk: int, code: str) -> None:
    """Judge anew what begins in the hour, over as much time as it lasts."""
    rows = [
        row
        for kind in (FlagKind.BACKWARDS, FlagKind.JUMP)
        for row in finds.of(pk, code, kind)
        if finds.hour <= row.start_at < finds.hour + _HOUR
    ]
    found = list(_broken(finds, rows)) if rows else []
    if {_shape(row) for row in rows} == {_shape(row) for row in found}:
        return
    for row in rows:
        finds.take_back(row)
    for row in found:
        finds.put(row)


def _shape(row: FlaggedStretch) -> tuple[object, ...]:
    return row.kind, row.start_at, row.end_at, row.held_at


def _broken(finds: Finds, rows: list[FlaggedStretch]) -> Iterator[FlaggedStretch]:
    """What begins in the hour, as stretches."""
    pk, code = rows[0].device_id, rows[0].code
    whole = FlaggedStretch(
        device_id=pk,
        code=code,
        start_at=min(row.start_at for row in rows),
        end_at=max(row.end_at for row in rows),
    )
    at_us, values = _stored(whole, _HOUR)
    keep = ~np.isnan(values)
    for kind in (FlagKind.BACKWARDS, FlagKind.JUMP):
        for row in finds.of(pk, code, kind):
            if row not in rows:
                keep &= ~_within(at_us, row)
    at_us, values = at_us[keep], values[keep]
    if not len(at_us) or moment(at_us[0]) >= whole.start_at:
        # Nothing to compare with.
        yield from rows
        return
    counter = selectors.counters(device_ids=[pk], code=code)[pk]
    for one in judging.broken((at_us / 1e6).tolist(), values.tolist(), counter):
        if not finds.hour <= moment(at_us[one.first]) < finds.hour + _HOUR:
            continue
        part = slice(one.first, one.last + 1)
        before = one.first - 1
        yield FlaggedStretch(
            device_id=pk,
            code=code,
            kind=FlagKind.BACKWARDS if one.has_fallen else FlagKind.JUMP,
            start_at=moment(at_us[one.first]),
            end_at=moment(at_us[one.last]),
            count=len(at_us[part]),
            low=float(values[part].min()),
            high=float(values[part].max()),
            found_at=finds.now,
            held_at=moment(at_us[before]) if one.is_open else None,
            held_value=float(values[before]) if one.is_open else None,
        )


def _within(at_us: Ints, row: FlaggedStretch) -> np.ndarray:
    start, end = history.micros_of(row.start_at), history.micros_of(row.end_at)
    return (at_us >= start) & (at_us <= end)


def _stored(row: FlaggedStretch, around: timedelta) -> tuple[Ints, Floats]:
    """Times and readings of a stretch as they came, and of so much time on either side."""
    layouts = raw.layouts_with({row.code})
    start, end = row.start_at - around, row.end_at + around + _TICK
    read = raw.rows(row.device_id, [row.code], layouts, start, end, as_stored=True)
    return np.rint(read[:, 0] * 1e6).astype(np.int64), read[:, 1]
