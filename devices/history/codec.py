"""An hour of one device as bytes: what goes in comes back bit for bit.

Meters show decimals: 230.5 V is the whole number 2305 with one decimal. Whole numbers that change
little are predicted, and what the prediction misses by goes into as few bytes as a column needs,
then through zlib. A column that is no decimal goes the same way by its bits.

Version 1, little endian, inside zlib: HEAD; per column kind, traits and width; first numbers; slopes;
masks of NaN; last places; flags; misses, columns of the same width side by side, by planes of bytes.
The columns are time (µs), quality, values, counters.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

VERSION = 1

# Kinds: whole numbers, bits of a float or a double, and from DECIMAL or DOUBLE on floats or doubles
# with so many decimals. A double that is a float in disguise is NARROW as well.
WHOLE, BITS_4, BITS_8, DECIMAL, DOUBLE, NARROW = 0, 1, 2, 16, 32, 64
# Traits: how the column is predicted (from its first number, the number before, the last step), and
# what else there is of it.
LEVEL, STEP, SLOPE, SOME_NAN, ALL_NAN, OFF = 0, 1, 2, 4, 8, 16

HEAD = struct.Struct("<HHHH")
FLAG = struct.Struct("<HB")
_TIME, _QUALITY, OTHERS = 0, 1, 2


class BadBlock(ValueError):
    """Bytes that no encoder of ours wrote."""


@dataclass(slots=True)
class Rows:
    """Samples of one layout, n rows; `at_us` in microseconds since 1970, the rest as in a batch."""

    at_us: Ints
    values: NDArray[np.float32]
    counters: Floats
    quality: NDArray[np.uint8]
    flags: list[bytes | None]

    def __len__(self) -> int:
        return len(self.at_us)

    def take(self, places: NDArray[Any]) -> "Rows":
        """The rows at these places, in their order."""
        return Rows(
            self.at_us[places],
            self.values[places],
            self.counters[places],
            self.quality[places],
            [self.flags[place] for place in places],
        )


def joined(parts: Sequence[Rows]) -> Rows:
    """Parts one after the other; all of one layout."""
    return Rows(
        np.concatenate([part.at_us for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.counters for part in parts]),
        np.concatenate([part.quality for part in parts]),
        [flags for part in parts for flags in part.flags],
    )


def _from_planes(data: NDArray[np.uint8], width: int) -> Ints:
    return (
        np.ascontiguousarray(data.reshape(width, -1).T).view(f"<i{width}").ravel().astype(np.int64)
    )


class Block:
    """The bytes of an hour, opened; columns are read when somebody asks."""

    def __init__(self, data: bytes, version: int = VERSION) -> None:
        if version != VERSION:
            raise BadBlock(f"version {version}")
        try:
            body = zlib.decompress(data)
            self.rows, self.values, self.counters, flags = HEAD.unpack_from(body)
        except (zlib.error, struct.error) as reason:
            raise BadBlock(str(reason)) from reason
        columns = OTHERS + self.values + self.counters
        self._data = np.frombuffer(body, np.uint8)
        self._at = HEAD.size
        self._kinds, self._traits, self._widths = self._cut(3 * columns).reshape(3, columns)
        self._first = _from_planes(self._cut(8 * columns), 8)
        sloped = np.cumsum((self._traits & 3) == SLOPE)
        self._slopes, self._slope_at = _from_planes(self._cut(8 * sloped[-1]), 8), sloped - 1
        marked = np.cumsum((self._traits & (SOME_NAN | ALL_NAN)) == SOME_NAN)
        mask_bytes = -(-self.rows // 8)
        self._masks = self._cut(marked[-1] * mask_bytes).reshape(marked[-1], mask_bytes)
        self._mask_at = marked - 1
        off = np.cumsum(self._traits & OFF > 0)
        self._offs = self._cut(off[-1] * self.rows).view(np.int8).reshape(off[-1], self.rows)
        self._off_at = off - 1
        self._flags = list(self._cut_flags(flags))

    @property
    def at_us(self) -> Ints:
        """Times in microseconds since 1970, ascending."""
        return self._numbers(_TIME)

    @property
    def quality(self) -> NDArray[np.uint8]:
        """Quality of each row."""
        return self._numbers(_QUALITY).astype(np.uint8)

    def value(self, position: int) -> NDArray[np.float32]:
        """The values at a position of the layout."""
        column = OTHERS + position
        return self._without_nan(column, self._float(column), np.float32(np.nan))

    def counter(self, position: int) -> Floats:
        """The counters at a position of the layout."""
        column = OTHERS + self.values + position
        kind = int(self._kinds[column])
        if kind & NARROW:
            found = self._float(column).astype(np.float64)
        elif kind == BITS_8:
            found = self._numbers(column).view(np.float64)
        else:
            found = self._numbers(column) / 10.0 ** (kind - DOUBLE)
            if self._traits[column] & OFF:
                found = (found.view(np.int64) + self._offs[self._off_at[column]]).view(np.float64)
        return self._without_nan(column, found, np.float64(np.nan))

    def whole(self) -> Rows:
        """Everything."""
        values = [self.value(position) for position in range(self.values)]
        counters = [self.counter(position) for position in range(self.counters)]
        flags: list[bytes | None] = [None] * self.rows
        for place, data in self._flags:
            flags[place] = data
        return Rows(
            at_us=self.at_us,
            values=np.stack(values, 1) if values else np.empty((self.rows, 0), np.float32),
            counters=np.stack(counters, 1) if counters else np.empty((self.rows, 0)),
            quality=self.quality,
            flags=flags,
        )

    def _cut(self, size: int) -> NDArray[np.uint8]:
        start, self._at = self._at, self._at + int(size)
        return self._data[start : self._at]

    def _cut_flags(self, count: int) -> Iterator[tuple[int, bytes]]:
        for _flag in range(count):
            place, size = FLAG.unpack(self._cut(FLAG.size).tobytes())
            yield place, self._cut(size).tobytes()

    def _numbers(self, column: int) -> Ints:
        numbers = np.empty(self.rows, np.int64)
        numbers[0] = self._first[column]
        misses = self._misses(column)
        how = self._traits[column] & 3
        if how == LEVEL:
            numbers[1:] = misses + numbers[0]
            return numbers
        if how == SLOPE:
            misses = np.cumsum(misses) + self._slopes[self._slope_at[column]]
        numbers[1:] = misses
        return np.cumsum(numbers)

    def _misses(self, column: int) -> Ints:
        """Columns lie in the order of their widths; each width is a table of planes of bytes."""
        steps, width = self.rows - 1, int(self._widths[column])
        if not width:
            return np.zeros(steps, np.int64)
        begin = self._at + steps * int(self._widths[self._widths < width].sum(dtype=np.int64))
        same = np.flatnonzero(self._widths == width)
        planes = self._data[begin : begin + width * steps * len(same)]
        place = int(np.searchsorted(same, column))
        mine = planes.reshape(width, len(same), steps)[:, place]
        return np.ascontiguousarray(mine.T).view(f"<i{width}").ravel().astype(np.int64)

    def _float(self, column: int) -> NDArray[np.float32]:
        kind = int(self._kinds[column]) & ~NARROW
        if kind == BITS_4:
            return self._numbers(column).astype(np.int32).view(np.float32)
        return (self._numbers(column) / 10.0 ** (kind - DECIMAL)).astype(np.float32)

    def _without_nan(self, column: int, found: Any, nothing: Any) -> Any:
        traits = self._traits[column]
        if traits & ALL_NAN:
            found[:] = nothing
        elif traits & SOME_NAN:
            mask = np.unpackbits(self._masks[self._mask_at[column]], count=self.rows)
            found[mask.view(np.bool_)] = nothing
        return found
