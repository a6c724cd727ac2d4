"""Which blocks to read: as few requests as the device's limits allow."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from devices.drivers import BIT_FUNCTION_CODES, Block, Profile, Register

MAX_BITS = 2000
BITS_PER_REGISTER = 16


class PlanError(ValueError):
    """A register cannot be read within the profile's own limits."""


def plan(profile: Profile, *, poll_classes: Collection[str] | None = None) -> tuple[Block, ...]:
    """Fewest read blocks that cover the registers of these poll classes (all when None).

    A block never exceeds the longest read, never spans more than max_gap unused registers in a row,
    never touches a forbidden range, never splits a value. Ordered by function code and address.
    Raises PlanError when a register is longer than the longest read or lies in a forbidden range.
    """
    wanted: dict[int, list[Register]] = defaultdict(list)
    for register in profile.registers:
        if poll_classes is None or register.poll_class in poll_classes:
            wanted[register.function_code].append(register)
    blocks: list[Block] = []
    for function_code in sorted(wanted):
        blocks.extend(_cover(profile, function_code, wanted[function_code]))
    return tuple(blocks)


def _cover(profile: Profile, function_code: int, registers: Iterable[Register]) -> list[Block]:
    """Extend a block to the right as long as it may grow: minimal for intervals on a line."""
    longest, gap = profile.max_read_registers, profile.max_gap
    if function_code in BIT_FUNCTION_CODES:
        longest, gap = min(longest * BITS_PER_REGISTER, MAX_BITS), gap * BITS_PER_REGISTER
    forbidden = [
        (first, last + 1) for code, first, last in profile.forbidden if code == function_code
    ]
    blocks: list[Block] = []
    start = end = -1
    for register in sorted(registers, key=lambda one: (one.address, one.end)):
        if register.count > longest or _touches(forbidden, register.address, register.end):
            raise PlanError(f"{profile.key}: {register.code} cannot be read")
        fits = (
            start >= 0
            and register.address - end <= gap
            and max(register.end, end) - start <= longest
            and not _touches(forbidden, start, register.end)
        )
        if fits:
            end = max(end, register.end)
            continue
        if start >= 0:
            blocks.append(Block(function_code, start, end - start))
        start, end = register.address, register.end
    blocks.append(Block(function_code, start, end - start))
    return blocks


def _touches(ranges: list[tuple[int, int]], start: int, end: int) -> bool:
    return any(first < end and start < last for first, last in ranges)
