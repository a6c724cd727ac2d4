"""Modbus RTU frames in a stream of bytes: made, and found again whatever stands around them.

On a serial line silence parts the frames; over TCP it is not seen, so a frame is known by what was
asked: who answers, with which function, how long. Source: Modbus over Serial Line V1.02.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from devices.drivers.pdu import EXCEPTION_FLAG, answer_size, beat_at, is_read

POLYNOMIAL = 0xA001
EXCEPTION_SIZE = 5
# Unit id before a PDU, check sum after it.
AROUND = 3

Verdict = Literal["whole", "part", "wrong sum", "wrong size", "none"]


def _steps() -> list[int]:
    """What two bytes do to the register of the check sum, for each of its states."""
    table = np.arange(0x10000)
    for _ in range(16):
        table = (table >> 1) ^ np.where(table & 1, POLYNOMIAL, 0)
    return [int(step) for step in table]


_STEPS = _steps()


def crc16(data: bytes) -> int:
    """The check sum of Modbus RTU; it travels low byte first, so a whole frame has check sum 0."""
    crc = 0xFFFF
    for low, high in zip(data[::2], data[1::2], strict=False):
        crc = _STEPS[crc ^ (low | high << 8)]
    if len(data) & 1:
        crc ^= data[-1]
        for _ in range(8):
            crc = crc >> 1 ^ POLYNOMIAL * (crc & 1)
    return crc


def frame(unit_id: int, pdu: bytes) -> bytes:
    """A PDU as it goes over the line."""
    body = bytes((unit_id,)) + pdu
    return body + crc16(body).to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class _Question:
    """head: what every normal answer begins with. size: bytes of its frame."""

    head: bytes
    refusal: bytes
    size: int


class Answers:
    """Finds the answer to the question asked last, byte by byte if need be.

    A wrong check sum, unit, function or length costs one byte, then it looks again from the next.
    heartbeats: what the other side sends by itself; taken out between frames only, and only where
    it cannot begin the answer. What belongs to nothing is dropped and counted.
    is_garbled: since the question, a frame came that began like its answer and was none.
    """

    must_drain = True
    broadcasts = True

    def __init__(self, *, heartbeats: tuple[bytes, ...] = ()) -> None:
        self.crc_errors = 0
        self.dropped_bytes = 0
        self.heartbeats = 0
        self.is_garbled = False
        self.last_beat = b""
        self._beats = heartbeats
        self._question: _Question | None = None
        self._buffer = b""
        self._is_between = True

    def ask(self, unit_id: int, pdu: bytes) -> bytes:
        """The frame to send; from now on answers to it are looked for."""
        size = answer_size(pdu)
        head = bytes((unit_id, pdu[0]))
        self._question = _Question(
            head=head + bytes((size - 2,)) if is_read(pdu) else head,
            refusal=bytes((unit_id, pdu[0] | EXCEPTION_FLAG)),
            size=size + AROUND,
        )
        self.is_garbled = False
        return frame(unit_id, pdu)

    def feed(self, data: bytes) -> bytes | None:
        """Take what came; the PDU that answers the question, once."""
        buffer = self._buffer + data if self._buffer else data
        if not self._buffer:
            self._is_between = True
        answer, at = None, 0
        while at < len(buffer):
            verdict, size = self._judge(buffer, at)
            beat = beat_at(self._beats, buffer, at) if self._is_between else 0
            if verdict == "part" or (verdict != "whole" and beat > len(buffer) - at):
                break
            if verdict == "whole":
                answer = buffer[at + 1 : at + size - 2]
                self._question = None
                self._is_between = True
                at += size
            elif beat:
                self.heartbeats += 1
                self.last_beat = buffer[at : at + beat]
                at += beat
            else:
                at = self._drop(verdict, buffer, at)
        self._buffer = buffer[at:]
        return answer

    def give_up(self) -> None:
        """Look for the answer no longer; what began like it is dropped, unless it is a heartbeat."""
        self._question = None
        self.feed(b"")

    def _judge(self, buffer: bytes, at: int) -> tuple[Verdict, int]:
        """Whether the answer stands here, and how long it is."""
        question = self._question
        if question is None:
            return "none", 0
        size, has = question.size, len(buffer) - at
        if not _begins(buffer, at, question.head):
            if not _begins(buffer, at, question.refusal):
                is_ours = has > 2 and buffer.startswith(question.head[:2], at)
                return "wrong size" if is_ours else "none", 0
            size = EXCEPTION_SIZE
        if has < size:
            return "part", 0
        return ("wrong sum" if crc16(buffer[at : at + size]) else "whole"), size

    def _drop(self, verdict: Verdict, buffer: bytes, at: int) -> int:
        """Give up what stands here; returns where an answer could begin next."""
        self.crc_errors += verdict == "wrong sum"
        self.is_garbled = self.is_garbled or verdict != "none"
        self._is_between = False
        found = -1
        if self._question is not None:
            found = buffer.find(self._question.head[:1], at + 1)
        further = found if found > 0 else len(buffer)
        self.dropped_bytes += further - at
        return further


def _begins(buffer: bytes, at: int, with_: bytes) -> bool:
    """Whether `with_` stands at `at`, as far as the buffer goes."""
    return with_.startswith(buffer[at : at + len(with_)])
