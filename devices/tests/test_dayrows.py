"""A folded day says what its quarters said: all to the bit but the mean and parts of a second."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.history import bits, dayrows, daywriting
from devices.history.codec import BadBlock
from devices.history.packing import BITS
from devices.history.slots import QUARTER_US, SLOT, Slots, of_samples, quarters

DAY_US = 1_795_219_200_000_000
KINDS = ("decimal", "twin", "steps", "noise", "nothing", "seldom", "counter", "fallen", "doubles")
DECIMALS = (1, 1, 2, BITS, 0, 1, 2, 2, BITS)
VALUES = 6


def column(kind: str, count: int, random: np.random.Generator) -> np.ndarray:
    walk = np.cumsum(random.integers(-9, 10, count))
    energy = np.cumsum(random.integers(0, 50, count))
    return {
        "decimal": (2300 + walk) / 10,
        "steps": 12 * walk / 100,
        "noise": random.normal(0, 1e30, count),
        "nothing": np.full(count, np.nan),
        "seldom": np.where(random.random(count) < 0.9, np.nan, walk / 10),
        "counter": np.round(1e9 + energy / 100, 2),
        "fallen": np.round(energy % 900 / 100, 2),
        "doubles": random.normal(0, 1e200, count),
    }[kind]


def day_of(seed: int, count: int) -> Slots:
    """Slots × points of a device with so many samples."""
    random = np.random.default_rng(seed)
    at = DAY_US + np.sort(random.integers(0, 86_400_000, count)) * 1000
    found = np.zeros((dayrows.SLOTS, len(KINDS)), SLOT)
    shared = np.random.default_rng(seed + 1)
    for place, kind in enumerate(KINDS):
        if kind == "twin":
            value = 2 * column("decimal", count, np.random.default_rng(seed + 1))
        else:
            value = column(kind, count, shared)
        if place < VALUES:
            value = value.astype(np.float32).astype(np.float64)
        slots = quarters(of_samples(at, value))
        found[(slots["start"] - DAY_US) // QUARTER_US, place] = slots
    return found


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 2**32), counts=st.lists(st.integers(0, 900), min_size=1, max_size=2))
def test_a_folded_day_says_what_its_quarters_said(seed: int, counts: list[int]) -> None:
    slots = np.stack([day_of(seed + place, count) for place, count in enumerate(counts)])
    decimals = np.tile(np.array(DECIMALS, np.uint8), (len(counts), 1))

    rows = daywriting.packed(slots, decimals, VALUES, DAY_US)

    for device, data in enumerate(rows):
        opened = dayrows.DayRow(data, (VALUES, len(KINDS) - VALUES), DAY_US, dayrows.VERSION)
        for place in range(len(KINDS)):
            wanted = slots[device, :, place]
            wanted = wanted[wanted["count"] > 0]
            found = opened.point(place)
            assert len(found) == len(wanted)
            for name in ("start", "count", "low", "high", "last", "drops"):
                if name != "drops" or place >= VALUES:
                    assert found[name].tolist() == wanted[name].tolist(), (KINDS[place], name)
            for name in ("low_at", "high_at", "first_at", "last_at"):
                assert (wanted[name] - found[name] < 1_000_000).all()
                assert (found[name] <= wanted[name]).all()
            if place >= VALUES:
                assert found["first"].tolist() == wanted["first"].tolist()
                assert found["down"] == pytest.approx(wanted["down"], rel=1e-9, abs=1e-6)
            mean = wanted["total"] / wanted["count"]
            assert found["total"] / found["count"] == pytest.approx(mean, rel=1e-6, abs=0.11)


def test_what_hangs_together_takes_less_room() -> None:
    """Apparent power that follows the current costs a fraction of what it costs alone."""
    random = np.random.default_rng(7)
    at = DAY_US + np.arange(1440) * 60_000_000
    amps = np.round(100 + np.cumsum(random.normal(0, 1, 1440)), 2)
    kva = np.round(amps * 0.4, 2)

    def size(columns: list[np.ndarray]) -> int:
        found = np.zeros((1, dayrows.SLOTS, len(columns)), SLOT)
        for place, value in enumerate(columns):
            found[0, :, place] = quarters(of_samples(at, value))
        decimals = np.full((1, len(columns)), 2, np.uint8)
        return len(daywriting.packed(found, decimals, len(columns), DAY_US)[0])

    assert size([amps, kva]) - size([amps]) < 0.4 * size([kva])


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=50), st.integers(0, 63))
@settings(max_examples=30)
def test_numbers_come_back_from_their_bits(numbers: list[int], width: int) -> None:
    given_ = np.array(numbers, np.int64)
    # Far too narrow a width would write a number as millions of zeros.
    sizes = np.maximum(width, [max(0, n.bit_length() - 9) + 2 for n in numbers]).clip(0, 63)
    packed = bits.written(bits.zigzag(given_), sizes)

    found, used = bits.read(np.frombuffer(packed, np.uint8), sizes)

    assert bits.unzigzag(found).tolist() == numbers
    assert used == len(packed)


def test_bytes_of_somebody_else_are_refused() -> None:
    for data in (b"", b"nonsense" * 9):
        with pytest.raises(BadBlock):
            dayrows.DayRow(data, (1, 0), DAY_US, dayrows.VERSION)
    with pytest.raises(BadBlock):
        dayrows.DayRow(b"", (1, 0), DAY_US, 2)
