"""Modbus RTU over a TCP connection that we open: a serial server that passes bytes through."""

import asyncio

from devices.drivers import BusRefused, BusTimeout, no_connection
from devices.drivers.line import Line
from devices.drivers.pdu import Questions
from devices.drivers.rtu import Answers

# A serial server without power lets questions go nowhere; one meter that is dead does as well.
MOST_IN_VAIN = 3


class RtuTcpTransport(Questions):
    """One connection to a serial server, for `modbus.Transport`.

    It stays open after a time-out and is drained: a new connection would get the late answer just
    the same, because the server passes on what the serial line says to whoever is connected. After
    three questions in a row without a byte it is closed, for the server itself may be gone; what is
    still owed then is drained from the next connection.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._line: Line | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, as far as this side knows."""
        return self._line is not None and self._line.is_open

    async def connect(self, *, timeout_s: float) -> None:
        """Open the connection. Raises BusRefused, also when it takes too long."""
        line = Line(Answers())
        if self._line is not None:
            line.inherit(self._line)
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: line, self.host, self.port
                )
        except OSError as error:
            raise no_connection(error) from error
        self._line = line

    def close(self) -> None:
        """Drop the connection without waiting."""
        if self._line is not None:
            self._line.close()

    async def _ask(self, pdu: bytes, *, unit_id: int, timeout_s: float) -> bytes:
        line = self._line
        if line is None:
            raise BusRefused("not connected")
        try:
            return await line.ask(pdu, unit_id=unit_id, timeout_s=timeout_s)
        except BusTimeout:
            if line.asked_in_vain >= MOST_IN_VAIN:
                line.close()
            raise
