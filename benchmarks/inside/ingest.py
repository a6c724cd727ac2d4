"""Decode → store → latest values → rules, of reads that are already there."""

import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from alarms.models import Alarm
from benchmarks.inside import district
from benchmarks.inside.facts import CpuClock, arguments, make_tables, report
from devices.drivers import DeviceRead
from devices.drivers.simulator.bench import BLOCK_REGISTERS, KINDS, bench_unit
from devices.ingest import ingest
from devices.services.plan import Plan, PlanLoader
from devices.services.sampling import samples

DEVICES_PER_GATEWAY = 3
WARM_UP = 3
NO_PORT = 1


def main() -> None:
    """Measure and report."""
    parser = arguments("Decode → store → latest values → rules, without sockets.")
    parser.add_argument("--devices", type=int, default=3000, help="devices in a batch (3000)")
    parser.add_argument("--cycles", type=int, default=30, help="measured batches (30)")
    options = parser.parse_args()
    make_tables()
    gateways = max(1, options.devices // DEVICES_PER_GATEWAY)
    versions = [district.bench_version()] * DEVICES_PER_GATEWAY
    district.build(shard=0, gateways=gateways, versions=versions, port=NO_PORT)
    plan = PlanLoader(0).load(now=timezone.now())
    clock = _Clock()
    _repeat(WARM_UP, lambda: _whole(plan, clock.tick()))
    whole = _measure(options.cycles, lambda: _whole(plan, clock.tick()))
    decoded = _measure(options.cycles, lambda: samples(_reads(plan, clock.tick()), plan))
    stored = _measure(options.cycles, lambda: _history(plan, clock.tick()))
    rows = len(plan.devices) * options.cycles
    points = rows * 40
    report(
        "ingest",
        {
            "points_per_s_per_core": round(points / whole["worker"]),
            "cpu_counted": "this process, user and system; postgres and redis stand beside it",
            "devices_per_batch": len(plan.devices),
            "points_per_batch": len(plan.devices) * 40,
            "batches": options.cycles,
            "open_alarms": Alarm.objects.open().count(),
            "seconds": whole,
            "points_per_wall_s": round(points / whole["wall"]),
            "worker_cpu_ms_per_1000_rows": {
                "making_the_reads_and_decoding": _per_1000(decoded, rows),
                "storing": _per_1000(stored, rows, less=decoded),
                "latest_values_and_rules": _per_1000(whole, rows, less=stored),
            },
        },
        options.json,
    )


class _Clock:
    """Moves on by a second: no two samples of a device at one time."""

    def __init__(self) -> None:
        self.now = timezone.now()

    def tick(self) -> datetime:
        """The next second."""
        self.now += timedelta(seconds=1)
        return self.now


def _reads(plan: Plan, now: datetime) -> list[DeviceRead]:
    """One read per device, as the buses deliver them."""
    at = now.timestamp()
    return [
        DeviceRead(pk, at, [_WORDS[pk % KINDS]], asked=device.jobs[0].blocks)
        for pk, device in plan.devices.items()
        if device.jobs[0] is not None
    ]


def _whole(plan: Plan, now: datetime) -> None:
    ingest(samples(_reads(plan, now), plan), now=now)


def _history(plan: Plan, now: datetime) -> None:
    ingest(samples(_reads(plan, now), plan), now=now, is_live=False)


def _measure(cycles: int, step: Callable[[], Any]) -> dict[str, float]:
    clock = CpuClock()
    _repeat(cycles, step)
    return clock.spent()


def _repeat(times: int, step: Callable[[], Any]) -> None:
    for _number in range(times):
        step()


def _per_1000(
    seconds: dict[str, float], rows: int, *, less: dict[str, float] | None = None
) -> float:
    own = seconds["worker"] - (less["worker"] if less else 0.0)
    return round(1e6 * own / rows, 3)


def _words(kind: int) -> list[int]:
    answer = bench_unit(kind).registers(3, 0, BLOCK_REGISTERS)
    return list(struct.unpack(f">{BLOCK_REGISTERS}H", answer))


_WORDS = [_words(kind) for kind in range(KINDS)]
