"""A DTU that dials out to a door, with simulated meters on its serial line; it can misbehave.

Independent of the driver as the rest of the simulator is: frames and check sum are written from
the standards' text once more. Sources: Modbus over Serial Line V1.02; Modbus Messaging V1.0b.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from devices.drivers.simulator.mbap import (
    WRITE_COILS,
    WRITE_REGISTERS,
    Refusal,
    Unit,
    answer,
    delay_of,
)

QUESTION_SIZE = 8
# Where a write of many says how many bytes follow.
MANY_COUNT_AT = 6
MBAP_HEADER = struct.Struct(">HHHB")
BROADCAST = 0
REDIAL_S = 5.0
# Of what came, so much is kept to be looked at.
KEPT = 1000

Fault = Literal[
    "chunks",
    "bytes",
    "beat_before",
    "beat_inside",
    "beat_after",
    "twice",
    "wrong_crc",
    "other_unit",
    "other_function",
    "short",
    "noise",
    "silent",
]


def check_sum(data: bytes) -> bytes:
    """The two bytes that end a frame, bit by bit as the standard describes it."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            is_odd = register & 1
            register >>= 1
            if is_odd:
                register ^= 0xA001
    return bytes((register & 0xFF, register >> 8))


def sealed(body: bytes) -> bytes:
    """A frame: unit id and PDU, and the check sum behind them."""
    return body + check_sum(body)


def _third(frame: bytes) -> int:
    return max(1, len(frame) // 3)


# What becomes of a right answer: the pieces that are sent, one write each.
FAULTS: dict[Fault, Callable[[bytes, bytes], list[bytes]]] = {
    "chunks": lambda frame, _: [
        frame[at : at + _third(frame)] for at in range(0, len(frame), _third(frame))
    ],
    "bytes": lambda frame, _: [bytes((byte,)) for byte in frame],
    "beat_before": lambda frame, beat: [beat + frame],
    "beat_inside": lambda frame, beat: [frame[: _third(frame)], beat + frame[_third(frame) :]],
    "beat_after": lambda frame, beat: [frame + beat],
    "twice": lambda frame, _: [frame + frame],
    "wrong_crc": lambda frame, _: [frame[:-1] + bytes((frame[-1] ^ 0xFF,))],
    "other_unit": lambda frame, _: [sealed(bytes((frame[0] + 1,)) + frame[1:-2])],
    "other_function": lambda frame, _: [sealed(frame[:1] + bytes((frame[1] ^ 7,)) + frame[2:-2])],
    "short": lambda frame, _: [frame[:-3]],
    "noise": lambda frame, _: [b"\xff\x00" + frame[:2] + frame],
    "silent": lambda *_: [],
}


@dataclass(frozen=True, kw_only=True)
class DtuSetup:
    """How a DTU registers and what stands behind it. heartbeat_s: None sends none by itself."""

    registration: bytes
    units: Mapping[int, Unit]
    framing: Literal["rtu", "mbap"] = "rtu"
    heartbeat: bytes = b""
    heartbeat_s: float | None = None


class DialingDtu(asyncio.Protocol):
    """One connection after another to a door; all methods belong in its loop.

    faults: what happens to the answers to come, one each, in order. While `is_holding`, answers are
    kept and sent by `release`, as a slow network does. questions and heard: the latest of what came,
    and of what came that was no question; requests counts all questions.
    """

    def __init__(self, setup: DtuSetup) -> None:
        self.setup = setup
        self.faults: list[Fault] = []
        self.is_holding = False
        self.held: list[bytes] = []
        self.questions: deque[bytes] = deque(maxlen=KEPT)
        self.requests = 0
        self.heard = b""
        self.dials = 0
        self.gone = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._beating: asyncio.TimerHandle | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the door has not hung up."""
        return self._transport is not None

    async def dial(self, host: str, port: int, *, glued: bytes = b"") -> None:
        """Connect and register, with `glued` behind it in the same packet. Raises OSError."""
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: self, host, port)
        self.dials += 1
        transport.write(self.setup.registration + glued)

    async def live(self, host: str, port: int, *, redial_s: float = REDIAL_S) -> None:
        """Stay connected until cancelled."""
        try:
            while True:
                with suppress(OSError):
                    await self.dial(host, port)
                    await self.gone.wait()
                await asyncio.sleep(redial_s)
        finally:
            self.hang_up()

    def hang_up(self) -> None:
        """Drop the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def beat(self) -> None:
        """Send a heartbeat."""
        self.say(self.setup.heartbeat)

    def say(self, *pieces: bytes) -> None:
        """Send bytes, one write a piece."""
        if self._transport is not None:
            for piece in pieces:
                self._transport.write(piece)

    def release(self) -> None:
        """Send what was held back, in its order, and hold no longer."""
        held, self.held, self.is_holding = self.held, [], False
        self.say(*held)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = transport  # type: ignore[assignment]
        self._buffer = b""
        self.gone.clear()
        self._beat_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._transport = None
        if self._beating is not None:
            self._beating.cancel()
        self.gone.set()

    def data_received(self, data: bytes) -> None:
        """Called by the loop: answer every whole question."""
        self._buffer += data
        while (question := self._next()) is not None:
            self.requests += 1
            self.questions.append(question)
            self._answer(question)

    def _send(self, frame: bytes) -> None:
        fault = self.faults.pop(0) if self.faults else None
        pieces: Sequence[bytes] = (
            [frame] if fault is None else FAULTS[fault](frame, self.setup.heartbeat)
        )
        if self.is_holding:
            self.held += pieces
        elif len(pieces) > 1:
            self._dribble(list(pieces))
        else:
            self.say(*pieces)

    def _dribble(self, pieces: list[bytes]) -> None:
        """One piece each time the loop comes round, so that they arrive one by one."""
        self.say(pieces.pop(0))
        if pieces:
            asyncio.get_running_loop().call_soon(self._dribble, pieces)

    def _next(self) -> bytes | None:
        """The next whole question; other bytes in between are noted as heard."""
        while self._buffer:
            size = self._question_size()
            if size is None:
                self.heard = (self.heard + self._buffer[:1])[-KEPT:]
                self._buffer = self._buffer[1:]
            elif len(self._buffer) < size:
                return None
            else:
                question, self._buffer = self._buffer[:size], self._buffer[size:]
                return question
        return None

    def _question_size(self) -> int | None:
        """How long the question is that stands here; None when none does."""
        buffer = self._buffer
        beat = self.setup.heartbeat
        if beat and beat.startswith(buffer[: len(beat)]):
            return None
        if self.setup.framing == "mbap":
            if len(buffer) < MBAP_HEADER.size:
                return MBAP_HEADER.size
            return 6 + int(MBAP_HEADER.unpack_from(buffer)[2])
        size = QUESTION_SIZE
        if len(buffer) > MANY_COUNT_AT and buffer[1] in (WRITE_COILS, WRITE_REGISTERS):
            size += 1 + buffer[MANY_COUNT_AT]
        if len(buffer) >= size and sealed(buffer[: size - 2]) != buffer[:size]:
            return None
        return size

    def _answer(self, question: bytes) -> None:
        """Let the unit that is meant speak."""
        is_rtu = self.setup.framing == "rtu"
        unit_id, pdu = (question[0], question[1:-2]) if is_rtu else (question[6], question[7:])
        units = self.setup.units
        if is_rtu and unit_id == BROADCAST:
            for each in units.values():
                _body(each, pdu)
            return
        unit = units.get(unit_id)
        if unit is None or unit.is_silent:
            return
        body = bytes((unit_id,)) + _body(unit, pdu)
        whole = sealed(body) if is_rtu else question[:4] + struct.pack(">H", len(body)) + body
        if delay_s := delay_of(unit, pdu[0]):
            asyncio.get_running_loop().call_later(delay_s, self._send, whole)
        else:
            self._send(whole)

    def _beat_later(self) -> None:
        if self.setup.heartbeat_s is not None:
            self._beating = asyncio.get_running_loop().call_later(
                self.setup.heartbeat_s, self._beat_and_go_on
            )

    def _beat_and_go_on(self) -> None:
        self.beat()
        self._beat_later()


def _body(unit: Unit, pdu: bytes) -> bytes:
    try:
        return answer(unit, pdu)
    except Refusal as refusal:
        return bytes((pdu[0] | 0x80, refusal.code))
