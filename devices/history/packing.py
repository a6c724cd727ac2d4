"""Slots of a device as bytes, and one point's slots out of the bytes of many rows at once.

Version 1, little endian, inside zlib. A fixed part: decimals of each point; of each slot and point
its count and the rows of its extremes, its first and its last sample; numbers; then the times of
the rows, as steps, as many as there are. Everything by planes of bytes. Numbers are whole (a decimal
of the meter) or the bits of the float, each told by what it is off from a neighbour; sums wrap, so
that bits come back as they went in. A mean has one decimal more than its point.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.history.codec import DECIMAL, DOUBLE, NARROW, OTHERS, BadBlock, Floats, Ints
from devices.history.slots import SLOT, Slots, Table

VERSION = 1
ZLIB_LEVEL = 6
ROWS = ("low", "high", "first", "last")
BITS = 255
_MOST_4 = 2.0**31 / 16
_LATER = 10
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Field:
    """Where a field lies in the fixed part: its width in bytes, and how many numbers it has."""

    at: int
    width: int
    count: int


@lru_cache(maxsize=256)
def _fields(slots: int, values: int, counters: int) -> tuple[dict[str, _Field], int]:
    """The fields of the fixed part by name, and its length."""
    points = values + counters
    shape: list[tuple[str, int, int]] = [("decimals", 1, points), ("count", 4, slots * points)]
    shape += [(f"{name}_row", 2, slots * points) for name in ROWS]
    shape += [(name, 4, slots * values) for name in ("last", "low", "high", "mean")]
    shape += [(f"c_{name}", 8, slots * counters) for name in ("first", "last", "low", "high")]
    shape += [("c_down", 8, slots * counters), ("c_drops", 4, slots * counters)]
    shape += [("c_mean", 4, slots * counters)]
    found, at = {}, 0
    for name, width, count in shape:
        found[name] = _Field(at, width, count)
        at += width * count
    return found, at


def decimals_of(kinds: Bytes, values: int) -> Bytes:
    """Decimals of each device and point out of the kinds of its block's columns; else BITS."""
    kinds = kinds[:, OTHERS:].astype(np.int64)
    base = np.where(np.arange(kinds.shape[1]) < values, DECIMAL, DOUBLE)
    is_decimal = (kinds >= base) & (kinds < base + DECIMAL) & (kinds & NARROW == 0)
    return np.where(is_decimal, kinds - base, BITS).astype(np.uint8)


def packed(table: Table, decimals: Bytes, values: int, times: Sequence[Ints]) -> list[bytes]:
    """The bytes of each device; `times` are offsets of its rows in microseconds."""
    devices, slots, points = table.count.shape
    floats, doubles = slice(None, values), slice(values, None)
    there = table.count > 0
    decimals = decimals.copy()
    _no_large(table, decimals, values, there)
    parts: dict[str, NDArray[Any]] = {
        "decimals": decimals,
        "count": table.count.astype("<u4"),
        **{f"{name}_row": (table.rows[name] * there).astype("<u2") for name in ROWS},
    }
    scale = _scale(decimals[:, None, :])
    _floats_into(parts, table, scale[..., floats], there[..., floats], floats)
    _doubles_into(parts, table, scale[..., doubles], there[..., doubles], doubles)
    fields, size = _fields(slots, values, points - values)
    body = np.empty((devices, size), np.uint8)
    for name, field in fields.items():
        body[:, field.at : field.at + field.width * field.count] = _planes(parts[name], devices)
    return [
        zlib.compress(line.tobytes() + _tail(offsets), ZLIB_LEVEL)
        for line, offsets in zip(body, times, strict=True)
    ]


def _no_large(table: Table, decimals: Bytes, values: int, there: NDArray[np.bool_]) -> None:
    """Numbers too large for four bytes go by their bits."""
    most = np.maximum(np.abs(table.low), np.abs(table.high))
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.where(there, most, 0.0) * _scale(decimals[:, None, :])
        is_large = ~(scaled.max(axis=1) < _MOST_4)[:, :values]
    decimals[:, :values][is_large] = BITS


def _scale(decimals: NDArray[Any]) -> Floats:
    """What makes a number whole; NaN for one that goes by its bits."""
    return np.where(decimals == BITS, np.nan, 10.0 ** np.minimum(decimals, 18))


def _whole(number: Floats, scale: Floats, there: NDArray[np.bool_], kind: str) -> NDArray[Any]:
    """Whole numbers or bits, as unsigned numbers that wrap."""
    number = np.where(there, number, 0.0)
    narrow = np.dtype(kind.replace("u", "f"))
    bits = number.astype(narrow).view(kind)
    scaled = np.rint(np.where(np.isnan(scale), 0.0, number * scale))
    return np.where(np.isnan(scale), bits, scaled.astype(np.int64).astype(kind))


def _floats_into(
    parts: dict[str, Any], table: Table, scale: Floats, there: NDArray[np.bool_], which: slice
) -> None:
    last = _carried(_whole(table.last[..., which], scale, there, "<u4"), there)
    for name in ("low", "high"):
        number = _whole(getattr(table, name)[..., which], scale, there, "<u4")
        parts[name] = _zigzag(np.where(there, number - last, 0).astype("<u4"))
    mean = _whole(table.mean[..., which], scale * _LATER, there, "<u4")
    base = np.where(np.isnan(scale), last, last * np.uint32(_LATER))
    parts["mean"] = _zigzag(np.where(there, mean - base, 0).astype("<u4"))
    parts["last"] = _zigzag(np.diff(last, axis=1, prepend=np.zeros_like(last[:, :1])))


def _doubles_into(
    parts: dict[str, Any], table: Table, scale: Floats, there: NDArray[np.bool_], which: slice
) -> None:
    last = _carried(_whole(table.last[..., which], scale, there, "<u8"), there)
    before = np.concatenate((np.zeros_like(last[:, :1]), last[:, :-1]), axis=1)
    first = _whole(table.first, scale, there, "<u8")
    first = np.where(there, first, before)
    parts["c_first"] = _zigzag(first - before)
    parts["c_last"] = _zigzag(last - first)
    for name, base in (("low", first), ("high", last)):
        number = _whole(getattr(table, name)[..., which], scale, there, "<u8")
        parts[f"c_{name}"] = _zigzag(np.where(there, number - base, 0).astype("<u8"))
    parts["c_down"] = table.down.astype("<f8")
    parts["c_drops"] = table.drops.astype("<u4")
    parts["c_mean"] = np.where(there, table.mean[..., which] - table.first, 0).astype("<f4")


def _carried(number: NDArray[Any], there: NDArray[np.bool_]) -> NDArray[Any]:
    """The number before in the place of one that is not there."""
    number = number.copy()
    for slot in range(1, number.shape[1]):
        number[:, slot] = np.where(there[:, slot], number[:, slot], number[:, slot - 1])
    return number


def _zigzag(number: NDArray[Any]) -> NDArray[Any]:
    """Small numbers of either sign as small unsigned ones."""
    size = number.dtype.itemsize
    signed = number.view(f"<i{size}")
    return ((signed << 1) ^ (signed >> (8 * size - 1))).view(f"<u{size}")


def _unzigzag(number: NDArray[Any]) -> NDArray[Any]:
    one = number.dtype.type(1)
    return (number >> one) ^ (~(number & one) + one)


def _planes(numbers: NDArray[Any], devices: int) -> Bytes:
    flat = np.ascontiguousarray(numbers).reshape(devices, -1)
    width = flat.dtype.itemsize
    return flat.view(np.uint8).reshape(devices, -1, width).transpose(0, 2, 1).reshape(devices, -1)


def _tail(offsets: Ints) -> bytes:
    steps = np.diff(offsets, prepend=0).astype("<u8")
    return steps.view(np.uint8).reshape(-1, 8).T.tobytes()


class Opened:
    """Rows of one layout and width, opened at once; a point's slots are read when somebody asks."""

    def __init__(
        self, rows: Iterable[bytes], starts: Ints, shape: tuple[int, int, int], version: int
    ) -> None:
        """`starts`: where the time of each row begins, µs; shape: slots, values, counters."""
        if version != VERSION:
            raise BadBlock(f"version {version}")
        self.slots, self.values, counters = shape
        self.points = self.values + counters
        self.starts = starts
        self._fields, size = _fields(*shape)
        try:
            bodies = [zlib.decompress(data) for data in rows]
            self._fixed = np.frombuffer(b"".join(body[:size] for body in bodies), np.uint8)
            self._fixed = self._fixed.reshape(len(bodies), size)
        except (zlib.error, ValueError) as reason:
            raise BadBlock(str(reason)) from reason
        lengths = np.array([(len(body) - size) // 8 for body in bodies], np.int64)
        self._begins = np.cumsum(lengths) - lengths
        self._times = self._all_times([body[size:] for body in bodies], lengths)

    def _all_times(self, tails: list[bytes], lengths: Ints) -> Ints:
        parts = [np.frombuffer(tail, np.uint8).reshape(8, -1).T for tail in tails]
        if not parts:
            return np.empty(0, np.int64)
        steps = np.ascontiguousarray(np.concatenate(parts)).view("<u8").ravel().astype(np.int64)
        total = np.cumsum(steps)
        before = np.where(self._begins > 0, total[self._begins - 1], 0)
        return total + np.repeat(self.starts - before, lengths)

    def _column(self, name: str, column: int, columns: int) -> NDArray[Any]:
        """Numbers of rows × slots of one column of a field."""
        field = self._fields[name]
        planes = self._fixed[:, field.at : field.at + field.width * field.count]
        mine = planes.reshape(len(planes), field.width, -1, columns)[..., column]
        kind = f"<u{field.width}"
        return np.ascontiguousarray(mine.transpose(0, 2, 1)).view(kind)[..., 0]

    @property
    def decimals(self) -> Bytes:
        """Decimals of rows × points; BITS for what is none."""
        return self._fixed[:, : self.points]

    def point(self, position: int, width_us: int) -> Slots:
        """The slots of a point (values first, then counters) that have samples, row by row."""
        return self.point_and_row(position, width_us)[0]

    def point_and_row(self, position: int, width_us: int) -> tuple[Slots, Ints]:
        """The same, with the row of each."""
        count = self._column("count", position, self.points)
        found = np.zeros(count.shape, SLOT)
        found["start"] = self.starts[:, None] + np.arange(self.slots) * width_us
        found["count"] = count
        for name in ROWS:
            row = self._column(f"{name}_row", position, self.points).astype(np.int64)
            found[f"{name}_at"] = self._times[self._begins[:, None] + row]
        decimals = self._column("decimals", position, self.points)
        if position < self.values:
            self._float(found, position, _scale(decimals))
        else:
            self._double(found, position - self.values, _scale(decimals))
        there = count > 0
        return found[there], np.nonzero(there)[0]

    def _float(self, found: Slots, column: int, scale: Floats) -> None:
        def read(name: str) -> NDArray[Any]:
            return _unzigzag(self._column(name, column, self.values))

        last = np.cumsum(read("last"), axis=1, dtype=np.uint32)
        for name, number in (
            ("last", last),
            ("low", last + read("low")),
            ("high", last + read("high")),
        ):
            found[name] = _number(number, scale, "<f4")
        base = np.where(np.isnan(scale), last, last * np.uint32(_LATER))
        mean = _number((base + read("mean")).astype("<u4"), scale * _LATER, "<f4", is_exact=False)
        # A mean cannot lie outside; what rounding did to it is taken back.
        found["total"] = np.clip(mean, found["low"], found["high"]) * found["count"]
        found["first"] = np.nan

    def _double(self, found: Slots, column: int, scale: Floats) -> None:
        counters = self.points - self.values

        def read(name: str) -> NDArray[Any]:
            return _unzigzag(self._column(name, column, counters))

        gone = read("c_last")
        last = np.cumsum(read("c_first") + gone, axis=1, dtype=np.uint64)
        first = last - gone
        for name, number in (
            ("first", first),
            ("last", last),
            ("low", first + read("c_low")),
            ("high", last + read("c_high")),
        ):
            found[name] = _number(number, scale, "<f8")
        found["down"] = self._column("c_down", column, counters).view("<f8")
        found["drops"] = self._column("c_drops", column, counters)
        off = self._column("c_mean", column, counters).view("<f4").astype(np.float64)
        found["total"] = (found["first"] + off) * found["count"]


def _number(whole: NDArray[Any], scale: Floats, kind: str, *, is_exact: bool = True) -> Floats:
    size = whole.dtype.itemsize
    with np.errstate(invalid="ignore"):
        scaled = whole.view(f"<i{size}") / scale
        if is_exact:
            scaled = scaled.astype(kind)
        return np.where(np.isnan(scale), whole.view(kind), scaled).astype(np.float64)
