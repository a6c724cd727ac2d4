"""Formulas: what is calculated, what has no value, and what is refused, with its place."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.formulas import Fault, parsed

NAN = float("nan")
OF = {
    "d1:P": np.array([1.0, 2.0, NAN, 0.0]),
    "d2:P": np.array([10.0, -20.0, 30.0, 0.0]),
    "x7": np.array([1.0, 1.0, 1.0, 1.0]),
}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("d1:P + d2:P", [11, -18, NAN, 0]),
        ("d1:P-d2:P*2", [-19, 42, NAN, 0]),
        ("(d1:P − d2:P) × 2 ÷ 4", [-4.5, 11, NAN, 0]),
        ("-d2:P - -1", [-9, 21, -29, 1]),
        ("max(d1:P, d2:P, 0)", [10, 2, NAN, 0]),
        ("min(d2:P,x7)", [1, -20, 1, 0]),
        ("abs(d2:P) + 0.5e1", [15, 25, 35, 5]),
        ("sum(d2:P, x7, x7)", [12, -18, 32, 2]),
        ("mean(d2:P, x7)", [5.5, -9.5, 15.5, 0.5]),
        ("sqrt(d2:P)", [10**0.5, NAN, 30**0.5, 0]),
        ("x7 / d1:P", [1, 0.5, NAN, NAN]),
        ("d1:P / d1:P", [1, 1, NAN, NAN]),
        ("0 * (1 / d1:P)", [0, 0, NAN, NAN]),
        ("x7 * 1e99 * 1e99 * 1e99 * 1e99", [NAN] * 4),
        ("max(1, 2) * x7", [2, 2, 2, 2]),
    ],
)
def test_values(text: str, values: list[float]) -> None:
    np.testing.assert_allclose(parsed(text).values(OF, 4), values)


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("", "value", 0),
        ("1 + 2", "none", 0),
        ("d1:P +", "value", 6),
        ("d1:P d2:P", "end", 5),
        ("(d1:P", "bracket", 0),
        ("d1:P)", "end", 4),
        ("d1:P ** 999999", "value", 6),
        ("9**9**9**9*d1:P", "value", 2),
        ("d1:P ^ 2", "character", 5),
        ("d1:P.__class__", "character", 4),
        ("().__class__.__bases__", "character", 2),
        ("__import__('os')", "character", 0),
        ("eval(d1:P)", "name", 0),
        ("abs", "bracket", 3),
        ("abs(d1:P, 1)", "parts", 0),
        ("max()", "value", 4),
        ("lambda: d1:P", "character", 0),
        ("d1:P[0]", "character", 4),
        ("'d1:P'", "character", 0),
        ("d1:P if x1 else 2", "end", 5),
        ("d1:P; x1", "character", 4),
        ("d1", "character", 0),
        ("d:P", "character", 0),
        ("1e999 * d1:P", "character", 0),
        ("0x10 * d1:P", "character", 0),
        ("d1:P + ٣", "character", 7),  # a digit, but none of ours
        ("d1:P + nan", "name", 7),
        ("(" * 10_000 + "d1:P" + ")" * 10_000, "long", 500),
        ("(" * 100 + "d1:P" + ")" * 100, "deep", 21),
        ("-" * 100 + "d1:P", "deep", 21),
        ("+".join(f"x{n}" for n in range(41)), "points", 150),
    ],
)
def test_what_is_no_formula_is_refused_with_its_place(text: str, code: str, at: int) -> None:
    with pytest.raises(Fault) as refused:
        parsed(text)
    assert (refused.value.code, refused.value.at) == (code, at)


@given(st.text("dx:PQ019+-*/().,eE_ abs\u00d7\u221a\n", max_size=500))
def test_whatever_somebody_types_is_understood_or_refused_at_once(text: str) -> None:
    began = time.process_time()
    try:
        formula = parsed(text)
    except Fault as fault:
        place = fault.at
    else:
        place = 0
        of = {point: np.zeros(2) for point in formula.points}
        assert formula.values(of, 2).shape == (2,)
    assert 0 <= place <= len(text)
    assert time.process_time() - began < 1


UNITS = {"d1:P": "kW", "d2:P": "kW", "d1:Ua": "V", "d1:PF": ""}


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("d1:P + d2:P * 2", "kW"),
        ("max(abs(d1:P), 3)", "kW"),
        ("-d1:P / 1000", "kW"),
        ("0.5 * d1:P", "kW"),
        ("d1:P * d1:Ua", None),
        ("d1:P / d2:P", None),
        ("d1:PF", ""),
    ],
)
def test_the_unit_follows_where_it_can(text: str, unit: str | None) -> None:
    assert parsed(text).unit(UNITS) == unit


def test_units_that_differ_are_refused_where_they_meet() -> None:
    with pytest.raises(Fault) as refused:
        parsed("d1:P + 2 * d1:Ua").unit(UNITS)
    assert (refused.value.code, refused.value.at, refused.value.word) == ("units", 9, "kW / V")
