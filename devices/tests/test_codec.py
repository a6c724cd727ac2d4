"""Words to values: against a plain-Python reference, and there and back."""

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.drivers import WORDS, Block, Profile, Register, Registers
from devices.drivers.codec import BAD, GOOD, PARTIAL, Decoder, EncodeError, encode

RANGES = {
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**53), 2**53),
    "uint64": (0, 2**53),
    "uint8hi": (0, 255),
    "uint8lo": (0, 255),
    "bits": (0, 1),
    "bool": (0, 1),
}
ORDERS = st.sampled_from(["big", "little"])


def profile_of(*registers: Register) -> Profile:
    return Profile(key="test", version=1, registers=registers)


def register_of(kind: str, **facts: object) -> Register:
    given_facts = {
        "code": "X",
        "unit": "V",
        "function_code": 3,
        "address": 0,
        "type": kind,
        **facts,
    }
    return Register(**given_facts)


def reference(register: Register, words: list[int]) -> float:
    """One value, one register, the slow and obvious way; NaN when it is bad."""
    if register.byte_order == "little":
        words = [int.from_bytes(word.to_bytes(2, "little"), "big") for word in words]
    if register.word_order == "little":
        words = words[::-1]
    data = b"".join(word.to_bytes(2, "big") for word in words)
    raw, number = plain_number(register, data)
    value = number * register.scale + register.offset
    outside = (register.minimum is not None and value < register.minimum) or (
        register.maximum is not None and value > register.maximum
    )
    return math.nan if raw in register.invalid or not math.isfinite(value) or outside else value


def plain_number(register: Register, data: bytes) -> tuple[int, float]:
    """The raw pattern that markers are compared with, and the number it stands for."""
    raw = int.from_bytes(data, "big")
    if register.type == "float32":
        return raw, struct.unpack(">f", data)[0]
    if register.type.startswith("int"):
        return raw, int.from_bytes(data, "big", signed=True)
    part = {
        "uint8hi": raw >> 8,
        "uint8lo": raw & 255,
        "bits": raw >> (register.bit or 0) & 1,
        "bool": int(raw != 0),
    }.get(register.type, raw)
    return part, part


@st.composite
def registers(draw: st.DrawFn) -> Register:
    kind = draw(st.sampled_from(sorted(WORDS)))
    bits = 16 * WORDS[kind]
    return Register(
        code=draw(st.sampled_from(["X"])),
        unit="V",
        function_code=3,
        address=0,
        type=kind,
        byte_order=draw(ORDERS),
        word_order=draw(ORDERS),
        bit=draw(st.integers(0, 15)) if kind == "bits" else None,
        scale=draw(st.sampled_from([1.0, 0.1, 0.001, 10.0, -1.0])),
        offset=draw(st.sampled_from([0.0, -40.0, 273.15])),
        invalid=tuple(draw(st.lists(st.integers(0, 2**bits - 1), max_size=2))),
        is_counter=True,
        minimum=draw(st.none() | st.floats(-1e6, 0)),
        maximum=draw(st.none() | st.floats(0, 1e6)),
    )


@settings(max_examples=120, deadline=None)
@given(data=st.data(), register=registers())
def test_decodes_as_the_plain_reference_does(data: st.DataObject, register: Register) -> None:
    count = WORDS[register.type]
    words = st.lists(st.integers(0, 0xFFFF), min_size=count, max_size=count)
    patterns = (
        st.sampled_from(register.invalid).map(lambda marker: _as_words(register, marker))
        if register.invalid
        else words
    )
    reads = [[row] for row in data.draw(st.lists(words | patterns, min_size=1, max_size=8))]

    decoder = Decoder(profile_of(register), [Block(3, 0, count)])
    _, counters, _, bad = decoder.decode(reads)

    for ours, same in zip(decoder.decode(reads), decoder.decode(as_they_come(reads)), strict=True):
        np.testing.assert_array_equal(ours, same)
    expected = [reference(register, row[0]) for row in reads]
    np.testing.assert_allclose(counters[:, 0], expected, rtol=1e-12)
    assert bad[:, 0].tolist() == [math.isnan(value) for value in expected]


def as_they_come(reads: Sequence[Sequence[list[int] | None]]) -> list[list[Registers | None]]:
    """The same reads, the words still bytes."""
    return [
        [
            None if words is None else Registers(struct.pack(f">{len(words)}H", *words))
            for words in read
        ]
        for read in reads
    ]


def _as_words(register: Register, pattern: int) -> list[int]:
    plain = Register(
        code="X",
        unit="",
        function_code=3,
        address=0,
        type={1: "uint16", 2: "uint32", 4: "uint64"}[WORDS[register.type]],
        byte_order=register.byte_order,
        word_order=register.word_order,
    )
    return encode(plain, pattern)


@pytest.mark.parametrize("kind", sorted(RANGES))
@settings(max_examples=60, deadline=None)
@given(data=st.data(), byte_order=ORDERS, word_order=ORDERS)
def test_whole_numbers_come_back(
    kind: str, data: st.DataObject, byte_order: str, word_order: str
) -> None:
    bit = data.draw(st.integers(0, 15)) if kind == "bits" else None
    register = register_of(
        kind, byte_order=byte_order, word_order=word_order, bit=bit, is_counter=True
    )
    value = data.draw(st.integers(*RANGES[kind]))

    words = encode(register, value)
    _, counters, quality, _ = Decoder(profile_of(register), [Block(3, 0, len(words))]).decode(
        [[words]]
    )

    assert counters[0, 0] == value
    assert quality.tolist() == [GOOD]


@settings(max_examples=100, deadline=None)
@given(
    value=st.floats(width=32, allow_nan=False, allow_infinity=False),
    byte_order=ORDERS,
    word_order=ORDERS,
)
def test_floats_come_back(value: float, byte_order: str, word_order: str) -> None:
    register = register_of("float32", byte_order=byte_order, word_order=word_order)

    words = encode(register, value)
    values, *_ = Decoder(profile_of(register), [Block(3, 0, 2)]).decode([[words]])

    assert values[0, 0] == np.float32(value)


@given(tenths=st.integers(0, 65535))
def test_scaled_values_come_back_to_the_register_step(tenths: int) -> None:
    register = register_of("uint16", scale=0.1)

    values, *_ = Decoder(profile_of(register), [Block(3, 0, 1)]).decode(
        [[encode(register, tenths / 10)]]
    )

    assert values[0, 0] == np.float32(tenths * 0.1)


def test_known_patterns_of_real_meters() -> None:
    profile = profile_of(
        register_of("float32", code="Ua"),
        register_of("float32", code="Ub", address=2, word_order="little"),
        register_of("int64", code="EPI", address=4, scale=0.001, is_counter=True),
        register_of("int16", code="T1", address=8, scale=0.1),
    )
    words = [0x4366, 0x8000, 0x8000, 0x4366, 0, 0, 0x0012, 0xD687, 0xFF38]

    values, counters, *_ = Decoder(profile, [Block(3, 0, 9)]).decode([[words]])

    assert values[0].tolist() == pytest.approx([230.5, 230.5, -20.0])
    assert counters[0, 0] == pytest.approx(1234.567)


def test_bits_and_halves_share_words_over_function_codes() -> None:
    profile = profile_of(
        register_of("bits", code="DI1", bit=0),
        register_of("bits", code="DI2", bit=9),
        register_of("uint8hi", code="H", address=1),
        register_of("uint8lo", code="L", address=1),
        register_of("bool", code="D", function_code=2, address=7),
    )
    decoder = Decoder(profile, [Block(2, 4, 4), Block(3, 0, 2)])

    values, *_ = decoder.decode([[[0, 0, 0, 1], [0x0200, 0x0A0B]], [[1, 1, 1, 0], [1, 0]]])

    assert values.tolist() == [[0, 1, 10, 11, 1], [1, 0, 0, 0, 0]]


def test_values_and_counters_keep_the_profile_order_and_unread_points_are_not_bad() -> None:
    profile = profile_of(
        register_of("uint16", code="A", address=5),
        register_of("uint16", code="C1", address=1, is_counter=True),
        register_of("uint16", code="B", address=90),
        register_of("uint16", code="C2", address=0, is_counter=True),
    )

    values, counters, quality, bad = Decoder(profile, [Block(3, 0, 6)]).decode(
        [[[20, 10, 0, 0, 0, 5]]]
    )

    assert profile.value_codes == ("A", "B")
    assert profile.counter_codes == ("C1", "C2")
    assert values[0, 0] == 5
    assert math.isnan(values[0, 1])
    assert counters.tolist() == [[10, 20]]
    assert quality.tolist() == [GOOD]
    assert not bad.any()


@pytest.mark.parametrize("form", [list, as_they_come])
@pytest.mark.parametrize("broken", [None, [1], [1, 2, 3]])
def test_a_failed_block_costs_its_own_points_only(
    broken: list[int] | None, form: Callable[[list[Any]], list[Any]]
) -> None:
    profile = profile_of(
        register_of("uint16", code="A"),
        register_of("uint16", code="B", address=50, is_counter=True),
    )
    decoder = Decoder(profile, [Block(3, 0, 2), Block(3, 50, 1)])

    values, counters, quality, bad = decoder.decode(
        form([[broken, [7]], [[1, 2], None], [broken, None], [[3, 4], [8]], [broken]])
    )

    np.testing.assert_equal(values[:, 0], [np.nan, 1, np.nan, 3, np.nan])
    np.testing.assert_equal(counters[:, 0], [7, np.nan, np.nan, 8, np.nan])
    assert quality.tolist() == [PARTIAL, PARTIAL, BAD, GOOD, BAD]
    assert bad.tolist() == [
        [True, False],
        [False, True],
        [True, True],
        [False, False],
        [True, True],
    ]


@pytest.mark.parametrize("pattern", [0x7FC00000, 0xFFC00000, 0x7F800000, 0xFF800000])
def test_what_is_no_number_is_bad(pattern: int) -> None:
    decoder = Decoder(profile_of(register_of("float32")), [Block(3, 0, 2)])

    values, _, quality, bad = decoder.decode([[[pattern >> 16, pattern & 0xFFFF]]])

    assert math.isnan(values[0, 0])
    assert quality.tolist() == [BAD]
    assert bad.all()


def test_invalid_markers_and_ranges_are_per_register() -> None:
    profile = profile_of(
        register_of("int16", code="A", invalid=(0x8000, 0x7FFF)),
        register_of("int16", code="B", address=1, invalid=(-1,)),
        register_of("int16", code="C", address=2, minimum=-5, maximum=5),
    )

    values, _, quality, _ = Decoder(profile, [Block(3, 0, 3)]).decode(
        [[[0x8000, 0xFFFF, 6]], [[0x7FFF, 0x8000, 0xFFFB]], [[0xFFFF, 0, 5]]]
    )

    np.testing.assert_equal(values, [[np.nan, np.nan, np.nan], [np.nan, -32768, -5], [-1, 0, 5]])
    assert quality.tolist() == [BAD, PARTIAL, GOOD]


def test_nothing_to_decode_keeps_the_shapes() -> None:
    profile = profile_of(register_of("uint16"), register_of("uint32", code="C", is_counter=True))

    values, counters, quality, bad = Decoder(profile, [Block(3, 0, 2)]).decode([])

    assert (values.shape, counters.shape, quality.shape, bad.shape) == (
        (0, 1),
        (0, 1),
        (0,),
        (0, 2),
    )
    _, _, quality, _ = Decoder(profile, []).decode([[]])
    assert quality.tolist() == [BAD]


def test_a_meter_saturates_and_never_shows_its_marker_for_a_value() -> None:
    register = register_of("uint16", scale=0.1, invalid=(0xFFFF,))

    assert encode(register, 1e9) == [0xFFFE]
    assert encode(register, -3) == [0]
    assert encode(register, math.nan) == [0xFFFF]
    assert encode(register_of("int16"), -40000) == [0x8000]
    assert encode(register_of("float32"), math.nan) == [0x7FC0, 0]
    with pytest.raises(EncodeError):
        encode(register_of("uint16"), math.nan)


def test_words_that_came_are_numbers_for_whoever_asks() -> None:
    words = Registers(b"\x00\x05\xff\xff\x01\x00")

    assert (list(words), len(words), words[1], words[1:]) == (
        [5, 65535, 256],
        3,
        65535,
        [65535, 256],
    )
    assert words == [5, 65535, 256]
    assert words != [5]


def test_blocks_that_only_together_have_the_right_length_are_not_taken() -> None:
    profile = profile_of(
        register_of("uint16", code="A"), register_of("uint16", code="B", address=50)
    )
    decoder = Decoder(profile, [Block(3, 0, 2), Block(3, 50, 1)])

    *_, quality, _bad = decoder.decode(as_they_come([[[1], [2, 3]]]))

    assert quality.tolist() == [BAD]
