"""The clock of a meter: where it stands in the registers, how it is written, when it may be set."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast, get_args
from zoneinfo import ZoneInfo

from devices.drivers import Block, Order
from devices.drivers.documents import Section
from devices.drivers.outputs import CONFIDENCES, LAST_ADDRESS

# six_words: year, month, day, hour, minute, second, one word each. six_bytes: the same, two to a
# word. bcd: as six_bytes, each byte two decimal digits. epoch: seconds since 1970, two words.
Format = Literal["six_words", "six_bytes", "bcd", "epoch"]
# site: local time of the site. utc: as it says.
Zone = Literal["site", "utc"]

CLOCK_KEYS = (
    "function_code",
    "address",
    "format",
    "year_base",
    "word_order",
    "zone",
    "write_code",
    "write_address",
    "confidence",
    "note",
)
WIDTH: dict[str, int] = {"six_words": 6, "six_bytes": 3, "bcd": 3, "epoch": 2}
# Word by word it would show times in between that nobody meant.
WRITING_CODE = 16
# A clock outside of these is not a time that anybody set.
FIRST_YEAR, LAST_YEAR = 2000, 2099
LAST_EPOCH_S = (1 << 32) - 1
# How near to the edge of a demand interval, and of a minute, a clock is not touched.
QUARTER_S, QUARTER_EDGE_S = 900, 150
MINUTE_S, MINUTE_EDGE_S = 60, 5
# From this drift on no moment leaves both times in the same interval: then the true one counts.
LONGEST_SHIFT_S = 500.0
_LOOK_STEP_S = 5


class NoTime(ValueError):
    """The words are no time of this century, or a time that the format cannot hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockDef:
    """Where a clock is read and, with `write_code`, written.

    year_base: what is added to the year that the registers hold; epoch has none.
    """

    function_code: int
    address: int
    format: Format
    year_base: int
    word_order: Order
    zone: Zone
    write_code: int | None
    write_address: int | None
    confidence: str
    note: str = ""

    @property
    def block(self) -> Block:
        """What to read."""
        return Block(self.function_code, self.address, WIDTH[self.format])

    @property
    def may_be_set(self) -> bool:
        """Whether it can be written, and somebody has seen that it works."""
        return self.write_code is not None and self.confidence in ("confirmed", "own")

    def facts(self) -> dict[str, Any]:
        """As plain values, as a text has them and a version keeps them."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "ClockDef":
        """The clock of what `facts` gave."""
        return cls(**{"write_code": None, "write_address": None} | facts)


def read_clock(top: Section) -> ClockDef | None:
    """The clock of a template's text, if it has one; complaints go where the section's go."""
    section = top.section("clock")
    if section is None or not section.is_whole:
        return None
    section.only(*CLOCK_KEYS)
    kind = cast(Format, section.choice("format", get_args(Format)))
    function_code = section.whole("function_code", 3, 4)
    address = section.whole("address", 0, LAST_ADDRESS - WIDTH[kind] + 1)
    facts = {
        "format": kind,
        "year_base": _year_base(section, kind),
        "word_order": section.choice("word_order", get_args(Order), default="big"),
        "zone": section.choice("zone", get_args(Zone), default="site"),
        "confidence": section.choice("confidence", CONFIDENCES, default="assumed"),
        "note": section.text("note", default="", limit=200),
    }
    write_code, write_address = _writing(section, kind, address)
    if function_code is None or address is None:
        return None
    return ClockDef(
        function_code=function_code,
        address=address,
        write_code=write_code,
        write_address=write_address,
        **facts,  # type: ignore[arg-type]
    )


def _year_base(section: Section, kind: str) -> int:
    """Years of two digits begin with 2000, whole ones with 0."""
    usual = 2000 if kind in ("six_bytes", "bcd") else 0
    if section.has("year_base") and kind == "epoch":
        section.wrong("year_base", "no_year")
    base = section.whole("year_base", 0, FIRST_YEAR, default=usual)
    return usual if base is None else base


def _writing(section: Section, kind: str, address: int | None) -> tuple[int | None, int | None]:
    if not section.has("write_code"):
        if section.has("write_address"):
            section.wrong("write_address", "missing_field", field="write_code")
        return None, None
    code = section.whole("write_code", 1, 255)
    if code is not None and code != WRITING_CODE:
        section.wrong("write_code", "not_one_of", value=code, known=str(WRITING_CODE))
    if not section.has("write_address"):
        return code, address
    return code, section.whole("write_address", 0, LAST_ADDRESS - WIDTH[kind] + 1)


def decode(clock: ClockDef, words: Sequence[int], *, zone: ZoneInfo, near: datetime) -> datetime:
    """The moment that a clock shows; of an hour that comes twice, the one closer to `near`.

    zone: of the site, where the clock runs in its local time. Raises NoTime.
    """
    if clock.format == "epoch":
        high, low = words if clock.word_order == "big" else reversed(words)
        naive = datetime(1970, 1, 1) + timedelta(seconds=high << 16 | low)  # noqa: DTZ001 - shown
    else:
        naive = _shown(clock, words)
    if not FIRST_YEAR <= naive.year <= LAST_YEAR:
        raise NoTime(naive.isoformat())
    if clock.zone == "utc":
        return naive.replace(tzinfo=UTC)
    both = [naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return min(both, key=lambda moment: abs(moment - near))


def _shown(clock: ClockDef, words: Sequence[int]) -> datetime:
    parts = list(words)
    if clock.format != "six_words":
        parts = [half for word in words for half in (word >> 8, word & 0xFF)]
    if clock.format == "bcd":
        parts = [_from_bcd(part) for part in parts]
    year, month, day, hour, minute, second = parts
    try:
        return datetime(  # noqa: DTZ001 - what the display shows has no zone
            year + clock.year_base, month, day, hour, minute, second
        )
    except (ValueError, OverflowError) as error:
        raise NoTime(str(error)) from error


def encode(clock: ClockDef, at: datetime, *, zone: ZoneInfo) -> tuple[int, ...]:
    """The words that show a moment, to the nearest second. Raises NoTime."""
    second = (at + timedelta(seconds=0.5)).replace(microsecond=0)
    local = second.astimezone(UTC if clock.zone == "utc" else zone)
    if not FIRST_YEAR <= local.year <= LAST_YEAR:
        raise NoTime(local.isoformat())
    if clock.format == "epoch":
        total = int((local.replace(tzinfo=UTC)).timestamp())
        if total > LAST_EPOCH_S:
            raise NoTime(local.isoformat())
        pair = (total >> 16, total & 0xFFFF)
        return pair if clock.word_order == "big" else pair[::-1]
    year = local.year - clock.year_base
    parts = (year, local.month, local.day, local.hour, local.minute, local.second)
    if clock.format == "six_words":
        return parts
    if not 0 <= year <= (99 if clock.format == "bcd" else 255):
        raise NoTime(local.isoformat())
    if clock.format == "bcd":
        parts = cast(tuple[int, int, int, int, int, int], tuple(map(_to_bcd, parts)))
    return tuple(parts[n] << 8 | parts[n + 1] for n in (0, 2, 4))


def _from_bcd(byte: int) -> int:
    tens, ones = byte >> 4, byte & 0xF
    if tens > 9 or ones > 9:
        raise NoTime(f"0x{byte:02x}")
    return 10 * tens + ones


def _to_bcd(number: int) -> int:
    return number // 10 << 4 | number % 10


def is_calm(at: datetime, drift_s: float) -> bool:
    """Whether a clock that is `drift_s` ahead may be set at `at`.

    In the middle of a quarter-hour and away from the full minute. A clock that is set across the
    edge of its demand interval makes an interval of the wrong length: as far as the drift lets it,
    the time before and the time after lie in the same one. Zones differ by whole quarters.
    """
    if not _is_inside(at.timestamp(), MINUTE_S, MINUTE_EDGE_S):
        return False
    moments = [at.timestamp()]
    if abs(drift_s) <= LONGEST_SHIFT_S:
        moments.append(at.timestamp() + drift_s)
    if len({moment // QUARTER_S for moment in moments}) > 1:
        return False
    return all(_is_inside(moment, QUARTER_S, QUARTER_EDGE_S) for moment in moments)


def next_calm(at: datetime, drift_s: float) -> datetime:
    """The first moment from `at` on at which the clock may be set."""
    for step in range(0, 2 * QUARTER_S, _LOOK_STEP_S):
        moment = at + timedelta(seconds=step)
        if is_calm(moment, drift_s):
            return moment
    raise AssertionError(f"no calm moment for {drift_s} s")


def _is_inside(moment_s: float, period_s: int, edge_s: int) -> bool:
    return edge_s <= moment_s % period_s <= period_s - edge_s
