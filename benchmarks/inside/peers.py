"""ThingsBoard's gateway and the product, in turns, on the same meters."""

import argparse
import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks.inside import district, mqtt_door, parts, thingsboard
from benchmarks.inside.addresses import free_port, free_ports
from benchmarks.inside.facts import arguments, make_tables, report
from benchmarks.inside.field import UNITS, Field, field
from config.crew import Crew
from config.processes import Address
from devices.models import Gateway

PERIOD_MS = 1000
# With UNITS meters each, as many reads a second as a district has that is read once a minute.
GATEWAYS = 296
# Their gateway is not at its limit then.
AT_EASE_MS = 3 * PERIOD_MS
PATIENCE_S = 60.0
SETTLE_S = 6.0
WORKER, STORES = "poll.0", ("postgres", "redis")
THEIRS = "thingsboard"


@dataclass(frozen=True, slots=True)
class Turn:
    """What a number of seconds brought."""

    seconds: float
    reads: int
    kept: int
    cpu_s: dict[str, float]

    def per_read(self, *names: str) -> float:
        """CPU seconds of these processes together, of a device read."""
        return sum(self.cpu_s.get(name, 0.0) for name in names) / max(self.reads, 1)


@dataclass(frozen=True, slots=True)
class Scene:
    """What both have around them."""

    options: argparse.Namespace
    meters: Field
    door: subprocess.Popen[str]
    gateway: thingsboard.Gateway
    crew: Crew


def main() -> None:
    """Measure and report."""
    options = _options()
    home = Path(os.environ["DIANWU_HOME"])
    port, door = free_ports(2), free_port()
    with ThreadPoolExecutor(1) as pool:
        installing = pool.submit(thingsboard.install, home / "peer")
        make_tables()
        versions = [district.bench_version()] * UNITS
        district.build(shard=0, gateways=options.gateways, versions=versions, port=port)
        _switch(on=False)
        command = installing.result()
    connection.close()
    gateway = thingsboard.Gateway(command=command, home=home / "theirs", port=port, door=door)
    address = Address(host="127.0.0.1", port=free_port())
    with (
        field(gateways=options.gateways, ports=[port], folder=home, all_well=True) as meters,
        mqtt_door.opened(door) as platform,
        parts.running(home=home, address=address, poll_shards=1) as crew,
    ):
        figures = _compared(Scene(options, meters, platform, gateway, crew))
    report("peers", figures, options.json)


def _options() -> argparse.Namespace:
    parser = arguments("Device reads per CPU second: ThingsBoard's gateway and ours.")
    parser.add_argument(
        "--gateways",
        type=int,
        default=GATEWAYS,
        help=f"of {UNITS} meters, each read once a second ({GATEWAYS})",
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (3)")
    parser.add_argument("--seconds", type=float, default=12, help="measured per turn (12)")
    return parser.parse_args()


def _compared(scene: Scene) -> dict[str, Any]:
    theirs: list[Turn] = []
    ours: list[Turn] = []
    for number in range(scene.options.rounds):
        theirs.append(_their_turn(scene, PERIOD_MS))
        ours.append(_our_turn(scene))
        print(f"  round {number + 1}: {_line(theirs[-1], ours[-1])}", flush=True)
    at_ease = _their_turn(scene, AT_EASE_MS)
    their_s = median(turn.per_read(THEIRS) for turn in theirs)
    our_s = {
        "worker": median(turn.per_read(WORKER) for turn in ours),
        "with_stores": median(turn.per_read(WORKER, *STORES) for turn in ours),
        "everything": median(turn.per_read(*turn.cpu_s) for turn in ours),
    }
    return {
        "ratio_vs_thingsboard_gateway": round(their_s / our_s["with_stores"], 2),
        "ratio_of_the_poll_worker_alone": round(their_s / our_s["worker"], 2),
        "ratio_of_the_whole_product": round(their_s / our_s["everything"], 2),
        "ratio_to_the_gateway_at_ease": round(at_ease.per_read(THEIRS) / our_s["with_stores"], 2),
        "cpu_counted": "theirs: the gateway; ours: poll worker, PostgreSQL and Redis",
        "thingsboard_gateway": thingsboard.VERSION,
        "gateways": scene.options.gateways,
        "meters": scene.options.gateways * UNITS,
        "points_per_read": thingsboard.VALUES,
        "theirs": {
            "device_reads_per_cpu_s": round(1 / their_s),
            "cpu_ms_per_read": round(1000 * their_s, 3),
            **_facts(theirs, "values_published"),
        },
        "theirs_with_a_third_of_the_reads": {
            "device_reads_per_cpu_s": round(1 / at_ease.per_read(THEIRS)),
            "cpu_ms_per_read": round(1000 * at_ease.per_read(THEIRS), 3),
            **_facts([at_ease], "values_published"),
        },
        "ours": {
            "device_reads_per_cpu_s": round(1 / our_s["with_stores"]),
            "cpu_ms_per_read": round(1000 * our_s["with_stores"], 3),
            "cpu_ms_per_read_of_the_poll_worker": round(1000 * our_s["worker"], 3),
            "cpu_ms_per_read_of_the_whole_product": round(1000 * our_s["everything"], 3),
            **_facts(ours, "rows_stored"),
        },
    }


def _facts(turns: list[Turn], kept: str) -> dict[str, Any]:
    return {
        "device_reads_per_s": round(median(turn.reads / turn.seconds for turn in turns), 1),
        "reads": sum(turn.reads for turn in turns),
        kept: sum(turn.kept for turn in turns),
        "cpu_s": {
            name: round(sum(turn.cpu_s[name] for turn in turns), 2) for name in turns[0].cpu_s
        },
    }


def _line(theirs: Turn, ours: Turn) -> str:
    return (
        f"{theirs.reads / theirs.seconds:.0f} and {ours.reads / ours.seconds:.0f} reads/s,"
        f" {1000 * theirs.per_read(THEIRS):.2f} and {1000 * ours.per_read(WORKER, *STORES):.2f}"
        " ms CPU a read"
    )


# --- Turns


def _their_turn(scene: Scene, period_ms: int) -> Turn:
    scene.gateway.configure(gateways=scene.options.gateways, period_ms=period_ms)
    before = mqtt_door.heard_by(scene.door).values
    with scene.gateway.running() as process:

        def published() -> int:
            if process.poll() is not None:
                raise SystemExit(f"ThingsBoard's gateway has ended:\n{scene.gateway.last_words()}")
            return mqtt_door.heard_by(scene.door).values - before

        _settle(published, "ThingsBoard's gateway publishes nothing")
        turn = _measured(scene, {process.pid: THEIRS}, published)
        return replace(turn, cpu_s={THEIRS: turn.cpu_s[THEIRS]})


def _our_turn(scene: Scene) -> Turn:
    _switch(on=True)
    before = _stored()

    def stored() -> int:
        return _stored() - before

    try:
        _settle(stored, "nothing is stored")
        return _measured(scene, parts.groups_of(scene.crew, {}), stored)
    finally:
        _switch(on=False)
        # What is under way comes home.
        time.sleep(2 * PERIOD_MS / 1000)


def _settle(kept: Callable[[], int], complaint: str) -> None:
    """Wait until something was kept, and then for connections and queues to be as they will be."""
    deadline = time.monotonic() + PATIENCE_S
    while not kept():
        if time.monotonic() > deadline:
            raise SystemExit(f"{complaint} for {PATIENCE_S:.0f} s")
        time.sleep(0.5)
    time.sleep(SETTLE_S)


def _measured(scene: Scene, groups: dict[int, str], kept: Callable[[], int]) -> Turn:
    reads, kept_before, cpu = scene.meters.count(), kept(), parts.cpu_s(groups)
    begin = time.monotonic()
    time.sleep(scene.options.seconds)
    spent, end = parts.cpu_s(groups), time.monotonic()
    return Turn(
        seconds=end - begin,
        reads=scene.meters.count() - reads,
        kept=kept() - kept_before,
        cpu_s={name: spent[name] - cpu[name] for name in spent},
    )


def _switch(*, on: bool) -> None:
    """Whether our poll worker asks the meters; it notices within a few seconds."""
    Gateway.objects.update(is_enabled=on, updated_at=timezone.now())


def _stored() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reading")
        (rows,) = cursor.fetchone()
    return int(rows)
