"""Modbus TCP as the standard describes it, seen from the device.

Source: Modbus Application Protocol Specification V1.1b3; Modbus Messaging on TCP/IP V1.0b.
"""

import asyncio
import struct
from collections.abc import Mapping
from typing import Protocol

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
DEVICE_FAILURE = 4
NO_SUCH_UNIT = 11

READ_COILS, READ_INPUTS, READ_HOLDING, READ_REGISTERS = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
WRITES = (WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS)

HEADER = struct.Struct(">HHHB")
PAIR = struct.Struct(">HH")
LONGEST_FRAME = 260
MOST_BITS, MOST_REGISTERS = 2000, 125
ON, OFF = 0xFF00, 0x0000


class Refusal(Exception):
    """Becomes an exception answer."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


class Unit(Protocol):
    """A device as the protocol sees it. Addresses it does not have raise Refusal."""

    is_silent: bool
    delay_s: float

    def registers(self, function_code: int, address: int, count: int) -> bytes:
        """Words of a read, big-endian."""
        ...

    def bits(self, function_code: int, address: int, count: int) -> bytes:
        """Bits of a read, the first in the lowest place."""
        ...

    def write_bits(self, address: int, values: list[bool]) -> None:
        """Set coils."""
        ...

    def write_registers(self, address: int, values: list[int]) -> None:
        """Set holding registers."""
        ...


class Host(Protocol):
    """The gateway that a connection belongs to. units: by unit id."""

    units: Mapping[int, Unit]
    is_silent: bool

    def opened(self, client: "Connection") -> None:
        """A client has come."""
        ...

    def closed(self, client: "Connection") -> None:
        """A client has gone."""
        ...


class Connection(asyncio.Protocol):
    """One client of a gateway."""

    def __init__(self, host: Host) -> None:
        self.transport: asyncio.Transport | None = None
        self.requests = 0
        self._host = host
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self.transport = transport  # type: ignore[assignment]
        self._host.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self.transport = None
        self._host.closed(self)

    def data_received(self, data: bytes) -> None:
        """Called by the loop: answer every whole frame."""
        buffer = self._buffer + data if self._buffer else data
        while len(buffer) >= HEADER.size:
            _, protocol, length, _ = HEADER.unpack_from(buffer)
            if protocol or not 2 <= length <= LONGEST_FRAME - 6:
                self.abort()
                return
            if len(buffer) < length + 6:
                break
            self._answer(buffer[: length + 6])
            buffer = buffer[length + 6 :]
        self._buffer = buffer

    def abort(self) -> None:
        """Drop the client."""
        if self.transport is not None:
            self.transport.abort()

    def _answer(self, frame: bytes) -> None:
        self.requests += 1
        if self._host.is_silent:
            return
        transaction, unit_id = int.from_bytes(frame[:2], "big"), frame[6]
        unit = self._host.units.get(unit_id)
        if unit is None:
            self._send(_frame(transaction, unit_id, bytes((frame[7] | 0x80, NO_SUCH_UNIT))))
            return
        if unit.is_silent:
            return
        try:
            body = answer(unit, frame[7:])
        except Refusal as refusal:
            body = bytes((frame[7] | 0x80, refusal.code))
        whole = _frame(transaction, unit_id, body)
        if delay_s := delay_of(unit, frame[7]):
            asyncio.get_running_loop().call_later(delay_s, self._send, whole)
        else:
            self._send(whole)

    def _send(self, frame: bytes) -> None:
        if self.transport is not None:
            self.transport.write(frame)


def answer(unit: Unit, question: bytes) -> bytes:
    """The answer to a question, both from the function code on. Raises Refusal."""
    function_code = question[0]
    if function_code in (READ_HOLDING, READ_REGISTERS):
        address, count = _range(question, MOST_REGISTERS)
        return bytes((function_code, 2 * count)) + unit.registers(function_code, address, count)
    if function_code in (READ_COILS, READ_INPUTS):
        address, count = _range(question, MOST_BITS)
        bits = unit.bits(function_code, address, count)
        return bytes((function_code, len(bits))) + bits
    if function_code == WRITE_COIL:
        address, value = _pair(question)
        if value not in (ON, OFF):
            raise Refusal(ILLEGAL_VALUE)
        unit.write_bits(address, [value == ON])
        return question[:5]
    if function_code == WRITE_REGISTER:
        address, value = _pair(question)
        unit.write_registers(address, [value])
        return question[:5]
    if function_code in (WRITE_COILS, WRITE_REGISTERS):
        return _write_many(unit, question)
    raise Refusal(ILLEGAL_FUNCTION)


def delay_of(unit: Unit, function_code: int) -> float:
    """Seconds before the answer goes out."""
    slow_s = getattr(unit, "write_delay_s", 0.0) if function_code in WRITES else 0.0
    return max(unit.delay_s, slow_s)


def _write_many(unit: Unit, question: bytes) -> bytes:
    is_bits = question[0] == WRITE_COILS
    address, count = _range(question, 1968 if is_bits else 123)
    data = question[6:]
    size = (count + 7) // 8 if is_bits else 2 * count
    if len(question) < 6 or question[5] != size or len(data) != size:
        raise Refusal(ILLEGAL_VALUE)
    if is_bits:
        unit.write_bits(address, [bool(data[n >> 3] >> (n & 7) & 1) for n in range(count)])
    else:
        unit.write_registers(address, list(struct.unpack(f">{count}H", data)))
    return question[:5]


def _pair(question: bytes) -> tuple[int, int]:
    if len(question) < 5:
        raise Refusal(ILLEGAL_VALUE)
    first, second = PAIR.unpack_from(question, 1)
    return first, second


def _range(question: bytes, most: int) -> tuple[int, int]:
    address, count = _pair(question)
    if not 1 <= count <= most:
        raise Refusal(ILLEGAL_VALUE)
    if address + count > 0x10000:
        raise Refusal(ILLEGAL_ADDRESS)
    return address, count


def _frame(transaction: int, unit_id: int, body: bytes) -> bytes:
    return HEADER.pack(transaction, 0, len(body) + 1, unit_id) + body
