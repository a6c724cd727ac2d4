"""Lets things go wrong in a demonstration, for ever: the same faults for the same seed and clock.

It has a fixed cast of devices, so that an alarm which nobody handles recurs instead of many new
ones piling up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devices.drivers.simulator import SimDevice, SimGateway
from devices.drivers.simulator.noise import uniform
from devices.drivers.simulator.world import World

SLOT_S = 150.0
OPENING_S = 15.0
_OPENING = 0
_CAST, _TURN, _LEVEL, _LENGTH, _PHASE = range(60, 65)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A kind of fault: how many devices play it, how strong it is and how long it lasts.

    needs: a point that shows it. level: from and to; minutes likewise. of_gateway: it hits all
    devices behind a gateway.
    """

    kind: str
    cast: int
    minutes: tuple[float, float]
    level: tuple[float, float] = (1.0, 1.0)
    needs: str = "Ia"
    ramp_s: float = 0.0
    of_gateway: bool = False
    with_incomers: bool = False


# Long enough for the delay of the rule that watches it, and over before anybody loses patience.
SCENES = (
    Scene(kind="residual_step", cast=5, minutes=(2, 6), level=(175, 420), needs="IR"),
    Scene(kind="door_open", cast=5, minutes=(1, 5), needs="DI2", with_incomers=True),
    Scene(kind="hot_joint", cast=4, minutes=(6, 14), level=(34, 60), needs="T1", ramp_s=120),
    Scene(kind="overload", cast=3, minutes=(8, 20), level=(1.04, 1.16), ramp_s=60),
    Scene(kind="harmonics", cast=2, minutes=(13, 18), level=(4.2, 6.0), needs="THD_Ua"),
    Scene(kind="dead_meter", cast=2, minutes=(2, 4)),
    Scene(kind="breaker_trip", cast=1, minutes=(2, 4), needs="DI1"),
    Scene(kind="low_voltage", cast=1, minutes=(3, 5), level=(0.085, 0.11), of_gateway=True),
    Scene(kind="dead_gateway", cast=1, minutes=(2, 4), of_gateway=True),
)


class Director:
    """Plays one scene in each slot of the clock; the first soon after the start."""

    def __init__(self, gateways: Sequence[SimGateway], *, seed: int = 1) -> None:
        self.roles = list(_roles(gateways, seed))
        self._seed = seed
        self._opens_at: float | None = None
        self._slot: int | None = None

    def cue(self, world: World, *, now: float) -> None:
        """Begin what is due at this moment (epoch seconds); called every second or so."""
        if not self.roles:
            return
        slot = int(now // SLOT_S)
        if self._slot is None:
            self._slot, self._opens_at = slot, now + OPENING_S
        if self._opens_at is not None and now >= self._opens_at:
            self._opens_at = None
            self._play(world, slot, _OPENING, now)
        elif slot != self._slot:
            self._slot = slot
            turn = uniform(self._seed, slot, _TURN)
            self._play(world, slot, int((turn + 1) / 2 * len(self.roles)), now)

    def _play(self, world: World, slot: int, place: int, now: float) -> None:
        """One scene, unless its target has enough to bear already."""
        scene, target = self.roles[place]
        if not any(fault.target == target for fault in world.book.active(now)):
            world.start_fault(scene.kind, target, self._facts(scene, slot))

    def _facts(self, scene: Scene, slot: int) -> Mapping[str, Any]:
        def between(bounds: tuple[float, float], stream: int) -> float:
            share = (float(uniform(self._seed, slot, stream)) + 1) / 2
            return bounds[0] + (bounds[1] - bounds[0]) * share

        return {
            "duration_s": round(60 * between(scene.minutes, _LENGTH)),
            "level": round(between(scene.level, _LEVEL), 3),
            "ramp_s": scene.ramp_s,
            "phase": "abc"[int(between((0.0, 2.999), _PHASE))],
        }


def _roles(gateways: Sequence[SimGateway], seed: int) -> list[tuple[Scene, str]]:
    """Who plays what: nobody twice, and as many gateways as there are."""
    roles: list[tuple[Scene, str]] = []
    used: dict[str, int] = {}
    taken: set[str] = set()
    for number, scene in enumerate(SCENES):
        for turn in range(scene.cast):
            choice = sorted(
                (used.get(gateway.name, 0), uniform(seed, row, _CAST + 100 * number + turn), name)
                for row, gateway in enumerate(gateways)
                for name in _fit(scene, gateway)
                if name not in taken
            )
            if choice:
                name = choice[0][2]
                taken.add(name)
                home = next(one for one in gateways if name in _fit(scene, one)).name
                used[home] = used.get(home, 0) + 1
                roles.append((scene, name))
    return roles


def _fit(scene: Scene, gateway: SimGateway) -> list[str]:
    """Names that can play a scene."""
    if scene.of_gateway:
        return [gateway.name] if 0 < len(gateway.devices) <= 4 else []
    return [one.name for one in gateway.devices if _can_play(scene, one)]


def _can_play(scene: Scene, device: SimDevice) -> bool:
    is_shown = any(register.code == scene.needs for register in device.profile.registers)
    is_modelled = device.replay is None and not device.beside
    is_incomer = device.is_incomer or bool(device.feeders)
    return is_shown and is_modelled and (scene.with_incomers or not is_incomer)
