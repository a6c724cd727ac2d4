"""One read in all four word orders, for finding out at the cabinet how a meter lays its words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from devices.drivers import BIT_FUNCTION_CODES, Block, Order, Profile, Register, Words
from devices.drivers.codec import Decoder, Read

# name: order of the bytes in a word, order of the words in a value; A is the highest byte.
ORDERS: Mapping[str, tuple[Order, Order]] = {
    "ABCD": ("big", "big"),
    "CDAB": ("big", "little"),
    "BADC": ("little", "big"),
    "DCBA": ("little", "little"),
}
_UNORDERED = ("bool", "bits", "uint8hi", "uint8lo")
# A number that is not zero and smaller than this is a float32 read in the wrong order.
_TINY = 1e-20


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One point as it was read: its words, and what they would mean in each order.

    values: by order, in the stored unit at the meter's own side; None is no valid number. A value
    of one word has two orders only, one of bits a single one. used: the order of the template.
    """

    code: str
    unit: str
    words: Words
    values: Mapping[str, float | None]
    used: str

    @property
    def value(self) -> float | None:
        """In the template's order."""
        return self.values[self.used]


def looks(profile: Profile, blocks: Sequence[Block], read: Read) -> list[Look]:
    """Every register that a block holds, in the profile's order; limits of the template are not applied."""
    decoded = {name: _decoded(profile, blocks, read, name) for name in ORDERS}
    found = []
    for register in profile.registers:
        words = _words(register, blocks, read)
        if words is None:
            continue
        used = _used(register)
        values = {name: decoded[name].get(register.code) for name in _orders_of(register)}
        found.append(
            Look(code=register.code, unit=register.unit, words=words, values=values, used=used)
        )
    return found


def is_tiny(value: float) -> bool:
    """Whether a number can only come of a wrong order."""
    return 0 < abs(value) < _TINY


def _orders_of(register: Register) -> tuple[str, ...]:
    if register.type in _UNORDERED or register.function_code in BIT_FUNCTION_CODES:
        return (_used(register),)
    return ("ABCD", "BADC") if register.count == 1 else tuple(ORDERS)


def _used(register: Register) -> str:
    pair = (register.byte_order, register.word_order if register.count > 1 else "big")
    return next(name for name, order in ORDERS.items() if order == pair)


def _decoded(
    profile: Profile, blocks: Sequence[Block], read: Read, name: str
) -> dict[str, float | None]:
    """Values by code in one order."""
    byte_order, word_order = ORDERS[name]
    registers = tuple(
        register
        if register.type in _UNORDERED
        else replace(
            register, byte_order=byte_order, word_order=word_order, minimum=None, maximum=None
        )
        for register in profile.registers
    )
    bare = replace(profile, registers=registers)
    # In a wrong order any pattern may come up, also such as no value has.
    with np.errstate(invalid="ignore"):
        values, counters, _quality, _bad = Decoder(bare, blocks).decode([read])
    codes = (*bare.value_codes, *bare.counter_codes)
    numbers = [*values[0].tolist(), *counters[0].tolist()]
    return {code: x if isfinite(x) else None for code, x in zip(codes, numbers, strict=True)}


def _words(register: Register, blocks: Sequence[Block], read: Read) -> Words | None:
    """The words of one register; None when no block that was read holds it."""
    for block, words in zip(blocks, read, strict=False):
        is_inside = (
            block.address <= register.address and register.end <= block.address + block.count
        )
        if block.function_code == register.function_code and is_inside:
            start = register.address - block.address
            return None if words is None else list(words[start : start + register.count])
    return None
