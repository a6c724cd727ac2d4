"""Where a value of a point can lie at all, from what is known of its place."""

from dataclasses import dataclass
from math import sqrt

SQRT3 = sqrt(3.0)
PHASES = ("a", "b", "c")

Range = tuple[float, float]

# Points whose range does not depend on the place.
_FIXED: dict[str, Range] = {"F": (45.0, 55.0), "RSSI": (-120.0, 0.0)}
_BY_UNIT: dict[str, Range] = {
    "%": (0.0, 150.0),
    "°C": (-40.0, 150.0),
    "mA": (0.0, 30_000.0),
    "deg": (-180.0, 360.0),
    "0/1": (0.0, 1.0),
    "kWh": (0.0, 1e9),
    "kvarh": (0.0, 1e9),
    "kVAh": (0.0, 1e9),
}
_LINE_VOLTAGES = ("Uab", "Ubc", "Uca", "Ull_avg")
_VOLTAGE_SHARE = (0.8, 1.2)
# Without a rated current: what the largest transformer of a low-voltage room can give.
_LARGEST_A = 6300.0
_OVERLOAD = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is known of a measuring position.

    phase_nominal_v: nominal voltage of a phase against neutral. rated_current_a: of the circuit.
    ct, pt: ratios by which the platform multiplies. is_secondary: whether it does; else the meter
    has its ratios inside. clamp_a: the largest phase current as somebody measured it beside.
    """

    phase_nominal_v: float
    rated_current_a: float | None = None
    ct: float = 1.0
    pt: float = 1.0
    is_secondary: bool = False
    clamp_a: float | None = None

    @property
    def most_a(self) -> float:
        """No current of this place is larger."""
        return _OVERLOAD * self.rated_current_a if self.rated_current_a else _LARGEST_A


def plausible(code: str, unit: str, place: Place) -> Range | None:
    """The range of a point at the primary side, in its stored unit; None when nothing is known."""
    if code in _FIXED:
        return _FIXED[code]
    if code.startswith(("PF", "dPF")):
        return -1.0, 1.0
    if unit == "V" and code.startswith("U"):
        nominal = place.phase_nominal_v * (SQRT3 if code in _LINE_VOLTAGES else 1.0)
        return _VOLTAGE_SHARE[0] * nominal, _VOLTAGE_SHARE[1] * nominal
    if unit == "A":
        return 0.0, place.most_a
    if unit in ("kW", "kvar", "kVA"):
        most = 3 * _VOLTAGE_SHARE[1] * place.phase_nominal_v * place.most_a / 1000
        return (0.0 if unit == "kVA" else -most), most
    return _BY_UNIT.get(unit)
