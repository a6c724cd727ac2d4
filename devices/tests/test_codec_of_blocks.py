"""Blocks give back bit for bit what went in: noise, constants, NaN, single rows, any times."""

import math
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.history.codec import BadBlock, Block, Rows, joined
from devices.history.encoder import encode

T_US = 1_795_233_600_000_000
BITS_4 = st.integers(0, 2**32 - 1)
BITS_8 = st.integers(0, 2**64 - 1)


def column(kind: str, count: int, random: np.random.Generator) -> np.ndarray:
    """A column as meters show them, and as nobody hopes."""
    steps = random.integers(-5, 6, count).cumsum()
    made = {
        "decimal": (2300 + steps) / 10,
        "ratio": (2300 + steps) * 0.04,
        "constant": np.full(count, 49.98),
        "noise": random.normal(0, 1e3, count),
        "seldom": np.where(np.arange(count) % 7 == 0, 21.5, np.nan),
        "nothing": np.full(count, np.nan),
        "extreme": random.choice(
            [0.0, -0.0, math.inf, -math.inf, 1e-45, 3e38, 1e300, 5e-324], count
        ),
        "counter": 98_765_432.11 + np.abs(steps).cumsum() * 0.01,
        "scaled": (123_456 + np.abs(steps).cumsum()) * 0.01 * 40,
        "float": (1234.567 + np.abs(steps).cumsum() / 10).astype(np.float32).astype(np.float64),
        "flag": random.integers(0, 2, count).astype(float),
    }
    return made[kind]


KINDS = [
    *("decimal", "ratio", "constant", "noise", "seldom", "nothing", "extreme"),
    *("counter", "scaled", "float", "flag"),
]


@st.composite
def samples(draw: st.DrawFn, shape: tuple[int, int] | None = None) -> Rows:
    count = draw(st.integers(1, 90))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    values, counters = shape or (draw(st.integers(0, 6)), draw(st.integers(0, 4)))
    kinds = st.sampled_from(KINDS)
    with np.errstate(over="ignore"):
        singles = [column(draw(kinds), count, random) for _ in range(values)]
        value = np.array(singles).reshape(values, count).T.astype(np.float32)
    counter = np.array([column(draw(kinds), count, random) for _ in range(counters)])
    jitter = draw(st.sampled_from([0, 1000, 999_999, 3_000_000]))
    at_us = T_US + np.sort(random.choice(60_000_000, count, replace=False)) * (jitter or 60)
    marks = st.one_of(st.none(), st.binary(max_size=4))
    return Rows(
        at_us=at_us.astype(np.int64),
        values=value.copy(),
        counters=counter.reshape(counters, count).T.astype(np.float64).copy(),
        quality=random.integers(0, 4, count).astype(np.uint8),
        flags=draw(st.lists(marks, min_size=count, max_size=count)),
    )


def assert_same(found: Rows, given_: Rows) -> None:
    assert found.at_us.tolist() == given_.at_us.tolist()
    assert found.values.tobytes() == np.ascontiguousarray(given_.values).tobytes()
    assert found.counters.tobytes() == np.ascontiguousarray(given_.counters).tobytes()
    assert found.quality.tolist() == given_.quality.tolist()
    assert found.flags == given_.flags


@settings(max_examples=150, deadline=None)
@given(samples())
def test_a_block_gives_back_what_went_in(rows: Rows) -> None:
    (data,) = encode(rows, np.array([0]))

    assert_same(Block(data).whole(), rows)


@settings(max_examples=60, deadline=None)
@given(st.lists(samples(shape=(3, 2)), min_size=1, max_size=5))
def test_blocks_encoded_together_do_not_touch_each_other(parts: list[Rows]) -> None:
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])

    blocks = encode(joined(parts), starts)

    for data, part in zip(blocks, parts, strict=True):
        assert_same(Block(data).whole(), part)
        assert encode(part, np.array([0])) == [data]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(BITS_4, BITS_8), min_size=1, max_size=40))
def test_any_bits_come_back_also_those_of_a_nan(bits: list[tuple[int, int]]) -> None:
    count = len(bits)
    rows = Rows(
        at_us=T_US + np.arange(count) * 60_000_000,
        values=np.array([four for four, _eight in bits], np.uint32).view(np.float32)[:, None],
        counters=np.array([eight for _four, eight in bits], np.uint64).view(np.float64)[:, None],
        quality=np.zeros(count, np.uint8),
        flags=[None] * count,
    )

    (data,) = encode(rows, np.array([0]))

    assert_same(Block(data).whole(), rows)


def test_one_column_is_read_without_the_others() -> None:
    count = 60
    rows = Rows(
        at_us=T_US + np.arange(count) * 60_000_000,
        values=np.stack([np.arange(count) / 10, np.full(count, 5.0)], 1).astype(np.float32),
        counters=np.arange(count)[:, None] * 0.01,
        quality=np.zeros(count, np.uint8),
        flags=[None] * count,
    )

    (data,) = encode(rows, np.array([0]))

    block = Block(data)
    assert block.value(0).tolist() == rows.values[:, 0].tolist()
    assert block.counter(0).tolist() == rows.counters[:, 0].tolist()
    # 60 rows of what hardly changes: next to nothing.
    assert len(data) < 120


@pytest.mark.parametrize("data", [b"", b"nonsense", zlib.compress(b"")])
def test_foreign_bytes_are_told(data: bytes) -> None:
    with pytest.raises(BadBlock):
        Block(data)


def test_a_version_of_the_future_is_told() -> None:
    with pytest.raises(BadBlock, match="version 2"):
        Block(zlib.compress(bytes(8)), 2)
