"""A DTU that has been let in, on the connection it has at the moment."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from devices.drivers.dialin import DtuProfile, SessionFacts
from devices.drivers.dialin.mbap import MbapAnswers
from devices.drivers.line import Line
from devices.drivers.rtu import Answers

# A DTU glues what follows faster to what went before, and sends both down its serial line.
APART_S = 0.2
FLAPS, FLAPPING_WITHIN_S = 3, 600.0


class Session(Line):
    """One connection of a DTU. Answers its heartbeats, apart from the questions.

    registration: the packet that let it in. clock is in monotonic seconds, as the door's, now in
    epoch seconds; the distance of both is taken once, so that moments once told stay the same.
    """

    def __init__(
        self,
        profile: DtuProfile,
        registration: bytes,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        beats = tuple(filter(None, (profile.heartbeat, registration)))
        kind = Answers if profile.framing == "rtu" else MbapAnswers
        super().__init__(kind(heartbeats=beats))
        self.profile = profile
        self.address = self.peer = ""
        self.opened_at = self.heard_at = clock()
        self.epoch_offset_s = now() - self.heard_at
        self._clock = clock
        self._beats_answered = 0
        self._reply: asyncio.TimerHandle | None = None
        self._has_replied = asyncio.Event()
        self._has_replied.set()
        self._free_at = 0.0

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self.heard_at = self._clock()
        super().data_received(data)
        if self.profile.answers_heartbeat and self.parser.heartbeats > self._beats_answered:
            self._beats_answered = self.parser.heartbeats
            if self._reply is None:
                self._has_replied.clear()
                self._reply_later()

    async def _wait_for_quiet(self) -> None:
        await super()._wait_for_quiet()
        await self._has_replied.wait()
        if (rest_s := self._free_at - self._loop.time()) > 0:
            await asyncio.sleep(rest_s)

    def _reply_later(self) -> None:
        self._reply = self._loop.call_at(
            max(self._loop.time(), self._sent_at + APART_S), self._reply_now
        )

    def _reply_now(self) -> None:
        self._reply = None
        if self._loop.time() < self._sent_at + APART_S:
            self._reply_later()
            return
        self.send(self.parser.last_beat)
        self._free_at = self._sent_at + APART_S
        self._has_replied.set()

    def _lose(self, reason: str) -> None:
        super()._lose(reason)
        if self._reply is not None:
            self._reply.cancel()
            self._reply = None
        self._has_replied.set()


@dataclass
class Seat:
    """The place of an id: its present connection, and what all of them together have counted."""

    dtu_id: str
    session: Session
    takeovers: int = 0
    earlier: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    _told: tuple[tuple[object, ...], SessionFacts] | None = None
    _taken_at: deque[float] = field(default_factory=lambda: deque(maxlen=FLAPS))

    def seat(self, session: Session, *, now: float) -> None:
        """Give the place to a new connection; the old one is closed if it still stands."""
        old, self.session = self.session, session
        if old.is_open:
            self.takeovers += 1
            self._taken_at.append(now)
        self.earlier = self._counters(old)
        session.inherit(old)

    def is_flapping(self, *, now: float) -> bool:
        """Whether the place changed hands so often lately that two DTUs may share the id."""
        taken = self._taken_at
        return len(taken) == FLAPS and now - taken[0] < FLAPPING_WITHIN_S

    def facts(self, *, now: float) -> SessionFacts:
        """What there is to tell, now on the door's clock; the same object while nothing changes."""
        session = self.session
        state = (
            session,
            session.bytes_in,
            session.bytes_out,
            session.is_open,
            self.is_flapping(now=now),
        )
        if self._told is None or self._told[0] != state:
            self._told = state, self._facts(now)
        return self._told[1]

    def _facts(self, now: float) -> SessionFacts:
        session = self.session
        bytes_in, bytes_out, crc_errors, dropped_bytes, heartbeats = self._counters(session)
        return SessionFacts(
            dtu_id=self.dtu_id,
            peer=session.peer,
            since=session.opened_at + session.epoch_offset_s,
            last_heard=session.heard_at + session.epoch_offset_s,
            bytes_in=bytes_in,
            bytes_out=bytes_out,
            crc_errors=crc_errors,
            dropped_bytes=dropped_bytes,
            heartbeats=heartbeats,
            takeovers=self.takeovers,
            is_flapping=self.is_flapping(now=now),
            is_connected=session.is_open,
        )

    def _counters(self, session: Session) -> tuple[int, int, int, int, int]:
        parser = session.parser
        fresh = (
            session.bytes_in,
            session.bytes_out,
            parser.crc_errors,
            parser.dropped_bytes,
            parser.heartbeats,
        )
        one, two, three, four, five = (
            old + new for old, new in zip(self.earlier, fresh, strict=True)
        )
        return one, two, three, four, five
