"""Writing the registers of many meters at once: as the codec writes one."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.drivers import WORDS, Profile, Register
from devices.drivers.codec import encode
from devices.drivers.simulator.image import WIDEST_HOLE, Image

ORDERS = st.sampled_from(["big", "little"])


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Registers of all types side by side, with gaps."""
    registers, address = [], draw(st.integers(0, 100))
    for number in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(sorted(WORDS)))
        if kind in ("bits", "uint8hi", "uint8lo", "bool"):
            invalid: tuple[int, ...] = ()
        else:
            invalid = (draw(st.sampled_from([0xFFFF, 0x8000, 0x7FFF])),)
        registers.append(
            Register(
                code=f"R{number}",
                unit="",
                function_code=2 if kind == "bool" else draw(st.sampled_from([3, 4])),
                address=address,
                type=kind,
                byte_order=draw(ORDERS),
                word_order=draw(ORDERS),
                bit=draw(st.integers(0, 15)) if kind == "bits" else None,
                scale=draw(st.sampled_from([1.0, 0.1, 0.001])),
                offset=draw(st.sampled_from([0.0, -40.0])),
                invalid=invalid,
            )
        )
        address += WORDS[kind] + draw(st.integers(0, 100))
    return Profile(key="p", version=1, registers=tuple(registers))


VALUES = (
    st.floats(-3e4, 3e4) | st.floats(0, 300).map(lambda value: round(value, 1)) | st.just(math.nan)
)


@settings(max_examples=60, deadline=None)
@given(profile=profiles(), data=st.data())
def test_an_image_holds_what_the_codec_encodes(profile: Profile, data: st.DataObject) -> None:
    rows = [3, 0]
    values = {
        one.code: np.array([data.draw(VALUES) for _ in range(4)]) for one in profile.registers
    }
    image = Image(profile, len(rows))

    image.write(values, rows)

    for place, row in enumerate(rows):
        for register in profile.registers:
            column = image.column(register.function_code, register.address, register.count)
            assert column is not None
            words = image.words[place, column : column + register.count].tolist()
            value = float(values[register.code][row])
            if math.isnan(value) and not register.invalid and register.type != "float32":
                assert words == [0]
            elif _is_marker(register, value):
                continue
            else:
                assert words == encode(register, value)


def _is_marker(register: Register, value: float) -> bool:
    """A value that happens to look like the marker: a meter would avoid it, the image need not."""
    if math.isnan(value) or not register.invalid or register.type == "float32":
        return False
    raw = round((value - register.offset) / register.scale)
    low, high = _limits(register.type)
    return min(max(raw, low), high) % (1 << 16 * register.count) in register.invalid


def _limits(kind: str) -> tuple[int, int]:
    size = int(kind.removeprefix("u").removeprefix("int"))
    return (0, 2**size - 1) if kind.startswith("u") else (-(2 ** (size - 1)), 2 ** (size - 1) - 1)


def test_bits_of_one_word_do_not_disturb_each_other_and_are_cleared() -> None:
    registers = tuple(
        Register(code=f"B{bit}", unit="", function_code=3, address=5, type="bits", bit=bit)
        for bit in (0, 3, 15)
    )
    image = Image(Profile(key="p", version=1, registers=registers), 2)

    image.write({"B0": np.array([1, 0]), "B3": np.array([1, 1]), "B15": np.array([0, 1])}, [0, 1])
    first = image.words[:, 0].tolist()
    image.write({"B0": np.array([0, 0]), "B3": np.array([0, 1]), "B15": np.array([0, 0])}, [0, 1])

    assert first == [0b1001, 0x8008]
    assert image.words[:, 0].tolist() == [0, 8]


def test_holes_are_readable_and_what_is_far_away_is_not() -> None:
    registers = tuple(
        Register(code=f"R{at}", unit="", function_code=3, address=at, type="uint16")
        for at in (10, 10 + WIDEST_HOLE, 500)
    )
    image = Image(Profile(key="p", version=1, registers=registers), 1)

    assert image.column(3, 10, WIDEST_HOLE + 1) is not None
    assert image.column(3, 11, 5) is not None
    assert image.column(3, 500, 1) is not None
    for function_code, address, count in (
        (3, 9, 1),
        (3, 10, WIDEST_HOLE + 2),
        (3, 300, 1),
        (4, 10, 1),
        (3, 500, 2),
    ):
        assert image.column(function_code, address, count) is None
