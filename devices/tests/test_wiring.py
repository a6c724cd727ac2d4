"""Checks at the cabinet, by numbers alone."""

from dataclasses import replace
from math import cos, radians, sin

import pytest

from devices.drivers import Block, Profile, Register
from devices.drivers.codec import encode
from devices.drivers.orders import ORDERS, looks
from devices.drivers.ranges import Place, plausible
from devices.drivers.wiring import (
    Finding,
    current,
    direction,
    order,
    phases,
    power,
    span,
    total,
    voltage,
)

# A feeder of a 400 V room behind a CT 200/5, at about half its load.
PLACE = Place(phase_nominal_v=230.94, rated_current_a=200, ct=40, is_secondary=True)


def load(
    angles: tuple[float, float, float] = (20, 20, 20), amperes: float = 100
) -> dict[str, float]:
    """A three-phase load; `angles` by which the currents at the terminals lag their voltages."""
    values = {"F": 50.0}
    for phase, angle in zip("abc", angles, strict=True):
        apparent = 231 * amperes / 1000
        values |= {f"U{phase}": 231.0, f"I{phase}": amperes}
        values |= {
            f"P{phase}": apparent * cos(radians(angle)),
            f"Q{phase}": apparent * sin(radians(angle)),
        }
    values["P"] = sum(values[f"P{phase}"] for phase in "abc")
    values["PF"] = values["P"] / (3 * 231 * amperes / 1000)
    return values


def profile_in(name: str) -> Profile:
    byte_order, word_order = ORDERS[name]
    facts = {"function_code": 4, "byte_order": byte_order, "word_order": word_order}
    registers = [
        Register(code=code, unit=unit, address=2 * place, type="float32", **facts)  # type: ignore[arg-type]
        for place, (code, unit) in enumerate([("Ua", "V"), ("Ia", "A"), ("F", "Hz")])
    ]
    return Profile(key="test", version=1, registers=tuple(registers))


def words_in(name: str, **values: float) -> list[int]:
    profile = profile_in(name)
    return [word for one in profile.registers for word in encode(one, values[one.code])]


def test_the_response_of_the_dictionary_reads_as_230_2_volts_in_one_order_only() -> None:
    """DOMAIN.md §10.3: `01 04 04 43 66 33 33` is 230.2 V."""
    profile = replace(profile_in("ABCD"), registers=profile_in("ABCD").registers[:1])

    (found,) = looks(profile, [Block(4, 0, 2)], [[0x4366, 0x3333]])

    assert found.words == [0x4366, 0x3333]
    assert found.value == pytest.approx(230.2)
    others = [value for name, value in found.values.items() if name != "ABCD"]
    assert all(value is None or abs(value - 230.2) > 100 for value in others)


@pytest.mark.parametrize("real", ORDERS)
@pytest.mark.parametrize("assumed", ORDERS)
def test_the_real_word_order_is_found(real: str, assumed: str) -> None:
    words = words_in(real, Ua=231.5, Ia=42.5, F=49.98)
    found = looks(profile_in(assumed), [Block(4, 0, 6)], [words])
    place = Place(phase_nominal_v=230.94, rated_current_a=200)
    spans = {one.code: plausible(one.code, one.unit, place) for one in found}

    verdict = order(found, {one.code: 1.0 for one in found}, {k: v for k, v in spans.items() if v})

    if real == assumed:
        assert (verdict.verdict, verdict.proposed) == ("passed", None)
    else:
        assert (verdict.verdict, verdict.proposed) == ("failed", real)
    assert [one.values[real] for one in found] == pytest.approx([231.5, 42.5, 49.98], rel=1e-6)


def test_noise_fits_no_order() -> None:
    found = looks(profile_in("ABCD"), [Block(4, 0, 6)], [[0x1234] * 6])
    spans = {"Ua": (184.0, 278.0), "F": (45.0, 55.0)}

    assert order(found, {"Ua": 1.0, "F": 1.0, "Ia": 1.0}, spans).code == "order_none"


def test_what_was_not_read_is_not_judged() -> None:
    assert looks(profile_in("ABCD"), [Block(4, 0, 6)], [None]) == []
    for check in (power, total):
        assert check({}).verdict == "unknown"
    for check_at in (voltage, current, direction, phases):
        assert check_at({}, PLACE).verdict == "unknown"


@pytest.mark.parametrize(
    ("measured", "place", "code", "proposed"),
    [
        (231.0, PLACE, "voltage_fits", None),
        # 57.7 V at the secondary side of a 10 kV room, read as if there were no PT.
        (57.7, Place(phase_nominal_v=5773.5, pt=1, is_secondary=True), "pt_wrong", 100.0),
        (5770.0, Place(phase_nominal_v=5773.5, pt=100, is_secondary=True), "voltage_fits", None),
        (577000.0, Place(phase_nominal_v=5773.5, pt=10_000, is_secondary=True), "pt_wrong", 100.0),
        (57.7, Place(phase_nominal_v=5773.5), "voltage_none", None),
        (110.0, Place(phase_nominal_v=230.94), "voltage_off", None),
        (0.4, PLACE, "voltage_none", None),
    ],
)
def test_voltage_tells_the_pt_ratio(
    measured: float, place: Place, code: str, proposed: float | None
) -> None:
    found = voltage({"Ua": measured, "Ub": measured, "Uc": measured}, place)

    assert (found.code, found.proposed) == (code, proposed)


@pytest.mark.parametrize(
    ("amperes", "place", "code", "proposed"),
    [
        (100.0, PLACE, "clamp_missing", None),
        (100.0, replace(PLACE, clamp_a=98.0), "clamp_fits", None),
        # 2.5 A at the secondary side are 150 A, not 100: the CT is 300/5.
        (100.0, replace(PLACE, clamp_a=150.0), "ct_wrong", 60.0),
        # The platform multiplies what the meter has multiplied before.
        (4000.0, PLACE, "secondary_high", 1.0),
        # A direct meter carries what it measures.
        (40.0, replace(PLACE, ct=1), "clamp_missing", None),
        (260.0, Place(phase_nominal_v=230.94, rated_current_a=200), "over_rated", None),
        (50.0, Place(phase_nominal_v=230.94, clamp_a=100.0), "ct_inside", None),
        (0.5, PLACE, "current_none", None),
    ],
)
def test_a_clamp_meter_tells_the_ct_ratio(
    amperes: float, place: Place, code: str, proposed: float | None
) -> None:
    found = current(load(amperes=amperes), place)

    assert (found.code, found.proposed) == (code, proposed)


def test_power_must_have_the_ratio_of_the_current() -> None:
    values = load()

    assert power(values).verdict == "passed"
    assert power(values | {"P": values["P"] / 40}).code == "power_off"


@pytest.mark.parametrize(
    ("angles", "code", "named"),
    [
        ((20, 20, 20), "direction_fits", None),
        ((20, 200, 20), "ct_reversed", "B"),
        ((200, 20, 200), "ct_reversed", "A, C"),
        ((200, 200, 200), "all_reversed", "A, B, C"),
    ],
)
def test_a_reversed_ct_is_named(
    angles: tuple[float, float, float], code: str, named: str | None
) -> None:
    values = load(angles)

    found = direction(values, PLACE)

    assert (found.code, found.facts.get("phases")) == (code, named)
    assert total(values).verdict == "passed"
    assert phases(values, PLACE).code == "pairs_fit"


def test_nothing_is_said_of_the_direction_without_current() -> None:
    assert direction(load((20, 200, 20), amperes=1), PLACE).code == "no_current"


def test_a_meter_that_adds_amounts_is_found() -> None:
    values = load((20, 200, 20))

    assert total(values | {"P": 3 * values["Pa"]}).code == "total_off"


@pytest.mark.parametrize("lag", [0, 20, 45])
@pytest.mark.parametrize(
    ("currents", "pairs"),
    [
        ("abc", None),
        ("bac", "UA–IB, UB–IA, UC–IC"),
        ("acb", "UA–IA, UB–IC, UC–IB"),
        ("cba", "UA–IC, UB–IB, UC–IA"),
    ],
)
def test_currents_at_the_wrong_voltages_are_found(
    lag: float, currents: str, pairs: str | None
) -> None:
    shifts = [120 * ("abc".index(of) - at) for at, of in enumerate(currents)]
    a, b, c = (lag + shift for shift in shifts)

    found = phases(load((a, b, c)), PLACE)

    assert found.code == ("pairs_fit" if pairs is None else "pairs_swapped")
    assert pairs is None or found.facts["pairs"] == pairs


@pytest.mark.parametrize(
    ("b", "c", "code"),
    [
        (-120, 120, "sequence_positive"),
        (120, -120, "sequence_negative"),
        (240, 120, "sequence_positive"),
    ],
)
def test_angles_tell_the_sequence(b: float, c: float, code: str) -> None:
    found = phases({"Ua_ang": 0.0, "Ub_ang": b, "Uc_ang": c}, PLACE)

    assert found.code == code


def test_what_lies_outside_is_named() -> None:
    spans = {"Ua": (184.0, 278.0), "F": (45.0, 55.0)}

    assert span({"Ua": 231.0, "F": 50.0}, spans) == Finding(
        "span", "passed", "span_fits", {"of": 2}
    )
    assert span({"Ua": 0.0, "F": 50.0}, spans).facts == {"points": "Ua"}
    # The reversed words of 230.5 are a number, and a positive one.
    assert span({"Ia": 2.3e-41}, {"Ia": (0.0, 100.0)}).verdict == "failed"


def test_a_lost_phase_says_nothing_about_the_ratio() -> None:
    assert voltage({"Ua": 231.0, "Ub": 0.0, "Uc": 230.0}, PLACE).code == "voltage_fits"
    assert voltage({"Uab": 400.0, "Ubc": 400.0}, PLACE).code == "voltage_fits"
    assert voltage({"Ua": 0.0, "Ub": 0.0, "Uc": 0.0}, PLACE).code == "voltage_none"
