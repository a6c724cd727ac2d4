"""Callers that are nobody: counted by reason, and kept away for a while when they insist."""

from collections import Counter
from dataclasses import dataclass, field

PRINTABLE = range(0x20, 0x7F)
WEB = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"CONNECT ", b"PRI * ", b"DELETE ")
TLS = b"\x16\x03"


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """An address that sends `most` strangers within `within_s` is kept away for `ban_s`.

    waiting: callers that may be on the doorstep for long; where there are more, those make room that
    have said nothing for `hurry_s`. When everybody comes back at once there are many more for a
    moment, which is no reason to send anybody away.
    """

    most: int = 20
    within_s: float = 60.0
    ban_s: float = 300.0
    waiting: int = 20_000
    hurry_s: float = 10.0


@dataclass(slots=True)
class _Record:
    strangers: int = 0
    since: float = 0.0
    banned_until: float = 0.0


@dataclass
class Strangers:
    """The books of the door. Moments are on the door's monotonic clock.

    An address from which a known DTU has come is never kept away: behind the operator's gateway
    thousands share one. counts: by reason, see `reason`; also "silent" for those that said nothing,
    "banned" for those not heard at all, "crowded" for those that made room.
    """

    patience: Patience = field(default_factory=Patience)
    counts: Counter[str] = field(default_factory=Counter)
    _records: dict[str, _Record] = field(default_factory=dict)

    def is_banned(self, address: str, *, now: float) -> bool:
        """Whether a call from there is dropped unheard; it is counted then."""
        record = self._records.get(address)
        if record is None or now >= record.banned_until:
            return False
        self.counts["banned"] += 1
        return True

    def note(self, address: str, why: str, *, now: float, is_trusted: bool) -> bool:
        """One more; True when the address is kept away from now on."""
        self.counts[why] += 1
        if is_trusted or why == "crowded":
            return False
        record = self._records.setdefault(address, _Record(since=now))
        if now - record.since > self.patience.within_s:
            record.strangers, record.since = 0, now
        record.strangers += 1
        if record.strangers < self.patience.most:
            return False
        record.strangers, record.banned_until = 0, now + self.patience.ban_s
        return True

    def forgive(self, address: str) -> None:
        """A known DTU has come from there."""
        self._records.pop(address, None)

    def forgive_all(self) -> None:
        """Other ids are known now: whoever was a stranger may be none."""
        self._records.clear()

    def tidy(self, *, now: float) -> None:
        """Forget the addresses that have been good for long enough."""
        for address, record in list(self._records.items()):
            if now >= record.banned_until and now - record.since > self.patience.within_s:
                del self._records[address]


def reason(packet: bytes) -> str:
    """What kind of stranger says this: silent, http, tls, unknown (text, perhaps an id) or noise."""
    if not packet:
        return "silent"
    if packet.startswith(WEB):
        return "http"
    if packet.startswith(TLS):
        return "tls"
    text = packet.rstrip(b"\r\n\0")
    is_text = bool(text) and all(byte in PRINTABLE for byte in text)
    return "unknown" if is_text else "noise"
