"""The whole path from the socket to the rules, flat out."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count, islice
from typing import Any

from django.utils import timezone

from alarms.models import Alarm
from benchmarks.inside import district, meters
from benchmarks.inside.addresses import free_port
from benchmarks.inside.facts import CpuClock, arguments, make_tables, report
from devices.models import TemplateVersion
from devices.services import polling

MIX = (
    "acrel-adw300",
    "cet-pmc53a",
    "chint-dtsu666",
    "eastron-sdm630",
    "schneider-iem3000",
    "simulated",
)
MIX_GATEWAYS = 250
WARM_UP = 3
DEADLINE_S = 60.0


def main() -> None:
    """Measure and report."""
    parser = arguments("The whole path: socket → decode → store → latest values → rules.")
    parser.add_argument("--gateways", type=int, default=1000, help="connections (1000)")
    parser.add_argument("--devices", type=int, default=3, help="benchmark meters behind each (3)")
    parser.add_argument("--cycles", type=int, default=20, help="measured cycles (20)")
    parser.add_argument("--no-mix", action="store_true", help="only the benchmark meter")
    options = parser.parse_args()
    make_tables()
    bench = _run(
        shard=0,
        gateways=options.gateways,
        keys=[meters.BENCH] * options.devices,
        versions=[district.bench_version()] * options.devices,
        cycles=options.cycles,
    )
    figures: dict[str, Any] = {
        "points_per_s_per_core": bench["points_per_worker_cpu_s"],
        "cpu_counted": "the poll worker, user and system; the others stand beside it",
        **bench,
    }
    if not options.no_mix:
        found = TemplateVersion.objects.select_related("template").filter(template__key__in=MIX)
        versions = {version.template.key: version for version in found}
        figures["mix"] = _run(
            shard=1,
            gateways=min(MIX_GATEWAYS, options.gateways),
            keys=MIX,
            versions=[versions[key] for key in MIX],
            cycles=options.cycles,
        )
    report("poll", figures, options.json)


def _run(
    *,
    shard: int,
    gateways: int,
    keys: Sequence[str],
    versions: Sequence[TemplateVersion],
    cycles: int,
) -> dict[str, Any]:
    port = free_port()
    devices = district.build(shard=shard, gateways=gateways, versions=versions, port=port)
    layouts = [version.layout for version in versions]
    points = sum(len(one.value_codes) + len(one.counter_codes) for one in layouts) * gateways
    with meters.meters(gateways=gateways, port=port, keys=keys):
        moments = _seconds()
        try:
            _cycles(shard, moments, WARM_UP)
            clock = CpuClock()
            reads, stored = _cycles(shard, moments, cycles)
            cpu = clock.spent()
        finally:
            polling.stop_polling()
    done = points * cycles * stored / (len(devices) * cycles)
    others = sum(seconds for kind, seconds in cpu.items() if kind in {"postgres", "redis"})
    return {
        "connections": gateways,
        "devices": len(devices),
        "points_per_cycle": points,
        "cycles": cycles,
        "reads": reads,
        "rows_stored": stored,
        "points_stored": round(done),
        "open_alarms": Alarm.objects.open().count(),
        "seconds": cpu,
        "points_per_worker_cpu_s": round(done / cpu["worker"]),
        "points_per_cpu_s_with_postgres_and_redis": round(done / (cpu["worker"] + others)),
        "points_per_wall_s": round(done / cpu["wall"]),
        "device_reads_per_worker_cpu_s": round(stored / cpu["worker"]),
        "worker_cpu_ms_per_read": round(1000 * cpu["worker"] / max(stored, 1), 4),
    }


def _cycles(shard: int, moments: Iterator[datetime], cycles: int) -> tuple[int, int]:
    """Cycles in which every gateway is due; reads and rows stored."""
    reads = stored = 0
    for now in islice(moments, cycles):
        cycle = polling.poll_shard(shard=shard, now=now, deadline_s=DEADLINE_S)
        if cycle is not None:
            reads, stored = reads + cycle.reads, stored + cycle.stored
    return reads, stored


def _seconds() -> Iterator[datetime]:
    """A clock that moves on by the gateways' period, however long a cycle takes."""
    start = timezone.now()
    return (start + timedelta(seconds=number) for number in count())
