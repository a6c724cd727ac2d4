"""Who speaks when: with a line and a clock that the test holds, and once with real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devices.drivers import (
    Block,
    BusException,
    BusMalformed,
    BusRefused,
    BusTimeout,
    DeviceRead,
    Words,
)
from devices.drivers.bus import BusOwner, BusSpec, Priority, Write
from devices.tests.simulated import make_gateway, simulating, until

ONE = (Block(3, 0, 2),)
TWO = (Block(3, 0, 2), Block(3, 50, 1))
THREE = (*TWO, Block(4, 0, 1))


class Bench:
    """A clock, and a line whose devices answer as the test says."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []
        self.said: list[tuple[int, int]] = []
        self.faults: dict[int, Exception] = {}
        self.block_faults: dict[tuple[int, int], Exception] = {}
        self.once: list[Exception] = []
        self.connects = 0
        self.is_down = False
        self.hold: asyncio.Event | None = None

    def clock(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)

    def line(self, spec: BusSpec) -> "Line":
        return Line(self, spec.host, spec.port)


class Line:
    """A transport without a network."""

    def __init__(self, bench: Bench, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.is_connected = False
        self._bench = bench

    async def connect(self, *, timeout_s: float) -> None:
        self._bench.connects += 1
        if self._bench.is_down:
            raise BusRefused("nobody there")
        self.is_connected = True

    def close(self) -> None:
        self.is_connected = False

    async def read(self, block: Block, *, unit_id: int, timeout_s: float) -> Words:
        await self._speak(unit_id, block.address)
        return [unit_id] * block.count

    async def write_coil(
        self, address: int, *, is_on: bool, unit_id: int, timeout_s: float
    ) -> None:
        await self._speak(unit_id, address)

    async def write_register(
        self, address: int, *, value: int, unit_id: int, timeout_s: float
    ) -> None:
        await self._speak(unit_id, address)

    async def _speak(self, unit_id: int, address: int) -> None:
        bench = self._bench
        bench.said.append((unit_id, address))
        if bench.hold is not None:
            await bench.hold.wait()
        await asyncio.sleep(0)
        fault = bench.faults.get(unit_id) or bench.block_faults.get((unit_id, address))
        if bench.once:
            fault = bench.once.pop()
        if fault is not None:
            if isinstance(fault, BusTimeout):
                bench.seconds += 1.0
            if not isinstance(fault, BusException | BusMalformed):
                self.close()
            raise fault


@asynccontextmanager
async def owning(bench: Bench, **facts: object) -> AsyncIterator[BusOwner]:
    spec = BusSpec(**{"key": 1, "version": 1, "host": "h", "port": 502, **facts})
    owner = BusOwner(
        spec, transport=bench.line, clock=bench.clock, now=bench.clock, sleep=bench.sleep
    )
    owner.start()
    try:
        yield owner
    finally:
        await owner.close()


async def poll(owner: BusOwner, device: int, blocks: tuple[Block, ...] = ONE) -> DeviceRead:
    return await owner.submit(
        device_id=device, unit_id=device, blocks=blocks, priority=Priority.POLL
    )


async def on_demand(owner: BusOwner, device: int) -> DeviceRead:
    return await owner.submit(device_id=device, unit_id=device, blocks=ONE)


@pytest.mark.asyncio
async def test_a_poll_reads_all_blocks_over_one_connection() -> None:
    bench = Bench()
    async with owning(bench) as owner:
        reads = [await poll(owner, device, THREE) for device in (1, 2, 1)]

    assert [read.blocks for read in reads] == [
        [[1, 1], [1], [1]],
        [[2, 2], [2], [2]],
        [[1, 1], [1], [1]],
    ]
    assert [read.error for read in reads] == [None] * 3
    assert reads[0].asked is THREE
    assert bench.connects == 1


@pytest.mark.asyncio
async def test_one_transaction_at_a_time() -> None:
    bench = Bench()
    bench.hold = asyncio.Event()
    async with owning(bench) as owner:
        waiting = [asyncio.ensure_future(poll(owner, device)) for device in (1, 2, 3)]
        await until(lambda: bool(bench.said))
        await asyncio.sleep(0.01)
        assert bench.said == [(1, 0)]
        bench.hold.set()
        await asyncio.gather(*waiting)

    assert bench.said == [(1, 0), (2, 0), (3, 0)]


@pytest.mark.asyncio
async def test_urgent_requests_slip_between_the_blocks_of_a_poll() -> None:
    bench = Bench()
    bench.hold = asyncio.Event()
    async with owning(bench) as owner:
        polling = [asyncio.ensure_future(poll(owner, device, TWO)) for device in (1, 2)]
        await until(lambda: bool(bench.said))
        demanded = asyncio.ensure_future(on_demand(owner, 7))
        controlled = owner.submit(
            device_id=9,
            unit_id=9,
            write=Write(function_code=5, address=33, values=(1,)),
            priority=Priority.CONTROL,
        )
        await asyncio.sleep(0)
        bench.hold.set()
        results = await asyncio.gather(*polling, demanded, controlled)

    assert bench.said == [(1, 0), (9, 33), (7, 0), (1, 50), (2, 0), (2, 50)]
    assert [read.error for read in results] == [None] * 4


@pytest.mark.asyncio
async def test_a_silent_device_costs_one_time_out_and_the_others_go_on() -> None:
    bench = Bench()
    bench.faults[2] = BusTimeout()
    async with owning(bench) as owner:
        reads = [await poll(owner, device, TWO) for device in (1, 2, 3, 2, 1)]
        status = owner.status()

    assert [read.error for read in reads] == [None, "timeout", None, "backoff", None]
    assert [said for said in bench.said if said[0] == 2] == [(2, 0)]
    assert status.silent == {2: (1, pytest.approx(2.0))}


@pytest.mark.asyncio
async def test_back_off_grows_to_its_limit_and_ends_with_an_answer() -> None:
    bench = Bench()
    bench.faults[2] = BusTimeout()
    waits = []
    async with owning(bench) as owner:
        for _ in range(200):
            assert (await poll(owner, 2)).error == "timeout"
            waits.append(owner.status().silent[2][1])
            bench.seconds += waits[-1] - 0.01
            assert (await poll(owner, 2)).error == "backoff"
            bench.seconds += 0.02
        del bench.faults[2]
        assert (await poll(owner, 2)).error is None
        assert owner.status().silent == {}
        bench.faults[2] = BusTimeout()
        await poll(owner, 2)
        assert owner.status().silent[2] == (1, pytest.approx(2.0))

    assert waits[:3] == [pytest.approx(2.0), pytest.approx(4.0), pytest.approx(6.0)]
    assert waits[-1] == pytest.approx(300.0)


@pytest.mark.asyncio
async def test_a_device_in_back_off_is_probed_with_one_block() -> None:
    bench = Bench()
    bench.faults[2] = BusTimeout()
    async with owning(bench) as owner:
        await poll(owner, 2, THREE)
        bench.seconds += 10
        bench.said.clear()
        await poll(owner, 2, THREE)

    assert bench.said == [(2, 0)]


@pytest.mark.asyncio
async def test_on_demand_and_control_ask_a_device_in_back_off() -> None:
    bench = Bench()
    bench.faults[2] = BusTimeout()
    async with owning(bench) as owner:
        await poll(owner, 2)
        assert (await on_demand(owner, 2)).error == "timeout"
        del bench.faults[2]
        assert (await poll(owner, 2)).error == "backoff"
        assert (await on_demand(owner, 2)).error is None
        assert (await poll(owner, 2)).error is None


@pytest.mark.asyncio
async def test_a_gateway_that_is_away_is_tried_once_per_back_off() -> None:
    bench = Bench()
    bench.is_down = True
    waits = []
    async with owning(bench) as owner:
        for _ in range(40):
            assert [(await poll(owner, device)).error for device in (1, 2, 3)] == ["refused"] * 3
            waits.append(owner.backoffs.link.retry_at - bench.seconds)
            bench.seconds += waits[-1] + 0.01
        tried = bench.connects
        assert (await on_demand(owner, 1)).error == "refused"
        assert bench.connects == tried + 1
        bench.is_down = False
        assert (await on_demand(owner, 1)).error is None
        assert (await poll(owner, 2)).error is None

    assert tried == 40
    assert waits[:2] == [pytest.approx(2.0), pytest.approx(4.0)]
    assert waits[-1] == pytest.approx(60.0)
    assert bench.said == [(1, 0), (2, 0)]


@pytest.mark.asyncio
async def test_a_connection_that_died_unnoticed_is_replaced_without_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    async with owning(bench) as owner:
        await poll(owner, 1)
        bench.once.append(BusRefused("gone"))
        read = await poll(owner, 1, TWO)

    assert (read.blocks, read.error) == ([[1, 1], [1]], None)
    assert bench.said == [(1, 0), (1, 0), (1, 0), (1, 50)]
    assert bench.connects == 2
    assert caplog.records == []


@pytest.mark.asyncio
async def test_a_gateway_that_drops_every_question_is_left_alone() -> None:
    bench = Bench()
    bench.faults[1] = BusRefused("gone")
    async with owning(bench) as owner:
        reads = [await poll(owner, 1) for _ in range(3)]

    assert [read.error for read in reads] == ["refused"] * 3
    assert bench.connects == 1


@pytest.mark.asyncio
async def test_an_exception_costs_its_block_only() -> None:
    bench = Bench()
    bench.block_faults[1, 50] = BusException(2)
    bench.faults[2] = BusException(4)
    async with owning(bench) as owner:
        partly = await poll(owner, 1, THREE)
        wholly = await poll(owner, 2, TWO)
        again = await poll(owner, 2, TWO)

    assert (partly.blocks, partly.error) == ([[1, 1], None, [1]], "exception:2")
    assert (wholly.blocks, wholly.error) == (None, "exception:4")
    assert again.error == "exception:4"


@pytest.mark.asyncio
async def test_silence_after_the_first_block_keeps_what_was_read() -> None:
    bench = Bench()
    bench.block_faults[1, 50] = BusTimeout()
    async with owning(bench) as owner:
        read = await poll(owner, 1, THREE)

    assert (read.blocks, read.error) == ([[1, 1], None, None], "timeout")
    assert bench.said == [(1, 0), (1, 50)]


@pytest.mark.asyncio
async def test_the_gap_between_frames_is_kept() -> None:
    bench = Bench()
    async with owning(bench, gap_s=0.025) as owner:
        await poll(owner, 1, TWO)
        bench.seconds += 0.02
        await poll(owner, 1)
        bench.seconds += 5
        await poll(owner, 1)

    assert bench.slept == [pytest.approx(0.025), pytest.approx(0.005)]


@pytest.mark.asyncio
async def test_when_the_whole_line_was_silent_all_are_asked_again_at_once() -> None:
    bench = Bench()
    async with owning(bench) as owner:
        bench.faults[3] = BusTimeout()
        await poll(owner, 3)
        await poll(owner, 1)
        bench.faults |= {device: BusTimeout() for device in (1, 2)}
        for _ in range(5):
            bench.seconds += 60
            await poll(owner, 1)
            await poll(owner, 2)
        bench.faults = {3: BusTimeout()}
        assert (await poll(owner, 1)).error == "backoff"
        assert (await on_demand(owner, 1)).error is None
        assert (await poll(owner, 2)).error is None
        bench.said.clear()
        await poll(owner, 3)
        await poll(owner, 3)

    assert len(bench.said) <= 1


@pytest.mark.asyncio
async def test_a_living_neighbour_does_not_shorten_a_back_off() -> None:
    bench = Bench()
    bench.faults[2] = BusTimeout()
    async with owning(bench) as owner:
        for _ in range(3):
            await poll(owner, 2)
            assert (await poll(owner, 1)).error is None
            assert (await poll(owner, 2)).error == "backoff"
            bench.seconds += 30

    assert bench.said.count((2, 0)) == 3


@pytest.mark.asyncio
async def test_writes_are_never_repeated() -> None:
    bench = Bench()
    async with owning(bench) as owner:
        await poll(owner, 1)
        bench.faults[1] = BusRefused("gone")
        bench.said.clear()
        read = await owner.submit(
            device_id=1,
            unit_id=1,
            blocks=ONE,
            priority=Priority.CONTROL,
            write=Write(function_code=6, address=8, values=(3,)),
        )

    assert read.error == "lost"
    assert bench.said == [(1, 8)]


@pytest.mark.asyncio
async def test_a_write_whose_time_is_over_when_its_turn_comes_is_not_sent() -> None:
    bench = Bench()
    bench.hold = asyncio.Event()
    async with owning(bench) as owner:
        polling = asyncio.ensure_future(poll(owner, 1))
        await until(lambda: bool(bench.said))
        write = Write(function_code=5, address=33, values=(1,), until=bench.seconds + 30)
        waiting = owner.submit(device_id=9, unit_id=9, write=write, priority=Priority.CONTROL)
        await asyncio.sleep(0)
        bench.seconds += 31
        bench.hold.set()
        await polling
        read = await waiting

    assert read.error == "expired"
    assert bench.said == [(1, 0)]


@pytest.mark.asyncio
async def test_a_moved_gateway_is_found_at_its_new_address_without_waiting() -> None:
    bench = Bench()
    async with owning(bench) as owner:
        await poll(owner, 1)
        bench.is_down = True
        owner.reconfigure(BusSpec(key=1, version=2, host="elsewhere", port=502))
        assert (await poll(owner, 1)).error == "refused"
        bench.is_down = False
        owner.reconfigure(BusSpec(key=1, version=3, host="there", port=502))
        assert (await poll(owner, 1)).error is None

    assert bench.connects == 3


@pytest.mark.asyncio
async def test_closing_answers_everybody() -> None:
    bench = Bench()
    bench.hold = asyncio.Event()
    async with owning(bench) as owner:
        waiting = [asyncio.ensure_future(poll(owner, device)) for device in (1, 2, 3)]
        waiting.append(asyncio.ensure_future(on_demand(owner, 4)))
        await until(lambda: bool(bench.said))
        await owner.close()
        reads = await asyncio.wait_for(asyncio.gather(*waiting), 5)
        late = await poll(owner, 5)

    assert [read.error for read in (*reads, late)] == ["closed"] * 5


@pytest.mark.asyncio
async def test_a_defect_met_with_one_device_does_not_silence_the_bus() -> None:
    bench = Bench()
    bench.faults[1] = ZeroDivisionError()
    async with owning(bench) as owner:
        assert (await poll(owner, 1)).error == "failed"
        assert (await poll(owner, 2)).error is None


@pytest.mark.asyncio
async def test_each_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    caplog.set_level("INFO", logger="devices.drivers.backoff")
    async with owning(bench) as owner:
        bench.faults[2] = BusTimeout()
        for _ in range(5):
            await poll(owner, 2)
            bench.seconds += 100
        bench.faults.clear()
        await poll(owner, 2)
        await poll(owner, 2)

    assert [record.msg.split()[0] for record in caplog.records] == [
        "device.silent",
        "device.answers",
    ]


@pytest.mark.asyncio
async def test_with_real_sockets_a_dead_meter_and_a_dead_gateway_come_back() -> None:
    async with simulating(make_gateway(units=(1, 2, 3))) as simulator:
        port = simulator.listeners[0].port
        owner = BusOwner(BusSpec(key=1, version=1, host="127.0.0.1", port=port, timeout_s=0.1))
        owner.start()
        simulator.handle({"cmd": "start", "fault": "dead_meter", "target": "gw/2"})
        errors = [(await poll(owner, unit)).error for unit in (1, 2, 3, 2)]
        assert errors == [None, "timeout", None, "backoff"]

        simulator.handle({"cmd": "start", "fault": "dead_gateway", "target": "gw"})
        await simulator.heed_faults()
        assert [(await poll(owner, unit)).error for unit in (1, 3)] == ["refused", "refused"]

        simulator.handle({"cmd": "stop"})
        await simulator.heed_faults()
        assert [(await on_demand(owner, unit)).error for unit in (1, 2)] == [None, None]
        assert [(await poll(owner, unit)).error for unit in (1, 2, 3)] == [None] * 3
        await owner.close()
