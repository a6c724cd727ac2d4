"""Derived points: sound formulas only, and values that are those of a plain calculation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from django.db.models import ProtectedError

from core.errors import Forbidden, Invalid, NotFound
from devices import history, live, selectors
from devices.drivers.formulas import parsed
from devices.history import Calculation, Input
from devices.history.derived import held
from devices.models import DerivedInput, DerivedPoint, Device
from devices.services.derived import change_derived, checked, retire_derived
from devices.tests.factories import make_derived, make_device, make_template_version
from devices.tests.samples import make_batch
from sites.rules import DataClass, Role
from sites.tests.factories import People, make_grant, make_user, people

T = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
CODES = ("Ua", "P", "PF")


def store(device: Device, at: list[float], power_kw: list[float], **facts: Any) -> None:
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk] * len(at),
        site_ids=[device.site_id] * len(at),
        at=at,
        values=[[230.0, value, 0.5] for value in power_kw],
        counters=[[1000.0 + n] for n in range(len(at))],
        **facts,
    )
    history.prepare(batch)
    history.append(batch)


def inputs(*periods_s: int) -> list[Input]:
    return [Input(f"d{n}:P", n, "P", period_s) for n, period_s in enumerate(periods_s)]


def columns_of(
    periods_s: tuple[int, ...], *samples: dict[float, float], until: float = 100.0
) -> dict[float, list[float]]:
    """What counts at each moment, from samples by time."""
    arrays = [(np.array(list(one)), np.array(list(one.values()))) for one in samples]
    at, columns = held(inputs(*periods_s), arrays, (0.0, until))
    return dict(zip(at.tolist(), columns.tolist(), strict=True))


def test_samples_of_one_round_belong_together_and_one_that_fails_is_held_for_two_periods() -> None:
    steady = {float(n): float(n) for n in range(0, 100, 10)}
    # Read a little later in each round, and not at all from 40 to 90.
    other = {0.2: 1.0, 10.2: 2.0, 20.2: 3.0, 30.2: 4.0, 90.2: 5.0}

    found = columns_of((10, 10), steady, other)

    assert [found[at][1] for at in (0.0, 10.0, 30.0)] == [1.0, 2.0, 4.0]
    assert [found[at][1] for at in (40.0, 50.0)] == [4.0, 4.0]
    assert np.isnan([found[at][1] for at in (60.0, 70.0, 80.0)]).all()
    assert found[90.0][1] == 5.0


def test_the_input_that_is_read_most_seldom_sets_the_moments() -> None:
    fast = {float(n): float(n) for n in range(100)}
    slow = {0.0: 7.0, 60.0: 8.0}

    assert columns_of((1, 60), fast, slow) == {0.0: [0.0, 7.0], 60.0: [60.0, 8.0]}
    # Also when its device is polled as often as the other: it is not read in each round.
    assert list(columns_of((1, 1), fast, slow)) == [0.0, 60.0]


def test_nothing_comes_of_an_input_without_samples() -> None:
    found = columns_of((10, 10), {0.0: 1.0, 10.0: 2.0}, {})
    assert np.isnan([row[1] for row in found.values()]).all()


@pytest.fixture
def cast(db: None) -> People:
    return people()


@pytest.fixture
def pair(cast: People) -> tuple[Device, Device]:
    version = make_template_version(value_codes=CODES, counter_codes=("EPI",))
    first, second = (make_device(site=cast.site, template_version=version) for _n in range(2))
    gateway = first.bus.gateway  # type: ignore[union-attr]
    second.bus = first.bus
    second.unit_id = first.unit_id + 1
    second.save()
    gateway.period_s = 10
    gateway.save()
    return first, second


def refusal(cast: People, formula: str, **facts: Any) -> dict[str, list[str]]:
    with pytest.raises(Invalid) as refused:
        make_derived(site=cast.site, by=cast.ana, formula=formula, **facts)
    return refused.value.fields


def test_a_formula_is_kept_with_its_unit_and_with_what_it_uses(
    cast: People, pair: tuple[Device, Device]
) -> None:
    one, two = pair
    row = make_derived(
        site=cast.site, by=cast.ana, formula=f"d{one.pk}:P + d{two.pk}:P", name="合计"
    )
    above = make_derived(site=cast.site, by=cast.ana, formula=f"x{row.pk} / 1000", unit="MW")

    assert (row.unit, above.unit) == ("kW", "MW")
    assert set(map(str, row.inputs.all())) == {f"d{one.pk}:P", f"d{two.pk}:P"}
    assert set(map(str, above.inputs.all())) == {f"x{row.pk}"}
    events = apps.get_model("devices", "DerivedPointEvent").objects.filter(pgh_obj=row)
    assert list(events.values_list("pgh_label", flat=True)) == ["insert"]
    change_derived(row=row, facts={"formula": f"d{one.pk}:P"}, by=cast.ana)
    assert set(map(str, row.inputs.all())) == {f"d{one.pk}:P"}


def test_what_is_used_is_not_deleted(cast: People, pair: tuple[Device, Device]) -> None:
    row = make_derived(site=cast.site, by=cast.ana, formula=f"d{pair[0].pk}:P")
    with pytest.raises(ProtectedError):
        pair[0].delete()
    make_derived(site=cast.site, by=cast.ana, formula=f"x{row.pk}")
    with pytest.raises(ProtectedError):
        row.delete()


@pytest.mark.parametrize(
    ("formula", "field", "words"),
    [
        ("d{one}:P + ", "formula", "第 {end} 个字符"),
        ("d{one}:P + d{other}:P", "formula", "没有您可以查看的测点 d{other}:P"),
        ("d{one}:T9", "formula", "没有您可以查看的测点 d{one}:T9"),
        ("1 + x999999", "formula", "第 5 个字符：本站点没有计算测点 x999999"),
        ("d{one}:P + d{one}:Ua", "formula", "单位不同"),
        ("1 + 2", "formula", "没有测点"),
    ],
)
def test_a_formula_that_is_not_sound_is_refused_with_the_place(
    cast: People, pair: tuple[Device, Device], formula: str, field: str, words: str
) -> None:
    other = make_device(site=cast.other_site, template_version=pair[0].template_version)
    facts = {"one": pair[0].pk, "other": other.pk}
    text = formula.format(**facts)
    assert words.format(**facts, end=len(text) + 1) in refusal(cast, text)[field][0]


def test_a_unit_that_the_formula_cannot_have_is_refused(
    cast: People, pair: tuple[Device, Device]
) -> None:
    formula = f"d{pair[0].pk}:P + d{pair[1].pk}:P"
    assert "kW" in refusal(cast, formula, unit="A")["unit"][0]
    row = make_derived(site=cast.site, by=cast.ana, formula=formula, name="甲")
    assert "同名" in refusal(cast, formula, name="甲")["name"][0]
    assert "decimals" in refusal(cast, formula, decimals=9)
    with pytest.raises(Invalid):
        change_derived(row=row, facts={"unit": "V"}, by=cast.ana)


def test_circles_and_long_chains_are_refused(cast: People, pair: tuple[Device, Device]) -> None:
    rows = [make_derived(site=cast.site, by=cast.ana, formula=f"d{pair[0].pk}:P")]
    for _n in range(selectors.DEEPEST_CHAIN):
        rows.append(make_derived(site=cast.site, by=cast.ana, formula=f"x{rows[-1].pk}"))

    assert "层数过多" in refusal(cast, f"x{rows[-1].pk}")["formula"][0]
    for text, words in ((f"x{rows[2].pk}", "互相引用"), (f"x{rows[0].pk}", "互相引用")):
        with pytest.raises(Invalid) as refused:
            change_derived(row=rows[0], facts={"formula": text}, by=cast.ana)
        assert words in refused.value.fields["formula"][0]
    below = make_derived(site=cast.site, by=cast.ana, formula=f"d{pair[1].pk}:P")
    with pytest.raises(Invalid) as refused:
        change_derived(row=rows[0], facts={"formula": f"x{below.pk}"}, by=cast.ana)
    assert f"x{rows[-1].pk}" in refused.value.fields["formula"][0]


def test_one_that_others_use_is_not_retired_and_one_that_is_retired_comes_back(
    cast: People, pair: tuple[Device, Device]
) -> None:
    row = make_derived(site=cast.site, by=cast.ana, formula=f"d{pair[0].pk}:P")
    user = make_derived(site=cast.site, by=cast.ana, formula=f"x{row.pk} * 2")
    with pytest.raises(Invalid) as refused:
        retire_derived(row=row, by=cast.ana)
    assert f"x{user.pk}" in refused.value.fields["is_active"][0]

    retire_derived(row=user, by=cast.ana)
    retire_derived(row=row, by=cast.ana)
    assert not DerivedPoint.objects.filter(is_active=True).exists()
    with pytest.raises(Invalid) as refused:
        change_derived(row=user, facts={"is_active": True}, by=cast.ana)
    assert "已停用" in refused.value.fields["formula"][0]
    change_derived(row=row, facts={"is_active": True}, by=cast.ana)
    change_derived(row=user, facts={"is_active": True}, by=cast.ana)
    assert DerivedInput.objects.count() == 2


def test_only_who_maintains_the_site_makes_them_and_classes_of_data_hide_them(
    cast: People, pair: tuple[Device, Device]
) -> None:
    formula = f"d{pair[0].pk}:P"
    with pytest.raises(Forbidden):
        make_derived(site=cast.site, by=cast.bo, formula=formula)
    row = make_derived(site=cast.site, by=cast.ana, formula=formula)
    above = make_derived(site=cast.site, by=cast.ana, formula=f"x{row.pk} + 1")
    volts = make_derived(site=cast.site, by=cast.ana, formula=f"d{pair[0].pk}:Ua")
    viewer = make_user()
    make_grant(viewer, Role.ENTERPRISE, cast.site, data_classes=[DataClass.SAFETY])

    shown = {one.row.pk for one in selectors.derived_points(user=viewer, site=cast.site)}

    assert shown == {volts.pk}
    for hidden in (row, above):
        with pytest.raises(NotFound):
            selectors.derived_for(user=viewer, pk=hidden.pk)
    with pytest.raises(NotFound):
        selectors.derived_for(user=cast.cy, pk=volts.pk)


def seen(cast: People, row: DerivedPoint) -> Calculation:
    found = selectors.derived_for(user=cast.ana, pk=row.pk).calculation
    assert found is not None
    return found


def test_a_series_is_that_of_the_formula_and_keeps_its_peaks(
    cast: People, pair: tuple[Device, Device]
) -> None:
    one, two = pair
    at = [T.timestamp() + 10 * n for n in range(720)]
    first = [float(n % 50) for n in range(720)]
    second = [100.0 - n % 50 for n in range(720)]
    first[123], second[500] = 900.0, -800.0
    store(one, at, first)
    store(two, [moment + 0.4 for moment in at], second)
    row = make_derived(
        site=cast.site, by=cast.ana, formula=f"(d{one.pk}:P + d{two.pk}:P) * d{one.pk}:PF"
    )

    found = history.derived_series(
        seen(cast, row), word=row.word, unit="", start=T, end=T + timedelta(hours=2), max_points=20
    )

    expected = [(a + b) * 0.5 for a, b in zip(first, second, strict=True)]
    assert found.is_reduced
    assert len(found.at) <= 20
    assert found.statistics.count == 720
    assert (max(filter(None, found.value)), found.statistics.maximum_at) == (
        max(expected),
        at[123],
    )
    assert min(filter(None, found.value)) == min(expected) == found.statistics.minimum


def test_slots_hold_the_mean_of_the_calculated_values(
    cast: People, pair: tuple[Device, Device]
) -> None:
    one, two = pair
    at = [T.timestamp() + 10 * n for n in range(360)]
    store(one, at, [float(n % 7) for n in range(360)])
    store(two, at[:180], [float(n % 3) for n in range(180)])
    formulas = {
        "linear": f"d{one.pk}:P - d{two.pk}:P",
        "squared": f"d{one.pk}:P * d{two.pk}:P",
    }
    edges = history.edges_of(T, T + timedelta(hours=1), 900)

    for name, text in formulas.items():
        row = make_derived(site=cast.site, by=cast.ana, formula=text, name=name, unit="")
        value, count = history.derived_slots(seen(cast, row), edges)
        a = np.array([n % 7 for n in range(90)], float)
        b = np.array([n % 3 for n in range(90)], float)
        expected = (a - b if name == "linear" else a * b).mean()
        assert value[0] == pytest.approx(expected)
        assert count[0] == 90
        assert np.isnan(value[3])
        assert count[3] == 0


def test_long_periods_are_of_means_when_that_is_exact_and_refused_when_not(
    cast: People, pair: tuple[Device, Device]
) -> None:
    one, two = pair
    store(one, [T.timestamp() + 10 * n for n in range(360)], [2.0] * 360)
    store(two, [T.timestamp() + 10 * n for n in range(360)], [3.0] * 360)
    linear = make_derived(site=cast.site, by=cast.ana, formula=f"d{one.pk}:P + d{two.pk}:P")
    product = make_derived(site=cast.site, by=cast.ana, formula=f"d{one.pk}:P * d{two.pk}:P")
    start, end = T - timedelta(days=364), T + timedelta(days=1)

    of_means, words = selectors.derived_curve(
        selectors.derived_for(user=cast.ana, pk=linear.pk), start=start, end=end, max_points=2000
    )
    nothing, why = selectors.derived_curve(
        selectors.derived_for(user=cast.ana, pk=product.pk), start=start, end=end, max_points=2000
    )

    assert [value for value in of_means.value if value is not None] == [5.0] * 4
    assert "均值" in words
    assert nothing.at == []
    assert "时段最长 115 天" in why


def test_now_is_of_the_newest_values_and_says_which_is_missing(
    cast: People, pair: tuple[Device, Device]
) -> None:
    one, two = pair
    row = make_derived(site=cast.site, by=cast.ana, formula=f"d{one.pk}:P + d{two.pk}:P")

    def show(device: Device, at: datetime, power_kw: float) -> None:
        batch = make_batch(
            layout_id=device.template_version.layout_id,
            device_ids=[device.pk],
            site_ids=[device.site_id],
            at=[at.timestamp()],
            values=[[230.0, power_kw, 1.0]],
            counters=[[1.0]],
        )
        live.store(batch, now=at)

    def now(at: datetime) -> selectors.Present:
        point = selectors.derived_for(user=cast.ana, pk=row.pk)
        return selectors.present_of([point], now=at)[row.word]

    show(one, T, 4.0)
    assert now(T).missing == f"d{two.pk}:P"
    show(two, T + timedelta(seconds=3), 5.0)
    fresh = now(T + timedelta(seconds=5))
    assert (fresh.value, fresh.at, fresh.age_s, fresh.is_stale) == (9.0, T, 5.0, False)
    assert now(T + timedelta(seconds=30)).is_stale
    # One of them goes on alone.
    show(two, T + timedelta(seconds=60), 6.0)
    alone = now(T + timedelta(seconds=60))
    assert (alone.value, alone.missing) == (None, f"d{one.pk}:P")


def test_what_became_unsound_says_so(cast: People, pair: tuple[Device, Device]) -> None:
    row = make_derived(site=cast.site, by=cast.ana, formula=f"d{pair[0].pk}:P")
    pair[0].template_version = make_template_version(value_codes=("Ua",))
    pair[0].save()

    found = selectors.derived_for(user=cast.ana, pk=row.pk)

    assert found.calculation is None
    assert f"d{pair[0].pk}:P" in found.fault


def test_a_formula_is_tried_before_it_is_kept(cast: People, pair: tuple[Device, Device]) -> None:
    facts = {"formula": f"d{pair[0].pk}:P / 2"}
    calculation, unit = checked(site=cast.site, facts=facts, by=cast.ana)
    assert (calculation.pairs, unit) == ([(pair[0].pk, "P")], "kW")
    assert not DerivedPoint.objects.exists()


def test_what_is_linear_and_what_is_scaled() -> None:
    for text in ("d1:P + 2*d2:P", "-(d1:P - d2:P)/3", "mean(d1:P, 4, sum(d2:P, 1))", "d1:P*(2/3)"):
        assert parsed(text).is_linear
    for text in ("d1:P*d2:P", "2/d1:P", "abs(d1:P)", "max(d1:P, 0)", "sqrt(d1:P)"):
        assert not parsed(text).is_linear
    assert parsed("d1:P / 1000").is_scaled
    assert not parsed("d1:P + 1").is_scaled
