"""Benchmark meters of whole districts behind a few listeners, and what becomes of some of them.

`python -m benchmarks.inside.field GATEWAYS PORT COUNTS [all-well]`, one process for every poll
shard, because a process may only have so many sockets: the address that a client dialled tells
which gateway it has reached. Counts every answer by device, so that nothing can get lost unseen;
they are in the file COUNTS (uint32[gateways, UNITS]) when the process has ended. SIGUSR1 ends the
answering, SIGUSR2 prints how many answers there were.
"""

import asyncio
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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
ORPHAN_LOOK_S = 5
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


class Field:
    """The processes of the meters, and what they answered once they have ended."""

    def __init__(self, gateways: int, folder: Path, *, all_well: bool) -> None:
        self.gateways = gateways
        self._words = [ALL_WELL] * all_well
        self.processes: list[subprocess.Popen[str]] = []
        self._folder = folder

    def start(self, port: int) -> None:
        """Another process, for the gateways that are called at this port."""
        counts = str(self._counts(len(self.processes)))
        command = [sys.executable, "-m", __name__, str(self.gateways), str(port), counts]
        command += self._words
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.processes.append(process)
        if process.stdout is None or process.stdout.readline() != "up\n":
            raise RuntimeError("the meters did not come up")

    def signal(self, number: signal.Signals) -> None:
        """To all of them."""
        for process in self.processes:
            process.send_signal(number)

    def count(self) -> int:
        """Answers of all meters so far."""
        self.signal(signal.SIGUSR2)
        return sum(int(process.stdout.readline()) for process in self.processes if process.stdout)

    def answered(self) -> NDArray[np.int64]:
        """Answers per gateway and unit."""
        found = [np.load(self._counts(number)) for number in range(len(self.processes))]
        return np.sum(found, axis=0, dtype=np.int64)

    def _counts(self, number: int) -> Path:
        return self._folder / f"counts-{number}.npy"


@contextmanager
def field(
    *, gateways: int, ports: Sequence[int], folder: Path, all_well: bool = False
) -> Iterator[Field]:
    """The meters, answering until the end of the block; all_well: every gateway answers at once."""
    made = Field(gateways, folder, all_well=all_well)
    try:
        for port in ports:
            made.start(port)
        yield made
    finally:
        made.signal(signal.SIGTERM)
        for process in made.processes:
            process.wait(STOP_PATIENCE_S)


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
    parent = os.getppid()
    try:
        # A benchmark that was killed does not stop its meters.
        while not stop.is_set() and os.getppid() == parent:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), ORPHAN_LOOK_S)
    finally:
        server.close()
        answered: NDArray[np.uint32] = np.array(crowd.answered, np.uint32)
        np.save(counts, answered.reshape(gateways, UNITS))


if __name__ == "__main__":
    allow_files()
    gateways, port, counts, *words = sys.argv[1:]
    uvloop.run(_run(int(gateways), int(port), Path(counts), all_well=ALL_WELL in words))
