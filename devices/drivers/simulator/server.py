"""Runs simulated gateways: listeners, a step of the model every second, the control socket."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from devices.drivers.simulator import SimGateway
from devices.drivers.simulator.commands import Console
from devices.drivers.simulator.control import ControlServer
from devices.drivers.simulator.dialing import DialingDtu, DtuSetup
from devices.drivers.simulator.director import Director
from devices.drivers.simulator.faults import read_script
from devices.drivers.simulator.mbap import Connection, Unit
from devices.drivers.simulator.replay import open_folder
from devices.drivers.simulator.world import World

logger = logging.getLogger(__name__)

STEP_S = 1.0
BACKLOG = 1024
HEARTBEAT_S = 30.0
SAVE_EVERY_STEPS = 60


class Listener:
    """One gateway's address and its clients."""

    def __init__(self, gateway: SimGateway, units: Mapping[int, Unit]) -> None:
        self.gateway = gateway
        self.port = gateway.port
        self.units = units
        self.is_silent = False
        self._clients: set[Connection] = set()
        self._requests = 0
        self._server: asyncio.Server | None = None

    @property
    def requests(self) -> int:
        """Questions since start."""
        return self._requests + sum(client.requests for client in self._clients)

    @property
    def clients(self) -> int:
        """Connections that stand."""
        return len(self._clients)

    @property
    def is_listening(self) -> bool:
        """Whether clients may come."""
        return self._server is not None

    async def open(self) -> None:
        """Listen; port 0 takes any free one and keeps it. Raises OSError when it is taken."""
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Connection(self), self.gateway.host, self.port, backlog=BACKLOG
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop all clients, as a gateway without power does."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for client in list(self._clients):
            client.abort()
        if server is not None:
            await server.wait_closed()

    def opened(self, client: Connection) -> None:
        """A client has come."""
        self._clients.add(client)

    def closed(self, client: Connection) -> None:
        """A client has gone."""
        self._requests += client.requests
        self._clients.discard(client)


class Dialer:
    """A gateway that dials out, with the face of a listener."""

    def __init__(self, gateway: SimGateway, units: Mapping[int, Unit]) -> None:
        self.gateway = gateway
        self.port = gateway.port
        self._dtu = DialingDtu(
            DtuSetup(
                registration=gateway.registration,
                units=units,
                framing=gateway.framing,
                heartbeat=gateway.heartbeat,
                heartbeat_s=HEARTBEAT_S if gateway.heartbeat else None,
            )
        )
        self._living: asyncio.Task[None] | None = None

    @property
    def requests(self) -> int:
        """Questions since start."""
        return self._dtu.requests

    @property
    def clients(self) -> int:
        """1 while the door has not hung up."""
        return int(self._dtu.is_connected)

    @property
    def is_listening(self) -> bool:
        """Whether it dials."""
        return self._living is not None

    @property
    def is_silent(self) -> bool:
        """Whether answers are kept back."""
        return self._dtu.is_holding

    @is_silent.setter
    def is_silent(self, is_silent: bool) -> None:  # noqa: FBT001 - a setter's only argument
        self._dtu.is_holding = is_silent
        self._dtu.held.clear()

    async def open(self) -> None:
        """Dial, again and again while nobody answers."""
        if self._living is None:
            self._living = asyncio.create_task(self._dtu.live(self.gateway.host, self.port))

    async def close(self) -> None:
        """Hang up, as a DTU without power does."""
        living, self._living = self._living, None
        if living is not None:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)


class Simulator:
    """A world behind listeners, and gateways that dial out."""

    def __init__(self, world: World, *, director: Director | None = None) -> None:
        self.world = world
        self.director = director
        self.listeners: list[Listener | Dialer] = [
            (Dialer if gateway.registration else Listener)(gateway, world.units[gateway.name])
            for gateway in world.gateways
        ]
        self.console = Console(world, self._requests)
        self._changed = asyncio.Event()

    async def open(self) -> None:
        """Fill the registers and listen. Raises OSError when an address is taken."""
        self.world.step()
        for listener in self.listeners:
            await listener.open()
        await self.heed_faults()

    async def close(self) -> None:
        """Stop listening."""
        await asyncio.gather(*(listener.close() for listener in self.listeners))

    def handle(self, facts: dict[str, Any]) -> Mapping[str, Any]:
        """A command; its effect is in the registers when the answer goes out."""
        answer = self.console.handle(facts)
        self.world.step()
        self._changed.set()
        return answer

    async def live(self, *, save: Path | None = None) -> None:
        """Step until cancelled; leave what faults did to the counters in `save`."""
        loop = asyncio.get_running_loop()
        played_at = loop.time()
        for step in range(1, 2**62):
            self._changed.clear()
            if self.console.play_s and loop.time() - played_at >= self.console.play_s:
                played_at = loop.time()
                for track in self.world.tracks.values():
                    track.advance()
            if self.director is not None:
                self.director.cue(self.world, now=time.time())
            self.world.step()
            await self.heed_faults()
            if save is not None and step % SAVE_EVERY_STEPS == 0:
                _save(save, self.world)
            pause_s = min(STEP_S, self.console.play_s or STEP_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), pause_s)

    async def heed_faults(self) -> None:
        """Let faults of whole gateways begin and end."""
        faults = self.world.gateway_faults()
        for listener in self.listeners:
            kinds = faults.get(listener.gateway.name, set())
            listener.is_silent = "silent_gateway" in kinds
            if "dead_gateway" in kinds:
                await listener.close()
            elif not listener.is_listening:
                await listener.open()

    def _requests(self) -> dict[str, int]:
        return {listener.gateway.name: listener.requests for listener in self.listeners}


async def serve(  # noqa: PLR0913 - what a simulator may be given
    gateways: Sequence[SimGateway],
    *,
    control_path: Path | None,
    stop: asyncio.Event,
    script: Path | None = None,
    replay: Path | None = None,
    state_path: Path | None = None,
    director: Director | None = None,
) -> None:
    """Serve until `stop` is set.

    script: faults by time. director: lets one follow the other for ever. replay: folder of measured data for the devices that name a file of it.
    state_path: keeps faults and what they did to the counters over a restart. Raises OSError when an address
    is taken, FaultError and ReplayError when script or folder are wrong.
    """
    tracks = open_folder(replay) if replay is not None else {}
    world = World(gateways, tracks=tracks)
    if state_path is not None:
        _recall(state_path, world, with_faults=script is None)
    if script is not None:
        world.load_faults(read_script(script))
    simulator = Simulator(world, director=director)
    control = ControlServer(control_path, simulator.handle) if control_path is not None else None
    living: asyncio.Task[None] | None = None
    try:
        await simulator.open()
        if control is not None:
            await control.open()
        logger.info("simulator.up gateways=%s devices=%s", len(gateways), len(world.devices))
        living = asyncio.create_task(simulator.live(save=state_path))
        await _first_of(living, stop)
    finally:
        if living is not None:
            living.cancel()
        if control is not None:
            await control.close()
        await simulator.close()
        if state_path is not None:
            _save(state_path, world)
        logger.info("simulator.down")


async def _first_of(living: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Until stop is set; when the life ends by itself, its error is raised."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if living.done():
        living.result()


def _save(path: Path, world: World) -> None:
    """In one move, so that a kill in between leaves the old file."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(world.remember()), encoding="utf-8")
    fresh.replace(path)


def _recall(path: Path, world: World, *, with_faults: bool) -> None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        world.recall(kept, with_faults=with_faults)
    except FileNotFoundError:
        return
    except (ValueError, TypeError, AttributeError, KeyError, OSError):
        logger.warning("simulator.state_unreadable path=%s", path)
