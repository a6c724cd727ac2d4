"""The pool and its door: DTUs dial in from another thread's loop and are polled like any other."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from devices.drivers import Block
from devices.drivers.bus import BusSpec
from devices.drivers.pool import BusPool, PollJob
from devices.drivers.simulator.dialing import DialingDtu
from devices.tests.dialling import HOST, PLAIN, make_dtu

ID, OTHER = "DTU00000001", "DTU00000002"
ASK = (Block(3, 10, 2),)
LONG_S = 20.0


class Field:
    """Where the DTUs are: a loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(10)

    def call(self, what: Callable[[], object]) -> None:
        async def act() -> None:
            what()

        self.do(act())

    def make(self, registration: str, **facts: object) -> DialingDtu:
        async def make() -> DialingDtu:
            return make_dtu(registration.encode(), **facts)

        return self.do(make())

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


@pytest.fixture
def field() -> Iterator[Field]:
    running = Field()
    yield running
    running.stop()


@pytest.fixture
def pool() -> Iterator[BusPool]:
    running = BusPool()
    running.start()
    yield running
    running.stop()


def spec(key: int, dtu_id: str, *, version: int = 1) -> BusSpec:
    return BusSpec(key=key, version=version, host="", port=0, dtu_id=dtu_id, timeout_s=0.2)


def job(key: int = 1, unit: int = 1) -> PollJob:
    return PollJob(key, 10 * key + unit, unit, ASK)


def connected(pool: BusPool, *ids: str) -> None:
    """Wait until they are in; each look is a turn of the pool's loop."""
    for _ in range(20_000):
        sessions = pool.sessions()
        if all(dtu_id in sessions and sessions[dtu_id].is_connected for dtu_id in ids):
            return
    raise AssertionError(f"not in: {pool.sessions()}")


def test_dtus_are_polled_controlled_and_seen(pool: BusPool, field: Field) -> None:
    pool.admit({ID: PLAIN, OTHER: PLAIN})
    port = pool.open_door(HOST, 0)
    pool.apply([spec(1, ID), spec(2, OTHER)])
    first = {read.device_id: read.error for read in pool.poll([job(1), job(2)], LONG_S)}
    assert first == {11: "refused", 21: "refused"}

    dtus = [field.make(ID), field.make(OTHER)]
    for dtu in dtus:
        field.do(dtu.dial(HOST, port))
    connected(pool, ID, OTHER)
    reads = pool.poll([job(1, 1), job(1, 2), job(2, 1)], LONG_S)

    assert {read.device_id: (read.error, read.blocks) for read in reads} == {
        11: (None, [[1010, 1011]]),
        12: (None, [[2010, 2011]]),
        21: (None, [[1010, 1011]]),
    }
    assert [status.is_connected for status in pool.status().values()] == [True, True]
    assert pool.strangers() == {}


def test_a_stranger_is_counted(pool: BusPool, field: Field) -> None:
    pool.admit({ID: PLAIN})
    port = pool.open_door(HOST, 0)
    stranger = field.make("GET / HTTP/1.1\r\n\r\n")
    field.do(stranger.dial(HOST, port))
    field.do(asyncio.wait_for(stranger.gone.wait(), 5))

    assert pool.strangers() == {"http": 1}


def test_a_dead_meter_does_not_silence_its_dtu(pool: BusPool, field: Field) -> None:
    pool.admit({ID: PLAIN})
    port = pool.open_door(HOST, 0)
    pool.apply([spec(1, ID)])
    dtu = field.make(ID)
    field.do(dtu.dial(HOST, port))
    connected(pool, ID)
    dtu.setup.units[2].is_silent = True
    jobs = [job(1, unit) for unit in (1, 2, 3)]

    first = {read.device_id: read.error for read in pool.poll(jobs, LONG_S)}
    second = {read.device_id: read.error for read in pool.poll(jobs, LONG_S)}

    assert first == {11: None, 12: "timeout", 13: None}
    assert second == {11: None, 12: "backoff", 13: None}
    assert pool.status()[1].connects == 1
    assert dtu.dials == 1


def test_a_question_under_way_goes_to_the_new_connection(pool: BusPool, field: Field) -> None:
    pool.admit({ID: PLAIN})
    port = pool.open_door(HOST, 0)
    pool.apply([spec(1, ID)])
    old, new = field.make(ID), field.make(ID)
    field.do(old.dial(HOST, port))
    connected(pool, ID)
    assert pool.poll([job()], LONG_S)[0].error is None
    old.is_holding = True
    assert pool.poll([job()], 0.0) == []
    field.do(new.dial(HOST, port))

    read = pool.poll((), LONG_S)[0]

    assert (read.error, read.blocks) == (None, [[1010, 1011]])
    assert pool.sessions()[ID].takeovers == 1
    assert pool.status()[1].connects == 2


def test_another_dtu_id_takes_effect_like_another_host(pool: BusPool, field: Field) -> None:
    pool.admit({ID: PLAIN, OTHER: PLAIN})
    port = pool.open_door(HOST, 0)
    pool.apply([spec(1, ID)])
    for dtu_id in (ID, OTHER):
        field.do(field.make(dtu_id).dial(HOST, port))
    connected(pool, ID, OTHER)
    assert pool.poll([job()], LONG_S)[0].error is None
    pool.apply([spec(1, OTHER, version=2)])
    assert pool.poll([job()], LONG_S)[0].error is None

    assert {dtu_id: facts.bytes_out for dtu_id, facts in pool.sessions().items()} == {
        ID: 8,
        OTHER: 8,
    }


def test_the_door_closes_with_the_pool_and_opens_again(field: Field) -> None:
    pool = BusPool()
    pool.start()
    pool.admit({ID: PLAIN})
    port = pool.open_door(HOST, 0)
    with pytest.raises(OSError, match="open already"):
        pool.open_door(HOST, 0)
    dtu = field.make(ID)
    field.do(dtu.dial(HOST, port))
    connected(pool, ID)
    pool.stop()
    field.do(asyncio.wait_for(dtu.gone.wait(), 5))

    pool.start()
    assert pool.open_door(HOST, port) == port
    field.do(dtu.dial(HOST, port))
    connected(pool, ID)
    pool.stop()


def test_a_port_that_is_taken_is_an_error(pool: BusPool) -> None:
    other = BusPool()
    other.start()
    port = other.open_door(HOST, 0)

    with pytest.raises(OSError, match=str(port)):
        pool.open_door(HOST, port)
    assert pool.open_door(HOST, 0) != port
    other.stop()
