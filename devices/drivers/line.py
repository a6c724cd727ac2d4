"""One socket on which questions are asked one after the other."""

import asyncio

from devices.drivers import BusMalformed, BusRefused, BusTimeout
from devices.drivers.pdu import BROADCAST, Parser, answer_size, is_read, marker

# Unit, function and length: all by which one answer is told from another.
Shape = tuple[int, int, int]
# An answer has 256 bytes at most; heartbeats and a little noise may come with it.
MOST_PER_QUESTION = 4096


class Line(asyncio.Protocol):
    """A connection that stays open when an answer does not come in time.

    A serial line has no transaction ids, and a server of serial lines passes on what they say to
    whoever is connected. So after a time-out nothing is asked until the answer has come after all,
    or one more time-out has passed; what comes meanwhile is dropped. A network that stood still may
    bring it even later. Answers come in the order of the questions, so before a question whose
    answer would look like one that is owed, another is asked that cannot be mistaken: when that is
    answered, nothing older is under way. bytes_in and bytes_out count this connection;
    asked_in_vain counts the questions since a byte was last heard; owed holds what is still missing.
    """

    def __init__(self, parser: Parser) -> None:
        self.parser = parser
        self.bytes_in = 0
        self.bytes_out = 0
        self.asked_in_vain = 0
        self.owed_until = 0.0
        self.owed: set[Shape] = set()
        self._asked: Shape = (0, 0, 0)
        self._loop = asyncio.get_running_loop()
        self._socket: asyncio.Transport | None = None
        self._turn = asyncio.Lock()
        self._answer: asyncio.Future[bytes] | None = None
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._drain: asyncio.TimerHandle | None = None
        self._sent_at = 0.0
        self._timeout_s = 0.0
        self._heard_since = 0

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as this side knows."""
        return self._socket is not None

    def close(self) -> None:
        """Drop the connection without waiting."""
        if self._socket is not None:
            self._socket.abort()
            self._lose("closed")

    async def ask(self, pdu: bytes, *, unit_id: int, timeout_s: float) -> bytes:
        """The PDU that answers; for a broadcast write the question. Raises DriverError."""
        is_broadcast = unit_id == BROADCAST and self.parser.broadcasts
        if is_broadcast and is_read(pdu):
            raise BusMalformed("nobody answers to unit 0")
        async with self._turn:
            await self._wait_for_quiet()
            if is_broadcast:
                self._put(pdu, unit_id)
                self.parser.give_up()
                return pdu
            if is_read(pdu) and _shape(unit_id, pdu) in self.owed:
                flush = marker(pdu, is_taken=lambda size: (unit_id, pdu[0], size) in self.owed)
                await self._exchange(flush, unit_id, timeout_s)
                await self._wait_for_quiet()
            return await self._exchange(pdu, unit_id, timeout_s)

    def send(self, data: bytes) -> None:
        """Write at once."""
        if self._socket is not None:
            self._socket.write(data)
            self.bytes_out += len(data)
            self._sent_at = self._loop.time()

    def inherit(self, earlier: "Line") -> None:
        """Take over what an earlier connection to the same line is owed; that one is closed."""
        earlier.close()
        self.owed = set(earlier.owed)
        if self.parser.must_drain:
            self.drain_until(earlier.owed_until)

    def drain_until(self, moment: float) -> None:
        """Ask nothing before that, in the loop's time, unless the answer that is owed comes."""
        if moment > self._loop.time():
            self.owed_until = moment
            self._is_quiet.clear()
            self._drain = self._loop.call_at(moment, self._end_drain)

    async def _wait_for_quiet(self) -> None:
        """Let what is under way pass; what has come before a question is not its answer."""
        await asyncio.sleep(0)
        await self._is_quiet.wait()

    def _put(self, pdu: bytes, unit_id: int) -> None:
        if self._socket is None:
            raise BusRefused("not connected")
        self._heard_since = 0
        self.send(self.parser.ask(unit_id, pdu))

    async def _exchange(self, pdu: bytes, unit_id: int, timeout_s: float) -> bytes:
        """One question and its answer, with the books of what is owed."""
        shape = self._asked = _shape(unit_id, pdu)
        self._put(pdu, unit_id)
        was_owed = shape in self.owed
        if self.parser.must_drain:
            self.owed.add(shape)
        answer = await self._wait_for_answer(timeout_s)
        if not was_owed:
            self.owed.clear()
        return answer

    async def _wait_for_answer(self, timeout_s: float) -> bytes:
        self.asked_in_vain += 1
        self.owed_until = self._loop.time() + 2 * timeout_s
        self._timeout_s = timeout_s
        answer = self._answer = self._loop.create_future()
        timer = self._loop.call_later(timeout_s, self._expire, answer, timeout_s)
        try:
            return await answer
        except asyncio.CancelledError:
            if self._answer is answer and self.is_open:
                self._owe(timeout_s)
            raise
        finally:
            timer.cancel()
            self._answer = None

    def _expire(self, answer: asyncio.Future[bytes], timeout_s: float) -> None:
        if answer.done():
            return
        answer.set_exception(
            BusMalformed("no whole answer") if self.parser.is_garbled else BusTimeout()
        )
        self._owe(timeout_s)

    def _owe(self, timeout_s: float) -> None:
        """An answer may still come."""
        if self.parser.must_drain:
            self.drain_until(self._loop.time() + timeout_s)
        else:
            self.parser.give_up()

    def _end_drain(self) -> None:
        if self._drain is not None:
            self._drain.cancel()
            self._drain = None
        self.owed_until = 0.0
        self.parser.give_up()
        self._is_quiet.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._socket = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop: whoever waits learns it now, not at the time-out."""
        self._lose("connection lost")

    def data_received(self, data: bytes) -> None:
        """Called by the loop: what answers goes to whoever waits, late or not."""
        self.bytes_in += len(data)
        self.asked_in_vain = 0
        self._heard_since += len(data)
        if self._heard_since > MOST_PER_QUESTION:
            self._hear_no_more()
        answer = self.parser.feed(data)
        if answer is None:
            return
        waiting = self._answer
        if waiting is not None and not waiting.done():
            self.owed_until = 0.0
            waiting.set_result(answer)
        elif self._drain is not None:
            self.owed.discard(self._asked)
            self._end_drain()

    def _hear_no_more(self) -> None:
        """Something babbles: looking for an answer in all of it would hold up everybody."""
        self.parser.give_up()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BusMalformed("babbles"))
            self._owe(self._timeout_s)

    def _lose(self, reason: str) -> None:
        self._socket = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BusRefused(reason))
        if self._drain is not None:
            self._drain.cancel()
            self._drain = None
        self._is_quiet.set()


def _shape(unit_id: int, pdu: bytes) -> Shape:
    return unit_id, pdu[0], answer_size(pdu)
