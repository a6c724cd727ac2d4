"""One owner per line: who may speak when."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from devices.drivers import (
    Block,
    BusException,
    BusExpired,
    BusLost,
    BusMalformed,
    BusRefused,
    BusTimeout,
    DeviceRead,
    DriverError,
    Words,
)
from devices.drivers.backoff import Backoffs
from devices.drivers.modbus import ModbusTcpTransport, Transport
from devices.drivers.pace import Pace
from devices.drivers.rtu_tcp import RtuTcpTransport

logger = logging.getLogger(__name__)

WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16


class Priority(IntEnum):
    """Lower goes first, also between the blocks of a request that has begun."""

    CONTROL = 0
    ON_DEMAND = 1
    POLL = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class BusSpec:
    """Where a bus is and how it wants to be spoken to; a new version means changed facts.

    framing: what goes over the connection. dtu_id: not empty when the bus is the connection that
    this DTU makes to us; host, port and framing mean nothing then, the DTU's profile says it.
    """

    key: int
    version: int | str
    host: str
    port: int
    timeout_s: float = 1.0
    connect_timeout_s: float = 3.0
    gap_s: float = 0.0
    framing: Literal["mbap", "rtu"] = "mbap"
    dtu_id: str = ""

    @property
    def line(self) -> tuple[str, str, str, int]:
        """Which connection it is; another one is made when this differs."""
        return self.dtu_id, self.framing, self.host, self.port

    @property
    def is_serial(self) -> bool:
        """Whether answers may be broken by noise on the way."""
        return self.framing == "rtu" or self.dtu_id != ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """Values from an address on: to a coil (function code 5), a holding register (6), many (15, 16).

    until: epoch seconds after which it is no longer sent, however long it waited for its turn.
    """

    function_code: int
    address: int
    values: tuple[int, ...]
    until: float = float("inf")


@dataclass(slots=True, eq=False)
class BusRequest:
    """What is asked of one device; deliver is called exactly once, in the loop."""

    device_id: int
    unit_id: int
    blocks: tuple[Block, ...]
    deliver: Callable[[DeviceRead], None]
    priority: Priority = Priority.POLL
    write: Write | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BusStatus:
    """For a status page. silent: per device in back-off, failures and seconds to the next try."""

    is_connected: bool
    connects: int
    queued: int
    link_failures: int
    silent: dict[int, tuple[int, float]] = field(default_factory=dict)


def dial(spec: BusSpec) -> Transport:
    """A connection that is made to the gateway."""
    kind = RtuTcpTransport if spec.framing == "rtu" else ModbusTcpTransport
    return kind(spec.host, spec.port)


class BusOwner:
    """Speaks for one gateway's connection: one transaction at a time, the connection kept open.

    Polls fail fast: while the gateway is unreachable they answer "refused", while their device is
    in back-off "backoff", without touching the wire. On-demand and control requests always try. A
    device that kept silent costs one time-out per back-off and the others never their turn. clock
    is in monotonic seconds, now in epoch seconds.
    """

    def __init__(
        self,
        spec: BusSpec,
        *,
        transport: Callable[[BusSpec], Transport] = dial,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        connecting: asyncio.Semaphore | None = None,
    ) -> None:
        self.spec = spec
        self.backoffs = Backoffs(spec.key)
        self.pace = Pace()
        self.connects = 0
        self._make_transport = transport
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._connecting = connecting or asyncio.Semaphore(1)
        self._queues: tuple[deque[BusRequest], ...] = tuple(deque() for _ in Priority)
        self._polls = self._queues[Priority.POLL]
        # Requests that go before polls: nearly always none.
        self._pressing = 0
        self._wake: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._transport: Transport | None = None
        self._line_of = spec
        self._free_at = 0.0
        self._is_closed = False

    def start(self) -> None:
        """Begin to serve; needs a running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def post(self, request: BusRequest) -> None:
        """Queue a request; errors come in the result it delivers."""
        if self._is_closed:
            self._refuse(request)
            return
        self._queues[request.priority].append(request)
        self._pressing += request.priority < Priority.POLL
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def submit(
        self,
        *,
        device_id: int,
        unit_id: int,
        blocks: tuple[Block, ...] = (),
        priority: Priority = Priority.ON_DEMAND,
        write: Write | None = None,
    ) -> asyncio.Future[DeviceRead]:
        """Queue a request and return its result to come; errors are in it, never raised."""
        result: asyncio.Future[DeviceRead] = asyncio.get_running_loop().create_future()

        def deliver(read: DeviceRead) -> None:
            if not result.done():
                result.set_result(read)

        self.post(BusRequest(device_id, unit_id, blocks, deliver, priority, write))
        return result

    def reconfigure(self, spec: BusSpec) -> None:
        """Take changed facts from the next transaction on; all back-offs are forgotten."""
        self.spec = spec
        self.backoffs.forget()

    def arrived(self) -> None:
        """The gateway has dialled in: polls need not wait for the next try."""
        if self.backoffs.link is not None:
            self.backoffs.link.retry_at = 0.0

    async def close(self) -> None:
        """Stop serving and drop the connection; what is still queued answers "closed"."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()
        while (request := self._next()) is not None:
            self._refuse(request)

    @property
    def is_connected(self) -> bool:
        """Whether a connection stands."""
        return self._transport is not None and self._transport.is_connected

    @property
    def queued(self) -> int:
        """Requests that wait for their turn."""
        return sum(map(len, self._queues))

    def status(self) -> BusStatus:
        """How the bus does now."""
        now = self._clock()
        link = self.backoffs.link
        return BusStatus(
            is_connected=self.is_connected,
            connects=self.connects,
            queued=self.queued,
            link_failures=link.failures if link else 0,
            silent={
                device_id: (silence.failures, max(0.0, silence.retry_at - now))
                for device_id, silence in self.backoffs.devices.items()
            },
        )

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            request = self._next()
            if request is not None:
                await self._handle(request)
                continue
            self._wake = loop.create_future()
            await self._wake
            self._wake = None

    def _next(self, *, above: int = len(Priority)) -> BusRequest | None:
        """The oldest request of the most urgent kind that is more urgent than `above`."""
        if self._pressing:
            for queue in self._queues[: min(above, Priority.POLL)]:
                if queue:
                    self._pressing -= 1
                    return queue.popleft()
        return self._polls.popleft() if self._polls and above > Priority.POLL else None

    def _refuse(self, request: BusRequest, error: str = "closed") -> None:
        request.deliver(
            DeviceRead(request.device_id, self._now(), error=error, asked=request.blocks)
        )

    async def _handle(self, request: BusRequest) -> None:
        """Serve one request and deliver, whatever happens."""
        read = DeviceRead(request.device_id, 0.0, asked=request.blocks)
        try:
            await self._serve(request, read)
        except DriverError as error:
            read.error = error.error
        except asyncio.CancelledError:
            self._refuse(request)
            raise
        except Exception:
            # A defect met with one device must not silence its bus.
            logger.exception("bus.defect bus=%s device=%s", self.spec.key, request.device_id)
            read.error = DriverError.error
        if not read.at:
            read.at = self._now()
        request.deliver(read)

    async def _serve(self, request: BusRequest, read: DeviceRead) -> None:
        """Block by block; an exception answer costs its block only, silence ends the request."""
        if request.priority == Priority.POLL:
            read.error = self.backoffs.why_not(request.device_id, self._clock())
            if read.error is not None:
                return
        if request.write is not None:
            await self._write(request, request.write)
        for position, block in enumerate(request.blocks):
            while self._pressing and (urgent := self._next(above=request.priority)) is not None:
                await self._handle(urgent)
            try:
                words = await self._read(request, block)
            except (BusException, BusMalformed) as error:
                read.error = read.error or error.error
                continue
            if read.blocks is None:
                read.at = self._now()
                read.blocks = [None] * len(request.blocks)
            read.blocks[position] = words

    async def _read(self, request: BusRequest, block: Block, *, is_repeat: bool = False) -> Words:
        """One question. A kept connection may have died unnoticed: then again on a new one.

        What noise broke on a serial line is asked for once more.
        """
        transport, is_kept = self._transport, True
        if transport is None or not self._is_ready(transport):
            transport, is_kept = await self._line()
        asked_s = self._clock()
        try:
            words = await transport.read(
                block, unit_id=request.unit_id, timeout_s=self.spec.timeout_s
            )
        except DriverError as error:
            if is_kept and isinstance(error, BusRefused):
                return await self._read(request, block, is_repeat=is_repeat)
            self._note(request.device_id, error)
            if isinstance(error, BusMalformed) and self.spec.is_serial and not is_repeat:
                return await self._read(request, block, is_repeat=True)
            raise
        self.pace.note(self._clock() - asked_s)
        self._note(request.device_id, None)
        return words

    async def _write(self, request: BusRequest, write: Write) -> None:
        """Never repeated by itself: the device may have acted although no answer came.

        Words in UNSENT mean that nothing was sent.
        """
        transport, _ = await self._line()
        if self._now() > write.until:
            raise BusExpired
        try:
            await _send(transport, write, request.unit_id, self.spec.timeout_s)
        except DriverError as error:
            self._note(request.device_id, error)
            if isinstance(error, BusRefused):
                raise BusLost(str(error)) from error
            raise
        self._note(request.device_id, None)

    def _note(self, device_id: int, error: DriverError | None) -> None:
        """Keep the books after a transaction."""
        now = self._clock()
        if self.spec.gap_s:
            self._free_at = now + self.spec.gap_s
        if isinstance(error, BusTimeout):
            self.backoffs.note_silence(device_id, now)
        elif isinstance(error, BusRefused):
            self.backoffs.note_no_link(now, "lost")
        else:
            self.backoffs.note_answer(device_id)

    def _is_ready(self, transport: Transport) -> bool:
        """Whether a question can be sent at once, as it nearly always can."""
        spec = self.spec
        return spec is self._line_of and not spec.gap_s and transport.is_connected

    async def _line(self) -> tuple[Transport, bool]:
        """A connection that may be spoken on now, and whether it stood before."""
        spec = self.spec
        transport = self._transport
        if transport is not None and self._line_of.line != spec.line:
            transport.close()
        is_kept = transport is not None and transport.is_connected
        if transport is None or not is_kept:
            transport = await self._connect(spec)
        self._line_of = spec
        if spec.gap_s and (rest_s := self._free_at - self._clock()) > 0:
            await self._sleep(rest_s)
        return transport, is_kept

    async def _connect(self, spec: BusSpec) -> Transport:
        transport = self._transport
        if transport is None or self._line_of.line != spec.line:
            transport = self._transport = self._make_transport(spec)
            self._line_of = spec
        try:
            async with self._connecting:
                await transport.connect(timeout_s=spec.connect_timeout_s)
        except BusRefused as error:
            self.backoffs.note_no_link(self._clock(), str(error), error.error)
            raise
        self.connects += 1
        return transport


async def _send(transport: Transport, write: Write, unit_id: int, timeout_s: float) -> None:
    """One write as its function code says."""
    address, first = write.address, write.values[0]
    if write.function_code == WRITE_COIL:
        await transport.write_coil(address, is_on=bool(first), unit_id=unit_id, timeout_s=timeout_s)
    elif write.function_code == WRITE_REGISTER:
        await transport.write_register(address, value=first, unit_id=unit_id, timeout_s=timeout_s)
    elif write.function_code == WRITE_COILS:
        bits = [bool(value) for value in write.values]
        await transport.write_coils(address, values=bits, unit_id=unit_id, timeout_s=timeout_s)
    elif write.function_code == WRITE_REGISTERS:
        await transport.write_registers(
            address, values=write.values, unit_id=unit_id, timeout_s=timeout_s
        )
    else:
        raise ValueError(f"function code {write.function_code} does not write")
