"""Modbus TCP frames in a stream with heartbeats, noise and late answers."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.dialin.mbap import MbapAnswers

BEAT = bytes.fromhex("FFFF8080")
ASK = struct.pack(">BHH", 3, 10, 2)
PDU = bytes((3, 4, 0, 7, 0, 8))


def frame(pdu: bytes, *, transaction: int = 1, unit: int = 1) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def asking(*heartbeats: bytes) -> MbapAnswers:
    answers = MbapAnswers(heartbeats=heartbeats or (BEAT,))
    assert answers.ask(1, ASK) == frame(ASK)
    return answers


def fed(answers: MbapAnswers, *pieces: bytes) -> list[bytes]:
    return [answer for piece in pieces if (answer := answers.feed(piece)) is not None]


def test_a_late_answer_is_told_by_its_transaction() -> None:
    answers = asking()
    answers.give_up()
    answers.ask(1, ASK)
    other = bytes((3, 4, 9, 9, 9, 9))

    assert fed(answers, frame(other) + frame(PDU, transaction=2)) == [PDU]
    assert answers.dropped_bytes == len(frame(other))


def test_half_a_frame_given_up_does_not_hide_the_next() -> None:
    answers = asking()
    fed(answers, frame(PDU)[:9])
    answers.ask(1, ASK)

    assert fed(answers, frame(PDU, transaction=2)) == [PDU]


def test_an_answer_of_another_unit_or_function_is_none() -> None:
    answers = asking()

    assert fed(answers, frame(PDU, unit=2), frame(b"\x04" + PDU[1:])) == []
    assert answers.is_garbled
    assert fed(answers, frame(b"\x83\x02")) == [b"\x83\x02"]


def test_a_heartbeat_that_is_the_head_of_the_answer_waits_for_it() -> None:
    answers = asking(frame(PDU)[:4])

    assert fed(answers, frame(PDU)[:4], frame(PDU)[4:]) == [PDU]
    assert answers.heartbeats == 0
    assert fed(answers, frame(PDU)[:4]) == []
    assert answers.heartbeats == 1


def test_transaction_numbers_begin_again_before_they_overflow() -> None:
    answers = MbapAnswers()

    sent = [answers.ask(1, ASK)[:2] for _ in range(0x10001)]

    assert sent[0xFFFE:] == [b"\xff\xff", b"\x00\x01", b"\x00\x02"]


@given(
    values=st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
    cuts=st.sets(st.integers(1, 300)),
)
def test_no_chunking_and_no_heartbeats_change_a_value(
    values: list[int], before: int, after: int, cuts: set[int]
) -> None:
    answers = asking()
    pdu = bytes((3, 2 * len(values))) + struct.pack(f">{len(values)}H", *values)
    stream = BEAT * before + frame(pdu) + BEAT * after
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]

    found = fed(answers, *(stream[a:b] for a, b in zip(edges, edges[1:], strict=False)))

    assert found == [pdu]
    assert (answers.heartbeats, answers.dropped_bytes) == (before + after, 0)
