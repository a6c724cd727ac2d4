"""Small whole numbers as bits: what is common takes few of them, what is rare takes more.

Golomb-Rice: of a number the lowest `width` bits as they are, the rest as so many zeros and a one.
Numbers are unsigned; `zigzag` makes them of signed ones. Sums and differences wrap at 64 bits.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.history.codec import Ints

Unsigned = NDArray[np.uint64]
# The width of a run of nothing but zeros: it takes no bits at all.
NOTHING = 255
_MOST = 63


def zigzag(number: Ints) -> Unsigned:
    """Small numbers of either sign as small unsigned ones."""
    return ((number << 1) ^ (number >> 63)).view(np.uint64)


def unzigzag(number: Unsigned) -> Ints:
    """What zigzag was given."""
    one = np.uint64(1)
    return ((number >> one) ^ (~(number & one) + one)).view(np.int64)


def widths(runs: Unsigned) -> tuple[NDArray[np.uint8], Ints]:
    """Of runs of numbers (the last axis) the best width, and the bits that each run takes."""
    size = runs.shape[-1]
    if not size:
        return np.full(runs.shape[:-1], NOTHING, np.uint8), np.zeros(runs.shape[:-1], np.int64)
    with np.errstate(divide="ignore"):
        guess = np.log2(runs.mean(axis=-1, dtype=np.float64))
    guess = np.clip(np.nan_to_num(guess, neginf=0.0), 0, _MOST).astype(np.int64)
    best = np.zeros(guess.shape, np.uint8)
    costs = np.full(guess.shape, np.iinfo(np.int64).max)
    for off in (-1, 0, 1, 2):
        width = np.clip(guess + off, 0, _MOST)
        high = (runs >> width[..., None].astype(np.uint64)).sum(axis=-1, dtype=np.float64)
        cost = np.minimum(high + (1 + width) * size, 2.0**62).astype(np.int64)
        best = np.where(cost < costs, width, best).astype(np.uint8)
        costs = np.minimum(cost, costs)
    is_some = runs.any(axis=-1)
    return np.where(is_some, best, np.uint8(NOTHING)), np.where(is_some, costs, 0)


def written(numbers: Unsigned, width: NDArray[Any]) -> bytes:
    """Numbers with the width of each: all low bits plane by plane, then the unary rest."""
    width = width.astype(np.int64)
    planes = [
        ((numbers[width > plane] >> np.uint64(plane)) & np.uint64(1)).astype(np.uint8)
        for plane in range(int(width.max(initial=0)))
    ]
    low = np.packbits(np.concatenate(planes)) if planes else np.empty(0, np.uint8)
    ones = np.cumsum((numbers >> width.astype(np.uint64)).astype(np.int64) + 1) - 1
    unary = np.zeros(int(ones[-1]) + 1 if len(ones) else 0, np.uint8)
    unary[ones] = 1
    return low.tobytes() + np.packbits(unary).tobytes()


def read(data: NDArray[np.uint8], width: NDArray[Any]) -> tuple[Unsigned, int]:
    """Numbers of these widths, and how many bytes they took; ValueError when the bytes end before."""
    width = width.astype(np.int64)
    total = int(width.sum())
    begin = -(-total // 8)
    low = np.unpackbits(data[:begin], count=total)
    numbers = np.zeros(len(width), np.uint64)
    at = 0
    for plane in range(int(width.max(initial=0))):
        which = np.flatnonzero(width > plane)
        numbers[which] |= low[at : at + len(which)].astype(np.uint64) << np.uint64(plane)
        at += len(which)
    if not len(width):
        return numbers, begin
    ones = np.flatnonzero(np.unpackbits(data[begin:]))[: len(width)]
    if len(ones) < len(width):
        raise ValueError("the bits end too soon")
    high = np.diff(ones, prepend=-1) - 1
    numbers |= high.astype(np.uint64) << width.astype(np.uint64)
    return numbers, begin + int(ones[-1]) // 8 + 1
