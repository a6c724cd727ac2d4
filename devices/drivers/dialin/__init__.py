"""Gateways that dial in: a 4G box calls us, says who it is, and passes its serial line through.

It is the client of the connection and the server of the questions. Its first packet is its only
identity, so none is let in whose id is not known.
"""

import re
from dataclasses import dataclass
from typing import Literal

Registration = Literal["ascii", "prefix", "hex", "imei", "iccid", "first"]
Framing = Literal["mbap", "rtu"]

LONGEST_PACKET = 128


@dataclass(frozen=True, kw_only=True)
class DtuProfile:
    """How a kind of DTU registers and keeps its connection alive.

    registration: what its first packet looks like; what may follow it at once stays data.

    - ascii: the id as text, then nothing, CR, LF or NUL
    - prefix: `prefix`, then as ascii
    - hex: `pattern` matches the packet's hex text from its beginning; its one group is the id, as
      hex text or as the text that it spells (`88(.{12})880016`, `AA..((?:3.)+)0D`)
    - imei, iccid: the digits as text, as BCD padded to whole bytes, or the value of a JSON object
    - first: the packet as a whole is the id, as text or, where it is none, as hex text

    heartbeat: what it sends by itself, empty for none; its registration packet sent again is taken
    for one as well. answers_heartbeat: it wants the same bytes back. registration_wait_s: how long it may keep silent before it says who it is; the door uses
    the longest of all. idle_s: how long it may keep silent afterwards. Raises ValueError when the
    pattern is none, or has not exactly one group.
    """

    key: str
    registration: Registration
    prefix: bytes = b""
    pattern: str = ""
    heartbeat: bytes = b""
    answers_heartbeat: bool = False
    framing: Framing = "rtu"
    registration_wait_s: float = 30.0
    idle_s: float = 120.0

    def __post_init__(self) -> None:
        if self.registration == "hex":
            try:
                groups = re.compile(self.pattern).groups
            except re.error as error:
                raise ValueError(f"{self.key}: {error}") from error
            if groups != 1:
                raise ValueError(f"{self.key}: the pattern has {groups} groups instead of one")


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is there. used: bytes of the packet that said so; what follows is data."""

    dtu_id: str
    profile: DtuProfile
    used: int


class NotYet(Exception):
    """The packet may become somebody's when more of it comes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionFacts:
    """What is known of a DTU that has dialled in since the door opened.

    peer, since (epoch s) and last_heard (epoch s) are of its present connection, or of the last
    one; the counters are of all its connections. takeovers: it came again while its earlier
    connection stood. is_flapping: that happened so often lately that two may share the id.
    """

    dtu_id: str
    peer: str
    since: float
    last_heard: float
    bytes_in: int
    bytes_out: int
    crc_errors: int
    dropped_bytes: int
    heartbeats: int
    takeovers: int
    is_flapping: bool
    is_connected: bool
