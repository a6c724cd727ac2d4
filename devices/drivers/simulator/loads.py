"""How industries draw power: by hour and kind of day. Our own plausible figures, not measured."""

from dataclasses import dataclass

WORKDAY, SATURDAY, SUNDAY = 0, 1, 2

Hours = tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Industry:
    """Load at each full hour as a share of the highest hour, for three kinds of day.

    peak: highest hour as a share of the circuit's rating. tan_phi: reactive to active power. ripple:
    how restless within minutes. summer and winter: share added in the hottest and coldest weeks.
    """

    workday: Hours
    saturday: Hours
    sunday: Hours
    peak: float
    tan_phi: float
    ripple: float
    thd_i: float
    summer: float
    winter: float

    def hours(self, kind: int) -> Hours:
        """The curve of a kind of day."""
        return (self.workday, self.saturday, self.sunday)[kind]


def _day(text: str) -> Hours:
    """24 figures in per cent."""
    figures = tuple(int(part) / 100 for part in text.split())
    if len(figures) != 24:
        raise ValueError(f"a day has 24 hours, not {len(figures)}")
    return figures


_OFFICE = _day("18 17 17 17 17 18 22 38 70 90 96 98 84 86 97 100 98 90 66 44 34 28 23 20")
_OFFICE_SAT = _day("17 16 16 16 16 17 19 23 30 36 38 38 36 36 37 36 34 30 26 23 21 20 18 17")
_OFFICE_SUN = _day("16 16 16 16 16 16 18 20 24 27 28 28 27 27 27 27 26 24 22 20 19 18 17 16")
_MALL = _day("16 15 15 15 15 16 18 24 38 62 84 92 95 94 92 92 94 97 100 99 96 82 42 22")
_HOTEL = _day("48 43 40 39 39 42 54 70 78 74 72 74 76 72 70 72 76 84 94 100 98 90 76 60")
_HOSPITAL = _day("46 44 43 43 44 48 58 76 92 99 100 98 88 90 97 98 94 84 74 70 66 60 54 50")
_SCHOOL = _day("16 15 15 15 16 22 44 70 90 97 99 96 80 82 95 98 92 70 66 72 70 48 24 18")
_SCHOOL_OFF = _day("14 14 14 14 14 15 18 20 22 24 24 24 24 23 23 23 22 22 22 21 20 18 16 15")
_MARKET = _day("42 46 62 84 97 100 96 90 82 74 68 64 60 56 54 56 60 64 62 56 50 46 43 42")
_TEXTILE = _day("88 87 86 86 87 88 90 94 98 100 99 97 90 94 98 99 98 96 94 95 94 93 91 89")
_TEXTILE_SUN = _day("62 60 58 57 57 58 60 64 68 70 70 68 64 66 68 68 67 66 65 66 66 65 64 63")
_CHEMICAL = _day("93 92 92 92 92 93 94 96 98 99 100 99 98 98 99 99 99 98 97 97 96 95 94 93")
_MACHINES = _day("14 13 13 13 13 15 24 62 92 98 100 94 58 80 97 99 96 78 52 44 36 26 18 15")
_MACHINES_SAT = _day("13 13 13 13 13 14 20 46 70 76 78 72 44 60 74 75 70 52 34 28 22 18 15 14")
_MACHINES_SUN = _day("12 12 12 12 12 12 13 15 17 18 18 18 17 17 18 18 17 16 15 14 14 13 13 12")
_COLD = _day("78 76 75 74 74 75 78 82 88 92 95 98 100 100 99 98 96 94 91 88 86 84 82 80")

_DATA = _day("92 91 91 90 90 91 92 94 96 98 99 100 100 100 100 100 99 98 97 96 95 94 93 92")

INDUSTRIES: dict[str, Industry] = {
    "office": Industry(
        workday=_OFFICE,
        saturday=_OFFICE_SAT,
        sunday=_OFFICE_SUN,
        peak=0.58,
        tan_phi=0.30,
        ripple=0.06,
        thd_i=12.0,
        summer=0.22,
        winter=0.10,
    ),
    "mall": Industry(
        workday=_MALL,
        saturday=_MALL,
        sunday=_MALL,
        peak=0.66,
        tan_phi=0.34,
        ripple=0.05,
        thd_i=11.0,
        summer=0.20,
        winter=0.04,
    ),
    "hotel": Industry(
        workday=_HOTEL,
        saturday=_HOTEL,
        sunday=_HOTEL,
        peak=0.60,
        tan_phi=0.32,
        ripple=0.07,
        thd_i=10.0,
        summer=0.20,
        winter=0.12,
    ),
    "hospital": Industry(
        workday=_HOSPITAL,
        saturday=_HOSPITAL,
        sunday=_HOSPITAL,
        peak=0.62,
        tan_phi=0.31,
        ripple=0.05,
        thd_i=13.0,
        summer=0.18,
        winter=0.08,
    ),
    "school": Industry(
        workday=_SCHOOL,
        saturday=_SCHOOL_OFF,
        sunday=_SCHOOL_OFF,
        peak=0.52,
        tan_phi=0.28,
        ripple=0.06,
        thd_i=12.0,
        summer=0.10,
        winter=0.08,
    ),
    "market": Industry(
        workday=_MARKET,
        saturday=_MARKET,
        sunday=_MARKET,
        peak=0.56,
        tan_phi=0.36,
        ripple=0.08,
        thd_i=9.0,
        summer=0.16,
        winter=0.02,
    ),
    "textile": Industry(
        workday=_TEXTILE,
        saturday=_TEXTILE,
        sunday=_TEXTILE_SUN,
        peak=0.68,
        tan_phi=0.38,
        ripple=0.04,
        thd_i=8.0,
        summer=0.08,
        winter=0.03,
    ),
    "chemical": Industry(
        workday=_CHEMICAL,
        saturday=_CHEMICAL,
        sunday=_CHEMICAL,
        peak=0.68,
        tan_phi=0.38,
        ripple=0.03,
        thd_i=7.0,
        summer=0.06,
        winter=0.02,
    ),
    "machinery": Industry(
        workday=_MACHINES,
        saturday=_MACHINES_SAT,
        sunday=_MACHINES_SUN,
        peak=0.60,
        tan_phi=0.38,
        ripple=0.12,
        thd_i=14.0,
        summer=0.06,
        winter=0.03,
    ),
    "cold_storage": Industry(
        workday=_COLD,
        saturday=_COLD,
        sunday=_COLD,
        peak=0.64,
        tan_phi=0.38,
        ripple=0.10,
        thd_i=6.0,
        summer=0.20,
        winter=0.0,
    ),
    "data": Industry(
        workday=_DATA,
        saturday=_DATA,
        sunday=_DATA,
        peak=0.55,
        tan_phi=0.2,
        ripple=0.02,
        thd_i=9.0,
        summer=0.12,
        winter=0.0,
    ),
}
DEFAULT_INDUSTRY = "office"


def industry_of(name: str) -> Industry:
    """The industry of this name, or an office's."""
    return INDUSTRIES.get(name, INDUSTRIES[DEFAULT_INDUSTRY])
