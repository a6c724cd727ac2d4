"""Asking over the connection that a DTU made."""

from collections.abc import Callable

from devices.drivers import BusRefused
from devices.drivers.dialin.session import Session
from devices.drivers.pdu import Questions


class DialInTransport(Questions):
    """The connection that an id has at the moment, for `modbus.Transport`.

    find: gives the session of an id, or None. The connection is the DTU's: closing this end lets go
    of it, and a time-out leaves it standing, drained as `Line` says.
    """

    def __init__(self, dtu_id: str, find: Callable[[str], Session | None]) -> None:
        self.dtu_id = dtu_id
        self._find = find
        self._session: Session | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the connection taken by `connect` still stands."""
        return self._session is not None and self._session.is_open

    async def connect(self, *, timeout_s: float) -> None:
        """Take the connection that is there. Raises BusRefused at once when the DTU is away."""
        self._session = self._find(self.dtu_id)
        if self._session is None:
            raise BusRefused("has not dialled in")

    def close(self) -> None:
        """Let go of the connection; it goes on standing."""
        self._session = None

    async def _ask(self, pdu: bytes, *, unit_id: int, timeout_s: float) -> bytes:
        if self._session is None:
            raise BusRefused("has not dialled in")
        return await self._session.ask(pdu, unit_id=unit_id, timeout_s=timeout_s)
