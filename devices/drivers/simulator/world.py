"""Everything simulated in one process: gateways with their devices, faults, measured tracks."""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from devices.drivers import Profile
from devices.drivers.simulator import CHINA_OFFSET_S, SimDevice, SimGateway
from devices.drivers.simulator.bench import INDUSTRY as BENCH
from devices.drivers.simulator.bench import bench_unit
from devices.drivers.simulator.faults import (
    FAULTS,
    GATEWAY_FAULTS,
    Fault,
    FaultBook,
    FaultError,
)
from devices.drivers.simulator.image import Image
from devices.drivers.simulator.mbap import Unit
from devices.drivers.simulator.model import Frame, Simulation
from devices.drivers.simulator.noise import Floats
from devices.drivers.simulator.replay import ReplayError, Track
from devices.drivers.simulator.units import ImageUnit

EVERYTHING = "all"


@dataclasses.dataclass(frozen=True, slots=True)
class _Bank:
    """Devices that share an image. rows: their places in the simulation's arrays."""

    image: Image
    rows: list[int]


@dataclasses.dataclass(slots=True)
class _Player:
    """A device that serves a track. row: what its image holds now."""

    name: str
    track: Track
    image: Image
    row: int = -1


class World:
    """Steps the model, writes registers, knows what each name means.

    A name is a device's, a gateway's (all its devices), or "all". clock: epoch seconds.
    """

    def __init__(
        self,
        gateways: Sequence[SimGateway],
        *,
        tracks: Mapping[str, Track] | None = None,
        utc_offset_s: int = CHINA_OFFSET_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.gateways = list(gateways)
        self.book = FaultBook()
        self.tracks = dict(tracks or {})
        self.units: dict[str, dict[int, Unit]] = {gateway.name: {} for gateway in gateways}
        self.devices: dict[str, SimDevice] = {}
        self._members: dict[str, list[str]] = {EVERYTHING: []}
        self._unit_of: dict[str, Unit] = {}
        self._players: list[_Player] = []
        self._banks: list[_Bank] = []
        self._clock = clock
        self._utc_offset_s = utc_offset_s
        self._frame: Frame = {}
        for gateway in gateways:
            self._claim(gateway.name)
        for gateway in gateways:
            for given in gateway.devices:
                name = given.name or f"{gateway.name}/{given.unit_id}"
                self._enter(gateway.name, dataclasses.replace(given, name=name))
        modelled = [one for one in self.devices.values() if _is_modelled(one)]
        self.simulation = Simulation(modelled, faults=self.book, utc_offset_s=utc_offset_s)
        self._place(modelled)
        for name, members in self._members.items():
            rows = itertools.chain.from_iterable(
                self.simulation.rows.get(member, ()) for member in members
            )
            self.simulation.rows.setdefault(name, list(rows))
        for gateway in gateways:
            for name in self._members[gateway.name]:
                unit_id = self.devices[name].unit_id
                self.units[gateway.name][unit_id] = self._unit_of[name]

    def step(self) -> None:
        """Bring every register to the present moment."""
        now = self._clock()
        self.book.forget_past(now)
        if self.simulation.devices:
            self._frame = self.simulation.value_at(now)
            for bank in self._banks:
                bank.image.write(self._frame, bank.rows)
        for player in self._players:
            if player.row != player.track.row:
                self._play(player)
        self._mute(now)

    def start_fault(self, kind: str, target: str, facts: Mapping[str, Any]) -> Fault:
        """Begin a fault now. Raises FaultError."""
        self._check(kind, target)
        return self.book.start(kind, target, at=self._clock(), facts=facts)

    def load_faults(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Enter a script; its times count from now. Raises FaultError."""
        start = self._clock()
        for entry in entries:
            facts = {key: entry[key] for key in entry if key not in ("at", "fault", "target")}
            self._check(entry["fault"], entry["target"])
            self.book.start(entry["fault"], entry["target"], at=start + entry["at"], facts=facts)

    def gateway_faults(self) -> dict[str, set[str]]:
        """Which faults of whole gateways are under way, by gateway name."""
        found: dict[str, set[str]] = {}
        for fault in self.book.active(self._clock()):
            if fault.kind in GATEWAY_FAULTS:
                names = self.units if fault.target == EVERYTHING else (fault.target,)
                for name in names:
                    found.setdefault(name, set()).add(fault.kind)
        return found

    def names_at(self, gateway: str) -> list[str]:
        """The devices of a gateway."""
        return self._members[gateway]

    def values(self, name: str) -> dict[str, float | None]:
        """What a device shows now, by point code. Raises FaultError for an unknown name."""
        device = self.devices.get(name)
        if device is None:
            raise FaultError(f"no device {name!r}")
        for player in self._players:
            if player.name == name:
                return _plain(player.track.current(device.profile))
        codes = [register.code for register in device.profile.registers]
        rows = self.simulation.rows.get(name, ())
        return {
            code: float(self._frame[code][row])
            for row in rows
            for code in codes
            if code in self._frame
        }

    def track(self, name: str | None) -> Iterator[Track]:
        """The track of this name, or all. Raises ReplayError."""
        if name is None:
            yield from self.tracks.values()
        elif name in self.tracks:
            yield self.tracks[name]
        else:
            raise ReplayError(f"no track {name!r}; there are: {', '.join(self.tracks) or 'none'}")

    def remember(self) -> dict[str, Any]:
        """Faults under way, and what faults left behind; see recall()."""
        return {"left": self.simulation.left_behind(), "faults": self.book.remember()}

    def recall(self, kept: Mapping[str, Any], *, with_faults: bool = True) -> None:
        """Take up what remember() gave: no counter falls back at a restart, no fault is forgotten.

        Faults of devices and gateways that are gone stay away.
        """
        self.simulation.take_up(kept.get("left", {}))
        if with_faults:
            faults = kept.get("faults", [])
            known = {*self._members, *self.units}
            self.book.recall([fault for fault in faults if fault["target"] in known])

    def _enter(self, gateway: str, device: SimDevice) -> None:
        self._claim(device.name).append(device.name)
        if device.replay is not None and device.replay not in self.tracks:
            raise ReplayError(
                f"{device.name}: no file {device.replay!r}; there are: {', '.join(self.tracks)}"
            )
        self.devices[device.name] = device
        self._members[gateway].append(device.name)
        self._members[EVERYTHING].append(device.name)
        if device.industry == BENCH:
            self._unit_of[device.name] = bench_unit(device.seed)
        elif device.replay is not None:
            image = Image(device.profile, 1)
            self._players.append(_Player(device.name, self.tracks[device.replay], image))
            self._unit_of[device.name] = self._unit(image, 0)

    def _claim(self, name: str) -> list[str]:
        """Names are unique among gateways and devices; returns what it will stand for."""
        if name in self._members:
            raise ValueError(f"two gateways or devices are called {name!r}")
        return self._members.setdefault(name, [])

    def _place(self, modelled: Sequence[SimDevice]) -> None:
        """Give the devices of each profile one image."""
        groups: dict[Profile, list[int]] = {}
        for row, device in enumerate(modelled):
            groups.setdefault(device.profile, []).append(row)
        for profile, rows in groups.items():
            image = Image(profile, len(rows))
            self._banks.append(_Bank(image, rows))
            for place, row in enumerate(rows):
                self._unit_of[modelled[row].name] = self._unit(image, place)

    def _unit(self, image: Image, row: int) -> ImageUnit:
        return ImageUnit(image, row, clock=self._clock, utc_offset_s=self._utc_offset_s)

    def _play(self, player: _Player) -> None:
        values = player.track.current(self.devices[player.name].profile)
        table: dict[str, Floats] = {code: np.array([value]) for code, value in values.items()}
        player.image.write(table, [0])
        player.row = player.track.row

    def _mute(self, now: float) -> None:
        """Dead and slow meters, and outputs that do not obey."""
        for unit in self._unit_of.values():
            unit.is_silent, unit.delay_s = False, 0.0
            if isinstance(unit, ImageUnit):
                unit.obey()
        for fault in self.book.active(now):
            for name in self._members.get(fault.target, ()):
                unit = self._unit_of[name]
                if fault.kind == "dead_meter":
                    unit.is_silent = True
                elif fault.kind == "slow_meter":
                    unit.delay_s = max(unit.delay_s, fault.level)
                elif isinstance(unit, ImageUnit):
                    unit.disobey(fault)

    def _check(self, kind: str, target: str) -> None:
        if kind not in FAULTS:
            raise FaultError(f"no fault {kind!r}; there are: {', '.join(FAULTS)}")
        if kind in GATEWAY_FAULTS:
            if target != EVERYTHING and target not in self.units:
                raise FaultError(f"no gateway {target!r}")
        elif target not in self._members:
            raise FaultError(f"no device or gateway {target!r}")


def _is_modelled(device: SimDevice) -> bool:
    return device.replay is None and device.industry != BENCH


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    return {code: None if np.isnan(value) else value for code, value in values.items()}
