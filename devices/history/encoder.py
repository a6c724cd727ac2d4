"""Samples into blocks: the columns of many blocks at once, then the bytes of each."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.history.codec import (
    ALL_NAN,
    BITS_4,
    BITS_8,
    DECIMAL,
    DOUBLE,
    FLAG,
    HEAD,
    NARROW,
    OFF,
    OTHERS,
    SLOPE,
    SOME_NAN,
    STEP,
    WHOLE,
    Floats,
    Ints,
    Marks,
    Rows,
)

# Level 1 takes a tenth less time and five per cent more room.
ZLIB_LEVEL = 6
MOST_DECIMALS = 6
# A product of a ratio and a decimal may be off by so many units in the last place.
MOST_OFF = 7

_NAN_4, _NAN_8 = 0x7FC00000, 0x7FF8000000000000
_EXACT = 2.0**52
_UNKNOWN = 255


def encode(rows: Rows, starts: Ints) -> list[bytes]:
    """A block for each run of rows; `starts` are the places where runs begin, 0 first.

    The rows of a run are in the order of time, at most 65,535.
    """
    columns = Columns(rows, starts)
    return [columns.block(number) for number in range(len(starts))]


class Columns:
    """The columns of many blocks as whole numbers, worked out for all blocks at once."""

    def __init__(self, rows: Rows, starts: Ints) -> None:
        self.rows, self.starts = rows, starts
        self.ends = np.append(starts[1:], len(rows))
        self.of_row = np.repeat(np.arange(len(starts)), self.ends - starts)
        numbers, nan, kinds = _floats(rows.values, starts, self.of_row)
        counted, nan_8, kinds_8, self.off = _doubles(rows.counters, starts, self.of_row)
        plain = np.stack((rows.at_us, rows.quality.astype(np.int64)), axis=1)
        self.numbers = np.concatenate((plain, numbers, counted), axis=1)
        none = np.zeros((len(rows), OTHERS), np.bool_)
        self.nan = np.concatenate((none, nan, nan_8), axis=1)
        whole = np.full((len(starts), OTHERS), WHOLE, np.uint8)
        self.kinds = np.concatenate((whole, kinds, kinds_8), axis=1)
        self.traits = np.zeros(self.kinds.shape, np.uint8)
        self._mark_nan()
        self._predict()

    def _mark_nan(self) -> None:
        """Put the number before into the place of a NaN, so that it costs nothing but its mark."""
        if not self.nan.any():
            return
        some = np.logical_or.reduceat(self.nan, self.starts, axis=0)
        every = np.logical_and.reduceat(self.nan, self.starts, axis=0)
        self.traits[some] |= SOME_NAN
        self.traits[every] |= ALL_NAN
        row = np.arange(len(self.rows))[:, None]
        first = np.minimum.reduceat(np.where(self.nan, len(self.rows), row), self.starts, axis=0)
        first = np.where(every, self.starts[:, None], first)[self.of_row]
        latest = np.maximum.accumulate(np.where(self.nan, -1, row), axis=0)
        latest = np.where(latest < self.starts[self.of_row, None], first, latest)
        self.numbers = np.take_along_axis(self.numbers, latest, axis=0)

    def _predict(self) -> None:
        """The best of three predictions of each column, and how many bytes its misses need."""
        numbers, starts = self.numbers, self.starts
        self.first = numbers[starts]
        step = np.diff(numbers, axis=0, prepend=numbers[:1])
        step[starts] = 0
        seconds = np.minimum(starts + 1, self.ends - 1)
        self.slope = step[seconds]
        slope = np.diff(step, axis=0, prepend=step[:1])
        slope[starts] = slope[seconds] = 0
        level = numbers - self.first[self.of_row]
        costs = [
            np.add.reduceat(np.abs(misses.astype(np.float64)), starts, axis=0)
            for misses in (level, step, slope)
        ]
        best = np.argmin(costs, axis=0).astype(np.uint8)
        self.traits |= best
        chosen = best[self.of_row]
        self.misses = np.where(chosen == STEP, step, np.where(chosen == SLOPE, slope, level))
        most = np.maximum.reduceat(self.misses, starts, axis=0)
        least = np.minimum.reduceat(self.misses, starts, axis=0)
        self.widths = np.full(best.shape, 8, np.uint8)
        for width in (4, 2, 1):
            limit = 2 ** (8 * width - 1)
            self.widths[(most < limit) & (least >= -limit)] = width
        self.widths[(most == 0) & (least == 0)] = 0

    def block(self, number: int) -> bytes:
        """The bytes of one block."""
        rows = slice(self.starts[number], self.ends[number])
        kinds, traits, widths = self.kinds[number], self.traits[number], self.widths[number]
        marked = np.flatnonzero((traits & (SOME_NAN | ALL_NAN)) == SOME_NAN)
        off = self.off[rows]
        is_off = np.atleast_1d(off.any(axis=0))
        counters = len(is_off)
        if counters:
            traits[-counters:][is_off] |= OFF
        flags = self._flags(rows)
        head = HEAD.pack(rows.stop - rows.start, self.rows.values.shape[1], counters, len(flags))
        parts = [
            head,
            kinds.tobytes(),
            traits.tobytes(),
            widths.tobytes(),
            _planes(self.first[number]),
            _planes(self.slope[number][(traits & 3) == SLOPE]),
            np.packbits(self.nan[rows, marked], axis=0).T.tobytes() if len(marked) else b"",
            off[:, is_off].T.tobytes() if is_off.any() else b"",
            *flags,
        ]
        misses = self.misses[rows][1:]
        for width in (1, 2, 4, 8):
            of_width = np.flatnonzero(widths == width)
            if len(of_width):
                parts.append(_planes(misses[:, of_width].T.astype(f"<i{width}").ravel()))
        return zlib.compress(b"".join(parts), ZLIB_LEVEL)

    def _flags(self, rows: slice) -> list[bytes]:
        return [
            FLAG.pack(place, len(flags)) + flags
            for place, flags in enumerate(self.rows.flags[rows])
            if flags is not None
        ]


def _planes(numbers: NDArray[Any]) -> bytes:
    """All lowest bytes first, then the next: like lies beside like."""
    width = numbers.dtype.itemsize
    if width == 1:
        return numbers.tobytes()
    return np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, width).T.tobytes()


def _floats(
    data: NDArray[np.float32], starts: Ints, of_row: Ints
) -> tuple[Ints, Marks, NDArray[np.uint8]]:
    """Whole numbers, which of them are NaN, and the kind per block and column."""
    data = np.ascontiguousarray(data, np.float32)
    bits = data.view(np.int32)
    nan = np.isnan(data)
    # A NaN with a message of its own is kept by its bits.
    odd = nan & (bits != _NAN_4)
    kinds = np.full((len(starts), data.shape[1]), _UNKNOWN, np.uint8)
    if odd.any():
        is_odd = np.logical_or.reduceat(odd, starts, axis=0)
        kinds[is_odd] = BITS_4
        nan &= ~is_odd[of_row]
    numbers = bits.astype(np.int64)
    for decimals in range(MOST_DECIMALS):
        open_ = np.flatnonzero((kinds == _UNKNOWN).any(axis=0))
        if not len(open_):
            break
        scale = 10.0**decimals
        # + 0.0: a minus zero is not what comes back from a whole number.
        scaled = (
            np.rint(np.where(nan[:, open_], 0.0, data[:, open_]).astype(np.float64) * scale) + 0.0
        )
        fits = (scaled / scale).astype(np.float32).view(np.int32) == bits[:, open_]
        fits = (fits & (np.abs(scaled) < _EXACT)) | nan[:, open_]
        _settle(numbers, kinds, open_, scaled, fits, starts, of_row, DECIMAL + decimals)
    kinds[kinds == _UNKNOWN] = BITS_4
    return numbers, nan, kinds


def _doubles(
    data: Floats, starts: Ints, of_row: Ints
) -> tuple[Ints, Marks, NDArray[np.uint8], NDArray[np.int8]]:
    """As _floats, and how far off in the last places each decimal is."""
    data = np.ascontiguousarray(data, np.float64)
    bits = data.view(np.int64)
    off = np.zeros(data.shape, np.int8)
    nan = np.isnan(data)
    odd = nan & (bits != _NAN_8)
    kinds = np.full((len(starts), data.shape[1]), _UNKNOWN, np.uint8)
    if not data.shape[1]:
        return bits, nan, kinds, off
    is_odd = np.logical_or.reduceat(odd, starts, axis=0)
    kinds[is_odd] = BITS_8
    nan &= ~is_odd[of_row]
    numbers = bits.copy()
    filled = np.where(nan, 0.0, data)
    for decimals in range(MOST_DECIMALS):
        open_ = np.flatnonzero((kinds == _UNKNOWN).any(axis=0))
        scale = 10.0**decimals
        scaled = np.rint(filled[:, open_] * scale) + 0.0
        away = filled.view(np.int64)[:, open_] - (scaled / scale).view(np.int64)
        fits = (away >= -MOST_OFF) & (away <= MOST_OFF) & (np.abs(scaled) < _EXACT)
        taken = _settle(numbers, kinds, open_, scaled, fits, starts, of_row, DOUBLE + decimals)
        off[:, open_] = np.where(taken, away, off[:, open_])
    _narrow(data, numbers, nan, kinds, starts, of_row)
    kinds[kinds == _UNKNOWN] = BITS_8
    return numbers, nan, kinds, off


def _narrow(
    data: Floats, numbers: Ints, nan: Marks, kinds: NDArray[np.uint8], starts: Ints, of_row: Ints
) -> None:
    """Doubles that are floats in disguise."""
    open_ = np.flatnonzero((kinds == _UNKNOWN).any(axis=0))
    if not len(open_):
        return
    with np.errstate(over="ignore"):
        single = data[:, open_].astype(np.float32)
    fits = (single.astype(np.float64).view(np.int64) == data.view(np.int64)[:, open_]) | nan[
        :, open_
    ]
    whole, _nan, of_single = _floats(single, starts, of_row)
    wanted = np.logical_and.reduceat(fits, starts, axis=0) & (kinds[:, open_] == _UNKNOWN)
    kinds[:, open_] = np.where(wanted, of_single | NARROW, kinds[:, open_])
    numbers[:, open_] = np.where(wanted[of_row], whole, numbers[:, open_])


def _settle(  # noqa: PLR0913
    numbers: Ints,
    kinds: NDArray[np.uint8],
    open_: Ints,
    scaled: Floats,
    fits: Marks,
    starts: Ints,
    of_row: Ints,
    kind: int,
) -> Marks:
    """Take the whole numbers of columns of which every row fits; which rows these are."""
    taken = np.logical_and.reduceat(fits, starts, axis=0) & (kinds[:, open_] == _UNKNOWN)
    kinds[:, open_] = np.where(taken, kind, kinds[:, open_])
    rows = taken[of_row]
    with np.errstate(invalid="ignore"):
        numbers[:, open_] = np.where(rows, scaled.astype(np.int64), numbers[:, open_])
    return rows
