"""Writing a day's quarters: which values tell of which, and what is left to say of each (history.dayrows)."""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.history import bits
from devices.history.codec import Floats, Ints, Marks
from devices.history.dayrows import (
    ABSENT,
    HEAD,
    MILLI_US,
    NONE,
    REFERENCES,
    SECOND_US,
    SLOTS,
    Bytes,
    before,
    lengths_of,
    scale_of,
    weighted,
)
from devices.history.packing import BITS
from devices.history.slots import QUARTER_US, Slots

# A reference and its factor take so many bits.
_REFERENCE_BITS = 24
# Numbers from here on go by their bits; far from where sums of doubles are rounded.
_LARGE = 2.0**44
_MOST_FACTOR = 60_000.0
_EDGE_S = 20
_PLACES = ("low", "high", "first", "last")
_ZLIB_LEVEL = 9


def packed(slots: Slots, decimals: Bytes, values: int, day_us: int) -> list[bytes]:
    """The bytes of each device; slots are devices × SLOTS × points, decimals devices × points.

    `values`: how many of the points are values, which come first; `day_us`: the beginning of the day.
    """
    columns = _Columns.of(slots, decimals, values)
    references, factors, runs = _told_by_others(columns)
    moments = [_Moments.of(slots[device], day_us) for device in range(len(slots))]
    return [
        _written(columns, device, moments[device], (references[device], factors[device]), runs)
        for device in range(len(slots))
    ]


@dataclass(slots=True)
class _Columns:
    """Whole numbers of many devices: numbers by name as devices × points × slots.

    `step`: what a number is a multiple of; `base`: the first mean; `there`: which slots have samples.
    """

    count: Ints
    there: Marks
    decimals: Bytes
    step: Ints
    base: Ints
    usual: Ints
    values: int
    off: Ints
    counted: Ints
    flat: Marks

    @classmethod
    def of(cls, slots: Slots, decimals: Bytes, values: int) -> "_Columns":
        """`off`: devices × values × 4 × slots; `counted`: devices × counters × 7 × slots."""
        slots = slots.transpose(0, 2, 1)
        there = slots["count"] > 0
        decimals = np.where(there.any(axis=2), decimals, ABSENT).astype(np.uint8)
        is_value = np.arange(decimals.shape[1]) < values
        with np.errstate(invalid="ignore"):
            most = np.where(there, np.maximum(np.abs(slots["low"]), np.abs(slots["high"])), 0.0)
            is_large = ~(most.max(axis=2, initial=0) * scale_of(decimals) < _LARGE)
        decimals[is_large & (decimals != ABSENT)] = BITS
        total = np.where(there, slots["total"] / np.maximum(slots["count"], 1), 0.0)
        number = {
            name: _whole(np.where(there, slots[name], 0.0), decimals, is_value)
            for name in ("low", "high", "last", "first", "down")
        }
        number["first"][:, is_value] = number["down"][:, is_value] = 0
        step = np.gcd.reduce(np.concatenate(list(number.values()), axis=2), axis=2)
        step = np.where((decimals == BITS) | (step == 0), 1, np.abs(step))
        number = {name: whole // step[..., None] for name, whole in number.items()}
        is_bits = (decimals == BITS)[..., None]
        mean = np.rint((scale_of(decimals) / step)[..., None] * np.where(is_bits, 0.0, total))
        bare = _whole(total, np.where(decimals == BITS, BITS, 0), is_value)
        number["mean"] = np.where(is_bits, bare, mean.astype(np.int64))
        return cls._told(number, slots, there, decimals, step, values)

    @classmethod
    def _told(  # noqa: PLR0913
        cls,
        number: dict[str, Ints],
        slots: Slots,
        there: Marks,
        decimals: Bytes,
        step: Ints,
        values: int,
    ) -> "_Columns":
        """A slot without a sample repeats the mean before it: that takes the least room."""
        place = np.maximum.accumulate(np.where(there, np.arange(there.shape[2]), -1), axis=2)
        place = np.where(place < 0, there.argmax(axis=2)[..., None], place)
        mean = np.take_along_axis(number["mean"], place, axis=2)
        low, high, last, first = (
            np.where(there, number[name], mean) for name in ("low", "high", "last", "first")
        )
        rise = np.diff(mean, axis=2, prepend=mean[..., :1])
        usual = np.stack((mean - low, high - mean), axis=2)
        usual = np.where(decimals[..., None] == BITS, 0, np.median(usual, axis=3)).astype(np.int64)
        off = np.stack(
            (
                rise - before(last - mean),
                mean - low - usual[..., :1],
                high - mean - usual[..., 1:],
                last - mean,
            ),
            axis=2,
        )
        half = rise >> 1
        counted = np.stack(
            (
                np.diff(rise, axis=2, prepend=0),
                mean - low - half,
                high - mean - half,
                last - high,
                first - low,
                np.where(there, number["down"], 0),
                np.where(there, slots["drops"], 0),
            ),
            axis=2,
        )
        return cls(
            count=slots["count"],
            there=there,
            decimals=decimals,
            step=step,
            base=mean[..., 0],
            usual=usual[:, :values],
            values=values,
            off=off[:, :values],
            counted=counted[:, values:],
            flat=low == high,
        )


def _told_by_others(columns: _Columns) -> tuple[NDArray[Any], NDArray[Any], Ints]:
    """For each device and value: positions of up to four values before it, their factors, misses."""
    off, decimals = columns.off, columns.decimals[:, : columns.values]
    devices, values = off.shape[:2]
    references = np.full((devices, values, REFERENCES), NONE, np.uint16)
    factors = np.zeros((devices, values, REFERENCES), np.float16)
    misses = off.copy()
    is_whole = decimals < ABSENT
    vectors = np.where(is_whole[..., None, None], off, 0).reshape(devices, values, -1)
    vectors = vectors.astype(np.float64)
    products = vectors @ vectors.transpose(0, 2, 1)
    every = np.arange(devices)
    for point in range(1, values):
        bits_of = bits.widths(bits.zigzag(off[:, point]))[1].sum(axis=1)
        chosen = np.empty((devices, 0), np.int64)
        factor = np.empty((devices, 0))
        for number in range(min(REFERENCES, point)):
            chosen, factor = _one_more(products, point, chosen, factor)
            narrow = factor.astype(np.float16)
            is_fine = is_whole[:, point] & (np.abs(factor) < _MOST_FACTOR).all(axis=1)
            if not is_fine.any():
                break
            told = weighted(
                [narrow[:, place, None, None] for place in range(number + 1)],
                [off[every, chosen[:, place]] for place in range(number + 1)],
            )
            left = off[:, point] - told
            cost = bits.widths(bits.zigzag(left))[1].sum(axis=1) + (number + 1) * _REFERENCE_BITS
            better = np.flatnonzero(is_fine & (cost < bits_of))
            bits_of[better] = cost[better]
            misses[better, point] = left[better]
            references[better, point, : number + 1] = chosen[better]
            factors[better, point, : number + 1] = narrow[better]
    return references, factors, misses


def _one_more(products: Floats, point: int, chosen: Ints, factor: Floats) -> tuple[Ints, Floats]:
    """Add the value that tells most of what is left of a point; the factors of all of them."""
    every = np.arange(len(products))
    left = products[:, point, :point].copy()
    for place in range(chosen.shape[1]):
        left -= factor[:, place, None] * products[every, chosen[:, place], :point]
    own = np.diagonal(products, axis1=1, axis2=2)[:, :point]
    gain = left**2 / np.maximum(own, 1e-9)
    for place in range(chosen.shape[1]):
        gain[every, chosen[:, place]] = -1.0
    chosen = np.concatenate((chosen, gain.argmax(axis=1)[:, None]), axis=1)
    square = products[every[:, None, None], chosen[:, :, None], chosen[:, None, :]]
    # Two that say the same must not make it unsolvable.
    square = square + np.eye(chosen.shape[1]) * (1e-6 + 1e-6 * square)
    wanted = products[every[:, None], point, chosen]
    return chosen, np.linalg.solve(square, wanted[..., None])[..., 0]


@dataclass(slots=True)
class _Moments:
    """When a device was sampled: times of rows in units since the day began, rows of each slot.

    `rows`: by name, points × slots, the row within the slot.
    """

    unit_us: int
    usual: int
    steps: Ints
    sizes: Ints
    rows: dict[str, Ints]

    @classmethod
    def of(cls, slots: Slots, day_us: int) -> "_Moments":
        """Slots are SLOTS × points."""
        there = slots["count"] > 0
        at = {name: slots[f"{name}_at"] - day_us for name in _PLACES}
        known = np.unique(np.concatenate([at[name][there] for name in _PLACES]))
        apart = np.median(np.diff(known)) if len(known) > 1 else _EDGE_S * SECOND_US
        unit = SECOND_US if apart >= _EDGE_S * SECOND_US else MILLI_US
        known = np.unique(known // unit)
        sizes = np.bincount(known * unit // QUARTER_US, minlength=SLOTS)
        before = (np.cumsum(sizes) - sizes)[:, None]
        rows = {
            name: np.where(there, np.searchsorted(known, at[name] // unit) - before, 0).T
            for name in _PLACES
        }
        steps = np.diff(known, prepend=0)
        usual = max(1, int(np.median(steps))) if len(steps) else 1
        times = np.rint(steps / usual).astype(np.int64)
        return cls(unit, usual, np.stack((times - 1, steps - times * usual)), sizes, rows)


def _written(
    columns: _Columns,
    device: int,
    moments: _Moments,
    told: tuple[NDArray[Any], NDArray[Any]],
    misses: Ints,
) -> bytes:
    references, factors = told
    there, count = columns.there[device], columns.count[device]
    most = count.max(axis=0, initial=0)
    lacking = np.where(columns.decimals[device][:, None] == ABSENT, 0, most - count)
    last = np.where(there, moments.sizes - 1 - moments.rows["last"], 0)
    runs = bits.zigzag(
        np.concatenate(
            (
                np.diff(most, prepend=0)[None],
                np.diff(moments.sizes, prepend=0)[None],
                lacking,
                moments.rows["first"],
                last,
                misses[device].reshape(-1, SLOTS),
                columns.counted[device].reshape(-1, SLOTS),
            )
        )
    )
    width, _bits = bits.widths(runs)
    steps = bits.zigzag(moments.steps)
    width = np.concatenate((width, bits.widths(steps)[0]))
    wide = np.repeat(width, lengths_of(len(runs), steps.shape[1]))
    numbers = np.concatenate((runs.ravel(), steps.ravel()))[wide != bits.NOTHING]
    places = np.stack((moments.rows["low"], moments.rows["high"]), axis=1).reshape(-1, SLOTS)
    needed = np.repeat(there & ~columns.flat[device], 2, axis=0)
    same_as, masks, odd = _places(places, needed)
    odd_width = int(max(1, moments.sizes.max(initial=0)) - 1).bit_length()
    facts = [
        columns.decimals[device].tobytes(),
        _planes(columns.step[device].astype("<u8")),
        _planes(columns.base[device].astype("<i8")),
        _planes(columns.usual[device].astype("<i8").ravel()),
        _planes(references.astype("<u2").ravel()),
        _planes(factors[references != NONE].astype("<f2")),
        _planes(same_as.astype("<u2")),
        width.astype(np.uint8).tobytes(),
    ]
    head = zlib.compress(b"".join(facts), _ZLIB_LEVEL)
    unit = int(moments.unit_us == MILLI_US)
    return b"".join(
        (
            HEAD.pack(len(head), unit, moments.usual, steps.shape[1]),
            head,
            bits.written(numbers, wide[wide != bits.NOTHING]),
            np.packbits(masks).tobytes(),
            np.packbits((odd[:, None] >> np.arange(odd_width)) & 1).tobytes(),
        )
    )


def _places(places: Ints, needed: Marks) -> tuple[Ints, Marks, Ints]:
    """Each run of places as that of an earlier one where they agree often; what does not is told.

    Runs × slots. Positions of the earlier runs, which of the needed places agree, the others.
    """
    same_as = np.full(len(places), NONE, np.int64)
    agrees = np.zeros(needed.shape, np.bool_)
    # Worth it once the marks take less room than what they spare.
    worth = needed.sum(axis=1) / 3
    for run in range(1, len(places)):
        same = (places[:run] == places[run]) & needed[run]
        often = same.sum(axis=1)
        best = int(often.argmax())
        if often[best] > worth[run]:
            same_as[run], agrees[run] = best, same[best]
    marked = needed & (same_as != NONE)[:, None]
    return same_as, agrees[marked], places[needed & ~agrees]


def _whole(number: Floats, decimals: NDArray[Any], is_value: Marks) -> Ints:
    """Whole numbers, or bits in the order of the numbers that they stand for."""
    with np.errstate(invalid="ignore", over="ignore"):
        narrow = number.astype(np.float32).view(np.int32).astype(np.int64)
        scaled = np.rint(number * scale_of(decimals)[..., None])
    narrow = np.where(narrow < 0, narrow ^ 0x7FFFFFFF, narrow)
    wide = np.ascontiguousarray(number).view(np.int64)
    wide = np.where(wide < 0, wide ^ np.iinfo(np.int64).max, wide)
    as_bits = np.where(is_value[:, None], narrow, wide)
    is_bits = (decimals == BITS)[..., None]
    # Places that nothing was in may hold anything.
    scaled = np.where(is_bits | ~np.isfinite(scaled), 0.0, scaled)
    return np.where(is_bits, as_bits, scaled.astype(np.int64))


def _planes(numbers: NDArray[Any]) -> bytes:
    return np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, numbers.itemsize).T.tobytes()
