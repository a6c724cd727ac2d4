"""Incomers show what their feeders take: power, energy, faults; monitors share their circuit."""

import numpy as np
import pytest

from devices.drivers.simulator import SimDevice
from devices.drivers.simulator.faults import FaultBook
from devices.drivers.simulator.model import Simulation
from devices.drivers.simulator.tree import LINE_LOSS
from devices.tests.simulated import shipped_profile

MORNING = 1_795_572_000.0 + 2 * 3600
TIMES = MORNING + np.arange(0, 7200, 60.0)


def plant() -> list[SimDevice]:
    profile = shipped_profile("simulated")

    def device(name: str, seed: int, kva: float, **facts: object) -> SimDevice:
        given = {"industry": "machinery", "supply": 1, **facts}
        return SimDevice(
            unit_id=seed, profile=profile, name=name, seed=seed, rated_kva=kva, **given
        )

    return [
        device("incomer", 1, 400, feeders=("one", "two")),
        device("one", 2, 160),
        device("two", 3, 200),
        device("monitor", 4, 160, beside="one"),
    ]


def test_an_incomer_shows_its_feeders_and_the_losses() -> None:
    frame = Simulation(plant()).advance(TIMES)

    for code in ("P", "Q", "Pa", "EPI", "EQI"):
        incomer, one, two, monitor = frame[code].T
        np.testing.assert_allclose(incomer, (one + two) * (1 + LINE_LOSS), rtol=1e-9, err_msg=code)
        np.testing.assert_allclose(monitor, one, rtol=1e-9, err_msg=code)


def test_what_happens_to_a_feeder_shows_at_the_incomer_and_stays_in_its_counter() -> None:
    book = FaultBook()
    for kind, level in (("overload", 1.2), ("residual_step", 300.0)):
        book.start(kind, "one", at=MORNING + 600, facts={"duration_s": 1800, "level": level})
    quiet, loud = Simulation(plant()).advance(TIMES), Simulation(plant(), faults=book)
    frame = loud.advance(TIMES)

    for code in ("P", "EPI"):
        incomer, one, two, _monitor = frame[code].T
        np.testing.assert_allclose(incomer, (one + two) * (1 + LINE_LOSS), rtol=1e-6, err_msg=code)
    more = frame["EPI"][-1] - quiet["EPI"][-1]
    assert more[0] == pytest.approx(more[1] * (1 + LINE_LOSS))
    assert more[1] > 20
    assert (frame["IR"] - quiet["IR"])[20, [0, 1, 3]] == pytest.approx([304, 300, 300], abs=1)


def test_an_incomer_that_trips_takes_its_feeders_along() -> None:
    book = FaultBook()
    book.start("breaker_trip", "incomer", at=MORNING, facts={"duration_s": 600})
    frame = Simulation(plant(), faults=book).advance(TIMES)

    assert frame["DI1"][5].tolist() == [0, 1, 1, 1]
    assert frame["Ua"][5, 1:3].max() < 1
    assert frame["P"][5].max() < 0.01
    assert frame["P"][15].min() > 10


def test_doors_voltage_and_distortion_go_wrong_on_command() -> None:
    book = FaultBook()
    book.start("door_open", "one", at=MORNING)
    book.start("low_voltage", "two", at=MORNING, facts={"level": 0.09})
    book.start("harmonics", "two", at=MORNING, facts={"level": 4.0})
    quiet = Simulation(plant()).advance(TIMES[:3])
    frame = Simulation(plant(), faults=book).advance(TIMES[:3])

    assert frame["DI2"][1].tolist() == [0, 1, 0, 0]
    assert frame["Ub"][1, 2] == pytest.approx(quiet["Ub"][1, 2] * 0.91, rel=2e-3)
    assert frame["THD_Ua"][1, 2] == pytest.approx(quiet["THD_Ua"][1, 2] + 4, abs=0.1)


def test_a_meter_cannot_measure_itself() -> None:
    profile = shipped_profile("simulated")
    circle = [
        SimDevice(unit_id=1, profile=profile, name="a", feeders=("b",)),
        SimDevice(unit_id=2, profile=profile, name="b", beside="a"),
    ]
    with pytest.raises(ValueError, match="itself"):
        Simulation(circle)
