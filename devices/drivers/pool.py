"""All buses of a worker: one loop thread, connections that stay, polls with a deadline."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import uvloop

from devices.drivers import Block, DeviceRead
from devices.drivers.bus import BusOwner, BusRequest, BusSpec, BusStatus, Priority, Write, dial
from devices.drivers.dialin import DtuProfile, SessionFacts
from devices.drivers.dialin.door import Door
from devices.drivers.dialin.session import Session
from devices.drivers.dialin.transport import DialInTransport
from devices.drivers.modbus import Transport
from devices.drivers.pace import Digest, digest

# Many, because each gateway that swallows calls holds its place for the whole connect time-out.
CONNECTING_AT_ONCE = 1024
STOP_PATIENCE_S = 10.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class PollJob:
    """Read one device with its planned blocks."""

    bus_key: int
    device_id: int
    unit_id: int
    blocks: tuple[Block, ...]


class BusPool:
    """Owner of many buses, living in a thread of its own; every method may be called from any other.

    A device has one poll under way at most. What is not ready by the deadline of one poll() comes
    with a later one; nothing is lost.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._buses: dict[int, BusOwner] = {}
        self._by_dtu: dict[str, BusOwner] = {}
        self._busy: set[int] = set()
        self._ready: list[DeviceRead] = []
        self._delivered = 0
        self._waiting: asyncio.Future[None] | None = None
        self._connecting: asyncio.Semaphore | None = None
        self._door: Door | None = None
        self._known: dict[str, DtuProfile] | None = None

    def start(self) -> None:
        """Start the loop thread."""
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._live, name="bus-pool", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close every bus and the door, and end the thread; polls under way answer "closed"."""
        if self._loop is None or self._thread is None:
            return
        self._call(self._apply, ())
        self._call(self._close_door)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_PATIENCE_S)
        self._loop.close()
        self._loop = self._thread = self._connecting = None

    def apply(self, plan: Sequence[BusSpec]) -> None:
        """Make the buses be these: new ones start, missing ones close, changed ones adapt."""
        self._call(self._apply, tuple(plan))

    def poll(
        self, due: Sequence[PollJob], deadline_s: float, *, settle_s: float | None = None
    ) -> list[DeviceRead]:
        """Ask all of them; return what is ready once all are done, or after deadline_s at the latest.

        For one caller at a time. The list also holds reads left over from earlier polls. A device whose earlier poll is still
        under way is not asked again and comes as "late". With settle_s it returns earlier: when
        something is ready and nothing more came for that long, so that a slow bus does not hold up
        the others; poll((), …) then fetches the rest.
        """
        return self._call(self._poll, due, deadline_s, settle_s)

    def request(
        self,
        job: PollJob,
        priority: Priority = Priority.ON_DEMAND,
        *,
        write: Write | None = None,
    ) -> Future[DeviceRead]:
        """Ask one device ahead of the polls, also when it is in back-off.

        With write, the value is written first and the blocks are read after it. The result carries
        its error; the future itself does not fail.
        """
        loop = self._running()
        return asyncio.run_coroutine_threadsafe(self._request(job, priority, write), loop)

    def status(self) -> dict[int, BusStatus]:
        """Every bus by its key."""
        return self._call(self._status)

    def digest(self) -> Digest:
        """Every bus in a few numbers, and those that are worth a look."""
        return self._call(self._digest)

    def open_door(self, host: str, port: int) -> int:
        """Listen for DTUs; returns the port, port 0 takes any free one. Raises OSError.

        Callers wait until `admit` has said who may come in.
        """
        return self._call(self._open_door, host, port)

    def admit(self, known: Mapping[str, DtuProfile]) -> None:
        """Who may dial in from now on, by id; a DTU that may no longer is hung up on."""
        self._call(self._admit, dict(known))

    def sessions(self) -> dict[str, SessionFacts]:
        """Every admitted DTU that has dialled in since the door opened, by id."""
        return self._call(self._sessions)

    def strangers(self) -> dict[str, int]:
        """How many callers were shown out since the door opened, by reason; see `Strangers`."""
        return self._call(self._strangers)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("the pool is not started")
        return self._loop

    def _call(self, method: Callable[..., Coroutine[Any, Any, Result]], *given: object) -> Result:
        """Run in the loop thread and wait for it."""
        loop = self._running()
        return asyncio.run_coroutine_threadsafe(method(*given), loop).result()

    def _live(self) -> None:
        loop = self._running()
        asyncio.set_event_loop(loop)
        loop.run_forever()

    async def _apply(self, plan: tuple[BusSpec, ...]) -> None:
        if self._connecting is None:
            self._connecting = asyncio.Semaphore(CONNECTING_AT_ONCE)
        wanted = {spec.key: spec for spec in plan}
        gone = [self._buses.pop(key) for key in list(self._buses) if key not in wanted]
        await asyncio.gather(*(bus.close() for bus in gone))
        for key, spec in wanted.items():
            bus = self._buses.get(key)
            if bus is None:
                bus = self._buses[key] = BusOwner(
                    spec, transport=self._transport, connecting=self._connecting
                )
                bus.start()
            elif bus.spec.version != spec.version:
                bus.reconfigure(spec)
        self._by_dtu = {bus.spec.dtu_id: bus for bus in self._buses.values() if bus.spec.dtu_id}

    async def _open_door(self, host: str, port: int) -> int:
        if self._door is not None:
            raise OSError("the door is open already")
        door = Door(host, port, arrived=self._arrived)
        if self._known is not None:
            door.admit(self._known)
        opened = await door.open()
        self._door = door
        return opened

    async def _close_door(self) -> None:
        door, self._door = self._door, None
        if door is not None:
            await door.close()

    async def _admit(self, known: dict[str, DtuProfile]) -> None:
        self._known = known
        if self._door is not None:
            self._door.admit(known)

    async def _sessions(self) -> dict[str, SessionFacts]:
        return {} if self._door is None else self._door.sessions()

    async def _strangers(self) -> dict[str, int]:
        return {} if self._door is None else self._door.strangers()

    def _transport(self, spec: BusSpec) -> Transport:
        return DialInTransport(spec.dtu_id, self._session) if spec.dtu_id else dial(spec)

    def _session(self, dtu_id: str) -> Session | None:
        return None if self._door is None else self._door.session(dtu_id)

    def _arrived(self, dtu_id: str) -> None:
        bus = self._by_dtu.get(dtu_id)
        if bus is not None:
            bus.arrived()

    async def _poll(
        self, due: Sequence[PollJob], deadline_s: float, settle_s: float | None
    ) -> list[DeviceRead]:
        loop = asyncio.get_running_loop()
        busy, buses, deliver = self._busy, self._buses, self._deliver
        for job in due:
            if job.device_id in busy:
                self._ready.append(_unasked(job, "late"))
                continue
            busy.add(job.device_id)
            request = BusRequest(job.device_id, job.unit_id, job.blocks, deliver)
            bus = buses.get(job.bus_key)
            if bus is None:
                deliver(_unasked(job, "closed"))
            else:
                bus.post(request)
        end, begun = loop.time() + deadline_s, self._delivered
        while busy and (rest_s := end - loop.time()) > 0:
            seen = self._delivered
            await self._wait(rest_s if settle_s is None else min(rest_s, settle_s))
            if settle_s is not None and begun < seen == self._delivered:
                break
        ready, self._ready = self._ready, []
        return ready

    async def _wait(self, longest_s: float) -> None:
        """Until nobody is busy any more."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting = loop.create_future()
        timer = loop.call_later(longest_s, self._release)
        try:
            await waiting
        finally:
            timer.cancel()
            self._waiting = None

    def _release(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _deliver(self, read: DeviceRead) -> None:
        self._busy.discard(read.device_id)
        self._ready.append(read)
        self._delivered += 1
        if not self._busy:
            self._release()

    async def _request(self, job: PollJob, priority: Priority, write: Write | None) -> DeviceRead:
        bus = self._buses.get(job.bus_key)
        if bus is None:
            return _unasked(job, "closed")
        return await bus.submit(
            device_id=job.device_id,
            unit_id=job.unit_id,
            blocks=job.blocks,
            priority=priority,
            write=write,
        )

    async def _status(self) -> dict[int, BusStatus]:
        return {key: bus.status() for key, bus in self._buses.items()}

    async def _digest(self) -> Digest:
        return digest(self._buses, now=time.monotonic())


def _unasked(job: PollJob, error: str) -> DeviceRead:
    return DeviceRead(job.device_id, time.time(), error=error, asked=job.blocks)
