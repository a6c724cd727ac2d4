"""Everything that collects is killed under load; each sample that a meter gave is a row, once."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from django.conf import settings

from config import testing
from config.children import Child, Process, stop
from config.embedded import Postgres, Redis, child_environment
from devices.drivers.simulator.mbap import ILLEGAL_ADDRESS, Refusal
from devices.tests.meters import Line, listening
from tests.conftest import Eventually, eventually, home

__all__ = ["eventually", "home"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

GATEWAYS, CYCLES = 12, 3
TICK_S = 1.0
# A start of Celery is quick on a machine that does nothing else.
PATIENCE_S = 90.0


@dataclass
class CountingMeter:
    """Each answer carries its number, and when it was given is written down (monotonic)."""

    is_silent: bool = False
    delay_s: float = 0.0
    given_s: list[float] = field(default_factory=list)

    def registers(self, function_code: int, address: int, count: int) -> bytes:
        """Voltage is the number of the answer."""
        if (function_code, address, count) != (4, 0, 4):
            raise Refusal(ILLEGAL_ADDRESS)
        self.given_s.append(time.monotonic())
        return struct.pack(">ff", len(self.given_s), 1.0)

    def bits(self, function_code: int, address: int, count: int) -> bytes:
        """It has none."""
        raise Refusal(ILLEGAL_ADDRESS)

    def write_bits(self, address: int, values: list[bool]) -> None:
        """It has none."""
        raise Refusal(ILLEGAL_ADDRESS)

    def write_registers(self, address: int, values: list[int]) -> None:
        """It has none."""
        raise Refusal(ILLEGAL_ADDRESS)


class Plant:
    """Meters in this process; services, worker and beat as processes that can be killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.meters: dict[int, CountingMeter] = {}
        self.children: dict[str, Child] = {}
        self.killed_s: dict[str, list[float]] = {}
        testing.take_kept(home)
        self.postgres, self.redis = Postgres(home), Redis(home)
        self.environment = child_environment() | {
            "DIANWU_HOME": str(home),
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "DIANWU_EMBEDDED": "1",
            "DIANWU_POLL_SHARDS": "1",
        }

    @property
    def url(self) -> str:
        return self.environment["DATABASE_URL"]

    def start(self, name: str) -> None:
        """Start one part and wait until it answers, as far as that can be asked."""
        process = self._process(name)
        if process.prepare:
            process.prepare()
        child = Child(process, log=self.home / f"{name}.log", environment=self.environment)
        self.children[name] = child
        while process.is_ready and not process.is_ready():
            assert not child.has_ended(), (self.home / f"{name}.log").read_text()
            time.sleep(0.02)

    def kill(self, name: str) -> None:
        """Without a word."""
        child = self.children.pop(name)
        child.signal(signal.SIGKILL)
        child.reap()
        self.killed_s.setdefault(name, []).append(time.monotonic())

    def end(self, name: str) -> None:
        """In good order."""
        assert stop([self.children.pop(name)]) == []

    def ask(self, query: LiteralString, *given: object) -> list[tuple[float, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query, given or None).fetchall()

    def rows(self, *, since: datetime) -> int:
        return int(self.ask("SELECT count(*) FROM reading WHERE at > %s", since)[0][0])

    def given(self) -> int:
        return sum(len(meter.given_s) for meter in self.meters.values())

    def _process(self, name: str) -> Process:
        if name == "postgres":
            return self.postgres.process()
        if name == "redis":
            return self.redis.process()
        kinds = {
            "beat": ("beat", "-s", str(self.home / "beat"), "--pidfile="),
            "worker": ("worker", "-Q", "poll.0", "-P", "solo", "--without-mingle"),
        }
        command = (sys.executable, "-m", "celery", "-A", "config", *kinds[name])
        return Process(name=name, command=command, folder=settings.BASE_DIR)


@pytest.fixture
def plant(home: Path) -> Iterator[Plant]:
    made = Plant(home)
    with ExitStack() as ends:
        lines = {
            line.port: line for line in (ends.enter_context(listening()) for _ in range(GATEWAYS))
        }
        ends.callback(lambda: stop(list(made.children.values())))
        for name in ("postgres", "redis"):
            made.start(name)
        _fill(made, lines)
        for name in ("worker", "beat"):
            made.start(name)
        try:
            yield made
        finally:
            _say((home / "worker.log").read_text())


def _fill(plant: Plant, lines: dict[int, Line]) -> None:
    """Tables, and a meter for each device."""
    made = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "devices.tests.killed_plant", *map(str, lines)],
        cwd=settings.BASE_DIR,
        env=os.environ | plant.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    for pk, (port, unit_id) in json.loads(made.stdout).items():
        plant.meters[int(pk)] = CountingMeter()
        lines[port].units[unit_id] = plant.meters[int(pk)]  # type: ignore[assignment]


def test_what_a_meter_gave_is_a_row_once_whoever_is_killed(
    plant: Plant, eventually: Eventually
) -> None:
    _stores(plant, eventually)

    plant.kill("postgres")
    _reads(plant, eventually)
    plant.start("postgres")
    _stores(plant, eventually)

    plant.kill("redis")
    plant.kill("beat")
    _stores(plant, eventually)
    plant.start("redis")
    plant.start("beat")

    plant.kill("postgres")
    _reads(plant, eventually)
    plant.kill("worker")
    plant.start("postgres")
    plant.start("worker")
    _stores(plant, eventually)

    plant.kill("worker")
    plant.start("worker")
    _stores(plant, eventually)
    plant.end("worker")

    _every_sample_is_there(plant)


def _reads(plant: Plant, eventually: Eventually) -> None:
    """All meters are asked some more times."""
    wanted, began_s = plant.given() + CYCLES * len(plant.meters), time.monotonic()
    eventually(lambda: plant.given() >= wanted, within_s=PATIENCE_S)
    _say(f"read on for {time.monotonic() - began_s:.1f} s")


def _stores(plant: Plant, eventually: Eventually) -> None:
    """What all meters give from now on becomes rows, some times."""
    began, began_s = datetime.now(UTC), time.monotonic()
    wanted = CYCLES * len(plant.meters)
    eventually(lambda: plant.rows(since=began) >= wanted, within_s=PATIENCE_S)
    _say(f"stored again after {time.monotonic() - began_s:.1f} s")


def _every_sample_is_there(plant: Plant) -> None:
    stored: dict[int, list[int]] = {pk: [] for pk in plant.meters}
    for pk, number in plant.ask("SELECT device_id, values[1] FROM reading ORDER BY at"):
        stored[int(pk)].append(int(number))
    for pk, meter in plant.meters.items():
        assert stored[pk] == sorted(set(stored[pk])), "doubled, or out of order"
        missing = set(range(1, len(meter.given_s) + 1)) - set(stored[pk])
        # What a killed worker had heard and not stored yet: its cycle in flight, and no more.
        for killed_s in plant.killed_s["worker"]:
            lost = {
                number
                for number in missing
                if 0 <= killed_s - meter.given_s[number - 1] < 2 * TICK_S
            }
            assert len(lost) <= 1
            missing -= lost
        assert not missing, [meter.given_s[number - 1] for number in missing]
    _say(f"{plant.given()} samples given, {sum(map(len, stored.values()))} rows")


def _say(line: str) -> None:
    """Shown when the test fails, or with -s."""
    sys.stdout.write(f"{line}\n")
