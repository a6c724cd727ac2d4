"""Benchmark meters of whole districts behind one listener, and what becomes of some of them.

`python -m benchmarks.inside.field GATEWAYS PORT COUNTS [all-well]`, in a process of its own: the
address that a client dialled tells which gateway it has reached. Counts every answer by device, so
that nothing can get lost unseen; they are in the file COUNTS (uint32[gateways, UNITS]) when the
process has ended. SIGUSR1 ends the answering, SIGUSR2 prints how many answers there were.
"""

import asyncio
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import numpy as np
import uvloop
from numpy.typing import NDArray

from benchmarks.inside.addresses import number_of
from benchmarks.launch import allow_files
from devices.drivers.codec import encode
from devices.drivers.simulator.bench import BLOCK_REGISTERS, bench_profile

UNITS = 3
SLOW_S = 0.3
ALL_WELL = "all-well"
VARIANTS = 16
START_PATIENCE_S = 60
STOP_PATIENCE_S = 60
# A meter in this many loses a phase for so long, then another one.
EVENT_OF, EVENT_S = 450, 240
# Raw of a phase without voltage, by the scale of the benchmark meter's template.
DEAD_PHASE = -184.75

QUESTION = struct.Struct(">HHHBBHH")
ANSWER = struct.Struct(">HHHBBB")
READ_HOLDING = 3


class Role(StrEnum):
    """What a gateway is: one in ten does not answer, one in ten takes SLOW_S."""

    CLOSED = "closed"
    SILENT = "silent"
    SLOW = "slow"
    WELL = "well"


def role_of(number: int) -> Role:
    """Of a gateway, by its number."""
    of_twenty = number % 20
    if of_twenty == 3:
        return Role.CLOSED
    if of_twenty == 13:
        return Role.SILENT
    return Role.SLOW if of_twenty in {6, 16} else Role.WELL


@contextmanager
def field(
    *, gateways: int, port: int, counts: Path, all_well: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """The meters, answering until the end of the block."""
    command = [sys.executable, "-m", __name__, str(gateways), str(port), str(counts)]
    command += [ALL_WELL] * all_well
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            if process.stdout is None or process.stdout.readline() != "up\n":
                raise RuntimeError("the meters did not come up")
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_PATIENCE_S)


def answered_by(process: subprocess.Popen[str]) -> int:
    """Answers of all meters so far."""
    process.send_signal(signal.SIGUSR2)
    if process.stdout is None:
        raise RuntimeError("the meters have no voice")
    return int(process.stdout.readline())


class Crowd:
    """All gateways: prepared answers, and what was answered."""

    def __init__(self, gateways: int, *, all_well: bool = False) -> None:
        self.all_well = all_well
        self.answered = [0] * (gateways * UNITS)
        self.healthy = [_registers(variant) for variant in range(VARIANTS)]
        self.faulty = [_registers(variant, lost_phase=True) for variant in range(VARIANTS)]
        self.loop = asyncio.get_running_loop()
        self.is_over = False

    def fall_silent(self) -> None:
        """Answer nobody any more: what was answered until now can still be stored."""
        self.is_over = True

    def registers(self, number: int, unit: int) -> bytes:
        """What a meter shows now; counts the answer."""
        index = number * UNITS + unit - 1
        count = self.answered[index]
        self.answered[index] = count + 1
        if unit == 1 and (number + int(time.time() / EVENT_S)) % EVENT_OF == 0:
            return self.faulty[count % VARIANTS]
        return self.healthy[count % VARIANTS]


class Client(asyncio.Protocol):
    """One connection to one gateway. Speaks what the benchmark meter's template asks."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.number = 0
        self.role = Role.WELL
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self.transport = transport  # type: ignore[assignment]
        self.number = number_of(transport.get_extra_info("sockname")[0])
        self.role = Role.WELL if self.crowd.all_well else role_of(self.number)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self.transport = None

    def data_received(self, data: bytes) -> None:
        """Called by the loop: one question is under way at a time, and a few bytes come whole."""
        if self.role is Role.SILENT or self.transport is None:
            return
        transaction, _, _, unit, function_code, address, count = QUESTION.unpack(data)
        if (function_code, address) != (READ_HOLDING, 0) or count > BLOCK_REGISTERS or unit > UNITS:
            self.transport.abort()
            return
        if self.role is Role.SLOW:
            self.crowd.loop.call_later(SLOW_S, self.answer, transaction, unit, count)
        else:
            self.answer(transaction, unit, count)

    def answer(self, transaction: int, unit: int, count: int) -> None:
        """Send the first registers, unless the client has gone."""
        if self.transport is not None and not self.crowd.is_over:
            size = 2 * count
            head = ANSWER.pack(transaction, 0, size + 3, unit, READ_HOLDING, size)
            self.transport.write(head + self.crowd.registers(self.number, unit)[:size])


def _registers(variant: int, *, lost_phase: bool = False) -> bytes:
    words = [0] * BLOCK_REGISTERS
    for number, register in enumerate(bench_profile().registers):
        value = 100.0 + number + variant / 2
        if lost_phase and number == 0:
            value = DEAD_PHASE
        words[register.address : register.end] = encode(register, value)
    return struct.pack(f">{BLOCK_REGISTERS}H", *words)


async def _run(gateways: int, port: int, counts: Path, *, all_well: bool) -> None:
    crowd = Crowd(gateways, all_well=all_well)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, crowd.fall_silent)
    loop.add_signal_handler(signal.SIGUSR2, lambda: print(sum(crowd.answered), flush=True))
    # Of the loopback only: the addresses 127.x.y.z lie behind it.
    server = await loop.create_server(lambda: Client(crowd), "0.0.0.0", port, backlog=4096)  # noqa: S104
    print("up", flush=True)
    try:
        await stop.wait()
    finally:
        server.close()
        answered: NDArray[np.uint32] = np.array(crowd.answered, np.uint32)
        np.save(counts, answered.reshape(gateways, UNITS))


if __name__ == "__main__":
    allow_files()
    gateways, port, counts, *words = sys.argv[1:]
    uvloop.run(_run(int(gateways), int(port), Path(counts), all_well=ALL_WELL in words))
