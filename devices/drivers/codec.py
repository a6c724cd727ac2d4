"""Raw words to values and back: vectorised over the devices of one profile."""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.drivers import BIT_FUNCTION_CODES, WORDS, Block, Profile, Register, Words

GOOD, PARTIAL, BAD = 0, 1, 2

_FLOAT32_NAN = 0x7FC00000
_SIGNED = {"int16": 16, "int32": 32, "int64": 64}
_UNSIGNED = {
    "bool": 1,
    "bits": 1,
    "uint8hi": 8,
    "uint8lo": 8,
    "uint16": 16,
    "uint32": 32,
    "uint64": 64,
}
# One read is what a bus delivers: a list of words per planned block, None where a block failed.
Read = Sequence[Sequence[int] | None]
Decoded = tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.uint8], NDArray[np.bool_]]


class EncodeError(ValueError):
    """The register has no raw pattern for this value."""


@dataclass(slots=True)
class _Group:
    """Registers of one type and order; columns: first word of each, fields: where it goes."""

    type: str
    swaps_bytes: bool
    is_big: bool
    columns: NDArray[np.intp]
    fields: NDArray[np.intp]
    bits: NDArray[np.uint16]
    marked: NDArray[np.intp]
    markers: NDArray[np.uint64]


class Decoder:
    """Decodes reads of one profile, taken with one plan.

    A register that no block covers is not sampled: NaN, and not bad. A sampled register is bad when
    its block failed, it holds an invalid marker, is not a finite number, or is out of its range.
    """

    def __init__(self, profile: Profile, blocks: Sequence[Block]) -> None:
        self.profile = profile
        self.blocks = tuple(blocks)
        self._packs = [struct.Struct(f"={block.count}H").pack for block in blocks]
        self._sizes = [2 * block.count for block in blocks]
        self._starts = np.cumsum([0, *(block.count for block in blocks)], dtype=np.intp)
        values = [register for register in profile.registers if not register.is_counter]
        counters = [register for register in profile.registers if register.is_counter]
        self._split = len(values)
        self._size = len(values) + len(counters)
        placed = [
            (field, register, *place)
            for field, register in enumerate(values + counters)
            if (place := _place(register, self.blocks, self._starts)) is not None
        ]
        self._fields = np.array([field for field, *_ in placed], dtype=np.intp)
        self._block_of = np.array([block for *_, block, _ in placed], dtype=np.intp)
        registers = [register for _, register, *_ in placed]
        self._scale = np.array([register.scale for register in registers], dtype=np.float64)
        self._offset = np.array([register.offset for register in registers], dtype=np.float64)
        self._low = _limits([register.minimum for register in registers], -math.inf)
        self._high = _limits([register.maximum for register in registers], math.inf)
        self._groups = _group(registers, [column for *_, column in placed])

    def decode(self, reads: Sequence[Read]) -> Decoded:
        """Values float32[n, k], counters float64[n, m], quality uint8[n], bad bool[n, k + m].

        Columns are the profile's value_codes and counter_codes; `bad` has both, values first.
        quality: 0 good, 1 some sampled points bad, 2 all bad or nothing sampled.
        """
        try:
            words, failed = self._pack(reads), None
        except (struct.error, TypeError, ValueError):
            words, failed = self._pick(reads)
        count = len(words)
        sampled, bad_sampled = self._convert(words)
        if failed is not None:
            bad_sampled |= failed[:, self._block_of]
        sampled[bad_sampled] = np.nan
        result = np.full((count, self._size), np.nan)
        result[:, self._fields] = sampled
        bad = np.zeros((count, self._size), dtype=np.bool_)
        bad[:, self._fields] = bad_sampled
        quality = np.full(count, GOOD, dtype=np.uint8)
        quality[bad_sampled.any(axis=1)] = PARTIAL
        quality[bad_sampled.all(axis=1)] = BAD
        values = result[:, : self._split].astype(np.float32)
        return values, np.ascontiguousarray(result[:, self._split :]), quality, bad

    def _pack(self, reads: Sequence[Read]) -> NDArray[np.uint16]:
        """All words, one row per read; raises when a block is missing or has the wrong length."""
        try:
            raw = [words.raw for read in reads for words in read]  # type: ignore[union-attr]
        except AttributeError:
            return self._pack_numbers(reads)
        if list(map(len, raw)) != self._sizes * len(reads):
            raise ValueError("a block is missing or has another length")
        words = np.frombuffer(b"".join(raw), dtype=">u2").astype(np.uint16)
        return words.reshape(len(reads), -1)

    def _pack_numbers(self, reads: Sequence[Read]) -> NDArray[np.uint16]:
        packs = self._packs
        if len(packs) == 1:
            pack = packs[0]
            raw = [pack(*words) for (words,) in reads]  # type: ignore[misc]
        else:
            raw = [
                pack(*words)  # type: ignore[misc]
                for read in reads
                for pack, words in zip(packs, read, strict=True)
            ]
        return np.frombuffer(b"".join(raw), dtype=np.uint16).reshape(len(reads), -1)

    def _pick(self, reads: Sequence[Read]) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
        """The same block by block; and which blocks of which read failed."""
        words = np.zeros((len(reads), self._starts[-1]), dtype=np.uint16)
        failed = np.ones((len(reads), len(self.blocks)), dtype=np.bool_)
        for row, read in enumerate(reads):
            for number, (block, given) in enumerate(zip(self.blocks, read, strict=False)):
                if given is not None and len(given) == block.count:
                    start = self._starts[number]
                    words[row, start : start + block.count] = given
                    failed[row, number] = False
        return words, failed

    def _convert(self, words: NDArray[np.uint16]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Values and bad marks of the sampled registers, in placed order."""
        shape = (len(words), len(self._fields))
        value = np.empty(shape)
        bad = np.zeros(shape, dtype=np.bool_)
        for group in self._groups:
            raw = _assemble(words, group)
            for markers in group.markers:
                bad[:, group.fields[group.marked]] |= raw[:, group.marked] == markers
            value[:, group.fields] = _number(raw, group.type)
        with np.errstate(invalid="ignore", over="ignore"):
            value *= self._scale
            value += self._offset
            bad |= ~np.isfinite(value) | (value < self._low) | (value > self._high)
        return value, bad


def encode(register: Register, value: float) -> Words:
    """Words that decode to this value: rounded to the register's step, held within its type.

    A register that shares its word (bits, halves) leaves the rest of the word zero. NaN becomes the
    first invalid marker. Raises EncodeError when there is none.
    """
    return _words(register, _pattern(register, value))


def _pattern(register: Register, value: float) -> int:
    """The unsigned raw number."""
    if math.isnan(value):
        if register.invalid:
            return register.invalid[0] % (1 << 16 * WORDS[register.type])
        if register.type == "float32":
            return _FLOAT32_NAN
        raise EncodeError(f"{register.code} has no pattern for a missing value")
    number = (value - register.offset) / register.scale
    if register.type == "float32":
        with np.errstate(over="ignore"):
            return int(np.float32(number).view(np.uint32))
    signed = _SIGNED.get(register.type)
    size = signed or _UNSIGNED[register.type]
    low = -(1 << size - 1) if signed else 0
    high = (1 << size - 1) - 1 if signed else (1 << size) - 1
    raw = (
        min(max(round(number), low), high)
        if math.isfinite(number)
        else (high if number > 0 else low)
    )
    if raw % (1 << size) in {marker % (1 << size) for marker in register.invalid}:
        raw += -1 if raw > 0 else 1
    return raw % (1 << size)


def _words(register: Register, pattern: int) -> Words:
    if register.function_code in BIT_FUNCTION_CODES:
        return [pattern]
    if register.type == "bits":
        pattern <<= register.bit or 0
    elif register.type == "uint8hi":
        pattern <<= 8
    count = register.count
    words = [pattern >> 16 * (count - 1 - position) & 0xFFFF for position in range(count)]
    if register.word_order == "little":
        words.reverse()
    if register.byte_order == "little":
        words = [word >> 8 | (word & 0xFF) << 8 for word in words]
    return words


def _place(
    register: Register, blocks: Sequence[Block], starts: NDArray[np.intp]
) -> tuple[int, int] | None:
    """Block number and column of its first word; None when no block covers it."""
    for number, block in enumerate(blocks):
        if (
            block.function_code == register.function_code
            and block.address <= register.address
            and register.end <= block.address + block.count
        ):
            return number, int(starts[number]) + register.address - block.address
    return None


def _limits(given: Sequence[float | None], default: float) -> NDArray[np.float64]:
    return np.array([default if limit is None else limit for limit in given], dtype=np.float64)


def _group(registers: Sequence[Register], columns: Sequence[int]) -> list[_Group]:
    keys: dict[tuple[str, bool, bool], list[int]] = {}
    for position, register in enumerate(registers):
        key = (register.type, register.byte_order == "little", register.word_order == "big")
        keys.setdefault(key, []).append(position)
    groups = []
    for (kind, swaps_bytes, is_big), positions in keys.items():
        members = [registers[position] for position in positions]
        marked = [number for number, register in enumerate(members) if register.invalid]
        groups.append(
            _Group(
                type=kind,
                swaps_bytes=swaps_bytes,
                is_big=is_big,
                columns=np.array([columns[position] for position in positions], dtype=np.intp),
                fields=np.array(positions, dtype=np.intp),
                bits=np.array([register.bit or 0 for register in members], dtype=np.uint16),
                marked=np.array(marked, dtype=np.intp),
                markers=_markers([members[number] for number in marked]),
            )
        )
    return groups


def _markers(registers: Sequence[Register]) -> NDArray[np.uint64]:
    """One row per round of comparing; a register with fewer markers repeats its first."""
    rounds = max((len(register.invalid) for register in registers), default=0)
    table = [
        [
            register.invalid[number if number < len(register.invalid) else 0]
            % (1 << 16 * WORDS[register.type])
            for register in registers
        ]
        for number in range(rounds)
    ]
    return np.array(table, dtype=np.uint64).reshape(rounds, len(registers))


def _assemble(words: NDArray[np.uint16], group: _Group) -> NDArray[Any]:
    """Unsigned raw numbers of the group, orders undone."""
    count = WORDS[group.type]
    parts = []
    for position in range(count):
        part = words[:, group.columns + position]
        parts.append(part.byteswap() if group.swaps_bytes else part)
    if count == 1:
        return _narrow(parts[0], group)
    if not group.is_big:
        parts.reverse()
    wide = np.dtype(np.uint32 if count == 2 else np.uint64)
    raw: NDArray[Any] = parts[0].astype(wide)
    for part in parts[1:]:
        raw <<= wide.type(16)
        raw |= part
    return raw


def _narrow(raw: NDArray[np.uint16], group: _Group) -> NDArray[np.uint16]:
    if group.type == "bits":
        return raw >> group.bits & np.uint16(1)
    if group.type == "uint8hi":
        return raw >> np.uint16(8)
    if group.type == "uint8lo":
        return raw & np.uint16(0xFF)
    if group.type == "bool":
        return (raw != 0).astype(np.uint16)
    return raw


def _number(raw: NDArray[Any], kind: str) -> NDArray[Any]:
    if kind == "float32":
        return raw.view(np.float32)
    if kind in _SIGNED:
        return raw.view(kind)
    return raw
