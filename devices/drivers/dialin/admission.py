"""Who a first packet says it is."""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping

from devices.drivers.dialin import LONGEST_PACKET, Admission, DtuProfile, NotYet

LINE_ENDS = b"\r\n\0"
HEX = re.compile(r"[0-9A-Fa-f]+")
PRINTABLE = range(0x20, 0x7F)
# The beginning of a pattern that is written out, without a byte that may be repeated or absent.
WRITTEN_OUT = re.compile(r"(?:[0-9A-Fa-f]{2}(?![*+?{]))*")


class Admissions:
    """The ids that may come in, each with its profile. Compiled once, cheap to ask."""

    def __init__(self, known: Mapping[str, DtuProfile]) -> None:
        self.known = dict(known)
        self._tokens: dict[bytes, str] = {}
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._has_json = False
        for dtu_id, profile in self.known.items():
            self._has_json = self._has_json or profile.registration in ("imei", "iccid")
            if profile.registration == "hex":
                self._patterns[profile.pattern] = re.compile(profile.pattern, re.IGNORECASE)
            for token in _tokens(dtu_id, profile):
                self._tokens.setdefault(token, dtu_id)
        self._heads = {_head(pattern) for pattern in self._patterns}
        self._sorted = sorted(self._tokens)
        self._sizes = sorted({len(token) for token in self._sorted}, reverse=True)

    def identify(self, packet: bytes, *, is_all: bool = False) -> Admission | None:
        """Whose packet it is; None for a stranger's.

        is_all: nothing more has come for a while, so what is there has to do. Raises NotYet when
        more bytes are needed, never with is_all.
        """
        if not is_all and self._may_grow(packet):
            raise NotYet
        return self._by_token(packet, is_all) or self._by_json(packet) or self._by_pattern(packet)

    def _may_grow(self, packet: bytes) -> bool:
        """Whether more bytes could make it somebody's, or somebody else's."""
        position = bisect_left(self._sorted, packet)
        if position < len(self._sorted) and self._sorted[position] == packet:
            position += 1
        if position < len(self._sorted) and self._sorted[position].startswith(packet):
            return True
        if len(packet) >= LONGEST_PACKET:
            return False
        if self._has_json and packet.startswith(b"{") and b"}" not in packet:
            return True
        return self._by_pattern(packet) is None and self._may_match(packet.hex())

    def _may_match(self, text: str) -> bool:
        """Whether it begins like one of the patterns."""
        return any(head.startswith(text[: len(head)]) for head in self._heads)

    def _by_token(self, packet: bytes, is_all: bool) -> Admission | None:  # noqa: FBT001 - private
        for size in (size for size in self._sizes if size <= len(packet)):
            dtu_id = self._tokens.get(packet[:size])
            if dtu_id is None:
                continue
            profile = self.known[dtu_id]
            end = _end(packet, size, profile, is_all=is_all)
            if end is not None:
                return Admission(dtu_id, profile, end)
        return None

    def _by_json(self, packet: bytes) -> Admission | None:
        """An object whose values name an id."""
        if not self._has_json or not packet.startswith(b"{"):
            return None
        try:
            facts, size = json.JSONDecoder().raw_decode(packet.decode("latin-1"))
        except (ValueError, RecursionError):
            return None
        for value in facts.values():
            profile = self.known.get(str(value))
            if profile is not None and profile.registration in ("imei", "iccid"):
                return Admission(str(value), profile, _past_line_end(packet, size))
        return None

    def _by_pattern(self, packet: bytes) -> Admission | None:
        text = packet.hex()
        for written, pattern in self._patterns.items():
            found = pattern.match(text)
            if found is None or found.end() % 2:
                continue
            for dtu_id in _spellings(found[1] or ""):
                profile = self.known.get(dtu_id)
                if profile is not None and profile.pattern == written:
                    return Admission(dtu_id, profile, found.end() // 2)
        return None


def _tokens(dtu_id: str, profile: DtuProfile) -> Iterator[bytes]:
    """The bytes by which an id comes over the line, where they can be written down."""
    text = dtu_id.encode()
    if profile.registration == "prefix":
        yield profile.prefix + text
    elif profile.registration != "hex":
        yield text
    if profile.registration == "first":
        yield from _bytes_of(dtu_id)
    elif profile.registration in ("imei", "iccid"):
        yield from _bytes_of(dtu_id)
        yield from _bytes_of("0" + dtu_id)
        yield from _bytes_of(dtu_id + "F")


def _bytes_of(hex_text: str) -> Iterator[bytes]:
    """The bytes that it spells, if it does."""
    if not len(hex_text) % 2 and HEX.fullmatch(hex_text):
        yield bytes.fromhex(hex_text)


def _head(pattern: str) -> str:
    written = WRITTEN_OUT.match(pattern)
    return written[0].lower() if written and "|" not in pattern else ""


def _spellings(hex_text: str) -> Iterator[str]:
    """What a group of hex text may mean as an id."""
    yield hex_text.upper()
    yield hex_text.lower()
    if not len(hex_text) % 2:
        text = bytes.fromhex(hex_text)
        if all(byte in PRINTABLE for byte in text):
            yield text.decode("ascii")


def _end(packet: bytes, size: int, profile: DtuProfile, *, is_all: bool) -> int | None:
    """Where a registration that begins with a known id ends; None when the id goes on.

    Text that goes on is another, longer id, unless it is the heartbeat. Bytes are data.
    """
    if any(byte not in PRINTABLE for byte in packet[len(profile.prefix) : size]):
        return size
    end = _past_line_end(packet, size)
    rest = packet[end:]
    if end > size or not rest or rest[0] not in PRINTABLE:
        return end
    beat = profile.heartbeat
    if beat and rest.startswith(beat):
        return end
    if beat.startswith(rest) and not is_all:
        raise NotYet
    return None


def _past_line_end(packet: bytes, at: int) -> int:
    while at < len(packet) and packet[at] in LINE_ENDS:
        at += 1
    return at
