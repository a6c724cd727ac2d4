"""Random numbers without a state: the same seed and index always give the same number."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def uniform(seed: ArrayLike, index: ArrayLike, stream: int = 0) -> Floats:
    """Numbers in [-1, 1) for each pair of seed and index, arrays broadcast.

    Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (SplitMix64).
    """
    seeds = np.asarray(seed, dtype=np.int64).astype(np.uint64)
    indexes = np.asarray(index, dtype=np.int64).astype(np.uint64)
    with np.errstate(over="ignore"):
        state = _mix(seeds * _GOLDEN + np.uint64(stream + 1) * _MIX_1)
        bits = _mix(state + indexes * _GOLDEN)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0


def smooth(seed: ArrayLike, at: ArrayLike, stream: int = 0) -> Floats:
    """A curve through such numbers at whole indexes, straight in between; arrays broadcast."""
    position = np.asarray(at, dtype=np.float64)
    whole = np.floor(position)
    part = position - whole
    left = uniform(seed, whole.astype(np.int64), stream)
    right = uniform(seed, whole.astype(np.int64) + 1, stream)
    return left + (right - left) * part


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX_1
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX_2
    return bits ^ (bits >> np.uint64(31))
