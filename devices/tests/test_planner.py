"""Blocks: few, whole, within limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers import Block, Profile, Register
from devices.drivers.planner import PlanError, plan


def register_at(address: int, kind: str = "uint16", **facts: object) -> Register:
    defaults = {"code": f"{kind}{address}", "unit": "V", "function_code": 3}
    return Register(**{**defaults, "address": address, "type": kind, **facts})


def profile_of(*registers: Register, **facts: object) -> Profile:
    return Profile(key="test", version=1, registers=registers, **facts)


def test_small_holes_are_read_over_and_large_ones_are_not() -> None:
    profile = profile_of(register_at(0), register_at(9), register_at(19), max_gap=8)

    assert plan(profile) == (Block(3, 0, 10), Block(3, 19, 1))


def test_a_block_ends_before_the_value_that_would_not_fit() -> None:
    profile = profile_of(
        *(register_at(address, "float32") for address in (0, 2, 4)), max_read_registers=5
    )

    assert plan(profile) == (Block(3, 0, 4), Block(3, 4, 2))


def test_function_codes_are_never_mixed_and_bits_count_as_bits() -> None:
    profile = profile_of(
        register_at(3, function_code=4),
        register_at(0),
        register_at(100, "bool", function_code=2),
        register_at(0, "bool", function_code=2),
    )

    assert plan(profile) == (Block(2, 0, 101), Block(3, 0, 1), Block(4, 3, 1))


def test_forbidden_registers_are_not_touched() -> None:
    profile = profile_of(
        register_at(0),
        register_at(4),
        register_at(4, code="other", function_code=4),
        register_at(0, code="first", function_code=4),
        forbidden=((3, 2, 2),),
    )

    assert plan(profile) == (Block(3, 0, 1), Block(3, 4, 1), Block(4, 0, 5))


def test_points_may_share_a_word() -> None:
    profile = profile_of(
        register_at(8, "bits", bit=0), register_at(8, "bits", code="b", bit=1), register_at(7)
    )

    assert plan(profile) == (Block(3, 7, 2),)


def test_only_the_wanted_poll_classes_are_read() -> None:
    profile = profile_of(
        register_at(0), register_at(40, poll_class="slow"), register_at(80, poll_class="daily")
    )

    assert plan(profile, poll_classes=("fast", "daily")) == (Block(3, 0, 1), Block(3, 80, 1))
    assert plan(profile, poll_classes=()) == ()


@pytest.mark.parametrize("facts", [{"max_read_registers": 1}, {"forbidden": ((3, 1, 9),)}])
def test_a_value_that_cannot_be_read_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(PlanError):
        plan(profile_of(register_at(0, "uint32"), **facts))


@given(
    places=st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from(["uint16", "float32", "int64"])),
        min_size=1,
        max_size=40,
        unique=True,
    ),
    longest=st.integers(4, 125),
    gap=st.integers(0, 30),
)
def test_every_value_lies_whole_in_a_block_within_the_limits(
    places: list[tuple[int, str]], longest: int, gap: int
) -> None:
    registers = [register_at(address, kind) for address, kind in places]
    profile = profile_of(*registers, max_read_registers=longest, max_gap=gap)

    blocks = plan(profile)

    for register in registers:
        assert any(
            block.address <= register.address and register.end <= block.address + block.count
            for block in blocks
        )
    assert all(block.count <= longest for block in blocks)
    assert len(blocks) <= len(registers)
    used = {at for register in registers for at in range(register.address, register.end)}
    for block in blocks:
        hole = 0
        for at in range(block.address, block.address + block.count):
            hole = 0 if at in used else hole + 1
            assert hole <= gap
