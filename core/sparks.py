"""Small curves as SVG paths: no axis, no numbers, a line per run of samples, perhaps a limit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 74, 24


@dataclass(frozen=True, slots=True)
class Spark:
    """A path, and the height of the limit when there is one; both in a box of width × height."""

    path: str
    limit_y: float | None
    width: int = WIDTH
    height: int = HEIGHT


def spark(
    runs: Iterable[Sequence[tuple[float, float]]],
    *,
    limit: float | None = None,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Spark | None:
    """Runs of (place from 0 to 1, value); between two runs is a gap. None without a value."""
    lines = [list(run) for run in runs if run]
    values = [value for line in lines for _place, value in line]
    if not values:
        return None
    edges = [*values, limit] if limit is not None else values
    low, high = min(edges), max(edges)
    span = (high - low) or abs(high) or 1.0
    if high == low:
        low -= span / 2

    def y(value: float) -> float:
        return round(2 + (height - 4) * (1 - (value - low) / span), 1)

    path = "".join(
        _line([(round(place * width, 1), y(value)) for place, value in line]) for line in lines
    )
    return Spark(path, None if limit is None else y(limit), width, height)


def _line(points: Sequence[tuple[float, float]]) -> str:
    """One run; a single sample becomes a short dash, else nobody would see it."""
    (x, y), *rest = points
    if not rest:
        return f"M{x:g} {y:g}h1.5"
    return f"M{x:g} {y:g}" + "".join(f"L{a:g} {b:g}" for a, b in rest)
