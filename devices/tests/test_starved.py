"""A process that can open no more sockets says so, and does not blame the gateways."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from devices.drivers import Block, BusStarved, DeviceRead
from devices.drivers.bus import BusOwner, BusSpec
from devices.drivers.modbus import ModbusTcpTransport, Transport
from devices.drivers.rtu_tcp import RtuTcpTransport
from devices.states import LinkError, link_words

HOST, PORT = "127.0.0.1", 9


@contextmanager
def no_more_files() -> Iterator[None]:
    """As many open files as there are may stay, and not one more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", [ModbusTcpTransport, RtuTcpTransport])
async def test_a_connection_that_this_side_cannot_open_has_a_word_of_its_own(
    kind: type[ModbusTcpTransport | RtuTcpTransport],
) -> None:
    transport: Transport = kind(HOST, PORT)

    with no_more_files(), pytest.raises(BusStarved):
        await transport.connect(timeout_s=2)


@pytest.mark.asyncio
async def test_polls_go_on_being_told_so_while_the_line_is_left_alone() -> None:
    bus = BusOwner(BusSpec(key=1, version=1, host=HOST, port=PORT))
    bus.start()
    reads: list[DeviceRead] = []
    try:
        with no_more_files():
            for _poll in range(2):
                reads.append(  # noqa: PERF401 - one after the other
                    await bus.submit(device_id=7, unit_id=1, blocks=(Block(3, 0, 1),))
                )
    finally:
        await bus.close()

    assert [read.error for read in reads] == [LinkError.NO_SOCKETS.value] * 2
    assert "no_sockets" not in link_words(LinkError.NO_SOCKETS.value)
