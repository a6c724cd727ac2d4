"""A meter that stands still: what it would answer while it shows given values."""

from collections.abc import Mapping, Sequence

from devices.drivers import Block, Profile, Words
from devices.drivers.codec import encode


def answer(
    profile: Profile, blocks: Sequence[Block], values: Mapping[str, float]
) -> list[Words | None]:
    """Its words, block by block; values are in the stored units at its own side, 0 where missing."""
    held: dict[tuple[int, int], int] = {}
    for register in profile.registers:
        for place, word in enumerate(encode(register, values.get(register.code, 0.0))):
            # Registers that share a word fill their own part of it.
            key = register.function_code, register.address + place
            held[key] = held.get(key, 0) | word
    return [
        [held.get((block.function_code, block.address + place), 0) for place in range(block.count)]
        for block in blocks
    ]
