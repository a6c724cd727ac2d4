"""The benchmark meter: one block of 120 registers with 40 points, answered at constant cost."""

import struct
from functools import cache

from devices.drivers import Profile, Register
from devices.drivers.codec import encode
from devices.drivers.simulator.units import BenchUnit

VARIANTS = 16
KINDS = 8
BLOCK_REGISTERS = 120
VALUES, COUNTERS = 36, 4
INDUSTRY = "bench"


def bench_profile() -> Profile:
    """36 floats and 4 64-bit counters spread over 120 registers; codes V1…V36 and C1…C4."""
    values = [
        Register(
            code=f"V{number + 1}", unit="V", function_code=3, address=2 * number, type="float32"
        )
        for number in range(VALUES)
    ]
    first = BLOCK_REGISTERS - 4 * COUNTERS
    counters = [
        Register(
            code=f"C{number + 1}",
            unit="kWh",
            function_code=3,
            address=first + 4 * number,
            type="int64",
            scale=0.001,
            is_counter=True,
        )
        for number in range(COUNTERS)
    ]
    return Profile(
        key=INDUSTRY, version=1, registers=(*values, *counters), max_read_registers=120, max_gap=40
    )


def bench_unit(seed: int) -> BenchUnit:
    """A meter whose answers differ from one read to the next; a few kinds are enough."""
    return BenchUnit(_answers(seed % KINDS))


@cache
def _answers(kind: int) -> list[bytes]:
    return [_answer(kind, variant) for variant in range(VARIANTS)]


def _answer(kind: int, variant: int) -> bytes:
    words = [0] * BLOCK_REGISTERS
    for number, register in enumerate(bench_profile().registers):
        value = 100.0 + kind + number + variant / 16
        words[register.address : register.end] = encode(register, value)
    return struct.pack(f">{BLOCK_REGISTERS}H", *words)
