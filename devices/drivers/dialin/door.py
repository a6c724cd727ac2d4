"""Where DTUs knock: a listening socket that lets known ids in and shows everybody else out."""

import asyncio
import logging
import resource
import socket
import time
from collections.abc import Callable, Mapping

from devices.drivers.dialin import (
    LONGEST_PACKET,
    Admission,
    DtuProfile,
    NotYet,
    SessionFacts,
)
from devices.drivers.dialin.admission import Admissions
from devices.drivers.dialin.session import Seat, Session
from devices.drivers.dialin.strangers import Patience, Strangers, reason

logger = logging.getLogger(__name__)

# After a restart everybody calls at once.
BACKLOG = 4096
MOST_FILES = 65536
TEND_EVERY_S = 1.0
# When a packet may go on but nothing follows for so long, it is whole.
WHOLE_AFTER_S = 1.0
DEFAULT_WAIT_S = 30.0
# What somebody may say while it is not known yet who may come in.
MOST_UNJUDGED = 4096
KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)


def _allow_many_files() -> None:
    """Every DTU is an open file; a shell allows a thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Caller(asyncio.Protocol):
    """Somebody who has not said yet who he is."""

    def __init__(self, door: "Door") -> None:
        self.transport: asyncio.Transport
        self.address = ""
        self.peer = ""
        self.packet = b""
        self.came_at = self.heard_at = 0.0
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self.transport = transport  # type: ignore[assignment]
        address, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        self.address, self.peer = address, f"{address}:{port}"
        for option in KEEPALIVE:
            transport.get_extra_info("socket").setsockopt(*option)
        self._door.came(self)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self.packet += data
        self._door.heard(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._door.left(self)


class Door:
    """Listens, identifies, keeps one connection per id and drops what has gone quiet.

    Lives in one loop. A caller has the first packet, at most 128 bytes of it, to say who it is. The
    same id takes over: its old connection is closed, its counters go on. arrived is told the id of
    each DTU that comes in. Nobody is asked anything because he came: polls go by their schedule, so
    thousands that come back at once make no burst. clock is in monotonic seconds, now in epoch
    seconds; both are read by `tend`, which runs every second.
    """

    def __init__(  # noqa: PLR0913 - two clocks and two listeners
        self,
        host: str,
        port: int,
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        arrived: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.host = host
        self.port = port
        self._clock = clock
        self._now = now
        self._arrived = arrived
        self._admissions: Admissions | None = None
        self._wait_s = DEFAULT_WAIT_S
        self._strangers = Strangers(patience or Patience())
        self._waiting: dict[Caller, None] = {}
        self._seats: dict[str, Seat] = {}
        self._trusted: set[str] = set()
        self._server: asyncio.Server | None = None
        self._tending: asyncio.Task[None] | None = None

    async def open(self) -> int:
        """Listen; returns the port, port 0 takes any free one. Raises OSError."""
        _allow_many_files()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Caller(self), self.host, self.port, backlog=BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._tending = loop.create_task(self._tend_for_ever())
        return self.port

    async def close(self) -> None:
        """Listen no longer and hang up on everybody."""
        if self._tending is not None:
            self._tending.cancel()
        if self._server is not None:
            self._server.close()
        for caller in list(self._waiting):
            caller.transport.abort()
        for seat in self._seats.values():
            seat.session.close()
        if self._server is not None:
            await self._server.wait_closed()

    def admit(self, known: Mapping[str, DtuProfile]) -> None:
        """Who may come in from now on; a DTU whose id or profile is no longer so is hung up on.

        Before the first call everybody waits; after each that changes something, bans are over.
        While nobody may come in, callers are hung up on, but are no strangers.
        """
        if self._admissions is not None and known == self._admissions.known:
            return
        self._admissions = Admissions(known)
        self._strangers.forgive_all()
        self._wait_s = max(
            (profile.registration_wait_s for profile in known.values()), default=DEFAULT_WAIT_S
        )
        for dtu_id, seat in list(self._seats.items()):
            if known.get(dtu_id) != seat.session.profile:
                seat.session.close()
            if dtu_id not in known:
                del self._seats[dtu_id]
        for caller in [caller for caller in self._waiting if caller.packet]:
            self._introduce(caller, is_all=False)

    def session(self, dtu_id: str) -> Session | None:
        """The connection on which a DTU can be asked now."""
        seat = self._seats.get(dtu_id)
        return seat.session if seat is not None and seat.session.is_open else None

    def sessions(self) -> dict[str, SessionFacts]:
        """Every admitted DTU that has come since the door opened."""
        now = self._clock()
        return {dtu_id: seat.facts(now=now) for dtu_id, seat in self._seats.items()}

    def strangers(self) -> dict[str, int]:
        """How many were shown out, by reason."""
        return dict(self._strangers.counts)

    def tend(self) -> None:
        """Look after time: packets that are whole, callers that say nothing, DTUs gone quiet."""
        now, patience = self._clock(), self._strangers.patience
        for caller in list(self._waiting)[: -patience.waiting]:
            if now - caller.came_at >= patience.hurry_s:
                self._show_out(caller, "crowded")
        for caller in list(self._waiting):
            if now - caller.came_at >= self._wait_s:
                self._show_out(caller)
            elif caller.packet and now - caller.heard_at >= WHOLE_AFTER_S:
                self._introduce(caller, is_all=True)
        for seat in self._seats.values():
            session = seat.session
            if session.is_open and now - session.heard_at >= session.profile.idle_s:
                logger.info("dtu.idle dtu=%s peer=%s", seat.dtu_id, session.peer)
                session.close()
        self._trusted = {
            seat.session.address for seat in self._seats.values() if seat.session.is_open
        }
        self._strangers.tidy(now=now)

    def came(self, caller: Caller) -> None:
        """A connection has been taken."""
        now = self._clock()
        if self._strangers.is_banned(caller.address, now=now):
            caller.transport.abort()
            return
        caller.came_at = caller.heard_at = now
        self._waiting[caller] = None

    def heard(self, caller: Caller) -> None:
        """A caller has said something."""
        if caller in self._waiting:
            caller.heard_at = self._clock()
            self._introduce(caller, is_all=False)
        if caller in self._waiting and len(caller.packet) > MOST_UNJUDGED:
            self._show_out(caller)

    def left(self, caller: Caller) -> None:
        """A caller has gone by himself."""
        if caller in self._waiting:
            self._show_out(caller)

    async def _tend_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TEND_EVERY_S)
            self.tend()

    def _introduce(self, caller: Caller, *, is_all: bool) -> None:
        packet = caller.packet[:LONGEST_PACKET]
        is_all = is_all or len(packet) == LONGEST_PACKET
        if self._admissions is None:
            return
        if not self._admissions.known:
            del self._waiting[caller]
            caller.transport.abort()
            return
        try:
            admission = self._admissions.identify(packet, is_all=is_all)
        except NotYet:
            return
        if admission is None:
            self._show_out(caller)
            return
        self._let_in(caller, admission)

    def _let_in(self, caller: Caller, admission: Admission) -> None:
        del self._waiting[caller]
        self._strangers.forgive(caller.address)
        self._trusted.add(caller.address)
        registration, rest = caller.packet[: admission.used], caller.packet[admission.used :]
        session = Session(admission.profile, registration, clock=self._clock, now=self._now)
        session.address, session.peer = caller.address, caller.peer
        self._seat(admission.dtu_id, session)
        caller.transport.set_protocol(session)
        session.connection_made(caller.transport)
        logger.info("dtu.up dtu=%s peer=%s", admission.dtu_id, session.peer)
        self._arrived(admission.dtu_id)
        if rest:
            session.data_received(rest)

    def _seat(self, dtu_id: str, session: Session) -> None:
        now = self._clock()
        seat = self._seats.get(dtu_id)
        if seat is None:
            self._seats[dtu_id] = Seat(dtu_id, session)
            return
        seat.seat(session, now=now)
        if seat.is_flapping(now=now):
            logger.warning("dtu.flapping dtu=%s takeovers=%d", dtu_id, seat.takeovers)

    def _show_out(self, caller: Caller, why: str | None = None) -> None:
        """Hang up on a stranger and write him down."""
        self._waiting.pop(caller, None)
        caller.transport.abort()
        why = why or reason(caller.packet)
        is_banned = self._strangers.note(
            caller.address,
            why,
            now=self._clock(),
            is_trusted=caller.address in self._trusted,
        )
        logger.info("door.stranger reason=%s peer=%s", why, caller.peer)
        if is_banned:
            logger.warning("door.banned address=%s", caller.address)
