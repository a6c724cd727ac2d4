"""The load model: consistent, repeatable, unremarkable without faults, and what each fault does."""

import numpy as np
import pytest

from devices.drivers.simulator import SimDevice
from devices.drivers.simulator.faults import FAULTS, FaultBook, FaultError
from devices.drivers.simulator.loads import INDUSTRIES
from devices.drivers.simulator.model import Frame, Simulation
from devices.tests.simulated import shipped_profile

# A Wednesday, 10:00 in China.
MORNING = 1_795_572_000.0 + 2 * 3600
DAY = 86400.0


def device(name: str = "d", **facts: object) -> SimDevice:
    given = {"unit_id": 1, "profile": shipped_profile("simulated"), "seed": 7, **facts}
    return SimDevice(name=name, **given)


def fleet() -> list[SimDevice]:
    return [
        device(
            f"{industry}-{number}",
            industry=industry,
            seed=10 * row + number,
            rated_kva=100.0 * (number + 1),
        )
        for row, industry in enumerate(INDUSTRIES)
        for number in range(4)
    ]


def whole(
    simulation: Simulation, start: float, end: float, step_s: float
) -> tuple[np.ndarray, Frame]:
    """A series in one piece."""
    parts = list(simulation.series(start, end, step_s))
    times = np.concatenate([times for times, _ in parts])
    return times, {
        code: np.concatenate([frame[code] for _, frame in parts]) for code in parts[0][1]
    }


def faulty(kind: str, *, at: float = MORNING, **facts: object) -> tuple[Simulation, FaultBook]:
    book = FaultBook()
    book.start(kind, "d", at=at, facts=facts)
    return Simulation([device("d", rated_kva=200), device("other", seed=8)], faults=book), book


def test_the_same_seed_and_moment_give_the_same_values_in_any_order() -> None:
    one, other = Simulation(fleet()), Simulation(fleet())

    other.value_at(MORNING + 5 * DAY)
    later = one.value_at(MORNING + 90)
    first, second = other.value_at(MORNING), other.value_at(MORNING + 90)

    assert set(later) == set(second)
    for code in later:
        np.testing.assert_allclose(later[code], second[code], rtol=1e-9, err_msg=code)
    assert not np.allclose(first["P"], second["P"])


def test_a_series_and_single_moments_agree_so_history_meets_the_live_values() -> None:
    times, frame = whole(Simulation(fleet()), MORNING, MORNING + DAY, 600.0)
    live = Simulation(fleet())

    for row in (0, 50, 100, 143):
        values = live.value_at(float(times[row]))
        for code in ("Ua", "P", "EPI", "EQI", "T1", "IR", "F"):
            np.testing.assert_allclose(values[code], frame[code][row], rtol=1e-3, err_msg=code)
        np.testing.assert_allclose(values["EPI"], frame["EPI"][row], rtol=1e-12)


def test_quantities_fit_each_other() -> None:
    _, frame = whole(Simulation(fleet()), MORNING, MORNING + 3600, 10.0)

    np.testing.assert_allclose(frame["S"] ** 2, frame["P"] ** 2 + frame["Q"] ** 2, rtol=1e-9)
    np.testing.assert_allclose(frame["P"], frame["Pa"] + frame["Pb"] + frame["Pc"], rtol=1e-9)
    np.testing.assert_allclose(frame["PF"], frame["P"] / frame["S"], rtol=1e-9)
    for phase in "abc":
        s_kva = frame[f"U{phase}"] * frame[f"I{phase}"] / 1000
        np.testing.assert_allclose(s_kva, frame[f"S{phase}"], rtol=1e-9)
        angle = np.radians(frame[f"U{phase}_ang"] - frame[f"I{phase}_ang"])
        np.testing.assert_allclose(np.cos(angle), frame[f"PF{phase}"], rtol=1e-6)
    np.testing.assert_allclose(frame["Uab"], np.sqrt(3) * frame["Ua"], rtol=0.02)
    np.testing.assert_allclose(frame["EPT"], frame["EPI"] + frame["EPE"])
    np.testing.assert_allclose(
        frame["EPI"], frame["EPI_a"] + frame["EPI_b"] + frame["EPI_c"], rtol=1e-12
    )


def test_counters_are_the_integral_of_power_over_midnights_and_week_ends() -> None:
    _, frame = whole(Simulation(fleet()), MORNING, MORNING + 5 * DAY, 60.0)

    for counter, power in (("EPI", "P"), ("EQI", "Q")):
        steps = np.diff(frame[counter], axis=0)
        mean = (frame[power][1:] + frame[power][:-1]) / 2 / 60
        assert (steps > 0).all()
        np.testing.assert_allclose(steps.sum(axis=0), mean.sum(axis=0), rtol=1e-4)
        np.testing.assert_allclose(steps, mean, rtol=0.06)


def test_a_week_of_every_industry_keeps_within_the_usual_limits() -> None:
    """Otherwise the demo would be full of alarms that nobody caused."""
    devices = fleet()
    rated = np.array([one.rated_kva for one in devices])

    for start in (MORNING, MORNING + 180 * DAY):
        _, frame = whole(Simulation(devices), start, start + 7 * DAY, 300.0)
        assert (frame["S"] / rated).max() < 0.8
        assert frame["Ua"].min() > 0.93 * 220
        assert max(frame[f"U{phase}"].max() for phase in "abc") < 1.07 * 220
        assert frame["PF"].min() > 0.9
        assert frame["UnbU"].max() < 1.0
        assert frame["UnbI"].max() < 20
        assert (frame["In"] / (rated * 1000 / 660)).max() < 0.25
        assert frame["IR"].max() < 150
        assert max(frame[f"T{n}"].max() for n in range(1, 5)) < 58
        assert max(frame[f"THD_U{phase}"].max() for phase in "abc") < 4.5
        assert np.abs(frame["F"] - 50).max() < 0.1
        assert (frame["DI1"] == 1).all()


def test_days_differ_from_nights_and_work_days_from_sundays() -> None:
    simulation = Simulation([device(industry="office")])
    night = simulation.value_at(MORNING - 7 * 3600)["P"][0]
    day = simulation.value_at(MORNING)["P"][0]
    sunday = simulation.value_at(MORNING + 4 * DAY)["P"][0]

    assert day > 3 * night
    assert day > 2 * sunday
    textile = Simulation([device(industry="textile")])
    assert textile.value_at(MORNING - 7 * 3600)["P"][0] > 0.6 * textile.value_at(MORNING)["P"][0]


def test_devices_of_one_supply_share_its_voltage() -> None:
    same = Simulation([device("a", seed=1, supply=5), device("b", seed=2, supply=5)])
    apart = Simulation([device("a", seed=1, supply=5), device("b", seed=2, supply=6)])

    def likeness(simulation: Simulation) -> float:
        _, frame = whole(simulation, MORNING, MORNING + 12 * 3600, 60.0)
        return float(np.abs(frame["Ua"][:, 0] - frame["Ua"][:, 1]).mean())

    assert likeness(same) < likeness(apart)


def test_temperature_follows_the_square_of_the_current_slowly() -> None:
    simulation, _ = faulty("overload", level=1.4)
    before = simulation.value_at(MORNING - 1)
    rises = [
        float(simulation.value_at(MORNING + minutes * 60)["T1"][0] - before["T1"][0])
        for minutes in (0, 5, 30, 120)
    ]

    assert rises[0] < 0.5
    assert 2 < rises[1] < rises[2] < rises[3]
    assert rises[3] > 20


def test_overload_raises_power_current_and_energy_and_lowers_voltage() -> None:
    simulation, book = faulty("overload", level=1.3)
    plain = Simulation(simulation.devices)
    loaded, usual = simulation.value_at(MORNING), plain.value_at(MORNING)

    assert loaded["S"][0] == pytest.approx(1.3 * 200)
    assert loaded["Ia"][0] > 1.5 * usual["Ia"][0]
    assert loaded["Ua"][0] < usual["Ua"][0] - 1
    assert loaded["P"][1] == usual["P"][1]
    for minute in range(1, 61):
        loaded = simulation.value_at(MORNING + 60 * minute)
    usual = plain.value_at(MORNING + 3600)
    extra = loaded["EPI"][0] - usual["EPI"][0]
    assert 50 < extra < 200
    book.stop()
    after = simulation.value_at(MORNING + 3700)
    usual = plain.value_at(MORNING + 3700)
    assert after["P"][0] == usual["P"][0]
    assert after["EPI"][0] - usual["EPI"][0] == pytest.approx(extra, rel=0.05)


def test_an_overload_may_come_slowly() -> None:
    simulation, _ = faulty("overload", level=1.3, ramp_s=600)
    loads = [float(simulation.value_at(MORNING + s)["S"][0]) for s in (0, 300, 600, 900)]

    assert loads[0] < loads[1] < loads[2]
    assert loads[2] == pytest.approx(260, rel=1e-3)
    assert loads[3] == pytest.approx(260, rel=1e-3)


def test_phase_loss_takes_one_phase_and_its_load() -> None:
    simulation, _ = faulty("phase_loss", phase="b")
    frame = simulation.value_at(MORNING)

    assert frame["Ub"][0] < 0.05 * 220
    assert frame["Ib"][0] < 0.1
    assert frame["Ua"][0] > 0.9 * 220
    assert frame["Uca"][0] > 370
    assert frame["Ubc"][0] < 260
    assert frame["UnbU"][0] > 20
    assert frame["UnbI"][0] > 25
    assert frame["Ub"][1] > 200


def test_residual_current_steps_up_and_back() -> None:
    simulation, book = faulty("residual_step", level=350)
    before = simulation.value_at(MORNING - 1)["IR"][0]
    during = simulation.value_at(MORNING)["IR"][0]
    book.stop(kind="residual_step")

    assert during - before == pytest.approx(350, abs=10)
    assert simulation.value_at(MORNING + 1)["IR"][0] == pytest.approx(before, abs=10)


def test_a_hot_joint_warms_its_phase_within_minutes_and_cools_when_mended() -> None:
    simulation, book = faulty("hot_joint", phase="c", level=60)
    courses = [simulation.value_at(MORNING + s) for s in range(0, 601, 10)]
    hot = courses[-1]
    book.stop()
    mended = [simulation.value_at(MORNING + 600 + s) for s in range(0, 601, 10)][-1]

    assert courses[1]["T3"][0] < hot["T3"][0] - 20
    assert hot["T3"][0] - hot["T1"][0] > 25
    assert mended["T3"][0] - mended["T1"][0] < 2


def test_a_trip_opens_the_breaker_and_ends_the_load() -> None:
    simulation, book = faulty("breaker_trip")
    frame = simulation.value_at(MORNING)
    later = simulation.value_at(MORNING + 600)

    assert (frame["DI1"][0], frame["P"][0], frame["Ia"][0]) == (0, 0, 0)
    assert frame["Ua"][0] > 200
    assert frame["DI1"][1] == 1
    assert later["EPI"][0] - frame["EPI"][0] == pytest.approx(0, abs=0.2)
    book.stop()
    assert simulation.value_at(MORNING + 601)["DI1"][0] == 1


def test_frozen_values_do_not_move_and_then_do() -> None:
    simulation, book = faulty("frozen_value")
    before = simulation.value_at(MORNING - 1)
    frozen = [simulation.value_at(MORNING + s) for s in (0, 30, 300)]
    book.stop()
    after = simulation.value_at(MORNING + 301)

    for frame in frozen:
        for code in frame:
            assert frame[code][0] == before[code][0], code
        assert frame["Ua"][1] != before["Ua"][1]
    assert after["EPI"][0] > before["EPI"][0]


def test_a_reset_counter_begins_at_zero_and_stays_there() -> None:
    simulation, book = faulty("counter_reset", duration_s=5)
    before = simulation.value_at(MORNING - 60)
    frames = [simulation.value_at(MORNING + s) for s in (0, 2, 3600)]
    book.forget_past(MORNING + 3600)
    after = simulation.value_at(MORNING + 7200)

    assert before["EPI"][0] > 1000
    assert frames[0]["EPI"][0] == 0
    assert 0 < frames[2]["EPI"][0] < 300
    assert frames[2]["EPI"][0] < after["EPI"][0] < 600
    assert after["EPI"][1] > 1000


def test_faults_act_alike_in_a_series_and_step_by_step() -> None:
    facts = {"level": 1.2, "duration_s": 1800.0}
    times, frame = whole(faulty("overload", **facts)[0], MORNING - 600, MORNING + 3600, 60.0)
    stepped, _ = faulty("overload", **facts)
    frames = [stepped.value_at(float(moment)) for moment in times]

    for code in ("P", "EPI", "T1", "Ua"):
        expected = [values[code][0] for values in frames]
        np.testing.assert_allclose(frame[code][:, 0], expected, rtol=1e-6, err_msg=code)


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("earthquake", {}),
        ("overload", {"phase": "x"}),
        ("overload", {"phase": "ab"}),
        ("overload", {"level": "much"}),
        ("overload", {"duration_s": -1}),
        ("overload", {"colour": "red"}),
        ("overload", {"ramp_s": True}),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(kind: str, facts: dict[str, object]) -> None:
    book = FaultBook()

    with pytest.raises(FaultError):
        book.start(kind, "d", at=0, facts=facts)
    assert book.faults == {}


def test_every_fault_of_the_list_can_be_started() -> None:
    for kind in FAULTS:
        simulation, book = faulty(kind)
        simulation.value_at(MORNING)
        assert [fault.kind for fault in book.active(MORNING)] == [kind]
        assert [fault.kind for fault in book.stop(target="d")] == [kind]
