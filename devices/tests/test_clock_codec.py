"""Clocks of meters as registers: shown, set, refused; and when one may be touched."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.clocks import (
    QUARTER_EDGE_S,
    QUARTER_S,
    ClockDef,
    NoTime,
    decode,
    encode,
    is_calm,
    next_calm,
)
from devices.drivers.documents import DocumentError
from devices.drivers.library import parse_template
from devices.tests.test_library import GOOD, POINTS

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 26, 4, 30, 5, tzinfo=UTC)
NOON_S = int(NOON.timestamp())
FORMATS = ("six_words", "six_bytes", "bcd", "epoch")


def clock(kind: str = "six_words", **facts: object) -> ClockDef:
    base = 2000 if kind in ("six_bytes", "bcd") else 0
    usual = {
        "function_code": 3,
        "address": 60,
        "format": kind,
        "year_base": base,
        "word_order": "big",
        "zone": "site",
        "confidence": "own",
    }
    return ClockDef.of(usual | facts)


@pytest.mark.parametrize(
    ("kind", "facts", "words"),
    [
        ("six_words", {}, (2026, 11, 26, 12, 30, 5)),
        ("six_words", {"year_base": 2000}, (26, 11, 26, 12, 30, 5)),
        ("six_words", {"zone": "utc"}, (2026, 11, 26, 4, 30, 5)),
        ("six_bytes", {}, (26 << 8 | 11, 26 << 8 | 12, 30 << 8 | 5)),
        ("bcd", {}, (0x2611, 0x2612, 0x3005)),
        ("epoch", {"zone": "utc"}, divmod(NOON_S, 65536)),
        ("epoch", {"zone": "utc", "word_order": "little"}, divmod(NOON_S, 65536)[::-1]),
        ("epoch", {}, divmod(NOON_S + 8 * 3600, 65536)),
    ],
)
def test_the_words_of_each_format(
    kind: str, facts: dict[str, object], words: tuple[int, ...]
) -> None:
    assert encode(clock(kind, **facts), NOON, zone=SHANGHAI) == words
    assert decode(clock(kind, **facts), words, zone=SHANGHAI, near=NOON) == NOON


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("zone", ["site", "utc"])
@given(
    moment=st.integers(946_800_000, 4_102_200_000).map(
        lambda s: datetime.fromtimestamp(s + 0.3, UTC)
    ),
    place=st.sampled_from([SHANGHAI, BERLIN, ZoneInfo("Asia/Kathmandu")]),
)
def test_what_is_set_is_shown_to_the_second(
    kind: str, zone: str, moment: datetime, place: ZoneInfo
) -> None:
    wanted = clock(kind, zone=zone)

    shown = decode(wanted, encode(wanted, moment, zone=place), zone=place, near=moment)

    assert abs(shown - moment) <= timedelta(seconds=0.5)


def test_a_leap_day_and_the_last_year_that_two_digits_hold() -> None:
    leap = datetime(2028, 2, 28, 23, 59, 59, 600_000, tzinfo=UTC)
    assert encode(clock("bcd", zone="utc"), leap, zone=SHANGHAI) == (0x2802, 0x2900, 0x0000)
    last = datetime(2099, 12, 31, 15, 59, 59, tzinfo=UTC)
    assert encode(clock("bcd"), last, zone=SHANGHAI) == (0x9912, 0x3123, 0x5959)
    with pytest.raises(NoTime):
        encode(clock("bcd"), last + timedelta(seconds=1), zone=SHANGHAI)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("six_words", (2026, 2, 29, 0, 0, 0)),
        ("six_words", (2026, 13, 1, 0, 0, 0)),
        ("six_words", (0, 0, 0, 0, 0, 0)),
        ("six_words", (65535,) * 6),
        ("six_words", (1999, 12, 31, 0, 0, 0)),
        ("six_bytes", (0xFFFF,) * 3),
        ("six_bytes", (0x1A0B, 0x1A18, 0x0000)),
        ("bcd", (0x2A11, 0x2612, 0x3005)),
        ("bcd", (0x2611, 0x2612, 0x3060)),
        ("epoch", (0, 0)),
        ("epoch", (0xFFFF, 0xFFFF)),
    ],
)
def test_what_is_no_time_of_this_century_is_told(kind: str, words: tuple[int, ...]) -> None:
    with pytest.raises(NoTime):
        decode(clock(kind), words, zone=SHANGHAI, near=NOON)


def test_an_hour_that_comes_twice_is_the_one_that_fits_the_present() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    words = encode(clock(), first, zone=BERLIN)

    for near in (first, first + timedelta(hours=1)):
        assert decode(clock(), words, zone=BERLIN, near=near) == near


@given(
    at=st.integers(0, 86_400).map(lambda second: NOON + timedelta(seconds=second)),
    drift_s=st.floats(-100_000, 100_000),
)
def test_a_clock_is_set_within_one_demand_interval_and_soon(at: datetime, drift_s: float) -> None:
    calm = next_calm(at, drift_s)

    assert at <= calm <= at + timedelta(seconds=2 * QUARTER_S)
    moments = [calm.timestamp()]
    if abs(drift_s) <= 500:
        moments.append(calm.timestamp() + drift_s)
    assert len({moment // QUARTER_S for moment in moments}) == 1
    for moment in moments:
        assert QUARTER_EDGE_S <= moment % QUARTER_S <= QUARTER_S - QUARTER_EDGE_S
    assert 5 <= calm.timestamp() % 60 <= 55


def test_the_edges_of_quarter_and_minute_are_left_alone() -> None:
    middle = datetime(2026, 11, 26, 4, 37, 30, tzinfo=UTC)

    assert is_calm(middle, 90)
    assert not is_calm(middle.replace(second=58), 90)
    assert not is_calm(middle.replace(minute=44), 90)
    assert not is_calm(middle, 400), "the clock itself has begun the next interval"


def errors_of(line: str) -> list[DocumentError]:
    template, errors = parse_template(f"{GOOD}clock: {{{line}}}\n", POINTS)
    assert (template is None) == bool(errors)
    return errors


@pytest.mark.parametrize(
    ("line", "field", "code"),
    [
        ("address: 60, format: six_words", "clock.function_code", "missing_field"),
        ("function_code: 1, address: 60, format: bcd", "clock.function_code", "out_of_range"),
        ("function_code: 3, address: 65531, format: six_words", "clock.address", "out_of_range"),
        ("function_code: 3, address: 60, format: roman", "clock.format", "not_one_of"),
        ("function_code: 3, address: 60, format: bcd, zone: mars", "clock.zone", "not_one_of"),
        (
            "function_code: 3, address: 60, format: epoch, year_base: 0",
            "clock.year_base",
            "no_year",
        ),
        (
            "function_code: 3, address: 60, format: bcd, write_code: 6",
            "clock.write_code",
            "not_one_of",
        ),
        (
            "function_code: 3, address: 60, format: bcd, write_address: 61",
            "clock.write_address",
            "missing_field",
        ),
        ("function_code: 3, address: 60, format: bcd, hands: 2", "clock.hands", "unknown_key"),
    ],
)
def test_a_faulty_clock_is_told_with_its_field(line: str, field: str, code: str) -> None:
    assert [(error.field, error.code) for error in errors_of(line)] == [(field, code)]


def test_only_a_clock_that_somebody_tried_may_be_set() -> None:
    known = clock(write_code=16, write_address=60)
    assert known.may_be_set
    assert not clock(write_code=16, write_address=60, confidence="inferred").may_be_set
    assert not clock().may_be_set
    assert ClockDef.of(known.facts()) == known
