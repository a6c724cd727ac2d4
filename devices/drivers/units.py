"""Units of registers and how they become the units that are stored."""

from typing import NamedTuple


class Conversion(NamedTuple):
    """stored = raw · factor + offset."""

    factor: float
    offset: float = 0.0


# Per dimension: how many base units one of each unit is.
_DIMENSIONS: tuple[dict[str, float], ...] = (
    {"V": 1, "mV": 1e-3, "kV": 1e3},
    {"A": 1, "kA": 1e3, "mA": 1e-3},
    {"W": 1, "kW": 1e3, "MW": 1e6},
    {"var": 1, "kvar": 1e3, "Mvar": 1e6},
    {"VA": 1, "kVA": 1e3, "MVA": 1e6},
    {"Wh": 1, "kWh": 1e3, "MWh": 1e6},
    {"varh": 1, "kvarh": 1e3, "Mvarh": 1e6},
    {"VAh": 1, "kVAh": 1e3, "MVAh": 1e6},
    {"Hz": 1, "mHz": 1e-3},
    {"": 1, "1": 1, "%": 0.01},
    {"0/1": 1},
    {"dBm": 1},
    {"s": 1, "ms": 1e-3, "min": 60, "h": 3600},
    {"bar": 1, "kPa": 0.01, "MPa": 10},
    {"rpm": 1},
)
# Those that are no plain multiples.
_SPECIAL: dict[tuple[str, str], Conversion] = {
    ("°C", "°C"): Conversion(1.0),
    ("K", "°C"): Conversion(1.0, -273.15),
    ("°F", "°C"): Conversion(5 / 9, -160 / 9),
    ("deg", "deg"): Conversion(1.0),
    ("rad", "deg"): Conversion(57.29577951308232),
}


def conversion(*, raw: str, stored: str) -> Conversion | None:
    """How a raw unit becomes the stored one; None when they measure different things."""
    if (special := _SPECIAL.get((raw, stored))) is not None:
        return special
    for units in _DIMENSIONS:
        if raw in units and stored in units:
            if units[raw] < units[stored]:
                return Conversion(1 / round(units[stored] / units[raw], 9))
            return Conversion(round(units[raw] / units[stored], 9))
    return None


def convertible_to(stored: str) -> tuple[str, ...]:
    """Every unit that can be stored as this one, for a message."""
    plain = next((tuple(units) for units in _DIMENSIONS if stored in units), ())
    return plain + tuple(raw for raw, target in _SPECIAL if target == stored)
