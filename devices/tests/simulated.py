"""Simulated gateways for tests: in the test's own loop, or in a thread of their own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path

from devices.drivers import Profile
from devices.drivers.library import load_points, parse_template
from devices.drivers.simulator import SimDevice, SimGateway
from devices.drivers.simulator.replay import Track
from devices.drivers.simulator.server import Listener, Simulator
from devices.drivers.simulator.world import World

LIBRARY = Path(__file__).parent.parent / "library"
SHIPPED = sorted(path.stem for path in LIBRARY.glob("*.yaml") if path.stem != "points")


@cache
def shipped_profile(key: str) -> Profile:
    """The profile of a template that ships."""
    points = load_points(LIBRARY / "points.yaml")
    template, errors = parse_template((LIBRARY / f"{key}.yaml").read_text(encoding="utf-8"), points)
    assert template is not None, errors
    return template.profile()


def make_gateway(
    name: str = "gw",
    *,
    units: Sequence[int] = (1,),
    profile: Profile | None = None,
    industry: str = "office",
    rated_kva: float = 100.0,
) -> SimGateway:
    """A gateway on any free port, its devices named <gateway>/<unit>."""
    used = profile or shipped_profile("simulated")
    devices = [
        SimDevice(unit_id=unit, profile=used, seed=unit, industry=industry, rated_kva=rated_kva)
        for unit in units
    ]
    return SimGateway(name=name, port=0, devices=devices)


@asynccontextmanager
async def simulating(*gateways: SimGateway) -> AsyncIterator[Simulator]:
    """Simulated gateways in this loop, stepping only when a command or test says so."""
    simulator = Simulator(World(gateways))
    await simulator.open()
    try:
        yield simulator
    finally:
        await simulator.close()


class Background:
    """A simulator in a thread of its own."""

    def __init__(
        self, gateways: Sequence[SimGateway], tracks: Mapping[str, Track] | None = None
    ) -> None:
        self._gateways = gateways
        self._tracks = tracks
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._is_up = threading.Event()
        self.simulator: Simulator
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    @property
    def listeners(self) -> list[Listener]:
        return self.simulator.listeners

    def start(self) -> None:
        self._thread.start()
        assert self._is_up.wait(20)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        self._loop.close()

    def tell(self, **facts: object) -> None:
        """Carry out a control command and wait until it has acted."""

        async def act() -> None:
            self.simulator.handle(dict(facts))
            await self.simulator.heed_faults()

        asyncio.run_coroutine_threadsafe(act(), self._loop).result(10)

    async def _run(self) -> None:
        self.simulator = Simulator(World(self._gateways, tracks=self._tracks))
        await self.simulator.open()
        self._is_up.set()
        await self._stop.wait()
        await self.simulator.close()


@contextmanager
def background(
    *gateways: SimGateway, tracks: Mapping[str, Track] | None = None
) -> Iterator[Background]:
    """Simulated gateways beside the test's thread; `tracks` for those that replay."""
    running = Background(gateways, tracks)
    running.start()
    try:
        yield running
    finally:
        running.stop()


async def until(is_so: Callable[[], bool], *, within_s: float = 5.0) -> None:
    """Wait for something that happens in the loop by itself."""
    end = asyncio.get_running_loop().time() + within_s
    while not is_so():
        assert asyncio.get_running_loop().time() < end, "it did not happen in time"
        await asyncio.sleep(0.005)
