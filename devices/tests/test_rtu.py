"""Frames found in a stream, whatever stands around them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.rtu import Answers, crc16, frame
from devices.drivers.simulator.dialing import check_sum

BEAT = bytes.fromhex("FFFF8080")
ASK = struct.pack(">BHH", 3, 10, 2)
RIGHT = frame(1, bytes((3, 4, 0, 7, 0, 8)))
REFUSAL = frame(1, bytes((0x83, 2)))


def asking(pdu: bytes = ASK, *, unit: int = 1, heartbeats: tuple[bytes, ...] = (BEAT,)) -> Answers:
    answers = Answers(heartbeats=heartbeats)
    answers.ask(unit, pdu)
    return answers


def fed(answers: Answers, *pieces: bytes) -> list[bytes]:
    return [answer for piece in pieces if (answer := answers.feed(piece)) is not None]


@pytest.mark.parametrize(
    "text",
    [
        "01 04 00 00 00 02 71 CB",
        "64 03 00 00 00 10 4D F3",
        "01 03 00 61 00 17 54 1A",
        "01 04 04 43 66 33 33 5A FA",
    ],
)
def test_the_check_sum_goes_low_byte_first(text: str) -> None:
    whole = bytes.fromhex(text)
    body = whole[:-2]

    assert frame(body[0], body[1:]) == whole
    assert crc16(body) == whole[-2] | whole[-1] << 8
    assert crc16(whole) == 0


@given(st.binary(max_size=260))
def test_the_check_sum_agrees_with_the_one_worked_out_bit_by_bit(data: bytes) -> None:
    assert crc16(data).to_bytes(2, "little") == check_sum(data)


def test_230_volts_are_found() -> None:
    answers = asking(struct.pack(">BHH", 4, 0, 2))

    pdu = answers.feed(bytes.fromhex("01 04 04 43 66 33 33 5A FA"))

    assert pdu is not None
    assert struct.unpack(">f", pdu[2:])[0] == pytest.approx(230.2)


@pytest.mark.parametrize(
    ("pieces", "dropped", "heartbeats"),
    [
        ((RIGHT,), 0, 0),
        ((RIGHT[:2], RIGHT[2:5], RIGHT[5:]), 0, 0),
        (tuple(bytes((byte,)) for byte in RIGHT), 0, 0),
        ((BEAT + RIGHT,), 0, 1),
        ((BEAT[:1], BEAT[1:] + RIGHT[:3], RIGHT[3:]), 0, 1),
        ((BEAT, RIGHT), 0, 1),
        ((RIGHT + BEAT,), 0, 1),
        ((BEAT + BEAT + RIGHT + BEAT,), 0, 3),
        ((RIGHT + RIGHT,), 9, 0),
        ((b"\xff\x00\x01" + RIGHT + b"\x55",), 4, 0),
        ((RIGHT[:2] + RIGHT,), 2, 0),
        ((frame(2, RIGHT[1:-2]) + RIGHT,), 9, 0),
        ((frame(1, bytes((4, *RIGHT[2:-2]))) + RIGHT,), 9, 0),
        ((frame(1, bytes((3, 2, 0, 7))) + RIGHT,), 7, 0),
    ],
)
def test_the_answer_is_found_once(pieces: tuple[bytes, ...], dropped: int, heartbeats: int) -> None:
    answers = asking()

    assert fed(answers, *pieces) == [RIGHT[1:-2]]
    assert (answers.dropped_bytes, answers.heartbeats) == (dropped, heartbeats)
    assert answers.crc_errors == 0


def test_a_wrong_check_sum_costs_a_byte_and_the_search_goes_on() -> None:
    answers = asking()
    broken = RIGHT[:4] + b"\x99" + RIGHT[5:]

    assert fed(answers, broken) == []
    assert answers.is_garbled
    assert fed(answers, RIGHT) == [RIGHT[1:-2]]
    assert (answers.crc_errors, answers.dropped_bytes) == (1, len(broken))


def test_a_refusal_is_an_answer_of_five_bytes() -> None:
    assert len(REFUSAL) == 5
    assert fed(asking(), BEAT + REFUSAL[:4], REFUSAL[4:]) == [b"\x83\x02"]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (struct.pack(">BHH", 1, 0, 10), b"\x01\x02\x49\x02"),
        (struct.pack(">BHH", 5, 7, 0xFF00), struct.pack(">BHH", 5, 7, 0xFF00)),
        (struct.pack(">BHH", 6, 7, 99), struct.pack(">BHH", 6, 7, 99)),
    ],
)
def test_bits_and_echoes_have_their_lengths(question: bytes, answer: bytes) -> None:
    whole = frame(9, answer)

    assert fed(asking(question, unit=9), whole[:-1]) == []
    assert fed(asking(question, unit=9), whole) == [answer]


def test_a_heartbeat_that_could_begin_the_answer_waits_for_it() -> None:
    """The heartbeat is the very head of the answer: both are told apart by the check sum."""
    answers = asking(heartbeats=(RIGHT[:3],))

    assert fed(answers, RIGHT[:3]) == []
    assert answers.heartbeats == 0
    assert fed(answers, RIGHT[3:]) == [RIGHT[1:-2]]
    answers.ask(1, ASK)
    assert fed(answers, RIGHT[:3] + RIGHT) == [RIGHT[1:-2]]
    answers.ask(1, ASK)
    assert fed(answers, RIGHT[:3]) == []
    answers.give_up()
    assert (answers.heartbeats, answers.crc_errors, answers.dropped_bytes) == (2, 0, 0)


def test_without_a_question_heartbeats_count_and_the_rest_is_dropped() -> None:
    answers = Answers(heartbeats=(BEAT,))

    assert fed(answers, BEAT[:2], BEAT[2:], RIGHT, BEAT) == []
    assert (answers.heartbeats, answers.dropped_bytes) == (2, len(RIGHT))


def test_an_answer_given_up_is_not_taken_for_the_next() -> None:
    answers = asking()
    fed(answers, RIGHT[:5])
    answers.give_up()
    answers.ask(1, ASK)

    assert fed(answers, RIGHT[5:]) == []
    assert fed(answers, RIGHT) == [RIGHT[1:-2]]


words = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125)


@given(values=words, cuts=st.sets(st.integers(1, 600)), data=st.data())
def test_no_chunking_and_no_heartbeats_between_frames_change_a_value(
    values: list[int], cuts: set[int], data: st.DataObject
) -> None:
    answers = asking(struct.pack(">BHH", 3, 0, len(values)))
    pdu = bytes((3, 2 * len(values))) + struct.pack(f">{len(values)}H", *values)
    before, after = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 3))
    stream = BEAT * before + frame(1, pdu) + BEAT * after
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]

    pieces = [stream[start:end] for start, end in zip(edges, edges[1:], strict=False)]

    assert fed(answers, *pieces) == [pdu]
    assert answers.heartbeats == before + after
    assert (answers.crc_errors, answers.dropped_bytes) == (0, 0)


@given(
    values=words,
    beats=st.lists(st.integers(0, 255), max_size=4),
    noise=st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=9)), max_size=3),
    cuts=st.sets(st.integers(1, 400)),
)
def test_heartbeats_and_noise_anywhere_never_make_a_wrong_value(
    values: list[int], beats: list[int], noise: list[tuple[int, bytes]], cuts: set[int]
) -> None:
    answers = asking(struct.pack(">BHH", 3, 0, len(values)))
    pdu = bytes((3, 2 * len(values))) + struct.pack(f">{len(values)}H", *values)
    stream = frame(1, pdu)
    for at, what in [*((at, BEAT) for at in beats), *noise]:
        stream = stream[:at] + what + stream[at:]
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]

    found = fed(answers, *(stream[a:b] for a, b in zip(edges, edges[1:], strict=False)))

    assert found in ([], [pdu])
