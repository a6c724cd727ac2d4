"""Modbus RTU over a connection that we open, and through the pool over one that a DTU opens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devices.drivers import Block, BusException, BusMalformed, BusRefused, BusTimeout
from devices.drivers.bus import BusOwner, BusSpec, Priority
from devices.drivers.rtu_tcp import RtuTcpTransport
from devices.drivers.simulator.dialing import DialingDtu, sealed
from devices.tests.dialling import BEAT, HOST, SOON_S, expected, make_dtu
from devices.tests.simulated import until

ASK = Block(3, 10, 2)

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def serving(*servers: DialingDtu) -> AsyncIterator[int]:
    """A serial server: the simulated box, called instead of calling; one after the other."""
    turns = iter(servers)
    last = servers[-1]
    listening = await asyncio.get_running_loop().create_server(lambda: next(turns, last), HOST, 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for server in servers:
            server.hang_up()


@asynccontextmanager
async def talking() -> AsyncIterator[tuple[DialingDtu, RtuTcpTransport]]:
    server = make_dtu()
    async with serving(server) as port:
        transport = RtuTcpTransport(HOST, port)
        await transport.connect(timeout_s=2)
        yield server, transport
        transport.close()


async def ask(transport: RtuTcpTransport, block: Block = ASK, **facts: float) -> list[int]:
    return await transport.read(block, **{"unit_id": 1, "timeout_s": 2, **facts})


async def test_registers_bits_and_writes() -> None:
    async with talking() as (_, transport):
        assert await ask(transport) == [1010, 1011]
        assert await ask(transport, Block(4, 0, 125)) == [expected(1, at) for at in range(125)]
        assert await ask(transport, Block(2, 0, 10), unit_id=2) == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1]
        await transport.write_coil(1, is_on=True, unit_id=1, timeout_s=2)
        await transport.write_register(7, value=513, unit_id=1, timeout_s=2)
        assert await ask(transport, Block(1, 0, 3)) == [1, 1, 0]
        assert await ask(transport, Block(3, 7, 1)) == [513]
        await transport.write_coils(0, values=[False] * 9 + [True], unit_id=1, timeout_s=2)
        await transport.write_registers(7, values=[1, 2], unit_id=1, timeout_s=2)
        assert await ask(transport, Block(1, 0, 10)) == [0] * 9 + [1]
        assert await ask(transport, Block(3, 7, 2)) == [1, 2]


async def test_a_refusal_is_not_silence() -> None:
    async with talking() as (_, transport):
        with pytest.raises(BusException) as refused:
            await ask(transport, Block(3, 0xFFFF, 2))

        assert refused.value.code == 2
        assert transport.is_connected


async def test_a_broadcast_is_not_waited_for() -> None:
    async with talking() as (server, transport):
        await transport.write_register(7, value=99, unit_id=0, timeout_s=60)
        with pytest.raises(BusMalformed):
            await ask(transport, unit_id=0)

        assert [await ask(transport, Block(3, 7, 1), unit_id=unit) for unit in (1, 5)] == [[99]] * 2
        assert len(server.questions) == 3


@pytest.mark.parametrize("fault", ["chunks", "bytes", "twice", "noise"])
async def test_an_answer_is_found_whatever_stands_around_it(fault: str) -> None:
    async with talking() as (server, transport):
        for address in (10, 20, 30):
            server.faults = [fault]
            block = Block(3, address, 2)
            assert await ask(transport, block) == [1000 + address, 1001 + address]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("silent", BusTimeout),
        ("other_unit", BusTimeout),
        ("other_function", BusTimeout),
        ("short", BusTimeout),
        ("wrong_crc", BusMalformed),
        ("beat_inside", BusMalformed),
    ],
)
async def test_what_is_no_answer_costs_one_question(fault: str, error: type[Exception]) -> None:
    async with talking() as (server, transport):
        server.faults = [fault]
        with pytest.raises(error):
            await ask(transport, timeout_s=SOON_S)

        assert await ask(transport, Block(3, 20, 2)) == [1020, 1021]
        assert transport.is_connected


async def test_a_late_answer_ends_the_wait_for_it_and_is_never_the_next_ones() -> None:
    async with talking() as (server, transport):
        server.is_holding = True
        with pytest.raises(BusTimeout):
            await ask(transport, Block(3, 10, 2), timeout_s=SOON_S)
        asking = asyncio.create_task(ask(transport, Block(3, 20, 2), timeout_s=60))
        await until(lambda: len(server.held) == 1)
        server.release()

        assert await asking == [1020, 1021]
        assert len(server.questions) == 2


@pytest.mark.parametrize("block", [Block(3, 20, 2), Block(3, 20, 1), Block(1, 3, 9)])
async def test_an_answer_that_comes_after_all_waiting_is_not_the_next_ones(block: Block) -> None:
    """A mobile network stands still for minutes and then delivers everything."""
    async with talking() as (server, transport):
        server.is_holding = True
        with pytest.raises(BusTimeout):
            await ask(transport, Block(block.function_code, 10, block.count), timeout_s=SOON_S)
        await until(transport._line._is_quiet.is_set)
        asking = asyncio.create_task(ask(transport, block, timeout_s=60))
        await until(lambda: len(server.held) == 2)
        server.release()
        values = await asking

        server.is_holding = False
        assert values == await ask(transport, block)
        assert values != await ask(transport, Block(block.function_code, 10, block.count))
        assert len(server.questions) == 5


async def test_an_answer_of_another_meter_shows_that_nothing_older_is_under_way() -> None:
    async with talking() as (server, transport):
        server.faults = ["silent"]
        with pytest.raises(BusTimeout):
            await ask(transport, timeout_s=SOON_S)
        await ask(transport, unit_id=2)
        await ask(transport)

        assert len(server.questions) == 3


async def test_nothing_is_asked_for_one_more_time_out_after_silence() -> None:
    async with talking() as (server, transport):
        loop = asyncio.get_running_loop()
        server.faults = ["silent"]
        with pytest.raises(BusTimeout):
            await ask(transport, timeout_s=SOON_S)
        silent_at = loop.time()

        assert await ask(transport, Block(3, 20, 2)) == [1020, 1021]
        assert loop.time() - silent_at >= SOON_S - 0.005


async def test_a_question_given_up_is_drained_too() -> None:
    async with talking() as (server, transport):
        server.is_holding = True
        asking = asyncio.create_task(ask(transport, Block(3, 10, 2), timeout_s=SOON_S))
        await until(lambda: bool(server.held))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        server.release()

        assert await ask(transport, Block(3, 20, 2)) == [1020, 1021]


async def test_a_server_that_keeps_silent_is_called_anew_and_still_drained() -> None:
    first, second = make_dtu(), make_dtu()
    async with serving(first, second) as port:
        transport = RtuTcpTransport(HOST, port)
        await transport.connect(timeout_s=2)
        first.faults = ["silent", "silent", "silent"]
        for _ in range(3):
            assert transport.is_connected
            with pytest.raises(BusTimeout):
                await ask(transport, timeout_s=SOON_S)
        assert not transport.is_connected

        await transport.connect(timeout_s=2)
        asking = asyncio.create_task(ask(transport, Block(3, 20, 2)))
        await until(lambda: second.is_connected)
        second.say(sealed(bytes.fromhex("01 03 04 00 07 00 08")))

        assert await asking == [1020, 1021]
        transport.close()


async def test_a_line_that_babbles_is_not_listened_to() -> None:
    async with talking() as (server, transport):
        server.faults = ["silent"]
        asking = asyncio.create_task(ask(transport, timeout_s=60))
        await until(lambda: server.requests == 1)
        server.say(b"\x01" * 5000)
        with pytest.raises(BusMalformed):
            await asyncio.wait_for(asking, 5)

        transport._line._end_drain()
        assert await ask(transport, Block(3, 20, 2)) == [1020, 1021]


async def test_a_lost_connection_is_learnt_at_once() -> None:
    async with talking() as (server, transport):
        server.is_holding = True
        asking = asyncio.create_task(ask(transport, timeout_s=60))
        await until(lambda: bool(server.held))
        server.hang_up()

        with pytest.raises(BusRefused):
            await asyncio.wait_for(asking, 5)
        assert not transport.is_connected
        with pytest.raises(BusRefused):
            await ask(transport)


async def test_nobody_listening_is_refused() -> None:
    async with serving(make_dtu()) as port:
        pass
    transport = RtuTcpTransport(HOST, port)

    with pytest.raises(BusRefused):
        await transport.connect(timeout_s=2)
    with pytest.raises(BusRefused):
        await ask(transport)


@pytest.mark.parametrize("fault", ["wrong_crc", "beat_inside"])
async def test_what_noise_broke_is_asked_for_once_more(fault: str) -> None:
    server = make_dtu()
    async with serving(server) as port:
        owner = BusOwner(
            BusSpec(key=1, version=1, host=HOST, port=port, timeout_s=SOON_S, framing="rtu")
        )
        owner.start()
        server.faults = [fault]
        once = await owner.submit(device_id=1, unit_id=1, blocks=(ASK,))
        server.faults = [fault, fault]
        twice = await owner.submit(device_id=1, unit_id=1, blocks=(ASK,))
        status = owner.status()
        await owner.close()

    assert (once.error, once.blocks) == (None, [[1010, 1011]])
    assert (twice.error, twice.blocks) == ("short", None)
    assert (status.silent, status.connects) == ({}, 1)


async def test_the_owner_of_a_bus_takes_another_framing_like_another_host() -> None:
    server = make_dtu(heartbeat=BEAT)
    async with serving(server) as port:
        spec = {"key": 1, "host": HOST, "port": port, "timeout_s": SOON_S}
        owner = BusOwner(BusSpec(version=1, **spec))
        owner.start()
        wrong = await owner.submit(device_id=1, unit_id=1, blocks=(ASK,))
        owner.reconfigure(BusSpec(version=2, framing="rtu", **spec))
        right = await owner.submit(device_id=1, unit_id=1, blocks=(ASK,), priority=Priority.POLL)
        await owner.close()

    assert (wrong.error, right.error, right.blocks) == ("timeout", None, [[1010, 1011]])
