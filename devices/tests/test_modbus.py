"""The transport against our own server, and against servers that misbehave."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from devices.drivers import (
    Block,
    BusException,
    BusMalformed,
    BusRefused,
    BusTimeout,
    Profile,
    Register,
)
from devices.drivers.codec import Decoder
from devices.drivers.modbus import ModbusTcpTransport
from devices.drivers.planner import plan
from devices.drivers.simulator import SimGateway
from devices.drivers.simulator.server import Simulator
from devices.drivers.simulator.units import FIRST_SETTING
from devices.tests.simulated import SHIPPED, make_gateway, shipped_profile, simulating

SOON_S = 0.15
# What a meter without CT carries: sixteen bits of watts end at 32,767 W.
DIRECT_KVA = 25.0
ASK = Block(3, 10, 2)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[ModbusTcpTransport]:
    transport = ModbusTcpTransport("127.0.0.1", port)
    await transport.connect(timeout_s=2)
    try:
        yield transport
    finally:
        transport.close()


@asynccontextmanager
async def talking(
    gateway: SimGateway | None = None,
) -> AsyncIterator[tuple[Simulator, ModbusTcpTransport]]:
    """A simulated gateway and a connection to it."""
    async with (
        simulating(gateway or make_gateway()) as simulator,
        connected(simulator.listeners[0].port) as transport,
    ):
        yield simulator, transport


Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def misbehaving(answer: Answer) -> AsyncIterator[int]:
    """A server that hands every 12-byte question to `answer`; yields its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await answer(await reader.readexactly(12), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def frame(
    question: bytes, body: bytes, *, transaction: int | None = None, unit: int | None = None
) -> bytes:
    given = struct.unpack(">H", question[:2])[0] if transaction is None else transaction
    return (
        struct.pack(">HHHB", given, 0, len(body) + 1, question[6] if unit is None else unit) + body
    )


def words(*values: int) -> bytes:
    return bytes((3, 2 * len(values))) + struct.pack(f">{len(values)}H", *values)


def test_every_shipped_template_is_read_through_the_simulator() -> None:
    async def run(key: str) -> None:
        profile = shipped_profile(key)
        blocks = plan(profile)
        decoder = Decoder(profile, blocks)
        # A register of whole steps shows the nearest one.
        half_steps = {r.code: r.scale / 2 for r in profile.registers if "int" in r.type}
        gateway = make_gateway(profile=profile, rated_kva=DIRECT_KVA)
        async with talking(gateway) as (simulator, transport):
            read = [await transport.read(block, unit_id=1, timeout_s=2) for block in blocks]
            values, counters, _, _ = decoder.decode([read])
            shown = simulator.world.values("gw/1")
        for codes, row in ((profile.value_codes, values[0]), (profile.counter_codes, counters[0])):
            for code, value in zip(codes, row, strict=True):
                if code in shown:
                    error = max(0.06, half_steps.get(code, 0))
                    assert value == pytest.approx(shown[code], rel=1e-6, abs=error), code

    for key in SHIPPED:
        asyncio.run(run(key))


def test_bits_are_read_as_bits() -> None:
    registers = tuple(
        Register(code=code, unit="0/1", function_code=2, address=address, type="bool")
        for code, address in (("DI1", 0), ("DI2", 9))
    )

    async def run() -> list[int]:
        gateway = make_gateway(profile=Profile(key="bits", version=1, registers=registers))
        async with talking(gateway) as (_, transport):
            return await transport.read(Block(2, 0, 10), unit_id=1, timeout_s=2)

    assert asyncio.run(run()) == [1] + [0] * 9


def test_writes_are_echoed_and_read_back() -> None:
    async def run() -> None:
        async with talking() as (_, transport):
            await transport.write_coil(1, is_on=True, unit_id=1, timeout_s=2)
            await transport.write_register(FIRST_SETTING, value=513, unit_id=1, timeout_s=2)
            coils = await transport.read(Block(1, 0, 3), unit_id=1, timeout_s=2)
            setting = await transport.read(Block(3, FIRST_SETTING, 1), unit_id=1, timeout_s=2)
            assert (coils, setting) == ([0, 1, 0], [513])
            values = [True, False, True]
            await transport.write_coils(3, values=values, unit_id=1, timeout_s=2)
            await transport.write_registers(FIRST_SETTING, values=[7, 8], unit_id=1, timeout_s=2)
            coils = await transport.read(Block(1, 0, 8), unit_id=1, timeout_s=2)
            setting = await transport.read(Block(3, FIRST_SETTING, 2), unit_id=1, timeout_s=2)
            assert (coils, setting) == ([0, 1, 0, 1, 0, 1, 0, 0], [7, 8])
            with pytest.raises(BusException) as refused:
                await transport.write_register(5, value=1, unit_id=1, timeout_s=2)
            assert refused.value.code == 2

    asyncio.run(run())


@pytest.mark.parametrize(
    ("block", "code"),
    [(Block(3, 5000, 2), 2), (Block(4, 0, 2), 2), (Block(3, 90, 20), 2), (Block(2, 0, 1), 2)],
)
def test_what_the_device_does_not_have_is_an_exception(block: Block, code: int) -> None:
    async def run() -> None:
        async with talking() as (_, transport):
            with pytest.raises(BusException) as refused:
                await transport.read(block, unit_id=1, timeout_s=2)
            assert refused.value.error == f"exception:{code}"
            assert transport.is_connected

    asyncio.run(run())


def test_a_gateway_that_reports_a_silent_device_is_a_time_out_on_a_good_connection() -> None:
    async def run() -> None:
        async with talking() as (_, transport):
            with pytest.raises(BusTimeout):
                await transport.read(ASK, unit_id=77, timeout_s=2)
            assert transport.is_connected

    asyncio.run(run())


def test_silence_is_a_time_out_and_ends_the_connection() -> None:
    async def run() -> None:
        async with simulating(make_gateway()) as simulator:
            simulator.handle({"cmd": "start", "fault": "dead_meter", "target": "gw/1"})
            async with connected(simulator.listeners[0].port) as transport:
                with pytest.raises(BusTimeout):
                    await transport.read(ASK, unit_id=1, timeout_s=SOON_S)
                assert not transport.is_connected
                with pytest.raises(BusRefused):
                    await transport.read(ASK, unit_id=1, timeout_s=SOON_S)

    asyncio.run(run())


def test_nobody_listening_is_refused() -> None:
    async def run() -> None:
        async with misbehaving(lambda *_: asyncio.sleep(0)) as port:
            pass
        with pytest.raises(BusRefused):
            await ModbusTcpTransport("127.0.0.1", port).connect(timeout_s=2)

    asyncio.run(run())


def test_a_gateway_that_does_not_take_the_call_is_refused_in_time() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            callers = [socket.socket() for _ in range(8)]
            for caller in callers:
                caller.setblocking(False)
                caller.connect_ex(full.getsockname())
            begun = loop.time()
            with pytest.raises(BusRefused):
                await ModbusTcpTransport(*full.getsockname()).connect(timeout_s=SOON_S)
            assert loop.time() - begun < 10 * SOON_S
            for caller in callers:
                caller.close()

    asyncio.run(run())


def test_a_late_answer_is_never_taken_for_the_next_one() -> None:
    """The first question is answered after its time-out, with other values than the second."""
    asked = []

    async def slow_first(question: bytes, writer: asyncio.StreamWriter) -> None:
        asked.append(question)
        if len(asked) == 1:
            await asyncio.sleep(2 * SOON_S)
        writer.write(frame(question, words(len(asked), len(asked))))

    async def run() -> None:
        async with misbehaving(slow_first) as port:
            transport = ModbusTcpTransport("127.0.0.1", port)
            await transport.connect(timeout_s=2)
            with pytest.raises(BusTimeout):
                await transport.read(ASK, unit_id=1, timeout_s=SOON_S)
            await transport.connect(timeout_s=2)
            await asyncio.sleep(2 * SOON_S)
            assert await transport.read(ASK, unit_id=1, timeout_s=2) == [2, 2]
            transport.close()

    asyncio.run(run())


@pytest.mark.parametrize("wrong", [{"transaction": 0}, {"transaction": 999}, {"unit": 9}])
def test_an_answer_to_another_question_is_dropped(wrong: dict[str, int]) -> None:
    async def stray_first(question: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(question, words(6, 6), **wrong))
        writer.write(frame(question, words(7, 7)))

    async def run() -> list[int]:
        async with misbehaving(stray_first) as port, connected(port) as transport:
            return await transport.read(ASK, unit_id=1, timeout_s=2)

    assert asyncio.run(run()) == [7, 7]


def test_an_answer_in_pieces_is_put_together() -> None:
    async def dribble(question: bytes, writer: asyncio.StreamWriter) -> None:
        for byte in frame(question, words(1, 2)):
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0.001)

    async def run() -> list[int]:
        async with misbehaving(dribble) as port, connected(port) as transport:
            return await transport.read(ASK, unit_id=1, timeout_s=2)

    assert asyncio.run(run()) == [1, 2]


def test_an_answer_twice_does_not_spoil_the_next() -> None:
    count = iter(range(1, 9))

    async def stammer(question: bytes, writer: asyncio.StreamWriter) -> None:
        number = next(count)
        writer.write(frame(question, words(number, 0)) * 2)

    async def run() -> list[list[int]]:
        async with misbehaving(stammer) as port, connected(port) as transport:
            return [await transport.read(ASK, unit_id=1, timeout_s=2) for _ in range(3)]

    assert asyncio.run(run()) == [[1, 0], [2, 0], [3, 0]]


@pytest.mark.parametrize(
    "body",
    [
        words(1),
        words(1, 2, 3),
        bytes((3, 4, 0, 1)),
        bytes((3,)),
        bytes((4, 4, 0, 1, 0, 2)),
        bytes((99, 1)),
    ],
)
def test_an_answer_that_does_not_fit_is_malformed(body: bytes) -> None:
    async def misfit(question: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(question, body))

    async def run() -> None:
        async with misbehaving(misfit) as port, connected(port) as transport:
            with pytest.raises(BusMalformed):
                await transport.read(ASK, unit_id=1, timeout_s=1)

    asyncio.run(run())


def test_something_else_than_modbus_is_malformed_at_once() -> None:
    async def web(question: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def run() -> None:
        async with misbehaving(web) as port, connected(port) as transport:
            with pytest.raises(BusMalformed):
                await transport.read(ASK, unit_id=1, timeout_s=5)
            assert not transport.is_connected

    asyncio.run(run())


def test_a_lost_connection_is_learnt_at_once() -> None:
    async def hang_up(question: bytes, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def run() -> None:
        async with misbehaving(hang_up) as port, connected(port) as transport:
            with pytest.raises(BusRefused):
                await asyncio.wait_for(transport.read(ASK, unit_id=1, timeout_s=30), 5)
            assert not transport.is_connected

    asyncio.run(run())


def test_giving_up_while_waiting_drops_the_connection() -> None:
    async def never(question: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async def run() -> None:
        async with misbehaving(never) as port, connected(port) as transport:
            reading = asyncio.create_task(transport.read(ASK, unit_id=1, timeout_s=30))
            await asyncio.sleep(0.01)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert not transport.is_connected

    asyncio.run(run())


def test_transaction_numbers_begin_again_before_they_overflow() -> None:
    async def run() -> None:
        async with talking() as (_, transport):
            transport._transaction = 65534
            for _ in range(4):
                await transport.read(Block(3, 0, 2), unit_id=1, timeout_s=2)
            assert transport._transaction == 3

    asyncio.run(run())
