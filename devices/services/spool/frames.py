"""Batches as bytes: a frame says how long it is and proves that it is whole. Pure.

Numbers are little endian, arrays are as numpy holds them; nothing is executed when one is read.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from devices.history import Batch, LayoutGroup

_MAGIC = b"DWF1"
# Length of the body, its CRC-32 with the facts after it, rows, first and last time (epoch s).
_HEAD = struct.Struct("<4sII")
_FACTS = struct.Struct("<Idd")
# Layout, rows, values and counters per row, whether seldom registers were read, flags told.
_GROUP = struct.Struct("<iIHHBB")
_NO_FLAGS = 0xFFFF

HEAD_BYTES = _HEAD.size + _FACTS.size


class Torn(ValueError):
    """Bytes that are no whole frame: somebody was killed while writing, or the disk lies."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the head of a frame tells. bytes: of the whole frame; times in epoch seconds."""

    bytes: int
    rows: int
    first_at: float
    last_at: float


def encode(batch: Batch) -> bytes:
    """One frame of a batch that has rows."""
    body = b"".join(part for group in batch.groups if len(group) for part in _parts(group))
    first = min(float(group.at.min()) for group in batch.groups if len(group))
    last = max(float(group.at.max()) for group in batch.groups if len(group))
    facts = _FACTS.pack(batch.rows, first, last)
    return _HEAD.pack(_MAGIC, len(body), zlib.crc32(body, zlib.crc32(facts))) + facts + body


def facts_of(head: bytes) -> Facts:
    """What the first bytes of a frame tell."""
    _magic, length, _crc = _HEAD.unpack_from(head)
    return Facts(HEAD_BYTES + length, *_FACTS.unpack_from(head, _HEAD.size))


def scan(file: BinaryIO) -> Iterator[Facts]:
    """The heads of a file's frames, without reading what they hold; ends at the first torn one."""
    end = file.seek(0, 2)
    place = file.seek(0)
    while place < end:
        head = file.read(HEAD_BYTES)
        if len(head) < HEAD_BYTES:
            return
        facts = facts_of(head)
        if not head.startswith(_MAGIC) or place + facts.bytes > end:
            return
        yield facts
        place = file.seek(place + facts.bytes)


def read(file: BinaryIO) -> Batch:
    """The frame at the file's place. Raises Torn."""
    head = file.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        raise Torn(f"{len(head)} bytes of a head")
    magic, length, crc = _HEAD.unpack_from(head)
    body = file.read(length) if magic == _MAGIC else b""
    if magic != _MAGIC or len(body) < length:
        raise Torn(f"{len(body)} of {length} bytes")
    if zlib.crc32(body, zlib.crc32(head[_HEAD.size :])) != crc:
        raise Torn("the check sum differs")
    return Batch(list(_groups(body)))


def _parts(group: LayoutGroup) -> Iterator[bytes]:
    has_flags = any(flags is not None for flags in group.flags)
    values, counters = group.values.shape[1], group.counters.shape[1]
    yield _GROUP.pack(group.layout_id, len(group), values, counters, group.has_slow, has_flags)
    for name, kind in _columns(values, counters):
        yield np.ascontiguousarray(getattr(group, name), kind[0]).tobytes()
    if has_flags:
        sizes = [_NO_FLAGS if flags is None else len(flags) for flags in group.flags]
        yield np.array(sizes, "<u2").tobytes()
        yield b"".join(flags or b"" for flags in group.flags)


def _groups(body: bytes) -> Iterator[LayoutGroup]:
    place = 0
    while place < len(body):
        layout_id, rows, values, counters, has_slow, has_flags = _GROUP.unpack_from(body, place)
        place += _GROUP.size
        columns: dict[str, Any] = {}
        for name, (kind, shape) in _columns(values, counters):
            size = int(np.prod(shape, initial=1)) * rows
            column = np.frombuffer(body, kind, size, place)
            columns[name] = column.reshape(rows, *shape)
            place += column.nbytes
        flags: list[bytes | None] = [None] * rows
        if has_flags:
            sizes = np.frombuffer(body, "<u2", rows, place)
            place += sizes.nbytes
            for row, size in enumerate(sizes.tolist()):
                if size != _NO_FLAGS:
                    flags[row] = body[place : place + size]
                    place += size
        yield LayoutGroup(layout_id=layout_id, flags=flags, has_slow=bool(has_slow), **columns)


def _columns(values: int, counters: int) -> tuple[tuple[str, tuple[str, tuple[int, ...]]], ...]:
    return (
        ("device_ids", ("<i8", ())),
        ("site_ids", ("<i8", ())),
        ("at", ("<f8", ())),
        ("values", ("<f4", (values,))),
        ("counters", ("<f8", (counters,))),
        ("quality", ("u1", ())),
    )
