"""The pool as a worker uses it: another thread, real sockets, deadlines."""

import time
from collections.abc import Iterator, Sequence

import pytest

from devices.drivers import Block, DeviceRead
from devices.drivers.bus import BusSpec, Priority, Write
from devices.drivers.pool import BusPool, PollJob
from devices.drivers.simulator.server import Listener
from devices.drivers.simulator.units import FIRST_SETTING
from devices.tests.simulated import background, make_gateway

BLOCKS = (Block(3, 0, 10), Block(3, 80, 4))
LONG_S = 20.0


@pytest.fixture
def pool() -> Iterator[BusPool]:
    running = BusPool()
    running.start()
    yield running
    running.stop()


def specs(listeners: Sequence[Listener], **facts: object) -> list[BusSpec]:
    return [
        BusSpec(key=key, version=1, host="127.0.0.1", port=listener.port, **facts)
        for key, listener in enumerate(listeners)
    ]


def jobs(buses: int, units: Sequence[int] = (1,)) -> list[PollJob]:
    return [PollJob(bus, 100 * bus + unit, unit, BLOCKS) for bus in range(buses) for unit in units]


def errors(reads: Sequence[DeviceRead]) -> dict[int, str | None]:
    return {read.device_id: read.error for read in reads}


def test_many_gateways_are_polled_over_the_same_connections_again_and_again(
    pool: BusPool,
) -> None:
    gateways = [make_gateway(f"gw{number}", units=(1, 2, 3)) for number in range(200)]
    with background(*gateways) as simulated:
        pool.apply(specs(simulated.listeners))
        for _ in range(5):
            reads = pool.poll(jobs(200, (1, 2, 3)), LONG_S)
            assert len(reads) == 600
            assert set(errors(reads).values()) == {None}
            assert all(read.asked is BLOCKS for read in reads)

        assert [listener.clients for listener in simulated.listeners] == [1] * 200
        assert {status.connects for status in pool.status().values()} == {1}
        assert sum(listener.requests for listener in simulated.listeners) == 5 * 600 * 2


def test_a_dead_gateway_and_a_dead_meter_do_not_delay_the_others(pool: BusPool) -> None:
    gateways = [make_gateway(f"gw{number}", units=(1, 2)) for number in range(3)]
    with background(*gateways) as simulated:
        simulated.tell(cmd="start", fault="dead_meter", target="gw0/1")
        simulated.tell(cmd="start", fault="dead_gateway", target="gw1")
        pool.apply(specs(simulated.listeners, timeout_s=0.2))

        first = errors(pool.poll(jobs(3, (1, 2)), LONG_S))
        second = errors(pool.poll(jobs(3, (1, 2)), LONG_S))

    assert first == {1: "timeout", 2: None, 101: "refused", 102: "refused", 201: None, 202: None}
    assert second == {**first, 1: "backoff"}


def test_what_misses_the_deadline_comes_with_a_later_poll_and_is_not_asked_twice(
    pool: BusPool,
) -> None:
    with background(make_gateway("slow"), make_gateway("quick")) as simulated:
        simulated.tell(cmd="start", fault="slow_meter", target="slow/1", level=0.4)
        pool.apply(specs(simulated.listeners, timeout_s=5))
        begun = time.monotonic()

        first = pool.poll(jobs(2), 0.15)
        took_s = time.monotonic() - begun
        second = pool.poll(jobs(2), 0.1)
        rest = pool.poll((), LONG_S)
        requests = simulated.listeners[0].requests

    assert errors(first) == {101: None}
    assert took_s < 0.35
    assert errors(second) == {1: "late", 101: None}
    assert errors(rest) == {1: None}
    assert [len(words) for words in rest[0].blocks] == [10, 4]
    assert requests == 2


def test_with_a_settling_time_a_slow_bus_does_not_hold_up_the_others(pool: BusPool) -> None:
    with background(make_gateway("slow"), make_gateway("quick")) as simulated:
        simulated.tell(cmd="start", fault="slow_meter", target="slow/1", level=0.5)
        pool.apply(specs(simulated.listeners, timeout_s=5))
        begun = time.monotonic()

        first = pool.poll(jobs(2), LONG_S, settle_s=0.05)
        took_s = time.monotonic() - begun
        rest = pool.poll((), LONG_S, settle_s=0.05)

    assert errors(first) == {101: None}
    assert took_s < 0.5
    assert errors(rest) == {1: None}


def test_on_demand_overtakes_the_polls_of_its_bus(pool: BusPool) -> None:
    units = tuple(range(1, 11))
    with background(make_gateway(units=units)) as simulated:
        simulated.tell(cmd="start", fault="slow_meter", target="gw", level=0.1)
        pool.apply(specs(simulated.listeners, timeout_s=5))
        assert pool.poll(jobs(1, units), 0.05) == []
        begun = time.monotonic()

        read = pool.request(PollJob(0, 10, 10, BLOCKS[:1])).result(LONG_S)
        took_s = time.monotonic() - begun

        assert read.error is None
        assert took_s < 1.0
        simulated.tell(cmd="stop")
        assert len(pool.poll((), LONG_S)) == len(units)


def test_a_write_is_done_before_its_blocks_are_read(pool: BusPool) -> None:
    with background(make_gateway()) as simulated:
        pool.apply(specs(simulated.listeners))
        job = PollJob(0, 1, 1, (Block(3, FIRST_SETTING, 1),))

        read = pool.request(
            job, Priority.CONTROL, write=Write(function_code=6, address=FIRST_SETTING, values=(42,))
        ).result(LONG_S)

    assert (read.blocks, read.error) == ([[42]], None)


def test_the_plan_is_applied_by_key_and_version(pool: BusPool) -> None:
    with background(make_gateway("old"), make_gateway("new")) as simulated:
        old, new = (listener.port for listener in simulated.listeners)
        pool.apply([BusSpec(key=0, version=1, host="127.0.0.1", port=old)])
        assert errors(pool.poll(jobs(1), LONG_S)) == {1: None}
        pool.apply([BusSpec(key=0, version=2, host="127.0.0.1", port=new)])
        assert errors(pool.poll(jobs(1), LONG_S)) == {1: None}
        assert simulated.listeners[1].requests == len(BLOCKS)

        pool.apply([])
        assert errors(pool.poll(jobs(1), LONG_S)) == {1: "closed"}
        assert pool.request(jobs(1)[0]).result(LONG_S).error == "closed"
        assert pool.status() == {}


def test_a_bus_that_leaves_the_plan_answers_for_its_polls(pool: BusPool) -> None:
    with background(make_gateway()) as simulated:
        simulated.tell(cmd="start", fault="slow_meter", target="gw", level=5)
        pool.apply(specs(simulated.listeners, timeout_s=30))
        assert pool.poll(jobs(1), 0.05) == []

        pool.apply([])

        assert errors(pool.poll((), 0)) == {1: "closed"}


def test_a_pool_stops_and_starts_again() -> None:
    pool = BusPool()
    with background(make_gateway()) as simulated:
        for _ in range(2):
            pool.start()
            pool.apply(specs(simulated.listeners))
            assert errors(pool.poll(jobs(1), LONG_S)) == {1: None}
            pool.stop()
        pool.stop()
    with pytest.raises(RuntimeError):
        pool.poll((), 0)
