"""Who a first packet is taken for, in every form that was seen in the field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.dialin import Admission, DtuProfile, NotYet, Registration
from devices.drivers.dialin.admission import Admissions

IMEI, ICCID = "861234567890123", "89860012345678901234"
JG_PATTERN = "88(.{12})880016"
JG_PACKET = bytes.fromhex("88 0102030405AB 880016")
SLAVE_PATTERN = "AA..((?:[3-5].)+)0D"


def admissions(
    registration: Registration, *ids: str, heartbeat: bytes = b"", **facts: object
) -> Admissions:
    profile = DtuProfile(key="p", registration=registration, heartbeat=heartbeat, **facts)
    return Admissions(dict.fromkeys(ids, profile))


@pytest.mark.parametrize(
    ("known", "packet", "dtu_id", "used"),
    [
        (admissions("ascii", "DTU00012345"), b"DTU00012345", "DTU00012345", 11),
        (admissions("ascii", "DTU00012345"), b"DTU00012345\r\n", "DTU00012345", 13),
        (admissions("ascii", "DTU00012345"), b"DTU00012345\n\x01\x03", "DTU00012345", 12),
        (admissions("ascii", "DTU00012345"), b"DTU00012345\xff\xff", "DTU00012345", 11),
        (admissions("ascii", "D1", heartbeat=b"PING"), b"D1PINGPING", "D1", 2),
        (admissions("ascii", "12061204"), b"12061204", "12061204", 8),
        (admissions("ascii", "D1", "D12"), b"D12", "D12", 3),
        (admissions("ascii", "D1", "D12"), b"D1\r", "D1", 3),
        (admissions("prefix", "room 7", prefix=b"\x02GW:"), b"\x02GW:room 7\0", "room 7", 11),
        (admissions("prefix", "A", prefix=b"GW"), b"GWA\0\x88\x01", "A", 4),
        (admissions("hex", "0102030405AB", pattern=JG_PATTERN), JG_PACKET, "0102030405AB", 10),
        (admissions("hex", "0102030405ab", pattern=JG_PATTERN), JG_PACKET, "0102030405ab", 10),
        (admissions("hex", "0102030405AB", pattern=JG_PATTERN), JG_PACKET * 2, "0102030405AB", 10),
        (admissions("hex", "4GBOX", pattern=SLAVE_PATTERN), b"\xaa\x014GBOX\r", "4GBOX", 8),
        (admissions("imei", IMEI), IMEI.encode(), IMEI, 15),
        (admissions("imei", IMEI), bytes.fromhex("0" + IMEI), IMEI, 8),
        (admissions("imei", IMEI), bytes.fromhex(IMEI + "F"), IMEI, 8),
        (admissions("imei", IMEI), b'{"imei":"%b"}\r\n' % IMEI.encode(), IMEI, 28),
        (admissions("imei", IMEI), b'{"id": %b, "v": 1}' % IMEI.encode(), IMEI, 31),
        (admissions("iccid", ICCID), ICCID.encode() + b"\r\n", ICCID, 22),
        (admissions("iccid", ICCID), bytes.fromhex(ICCID) + b"\x01", ICCID, 10),
        (admissions("first", "any thing!"), b"any thing!", "any thing!", 10),
        (admissions("first", "00FF10"), b"\x00\xff\x10", "00FF10", 3),
    ],
)
def test_a_known_id_is_found_and_what_follows_is_left(
    known: Admissions, packet: bytes, dtu_id: str, used: int
) -> None:
    admission = known.identify(packet)

    assert admission is not None
    assert (admission.dtu_id, admission.used) == (dtu_id, used)


@pytest.mark.parametrize(
    "packet",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        bytes.fromhex("16030100c8010000c40303"),
        b"\x00\x01\x02",
        b"DTU00099999",
        b"DTU000123456",
        b"dtu00012345",
        b"",
    ],
)
def test_a_stranger_is_nobody(packet: bytes) -> None:
    known = admissions("ascii", "DTU00012345")

    assert known.identify(packet, is_all=True) is None
    if packet:
        assert known.identify(packet) is None


@pytest.mark.parametrize(
    ("known", "packet"),
    [
        (admissions("ascii", "DTU00012345"), b"DTU0001"),
        (admissions("ascii", "D1", "D12"), b"D1"),
        (admissions("ascii", "D1", heartbeat=b"PING"), b"D1PI"),
        (admissions("hex", "0102030405AB", pattern=JG_PATTERN), JG_PACKET[:7]),
        (admissions("imei", IMEI), b'{"imei":"86123'),
    ],
)
def test_half_a_packet_may_become_somebody(known: Admissions, packet: bytes) -> None:
    with pytest.raises(NotYet):
        known.identify(packet)


def test_when_nothing_follows_the_shorter_id_is_meant() -> None:
    admission = admissions("ascii", "D1", "D12").identify(b"D1", is_all=True)

    assert admission is not None
    assert admission.dtu_id == "D1"


def test_ids_of_several_kinds_are_told_apart() -> None:
    text = DtuProfile(key="text", registration="ascii")
    hexed = DtuProfile(key="hex", registration="hex", pattern=JG_PATTERN)
    digits = DtuProfile(key="imei", registration="imei")
    known = Admissions({"A": text, "0102030405AB": hexed, IMEI: digits})

    found = [known.identify(packet) for packet in (b"A", JG_PACKET, bytes.fromhex("0" + IMEI))]

    assert [one and one.profile for one in found] == [text, hexed, digits]
    assert known.identify(b"0102030405AB", is_all=True) is None


@pytest.mark.parametrize("pattern", ["88(", "88.*", "(.)(.)"])
def test_a_pattern_without_exactly_one_group_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="p"):
        DtuProfile(key="p", registration="hex", pattern=pattern)


ids = st.lists(st.integers(0, 10**8 - 1), min_size=1, max_size=30, unique=True).map(
    lambda numbers: [f"DTU{number:08}" for number in numbers]
)


def come(known: Admissions, packet: bytes, cuts: set[int]) -> Admission | None:
    """What the door makes of a packet that comes in pieces and then stops."""
    for end in [*sorted(cut for cut in cuts if cut < len(packet)), len(packet)]:
        try:
            return known.identify(packet[:end])
        except NotYet:
            continue
    return known.identify(packet, is_all=True)


@given(known=ids, cuts=st.sets(st.integers(1, 40)), data=st.data())
def test_in_whatever_pieces_it_comes_the_id_is_the_one_that_was_sent(
    known: list[str], cuts: set[int], data: st.DataObject
) -> None:
    sent = data.draw(st.sampled_from(known))
    after = data.draw(st.sampled_from((b"", b"\r\n", b"\0", b"\xff\xff\x80\x80")))

    found = come(admissions("ascii", *known), sent.encode() + after, cuts)

    assert found is not None
    assert found.dtu_id == sent


@given(packet=st.binary(min_size=1, max_size=200), cuts=st.sets(st.integers(1, 199)))
def test_noise_is_nobody_and_never_an_error(packet: bytes, cuts: set[int]) -> None:
    known = Admissions(
        {
            "DTU00000001": DtuProfile(key="a", registration="ascii", heartbeat=b"PING"),
            "room": DtuProfile(key="b", registration="prefix", prefix=b"GW:"),
            "0102030405AB": DtuProfile(key="c", registration="hex", pattern=JG_PATTERN),
            IMEI: DtuProfile(key="d", registration="imei"),
        }
    )

    assert come(known, packet, cuts) is None
    assert come(known, b"{" + packet, cuts) is None
