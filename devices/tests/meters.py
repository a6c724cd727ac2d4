"""Meters with values that a test sets, behind a real socket."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from devices.drivers import Profile
from devices.drivers.codec import encode
from devices.drivers.simulator.mbap import ILLEGAL_ADDRESS, Connection, Refusal


@dataclass
class Meter:
    """A unit whose registers hold exactly the values given; counts what it is asked."""

    profile: Profile
    is_silent: bool = False
    delay_s: float = 0.0
    asked: int = 0
    words: dict[tuple[int, int], int] = field(default_factory=dict)

    def show(self, values: Mapping[str, float]) -> None:
        """Put values into the registers of their points."""
        for register in self.profile.registers:
            if register.code in values:
                for place, word in enumerate(encode(register, values[register.code])):
                    self.words[register.function_code, register.address + place] = word

    def registers(self, function_code: int, address: int, count: int) -> bytes:
        """Words of a read."""
        self.asked += 1
        if not any((function_code, address + n) in self.words for n in range(count)):
            raise Refusal(ILLEGAL_ADDRESS)
        return b"".join(
            self.words.get((function_code, address + n), 0).to_bytes(2, "big") for n in range(count)
        )

    def bits(self, function_code: int, address: int, count: int) -> bytes:
        """Single bits, none here."""
        raise Refusal(ILLEGAL_ADDRESS)

    def write_bits(self, address: int, values: list[bool]) -> None:
        """Nothing to write here."""
        raise Refusal(ILLEGAL_ADDRESS)

    def write_registers(self, address: int, values: list[int]) -> None:
        """Nothing to write here."""
        raise Refusal(ILLEGAL_ADDRESS)


class Line:
    """One listening address with its meters by unit id."""

    def __init__(self) -> None:
        self.units: dict[int, Meter] = {}
        self.is_silent = False
        self.port = 0
        self.connections: list[Connection] = []
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        """Listen, on the same port again after a stop."""
        if not self._thread.is_alive():
            self._thread.start()
        self._call(self._open())

    def stop(self) -> None:
        """Stop listening and drop every client."""
        self._call(self._close())

    def opened(self, client: Connection) -> None:
        """A client has come."""
        self.connections.append(client)

    def closed(self, client: Connection) -> None:
        """A client has gone."""
        self.connections.remove(client)

    def end(self) -> None:
        """Stop for good."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _call(self, coroutine: object) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(5)  # type: ignore[arg-type]

    async def _open(self) -> None:
        self._server = await self._loop.create_server(
            lambda: Connection(self), "127.0.0.1", self.port
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)


@contextmanager
def listening() -> Iterator[Line]:
    """A line that listens until the end of the block."""
    line = Line()
    line.start()
    try:
        yield line
    finally:
        line.end()
