"""Modbus TCP: the only file that imports pymodbus, for its frames and messages.

The connection is ours, not pymodbus' client: that one retries and reconnects by itself, leaves a
request waiting when the connection breaks, and takes an answer with transaction id 0 for any.

Nearly all traffic is a read of registers whose answer comes in one piece. Such a frame is written
and recognised here as a whole, at half the cost; everything else that may come goes to pymodbus.
"""

import asyncio
import logging
import struct
from collections.abc import Callable, Sequence
from typing import Protocol

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadDiscreteInputsRequest,
    WriteMultipleCoilsRequest,
    WriteSingleCoilRequest,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    ReadInputRegistersResponse,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from devices.drivers import (
    Block,
    BusException,
    BusMalformed,
    BusRefused,
    BusTimeout,
    Registers,
    Words,
    no_connection,
)

# A gateway says with these that the device behind it kept silent.
SILENT_CODES = (10, 11)
LAST_TRANSACTION = 0xFFFF
LONGEST_FRAME = 260
REGISTER_FUNCTION_CODES = (3, 4)
# Transaction, protocol, length, unit, function code; then address and count, or the bytes that follow.
_QUESTION = struct.Struct(">HHHBBHH")
_ANSWER = struct.Struct(">HHHBBB")

# What goes wrong is reported once by the bus owner; pymodbus would repeat it per request.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class Transport(Protocol):
    """A connection that asks one question at a time."""

    @property
    def is_connected(self) -> bool:
        """Whether the next question can be sent without connecting."""
        ...

    async def connect(self, *, timeout_s: float) -> None:
        """Open the connection. Raises BusRefused."""
        ...

    def close(self) -> None:
        """Drop the connection, and with it any answer that is still under way."""
        ...

    async def read(self, block: Block, *, unit_id: int, timeout_s: float) -> Words:
        """Raw words of a block; bits as 0 and 1. Raises DriverError."""
        ...

    async def write_coil(
        self, address: int, *, is_on: bool, unit_id: int, timeout_s: float
    ) -> None:
        """Function code 5. Raises DriverError."""
        ...

    async def write_register(
        self, address: int, *, value: int, unit_id: int, timeout_s: float
    ) -> None:
        """Function code 6. Raises DriverError."""
        ...

    async def write_coils(
        self, address: int, *, values: Sequence[bool], unit_id: int, timeout_s: float
    ) -> None:
        """Function code 15. Raises DriverError."""
        ...

    async def write_registers(
        self, address: int, *, values: Sequence[int], unit_id: int, timeout_s: float
    ) -> None:
        """Function code 16. Raises DriverError."""
        ...


class _FastRegisters(ReadHoldingRegistersResponse):
    """Unpacks all registers at once; pymodbus takes them one by one."""

    def decode(self, data: bytes) -> None:
        """Take the words; raises struct.error when their number does not fit."""
        self.registers = list(struct.unpack(f">{data[0] >> 1}H", data[1:]))

    def __str__(self) -> str:
        """Short: pymodbus formats every message for its debug log, also when that is off."""
        return "registers"


class _FastInputRegisters(_FastRegisters, ReadInputRegistersResponse):
    function_code = ReadInputRegistersResponse.function_code


_REQUESTS: dict[int, Callable[..., ModbusPDU]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
_decoder = DecodePDU(False)
_decoder.register(_FastRegisters)
_decoder.register(_FastInputRegisters)


class ModbusTcpTransport(asyncio.Protocol):
    """One connection to a gateway. After a time-out it is closed, so no late answer can be mistaken.

    Transaction ids must match exactly; an answer with another id is dropped.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._loop = asyncio.get_running_loop()
        self._framer = FramerSocket(_decoder)
        self._socket: asyncio.Transport | None = None
        self._buffer = b""
        self._transaction = 0
        self._request: ModbusPDU | None = None
        self._asked: tuple[Block, int] = Block(0, 0, 0), 0
        self._head = b""
        self._answer: asyncio.Future[ModbusPDU | bytes] | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, as far as this side knows."""
        return self._socket is not None

    async def connect(self, *, timeout_s: float) -> None:
        """Open the connection. Raises BusRefused, also when it takes too long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._loop.create_connection(lambda: self, self.host, self.port)
        except OSError as error:
            self.close()
            raise no_connection(error) from error

    def close(self) -> None:
        """Drop the connection without waiting."""
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.abort()

    async def read(self, block: Block, *, unit_id: int, timeout_s: float) -> Words:
        """Raw words of a block; bits as 0 and 1. Raises DriverError."""
        if block.function_code in REGISTER_FUNCTION_CODES:
            return await self._read_registers(block, unit_id, timeout_s)
        answer = await self._ask(_request_of(block, unit_id), timeout_s)
        bits = answer.bits
        if len(bits) != (block.count + 7) // 8 * 8:
            raise BusMalformed(f"{len(bits)} bits instead of {block.count}")
        return [int(bit) for bit in bits[: block.count]]

    async def _read_registers(self, block: Block, unit_id: int, timeout_s: float) -> Words:
        """The usual question. Its answer is the expected head and the words, or it is no usual one."""
        count, size = block.count, 2 * block.count
        self._transaction = number = self._transaction % LAST_TRANSACTION + 1
        self._asked = block, unit_id
        self._head = _ANSWER.pack(number, 0, size + 3, unit_id, block.function_code, size)
        question = _QUESTION.pack(number, 0, 6, unit_id, block.function_code, block.address, count)
        answer = await self._exchange(question, timeout_s)
        if isinstance(answer, bytes):
            return Registers(answer[_ANSWER.size :])
        words = answer.registers
        if len(words) != count:
            raise BusMalformed(f"{len(words)} registers instead of {count}")
        return words

    async def write_coil(
        self, address: int, *, is_on: bool, unit_id: int, timeout_s: float
    ) -> None:
        """Function code 5; the echo must agree. Raises DriverError."""
        request = WriteSingleCoilRequest(address=address, bits=[is_on], dev_id=unit_id)
        answer = await self._ask(request, timeout_s)
        if answer.address != address or bool(answer.bits[0]) is not is_on:
            raise BusMalformed("echo of another coil")

    async def write_register(
        self, address: int, *, value: int, unit_id: int, timeout_s: float
    ) -> None:
        """Function code 6; the echo must agree. Raises DriverError."""
        request = WriteSingleRegisterRequest(address=address, registers=[value], dev_id=unit_id)
        answer = await self._ask(request, timeout_s)
        if answer.address != address or list(answer.registers) != [value]:
            raise BusMalformed("echo of another register")

    async def write_coils(
        self, address: int, *, values: Sequence[bool], unit_id: int, timeout_s: float
    ) -> None:
        """Function code 15; address and count must come back. Raises DriverError."""
        request = WriteMultipleCoilsRequest(address=address, bits=list(values), dev_id=unit_id)
        answer = await self._ask(request, timeout_s)
        _check_range(answer, address, len(values))

    async def write_registers(
        self, address: int, *, values: Sequence[int], unit_id: int, timeout_s: float
    ) -> None:
        """Function code 16; address and count must come back. Raises DriverError."""
        request = WriteMultipleRegistersRequest(
            address=address, registers=list(values), count=len(values), dev_id=unit_id
        )
        answer = await self._ask(request, timeout_s)
        _check_range(answer, address, len(values))

    async def _ask(self, request: ModbusPDU, timeout_s: float) -> ModbusPDU:
        """Send and wait for the answer to exactly this request."""
        self._transaction = self._transaction % LAST_TRANSACTION + 1
        request.transaction_id = self._transaction
        self._request, self._head = request, b""
        answer = await self._exchange(self._framer.buildFrame(request), timeout_s)
        assert isinstance(answer, ModbusPDU)  # noqa: S101 - without a head only these are given
        return answer

    async def _exchange(self, question: bytes, timeout_s: float) -> ModbusPDU | bytes:
        """A frame out, and what answers it: the whole frame when it is the usual one."""
        if self._socket is None:
            raise BusRefused("not connected")
        answer = self._answer = self._loop.create_future()
        timer = self._loop.call_later(timeout_s, self._expire, answer)
        self._socket.write(question)
        try:
            return await answer
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            timer.cancel()
            self._answer = self._request = None

    def _expire(self, answer: asyncio.Future[ModbusPDU]) -> None:
        if not answer.done():
            answer.set_exception(BusTimeout())
            self.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._socket = transport  # type: ignore[assignment]
        self._buffer = b""
        self._transaction = 0

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop: whoever waits learns it now, not at the time-out."""
        self._socket = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BusRefused("connection lost"))

    def data_received(self, data: bytes) -> None:
        """Called by the loop: take frames until one answers the question."""
        waiting = self._answer
        if waiting is None or waiting.done():
            return
        if self._is_usual(data):
            waiting.set_result(data)
            return
        request = self._request or self._request_asked()
        self._buffer = self._buffer + data if self._buffer else data
        try:
            while (answer := self._next_frame(request)) is not None:
                if answer.transaction_id == request.transaction_id:
                    _settle(waiting, request, answer)
                    return
        except (ModbusException, struct.error) as error:
            waiting.set_exception(BusMalformed(str(error)))
            self.close()

    def _is_usual(self, data: bytes) -> bool:
        """Whether this is the answer, whole, and nothing else."""
        head = self._head
        return (
            not self._buffer
            and head != b""
            and data.startswith(head)
            and len(data) == _ANSWER.size + head[-1]
        )

    def _request_asked(self) -> ModbusPDU:
        """The usual question as pymodbus sees it."""
        block, unit_id = self._asked
        request = self._request = _request_of(block, unit_id)
        request.transaction_id = self._transaction
        return request

    def _next_frame(self, request: ModbusPDU) -> ModbusPDU | None:
        """The next whole frame for this device; None when more data are needed."""
        used, answer = self._framer.handleFrame(
            self._buffer, request.dev_id, request.transaction_id
        )
        self._buffer = self._buffer[used:]
        if answer is None and (self._buffer[2:4].strip(b"\0") or len(self._buffer) > LONGEST_FRAME):
            raise ModbusException("not a Modbus TCP frame")
        return answer


def _request_of(block: Block, unit_id: int) -> ModbusPDU:
    return _REQUESTS[block.function_code](address=block.address, count=block.count, dev_id=unit_id)


def _settle(
    waiting: asyncio.Future[ModbusPDU | bytes], request: ModbusPDU, answer: ModbusPDU
) -> None:
    if answer.function_code & 0x7F != request.function_code:
        waiting.set_exception(BusMalformed(f"function {answer.function_code}"))
    elif not isinstance(answer, ExceptionResponse):
        waiting.set_result(answer)
    elif answer.exception_code in SILENT_CODES:
        waiting.set_exception(BusTimeout(f"gateway says {answer.exception_code}"))
    else:
        waiting.set_exception(BusException(answer.exception_code))


def _check_range(answer: ModbusPDU, address: int, count: int) -> None:
    if (answer.address, answer.count) != (address, count):
        raise BusMalformed("echo of another range")
