"""Modbus TCP frames in a stream that may hold heartbeats and noise as well."""

import struct
from typing import Literal

from devices.drivers.pdu import EXCEPTION_FLAG, beat_at

HEADER = struct.Struct(">HHHB")
LAST_TRANSACTION = 0xFFFF
SHORTEST, LONGEST = 3, 254

Verdict = Literal["whole", "part", "none"]


class MbapAnswers:
    """Finds the answer by its transaction id, so a late one is told from the next without waiting.

    heartbeats: as in `rtu.Answers`. A frame of another transaction is dropped whole.
    """

    must_drain = False
    broadcasts = False

    def __init__(self, *, heartbeats: tuple[bytes, ...] = ()) -> None:
        self.crc_errors = 0
        self.dropped_bytes = 0
        self.heartbeats = 0
        self.is_garbled = False
        self.last_beat = b""
        self._beats = heartbeats
        self._transaction = 0
        self._wanted: bytes | None = None
        self._unit_id = self._function_code = 0
        self._buffer = b""

    def ask(self, unit_id: int, pdu: bytes) -> bytes:
        """The frame to send; from now on answers to it are looked for."""
        self.give_up()
        self._transaction = self._transaction % LAST_TRANSACTION + 1
        self._wanted = struct.pack(">HH", self._transaction, 0)
        self._unit_id, self._function_code = unit_id, pdu[0]
        self.is_garbled = False
        return HEADER.pack(self._transaction, 0, len(pdu) + 1, unit_id) + pdu

    def feed(self, data: bytes) -> bytes | None:
        """Take what came; the PDU that answers the question, once."""
        buffer = self._buffer + data if self._buffer else data
        answer, at = None, 0
        while at < len(buffer):
            beat = self._beat(buffer, at)
            verdict, size = _judge(buffer, at)
            if beat > len(buffer) - at or (not beat and verdict == "part"):
                break
            if beat:
                self.heartbeats += 1
                self.last_beat = buffer[at : at + beat]
                size = beat
            elif verdict == "whole" and self._is_answer(buffer, at):
                answer = buffer[at + HEADER.size : at + size]
                self._wanted = None
            else:
                self.dropped_bytes += size
            at += size
        self._buffer = buffer[at:]
        return answer

    def give_up(self) -> None:
        """Look for the answer no longer; half a frame is dropped, so that it cannot hide the next."""
        self._wanted = None
        if not any(beat.startswith(self._buffer) for beat in self._beats):
            self.dropped_bytes += len(self._buffer)
            self._buffer = b""

    def _is_answer(self, buffer: bytes, at: int) -> bool:
        if self._wanted is None or not buffer.startswith(self._wanted, at):
            return False
        who, what = buffer[at + 6], buffer[at + 7] & ~EXCEPTION_FLAG
        if (who, what) == (self._unit_id, self._function_code):
            return True
        self.is_garbled = True
        return False

    def _beat(self, buffer: bytes, at: int) -> int:
        """Length of the heartbeat that stands here, or that may yet; 0 when none does."""
        wanted = self._wanted
        if wanted is not None and wanted.startswith(buffer[at : at + len(wanted)]):
            return 0
        return beat_at(self._beats, buffer, at)


def _judge(buffer: bytes, at: int) -> tuple[Verdict, int]:
    """Whether a frame stands here, and how many bytes to go on by."""
    if any(buffer[at + 2 : at + 4]):
        return "none", 1
    if len(buffer) - at < 6:
        return "part", 0
    length = int.from_bytes(buffer[at + 4 : at + 6], "big")
    if not SHORTEST <= length <= LONGEST:
        return "none", 1
    whole = 6 + length
    return ("whole", whole) if len(buffer) - at >= whole else ("part", 0)
