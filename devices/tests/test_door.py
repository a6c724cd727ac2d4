"""Who is let in and who is shown out, over real sockets; the clock is the test's."""

import asyncio
import random
import socket
import struct

import pytest

from devices.drivers import Block, BusRefused, BusTimeout, DriverError
from devices.drivers.dialin import DtuProfile
from devices.drivers.dialin.door import Door
from devices.drivers.dialin.strangers import Patience
from devices.drivers.dialin.transport import DialInTransport
from devices.drivers.simulator.dialing import FAULTS, DialingDtu
from devices.tests.dialling import (
    BEAT,
    HOST,
    PLAIN,
    SOON_S,
    Clock,
    dialled,
    expected,
    make_dtu,
    opened,
    shown_out,
)
from devices.tests.simulated import until

ID = "DTU00000001"
ASK = Block(3, 10, 2)

pytestmark = pytest.mark.asyncio


async def read(door: Door, block: Block = ASK, *, dtu_id: str = ID, unit: int = 1) -> list[int]:
    transport = DialInTransport(dtu_id, door.session)
    await transport.connect(timeout_s=1)
    return await transport.read(block, unit_id=unit, timeout_s=2)


async def stranger(door: Door, says: bytes = b"") -> DialingDtu:
    dtu = make_dtu(says)
    await dtu.dial(HOST, door.port)
    return dtu


async def test_a_known_dtu_is_let_in_and_asked() -> None:
    async with opened() as door:
        dtu = make_dtu()
        await dialled(door, dtu, ID)

        assert await read(door) == [1010, 1011]
        facts = door.sessions()[ID]

    assert (facts.is_connected, facts.bytes_in, facts.bytes_out) == (True, 9, 8)
    assert facts.peer.startswith(HOST)
    assert facts.since <= facts.last_heard
    assert door.strangers() == {}


async def test_a_dtu_that_is_away_is_refused_at_once() -> None:
    async with opened() as door:
        with pytest.raises(BusRefused):
            await read(door)


async def test_registration_in_pieces_is_put_together() -> None:
    async with opened() as door:
        dtu = make_dtu(b"DTU000")
        await dtu.dial(HOST, door.port)
        await until(lambda: any(caller.packet for caller in door._waiting))
        dtu.say(b"00001\r\n")
        await until(lambda: door.session(ID) is not None)

        assert await read(door) == [1010, 1011]


async def test_registration_glued_with_data_leaves_the_data() -> None:
    async with opened() as door:
        await dialled(door, make_dtu(), ID, glued=BEAT + BEAT)

        assert door.sessions()[ID].heartbeats == 2
        assert await read(door) == [1010, 1011]


async def test_the_registration_sent_again_is_a_heartbeat() -> None:
    packet = bytes.fromhex("88 0102030405AB 880016")
    profile = DtuProfile(key="jg", registration="hex", pattern="88(.{12})880016")
    async with opened({"0102030405AB": profile}) as door:
        dtu = make_dtu(packet, heartbeat=b"")
        await dialled(door, dtu, "0102030405AB")
        dtu.say(packet)

        await until(lambda: door.sessions()["0102030405AB"].heartbeats == 1)
        assert await read(door, dtu_id="0102030405AB") == [1010, 1011]
        assert door.sessions()["0102030405AB"].dropped_bytes == 0


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "http"),
        (bytes.fromhex("16030100c8010000c40303"), "tls"),
        (b"\x00\x01\x02\x03", "noise"),
        (b"\xfe" * 5000, "noise"),
        (b"DTU99999999", "unknown"),
    ],
)
async def test_a_stranger_is_shown_out_at_once_and_counted(says: bytes, why: str) -> None:
    async with opened() as door:
        await shown_out(await stranger(door, says))

        assert door.strangers() == {why: 1}
        assert door.sessions() == {}


async def test_who_says_nothing_is_shown_out_after_the_wait() -> None:
    clock = Clock()
    async with opened(clock=clock) as door:
        dtu = await stranger(door)
        await until(lambda: bool(door._waiting))
        clock.seconds += 29
        door.tend()
        assert dtu.is_connected
        clock.seconds += 1
        door.tend()

        await shown_out(dtu)
        assert door.strangers() == {"silent": 1}


async def test_the_shorter_of_two_ids_is_let_in_when_nothing_follows() -> None:
    clock = Clock()
    async with opened(["D1", "D12"], clock=clock) as door:
        await (make_dtu(b"D1")).dial(HOST, door.port)
        await until(lambda: any(caller.packet for caller in door._waiting))
        door.tend()
        assert door.session("D1") is None
        clock.seconds += 1
        door.tend()

        assert door.session("D1") is not None


async def test_an_address_that_insists_is_banned_and_the_ban_ends() -> None:
    clock = Clock()
    async with opened(clock=clock, patience=Patience(most=3, ban_s=300)) as door:
        for _ in range(3):
            await shown_out(await stranger(door, b"\x00"))
        known = make_dtu()
        await known.dial(HOST, door.port)
        await shown_out(known)
        assert door.strangers() == {"noise": 3, "banned": 1}

        clock.seconds += 301
        door.tend()
        await dialled(door, known, ID)
        assert not door._strangers._records


async def test_on_a_crowded_doorstep_the_oldest_makes_room() -> None:
    """Somebody opens connections and says nothing; a DTU that speaks still comes in."""
    clock = Clock()
    async with opened(clock=clock, patience=Patience(waiting=2)) as door:
        silent = []
        for number in range(1, 4):
            silent.append(await stranger(door))
            await until(lambda number=number: len(door._waiting) == number)
        await dialled(door, make_dtu(), ID)
        clock.seconds += 9
        door.tend()
        assert door.strangers() == {}
        clock.seconds += 1
        door.tend()
        await shown_out(silent[0])

        assert [dtu.is_connected for dtu in silent] == [False, True, True]
        assert door.strangers() == {"crowded": 1}


async def test_the_network_is_asked_whether_the_dtu_is_still_there() -> None:
    async with opened() as door:
        await dialled(door, make_dtu(), ID)
        line = door.session(ID)._socket.get_extra_info("socket")
        kept = [
            line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
            line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
            line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
        ]

    assert kept == [1, 60, 15, 4]


async def test_strangers_from_the_address_of_a_known_dtu_ban_nobody() -> None:
    """Behind an operator's gateway thousands share one address."""
    async with opened([ID, "DTU00000002"], patience=Patience(most=3)) as door:
        await dialled(door, make_dtu(), ID)
        for _ in range(5):
            await shown_out(await stranger(door, b"DTU00000099"))

        await dialled(door, make_dtu(b"DTU00000002"), "DTU00000002")
        assert door.strangers() == {"unknown": 5}


async def test_the_same_id_takes_over_and_its_counters_go_on() -> None:
    async with opened() as door:
        old, new = make_dtu(), make_dtu()
        await dialled(door, old, ID)
        assert await read(door) == [1010, 1011]
        await dialled(door, new, ID)
        await shown_out(old)

        assert await read(door) == [1010, 1011]
        facts = door.sessions()[ID]

    assert (facts.takeovers, facts.bytes_in, facts.is_flapping) == (1, 18, False)
    assert (len(old.questions), len(new.questions)) == (1, 1)


async def test_two_dtus_with_one_id_are_seen_as_flapping() -> None:
    clock = Clock()
    async with opened(clock=clock) as door:
        for _ in range(4):
            await dialled(door, make_dtu(), ID)
        facts = door.sessions()[ID]
        clock.seconds += 601

        assert (facts.takeovers, facts.is_flapping) == (3, True)
        assert not door.sessions()[ID].is_flapping


async def test_coming_back_after_hanging_up_is_no_takeover() -> None:
    async with opened() as door:
        dtu = make_dtu()
        await dialled(door, dtu, ID)
        dtu.hang_up()
        await until(lambda: door.session(ID) is None)
        assert not door.sessions()[ID].is_connected
        await dialled(door, dtu, ID)

        assert door.sessions()[ID].takeovers == 0


async def test_a_dtu_that_has_gone_quiet_is_hung_up_on() -> None:
    clock = Clock()
    async with opened(clock=clock) as door:
        dtu = make_dtu()
        await dialled(door, dtu, ID)
        clock.seconds += 100
        dtu.beat()
        await until(lambda: door.sessions()[ID].heartbeats == 1)
        clock.seconds += 119
        door.tend()
        assert dtu.is_connected
        clock.seconds += 1
        door.tend()

        await shown_out(dtu)
        assert door.session(ID) is None


async def test_who_is_no_longer_admitted_is_hung_up_on() -> None:
    async with opened([ID, "DTU00000002"]) as door:
        gone, stays = make_dtu(), make_dtu(b"DTU00000002")
        await dialled(door, gone, ID)
        await dialled(door, stays, "DTU00000002")
        door.admit({"DTU00000002": PLAIN})

        await shown_out(gone)
        assert list(door.sessions()) == ["DTU00000002"]
        assert stays.is_connected


async def test_while_nobody_may_come_in_callers_are_no_strangers() -> None:
    """The shard has another owner for a while; afterwards nobody is banned for having called."""
    async with opened([ID], patience=Patience(most=2)) as door:
        dtu = make_dtu()
        await dialled(door, dtu, ID)
        door.admit({})
        await shown_out(dtu)
        for _ in range(3):
            await dtu.dial(HOST, door.port)
            await shown_out(dtu)
        door.admit({ID: PLAIN})
        await dialled(door, dtu, ID)

        assert door.strangers() == {}


async def test_what_is_told_of_a_dtu_changes_only_when_something_happens() -> None:
    clock = Clock()
    async with opened(clock=clock) as door:
        dtu = make_dtu()
        await dialled(door, dtu, ID)
        first = door.sessions()[ID]
        clock.seconds += 60
        assert door.sessions()[ID] is first
        dtu.beat()
        await until(lambda: door.sessions()[ID] != first)

        assert door.sessions()[ID].last_heard == pytest.approx(first.last_heard + 60)
        assert door.sessions()[ID].since == first.since


async def test_before_it_is_known_who_may_come_in_everybody_waits() -> None:
    door = Door(HOST, 0)
    await door.open()
    dtu = make_dtu()
    await dtu.dial(HOST, door.port)
    await until(lambda: any(caller.packet for caller in door._waiting))
    door.admit({ID: PLAIN})

    assert await read(door) == [1010, 1011]
    await door.close()
    await shown_out(dtu)


async def test_mbap_over_the_dialled_socket() -> None:
    profile = DtuProfile(key="mbap", registration="ascii", framing="mbap", heartbeat=BEAT)
    async with opened({ID: profile}) as door:
        dtu = make_dtu(framing="mbap")
        await dialled(door, dtu, ID)
        for fault in ("chunks", "bytes", "beat_before", "beat_after", "twice"):
            dtu.faults = [fault]
            assert await read(door) == [1010, 1011], fault
        assert await read(door, Block(1, 0, 10), unit=2) == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1]


@pytest.mark.timeout(30)
async def test_two_thousand_dial_in_at_once_and_all_are_served() -> None:
    ids = [f"DTU{number:08}" for number in range(2000)]
    async with opened(ids) as door:
        dtus = [make_dtu(dtu_id.encode()) for dtu_id in ids]
        await asyncio.gather(*(dtu.dial(HOST, door.port) for dtu in dtus))
        await until(lambda: all(door.session(dtu_id) for dtu_id in ids))
        assert [len(dtu.questions) for dtu in dtus] == [0] * len(ids)

        values = await asyncio.gather(*(read(door, dtu_id=dtu_id, unit=5) for dtu_id in ids))

        assert values == [[expected(5, 10), expected(5, 11)]] * len(ids)
        assert door.strangers() == {}


async def test_a_heartbeat_that_wants_an_answer_gets_it_apart_from_the_questions() -> None:
    profile = DtuProfile(key="a", registration="ascii", heartbeat=BEAT, answers_heartbeat=True)
    async with opened({ID: profile}) as door:
        loop = asyncio.get_running_loop()
        dtu = make_dtu()
        await dialled(door, dtu, ID)
        assert await read(door) == [1010, 1011]
        asked_at = loop.time()
        dtu.beat()
        await until(lambda: door.sessions()[ID].heartbeats == 1)
        assert await read(door) == [1010, 1011]

        assert dtu.heard == BEAT
        assert loop.time() - asked_at > 0.35
        assert len(dtu.questions) == 2


async def test_late_answers_are_drained() -> None:
    async with opened() as door:
        dtu = make_dtu()
        await dialled(door, dtu, ID)
        transport = DialInTransport(ID, door.session)
        await transport.connect(timeout_s=1)
        dtu.is_holding = True
        with pytest.raises(BusTimeout):
            await transport.read(Block(3, 10, 2), unit_id=1, timeout_s=SOON_S)
        assert transport.is_connected
        dtu.release()

        assert await transport.read(Block(3, 20, 2), unit_id=1, timeout_s=2) == [1020, 1021]
        assert struct.unpack(">H", dtu.questions[1][2:4]) == (20,)


async def test_what_is_owed_may_come_over_the_next_connection() -> None:
    """The box keeps what its serial line said while it was without a network."""
    async with opened() as door:
        dtu = make_dtu()
        await dialled(door, dtu, ID)
        transport = DialInTransport(ID, door.session)
        await transport.connect(timeout_s=1)
        dtu.is_holding = True
        with pytest.raises(BusTimeout):
            await transport.read(Block(3, 10, 2), unit_id=1, timeout_s=SOON_S)
        await until(transport._session._is_quiet.is_set)
        dtu.hang_up()
        await until(lambda: door.session(ID) is None)
        await dialled(door, dtu, ID)
        await transport.connect(timeout_s=1)
        asking = asyncio.create_task(transport.read(Block(3, 20, 2), unit_id=1, timeout_s=60))
        await until(lambda: len(dtu.held) == 2)
        dtu.release()

        assert await asking == [1020, 1021]


class Havoc:
    """A DTU to which anything happens, in an order that the seed decides."""

    def __init__(self, seed: int) -> None:
        self.dtu = make_dtu()
        self._chance = random.Random(seed)
        self._to_come: list[asyncio.TimerHandle] = []

    async def stand(self, door: Door) -> None:
        """See to it that it is in; what it still had to say comes over the new connection."""
        if not self.dtu.is_connected:
            for handle in self._to_come:
                handle.cancel()
            await dialled(door, self.dtu, ID)

    def question(self) -> tuple[int, Block]:
        """One of nine, whose answers look alike but for their unit."""
        return self._chance.randint(1, 3), Block(3, self._chance.choice((10, 20, 30)), 2)

    def strike(self) -> None:
        """Something that begins now, or a little later while an answer is awaited."""
        loop, chance, dtu = asyncio.get_running_loop(), self._chance, self.dtu
        dtu.faults = [chance.choice(list(FAULTS))] if chance.random() < 0.3 else []
        dtu.is_holding = dtu.is_holding or chance.random() < 0.2
        for what, how_often in ((dtu.release, 0.3), (dtu.beat, 0.3), (dtu.hang_up, 0.04)):
            if chance.random() < how_often:
                self._to_come.append(loop.call_later(chance.random() * 0.03, what))


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_goes_wrong_no_value_is_another_ones(seed: int) -> None:
    """Faults, late answers, lost connections and heartbeats, in any order."""
    havoc, good = Havoc(seed), 0
    async with opened() as door:
        transport = DialInTransport(ID, door.session)
        for _ in range(120):
            await havoc.stand(door)
            if not transport.is_connected:
                await transport.connect(timeout_s=1)
            unit, block = havoc.question()
            havoc.strike()
            try:
                values = await transport.read(block, unit_id=unit, timeout_s=0.02)
            except DriverError:
                continue
            good += 1
            assert values == [expected(unit, block.address), expected(unit, block.address + 1)]
        crc_errors = door.sessions()[ID].crc_errors

    assert good > 30
    assert crc_errors > 0


@pytest.mark.timeout(30)
async def test_after_a_restart_everybody_comes_back_and_nobody_is_sent_away() -> None:
    ids = [f"DTU{number:08}" for number in range(500)]
    dtus = {dtu_id: make_dtu(dtu_id.encode()) for dtu_id in ids}
    async with opened(ids) as door:
        port = door.port
        living = [asyncio.create_task(dtu.live(HOST, port, redial_s=0.05)) for dtu in dtus.values()]
        await until(lambda: all(door.session(dtu_id) for dtu_id in ids))
    await until(lambda: not any(dtu.is_connected for dtu in dtus.values()))

    again = Door(HOST, port, patience=Patience(most=1))
    again.admit(dict.fromkeys(ids, PLAIN))
    await again.open()
    await until(lambda: all(again.session(dtu_id) for dtu_id in ids))
    values = await asyncio.gather(*(read(again, dtu_id=dtu_id) for dtu_id in ids))
    for task in living:
        task.cancel()
    await asyncio.gather(*living, return_exceptions=True)
    await again.close()

    assert values == [[1010, 1011]] * len(ids)
    assert again.strangers() == {}
