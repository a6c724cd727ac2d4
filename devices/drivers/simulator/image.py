"""The registers of simulated meters as one block of memory, written for all of them at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.drivers import BIT_FUNCTION_CODES, WORDS, Profile, Register
from devices.drivers.simulator.noise import Floats

# Unused registers inside a map answer zero, as in most meters; further away they are illegal.
WIDEST_HOLE = 64
_INTEGERS = {"int16": 16, "int32": 32, "int64": 64, "uint16": 16, "uint32": 32, "uint64": 64}
_PARTS = {"bool": (1, 0), "bits": (1, 0), "uint8hi": (255, 8), "uint8lo": (255, 0)}
_LARGEST_EXACT = float(2**62)


@dataclass(frozen=True, slots=True)
class Segment:
    """Addresses that can be read, and the column of the first."""

    start: int
    end: int
    column: int


@dataclass(slots=True)
class _Lot:
    """Registers that are encoded together."""

    type: str
    is_big: bool
    swaps_bytes: bool
    fields: NDArray[np.intp]
    columns: NDArray[np.intp]
    scale: Floats
    offset: Floats
    missing: NDArray[np.uint64]


class Image:
    """Memory of some meters with the same profile: words as they go over the wire."""

    def __init__(self, profile: Profile, devices: int) -> None:
        self.profile = profile
        self.segments: dict[int, list[Segment]] = {}
        width = 0
        for function_code in sorted({register.function_code for register in profile.registers}):
            for start, end in _spans(profile.registers, function_code):
                self.segments.setdefault(function_code, []).append(Segment(start, end, width))
                width += end - start
        self.words = np.zeros((devices, width), dtype=">u2")
        self._codes = [register.code for register in profile.registers]
        packed = [number for number, one in enumerate(profile.registers) if _is_shared(one)]
        self._packed = [
            (one, number, column)
            for number in packed
            for one in (profile.registers[number],)
            if (column := self.column(one.function_code, one.address, 1)) is not None
        ]
        self._shared_columns = np.array([column for *_, column in self._packed], dtype=np.intp)
        self._lots = self._sort(
            [number for number in range(len(profile.registers)) if number not in packed]
        )

    def column(self, function_code: int, address: int, count: int) -> int | None:
        """Column of an address; None when the range cannot be read as a whole."""
        for segment in self.segments.get(function_code, ()):
            if segment.start <= address and address + count <= segment.end:
                return segment.column + address - segment.start
        return None

    def write(self, values: Mapping[str, Floats], rows: Sequence[int]) -> None:
        """Encode values by code: entry rows[i] of each array becomes device i; missing codes NaN."""
        taken = np.asarray(rows, dtype=np.intp)
        nothing = np.full(len(taken), np.nan)
        table = np.stack(
            [values[code][taken] if code in values else nothing for code in self._codes], axis=1
        )
        for lot in self._lots:
            self._write_lot(lot, table[:, lot.fields])
        self.words[:, self._shared_columns] = 0
        for register, field, column in self._packed:
            self.words[:, column] |= _part(register, table[:, field])

    def _write_lot(self, lot: _Lot, values: Floats) -> None:
        is_missing = np.isnan(values)
        with np.errstate(invalid="ignore", over="ignore"):
            number = (values - lot.offset) / lot.scale
            if lot.type == "float32":
                raw = number.astype(np.float32).view(np.uint32).astype(np.uint64)
            else:
                size = _INTEGERS[lot.type]
                is_signed = lot.type.startswith("int")
                low = -(2.0 ** (size - 1)) if is_signed else 0.0
                high = min(2.0 ** (size - is_signed) - 1, _LARGEST_EXACT)
                rounded = np.clip(np.nan_to_num(np.rint(number)), low, high)
                raw = rounded.astype(np.int64).view(np.uint64)
        raw = np.where(is_missing, lot.missing, raw)
        count = WORDS[lot.type]
        for position in range(count):
            shift = np.uint64(16 * (count - 1 - position if lot.is_big else position))
            word = (raw >> shift & np.uint64(0xFFFF)).astype(np.uint16)
            self.words[:, lot.columns + position] = word.byteswap() if lot.swaps_bytes else word

    def _sort(self, numbers: Sequence[int]) -> list[_Lot]:
        groups: dict[tuple[str, bool, bool], list[int]] = {}
        for number in numbers:
            one = self.profile.registers[number]
            key = (one.type, one.word_order == "big", one.byte_order == "little")
            groups.setdefault(key, []).append(number)
        lots = []
        for (kind, is_big, swaps_bytes), members in groups.items():
            registers = [self.profile.registers[number] for number in members]
            columns = [self.column(one.function_code, one.address, one.count) for one in registers]
            lots.append(
                _Lot(
                    type=kind,
                    is_big=is_big,
                    swaps_bytes=swaps_bytes,
                    fields=np.array(members, dtype=np.intp),
                    columns=np.array(columns, dtype=np.intp),
                    scale=np.array([one.scale for one in registers]),
                    offset=np.array([one.offset for one in registers]),
                    missing=np.array([_missing(one) for one in registers], dtype=np.uint64),
                )
            )
        return lots


def _is_shared(register: Register) -> bool:
    """Registers that set part of a word, or a bit of their own."""
    return (
        register.type not in _INTEGERS
        and register.type != "float32"
        or (register.function_code in BIT_FUNCTION_CODES)
    )


def _part(register: Register, values: Floats) -> NDArray[np.uint16]:
    """What the register sets in the word it shares; missing values set nothing."""
    number = np.nan_to_num(np.rint((values - register.offset) / register.scale))
    most, shift = _PARTS[register.type]
    word = np.clip(number, 0, most).astype(np.uint16) << np.uint16(register.bit or shift)
    is_bit = register.function_code in BIT_FUNCTION_CODES
    return word.byteswap() if register.byte_order == "little" and not is_bit else word


def _missing(register: Register) -> int:
    """What the meter shows for a value that it does not have."""
    if register.invalid:
        return register.invalid[0] % (1 << 16 * register.count)
    return 0x7FC00000 if register.type == "float32" else 0


def _spans(registers: Sequence[Register], function_code: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    ours = [one for one in registers if one.function_code == function_code]
    for one in sorted(ours, key=lambda register: register.address):
        if spans and one.address - spans[-1][1] <= WIDEST_HOLE:
            spans[-1] = (spans[-1][0], max(spans[-1][1], one.end))
        else:
            spans.append((one.address, one.end))
    return spans
