"""The director of a demonstration: soon, for ever, varied, and the same for the same clock."""

from collections import Counter

from devices.drivers.simulator import SimDevice, SimGateway
from devices.drivers.simulator.director import SLOT_S, Director
from devices.drivers.simulator.world import World
from devices.tests.simulated import shipped_profile

START = 1_795_572_000.0


class Stage:
    """Eight gateways with an incomer and three feeders each, and a clock."""

    def __init__(self) -> None:
        self.now = START
        profile = shipped_profile("simulated")
        self.gateways = [
            SimGateway(
                name=f"g{g}",
                port=0,
                devices=[
                    SimDevice(
                        unit_id=n,
                        profile=profile,
                        name=f"d{g}{n}",
                        seed=10 * g + n,
                        feeders=() if n else tuple(f"d{g}{m}" for m in (1, 2, 3)),
                    )
                    for n in range(4)
                ],
            )
            for g in range(8)
        ]
        self.world = World(self.gateways, clock=lambda: self.now)
        self.director = Director(self.gateways)
        self.played: list[tuple[float, str, str]] = []

    def run(self, seconds: int) -> "Stage":
        seen = 0
        for _second in range(seconds):
            self.director.cue(self.world, now=self.now)
            for number in sorted(self.world.book.faults):
                if number > seen:
                    seen = number
                    fault = self.world.book.faults[number]
                    self.played.append((self.now - START, fault.kind, fault.target))
            self.world.book.forget_past(self.now)
            self.now += 1
        return self


def test_something_goes_wrong_at_once_and_then_every_few_minutes() -> None:
    played = Stage().run(4 * 3600).played

    assert played[0][0] <= 30
    assert played[0][1] == "residual_step"
    pauses = [after[0] - before[0] for before, after in zip(played, played[1:], strict=False)]
    assert max(pauses) <= 4 * SLOT_S
    assert len(Counter(kind for _at, kind, _target in played)) >= 6
    assert len({target for _at, _kind, target in played}) >= 12


def test_it_is_the_same_again_and_every_fault_ends() -> None:
    one, other = Stage().run(3600), Stage().run(3600)

    assert one.played == other.played
    assert all(fault.ends_at for fault in one.world.book.faults.values())


def test_the_cast_is_small_so_that_alarms_recur() -> None:
    roles = Stage().director.roles
    assert len(roles) == len({target for _scene, target in roles}) <= 24


def test_incomers_are_not_overloaded_even_when_nothing_below_is_measured() -> None:
    profile = shipped_profile("simulated")
    lone = SimDevice(unit_id=1, profile=profile, name="lone", seed=1, is_incomer=True)
    roles = Director([SimGateway(name="g", port=0, devices=[lone])]).roles

    assert {scene.kind for scene, target in roles if target == "lone"} <= {"door_open"}


def test_without_devices_nothing_happens() -> None:
    world = World([])
    Director([]).cue(world, now=START)
    assert world.book.faults == {}
