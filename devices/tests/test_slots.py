"""Slots say of their samples what the samples say, packed or not, joined in one step or in several."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.history.codec import BadBlock, Rows
from devices.history.encoder import Columns
from devices.history.packing import Opened, decimals_of, packed
from devices.history.slots import (
    QUARTER_US,
    QUARTERS,
    SLOT,
    Slots,
    joined,
    of_samples,
    quarters,
    table_of,
)
from devices.tests.test_codec_of_blocks import column

HOUR_US = 1_795_233_600_000_000
VALUES = ["decimal", "constant", "noise", "seldom", "nothing", "flag", "ratio"]
COUNTERS = ["counter", "scaled", "float", "noise", "nothing"]
# Of values only what a chart of values needs is kept.
OF_VALUES = ("start", "count", "low", "low_at", "high", "high_at", "last", "last_at", "first_at")


def brute(at_us: np.ndarray, value: np.ndarray) -> list[tuple[float, ...]]:
    """Quarters sample by sample, in the order of SLOT without `total`."""
    found: dict[int, dict[str, float]] = {}
    for at, number in zip(at_us.tolist(), value.tolist(), strict=True):
        if number != number:
            continue
        start = at // QUARTER_US * QUARTER_US
        slot = found.setdefault(
            start,
            {
                "start": start, "count": 0, "low_at": at, "high_at": at, "first_at": at,
                "last_at": at, "total": 0.0, "low": number, "high": number, "first": number,
                "last": number, "down": 0.0, "drops": 0,
            },
        )  # fmt: skip
        if slot["count"] and number < slot["last"]:
            slot["down"] += slot["last"] - number
            slot["drops"] += 1
        if number < slot["low"]:
            slot["low"], slot["low_at"] = number, at
        if number > slot["high"]:
            slot["high"], slot["high_at"] = number, at
        slot["last"], slot["last_at"] = number, at
        slot["count"] += 1
        slot["total"] += number
    return [tuple(slot[name] for name in SLOT.names or ()) for slot in found.values()]


def assert_same(found: Slots, wanted: Slots, names: tuple[str, ...], step: float = 1e-9) -> None:
    assert len(found) == len(wanted)
    for name in names:
        if name.endswith("_at") or name in {"start", "count", "drops"}:
            assert found[name].tolist() == wanted[name].tolist(), name
        else:
            assert found[name] == pytest.approx(wanted[name], rel=1e-12, abs=step), name
    mean = found["total"] / found["count"]
    assert mean == pytest.approx(wanted["total"] / wanted["count"], rel=1e-6, abs=0.06)


def rows_of(seed: int, count: int) -> Rows:
    random = np.random.default_rng(seed)
    at = HOUR_US + np.sort(random.choice(3_600_000, count, replace=False)) * 1000
    return Rows(
        at,
        np.stack([column(kind, count, random) for kind in VALUES], 1).astype(np.float32),
        np.stack([column(kind, count, random) for kind in COUNTERS], 1).astype(np.float64),
        np.zeros(count, np.uint8),
        [None] * count,
    )


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), counts=st.lists(st.integers(1, 90), min_size=1, max_size=4))
def test_quarters_say_what_the_samples_say(seed: int, counts: list[int]) -> None:
    parts = [rows_of(seed + place, count) for place, count in enumerate(counts)]
    rows = Rows(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("at_us", "values", "counters", "quality")
        ),
        [None] * sum(counts),
    )
    starts = np.cumsum([0, *counts[:-1]])
    columns = Columns(rows, starts)
    data = packed(
        table_of(rows, starts, HOUR_US),
        decimals_of(columns.kinds, len(VALUES)),
        len(VALUES),
        np.split(rows.at_us - HOUR_US, starts[1:]),
    )
    shape = QUARTERS, len(VALUES), len(COUNTERS)
    opened = Opened(data, np.full(len(counts), HOUR_US), shape, 1)

    for place in range(len(VALUES) + len(COUNTERS)):
        is_value = place < len(VALUES)
        wanted = []
        for part in parts:
            value = part.values[:, place] if is_value else part.counters[:, place - len(VALUES)]
            samples = of_samples(part.at_us, value.astype(np.float64))
            exact = np.array(brute(part.at_us, value.astype(np.float64)), SLOT)
            names = tuple(name for name in SLOT.names or () if name != "total")
            assert_same(quarters(samples), exact, names)
            wanted.append(exact)
        found = opened.point(place, QUARTER_US)
        names = OF_VALUES if is_value else (*OF_VALUES, "first", "down", "drops")
        assert_same(found, np.concatenate(wanted), names, step=1e-6)


@given(
    values=st.lists(st.integers(-5, 5), min_size=1, max_size=40),
    wide=st.integers(1, 9),
    more=st.integers(1, 5),
)
def test_joining_in_steps_is_joining_at_once(values: list[int], wide: int, more: int) -> None:
    at = HOUR_US + np.arange(len(values)) * QUARTER_US // 3
    samples = of_samples(at, np.array(values, np.float64))

    def by(slots: Slots, width: int) -> Slots:
        step = width * QUARTER_US
        return joined(slots, (slots["start"] - HOUR_US) // step * step + HOUR_US)

    assert by(by(samples, wide), wide * more).tolist() == by(samples, wide * more).tolist()


def test_a_counter_that_fell_between_two_slots_is_told() -> None:
    at = HOUR_US + np.array([0, 1, 2]) * QUARTER_US
    slots = of_samples(at, np.array([10.0, 4.0, 5.0]))

    (whole,) = joined(slots, np.zeros(3, np.int64))

    assert (whole["down"], whole["drops"]) == (6.0, 1)
    assert whole["last"] - whole["first"] + whole["down"] == 1.0


def test_bytes_of_somebody_else_are_refused() -> None:
    with pytest.raises(BadBlock):
        Opened([b"nonsense"], np.zeros(1, np.int64), (QUARTERS, 1, 1), 1)
    with pytest.raises(BadBlock):
        Opened([], np.zeros(0, np.int64), (QUARTERS, 1, 1), 2)
