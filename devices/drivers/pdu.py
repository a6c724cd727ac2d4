"""Modbus questions and answers without their frame, for the framings that are ours.

Source: Modbus Application Protocol Specification V1.1b3.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Protocol

from devices.drivers import (
    BIT_FUNCTION_CODES,
    Block,
    BusException,
    BusMalformed,
    BusTimeout,
    Words,
)
from devices.drivers.modbus import SILENT_CODES

WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
REGISTER_FUNCTION_CODES = (3, 4)
EXCEPTION_FLAG = 0x80
MOST_MARKED = 100
ON, OFF = 0xFF00, 0x0000
# Unit 0 speaks to all slaves of a serial line; none of them answers.
BROADCAST = 0

_QUESTION = struct.Struct(">BHH")


class Parser(Protocol):
    """Makes frames of questions, and finds in a stream the answer to the last one.

    crc_errors, dropped_bytes and heartbeats count since the parser was made.
    """

    crc_errors: int
    dropped_bytes: int
    heartbeats: int
    last_beat: bytes
    is_garbled: bool
    must_drain: bool
    broadcasts: bool

    def ask(self, unit_id: int, pdu: bytes) -> bytes:
        """The frame to send; from now on answers to it are looked for."""
        ...

    def feed(self, data: bytes) -> bytes | None:
        """Take what came; the PDU that answers the question, once."""
        ...

    def give_up(self) -> None:
        """Look for the answer no longer."""
        ...


def answer_size(question: bytes) -> int:
    """Bytes of the PDU that answers a question, when it is no exception."""
    function_code, _, count = _QUESTION.unpack_from(question)
    if function_code in BIT_FUNCTION_CODES:
        return 2 + (count + 7) // 8
    if function_code in REGISTER_FUNCTION_CODES:
        return 2 + 2 * int(count)
    return _QUESTION.size


def marker(question: bytes, *, is_taken: Callable[[int], bool]) -> bytes:
    """A read like the question whose answer is of a length that is not taken yet."""
    for count in range(1, MOST_MARKED):
        other = question[:3] + count.to_bytes(2, "big")
        if not is_taken(answer_size(other)):
            return other
    raise BusTimeout("too many answers are owed")


def beat_at(beats: tuple[bytes, ...], buffer: bytes, at: int) -> int:
    """Length of the heartbeat that stands here, or that may when more comes; 0 for none."""
    return min(
        (len(beat) for beat in beats if beat.startswith(buffer[at : at + len(beat)])), default=0
    )


class Questions:
    """The reading and writing half of a `modbus.Transport`; `_ask` carries a PDU there and back."""

    async def read(self, block: Block, *, unit_id: int, timeout_s: float) -> Words:
        """Raw words of a block; bits as 0 and 1. Raises DriverError."""
        question = _QUESTION.pack(block.function_code, block.address, block.count)
        answer = await self._ask(question, unit_id=unit_id, timeout_s=timeout_s)
        _check(question, answer)
        if len(answer) != answer_size(question) or answer[1] != len(answer) - 2:
            raise BusMalformed(f"{len(answer)} bytes instead of {answer_size(question)}")
        if block.function_code in BIT_FUNCTION_CODES:
            return [answer[2 + (n >> 3)] >> (n & 7) & 1 for n in range(block.count)]
        return list(struct.unpack_from(f">{block.count}H", answer, 2))

    async def write_coil(
        self, address: int, *, is_on: bool, unit_id: int, timeout_s: float
    ) -> None:
        """Function code 5; the echo must agree. Raises DriverError."""
        question = _QUESTION.pack(WRITE_COIL, address, ON if is_on else OFF)
        await self._write(question, unit_id=unit_id, timeout_s=timeout_s)

    async def write_register(
        self, address: int, *, value: int, unit_id: int, timeout_s: float
    ) -> None:
        """Function code 6; the echo must agree. Raises DriverError."""
        question = _QUESTION.pack(WRITE_REGISTER, address, value)
        await self._write(question, unit_id=unit_id, timeout_s=timeout_s)

    async def write_coils(
        self, address: int, *, values: Sequence[bool], unit_id: int, timeout_s: float
    ) -> None:
        """Function code 15; address and count must come back. Raises DriverError."""
        packed = sum(int(value) << place for place, value in enumerate(values))
        data = packed.to_bytes((len(values) + 7) // 8, "little")
        question = _QUESTION.pack(WRITE_COILS, address, len(values)) + bytes((len(data),)) + data
        await self._write(question, unit_id=unit_id, timeout_s=timeout_s)

    async def write_registers(
        self, address: int, *, values: Sequence[int], unit_id: int, timeout_s: float
    ) -> None:
        """Function code 16; address and count must come back. Raises DriverError."""
        data = struct.pack(f">{len(values)}H", *values)
        question = (
            _QUESTION.pack(WRITE_REGISTERS, address, len(values)) + bytes((len(data),)) + data
        )
        await self._write(question, unit_id=unit_id, timeout_s=timeout_s)

    async def _write(self, question: bytes, *, unit_id: int, timeout_s: float) -> None:
        answer = await self._ask(question, unit_id=unit_id, timeout_s=timeout_s)
        _check(question, answer)
        # Of a write of many only address and count come back; of a broadcast the whole question.
        if answer[: _QUESTION.size] != question[: _QUESTION.size]:
            raise BusMalformed("echo of another write")

    async def _ask(self, pdu: bytes, *, unit_id: int, timeout_s: float) -> bytes:
        """The PDU that answers. Raises DriverError."""
        raise NotImplementedError


def is_read(question: bytes) -> bool:
    """Whether a question only asks."""
    return question[0] in (*BIT_FUNCTION_CODES, *REGISTER_FUNCTION_CODES)


def _check(question: bytes, answer: bytes) -> None:
    """Raises what an exception answer says, and BusMalformed for another function."""
    if len(answer) > 1 and answer[0] == question[0] | EXCEPTION_FLAG:
        if answer[1] in SILENT_CODES:
            raise BusTimeout(f"gateway says {answer[1]}")
        raise BusException(answer[1])
    if len(answer) < 2 or answer[0] != question[0]:
        raise BusMalformed(f"function {answer[:1].hex()}")
