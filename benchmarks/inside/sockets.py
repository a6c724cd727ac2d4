"""Sockets on a real server: CPU of each, delay, memory over an hour's worth of batches."""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.test import Client
from django.utils import timezone
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from benchmarks.inside import district
from benchmarks.inside.district import COUNTER_CODES, VALUES
from benchmarks.inside.facts import arguments, make_tables, report
from devices import live
from devices.history import Batch, LayoutGroup
from devices.models import Device
from sites.models import User

PER_SITE = 20
START_S = 60
# Sockets are opened a few at a time, as people come.
AT_ONCE = 20
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Heard:
    """What all browsers together received: messages with values, their rows, delays in seconds."""

    expected: int
    ready: int = 0
    messages: int = 0
    rows: int = 0
    closed: int = 0
    delays: list[float] = field(default_factory=list)
    all_ready: asyncio.Event = field(default_factory=asyncio.Event)

    def one_more(self) -> None:
        """A browser shows its page."""
        self.ready += 1
        if self.ready == self.expected:
            self.all_ready.set()


def main() -> None:
    """Measure and report."""
    options = _options()
    make_tables()
    versions = [district.bench_version()] * PER_SITE
    devices = district.build(shard=0, gateways=options.sites, versions=versions, port=1502)
    user = User.objects.create(username="bench", is_superuser=True)
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    with _server() as (port, pid):
        figures = asyncio.run(_measured(options, devices, cookie, port, pid))
    report("sockets", figures, options.json)


def _options() -> argparse.Namespace:
    parser = arguments("Sockets on a real server.")
    parser.add_argument("--sockets", type=int, default=200, help="browsers (200)")
    parser.add_argument("--sites", type=int, default=10, help="sites that they watch (10)")
    parser.add_argument("--seconds", type=int, default=30, help="measured seconds (30)")
    parser.add_argument("--period", type=int, default=10, help="seconds of a cycle (10)")
    parser.add_argument("--hour-in", type=int, default=75, help="seconds for the hour (75)")
    return parser.parse_args()


async def _measured(
    options: argparse.Namespace, devices: list[Device], cookie: str, port: int, pid: int
) -> dict[str, Any]:
    heard = Heard(expected=options.sockets)
    async with _browsers(options, devices, cookie, port, heard):
        await _publish(devices, cycles=5, pause_s=1.0)
        start_kb = _memory_kb(pid)
        steady = await _phase(devices, heard, pid, cycles=options.seconds, pause_s=1.0)
        cycles = 3600 // options.period
        hour = await _phase(devices, heard, pid, cycles=cycles, pause_s=options.hour_in / cycles)
        await asyncio.sleep(2)
        end_kb = _memory_kb(pid)
    return {
        "sockets": options.sockets,
        "sites": options.sites,
        "devices": len(devices),
        "points_per_cycle": len(devices) * (len(VALUES) + len(COUNTER_CODES)),
        "cpu_ms_per_socket_and_s": steady["cpu_ms_per_socket_and_s"],
        "delay_p95_ms": steady["delay_p95_ms"],
        "rss_mb_at_start": round(start_kb / 1000, 1),
        "rss_mb_after_the_hour": round(end_kb / 1000, 1),
        "sockets_lost": heard.closed,
        "steady": steady,
        "hour": {"cycles": cycles, **hour},
    }


async def _phase(
    devices: list[Device], heard: Heard, pid: int, *, cycles: int, pause_s: float
) -> dict[str, Any]:
    """Cycles at a pace; the server's CPU and what the browsers heard meanwhile."""
    heard.messages, heard.rows, heard.delays = 0, 0, []
    cpu_s, begun = _cpu_s(pid), time.perf_counter()
    await _publish(devices, cycles=cycles, pause_s=pause_s)
    spent, seconds = _cpu_s(pid) - cpu_s, time.perf_counter() - begun
    delays = np.array(heard.delays or [np.nan]) * 1000
    return {
        "seconds": round(seconds, 1),
        "server_cpu_s": round(spent, 2),
        "cpu_ms_per_socket_and_s": round(1000 * spent / heard.ready / seconds, 3),
        "messages": heard.messages,
        "messages_per_s": round(heard.messages / seconds, 1),
        "rows_per_s": round(heard.rows / seconds),
        "delay_p50_ms": round(float(np.percentile(delays, 50)), 1),
        "delay_p95_ms": round(float(np.percentile(delays, 95)), 1),
    }


async def _publish(devices: list[Device], *, cycles: int, pause_s: float) -> None:
    """Store and publish cycles as a poll worker does, one each `pause_s`."""
    due = time.perf_counter()
    for _cycle in range(cycles):
        await asyncio.to_thread(_cycle_now, devices)
        due += pause_s
        await asyncio.sleep(max(0.0, due - time.perf_counter()))


def _cycle_now(devices: list[Device]) -> None:
    batch = _batch(devices, time.time())
    live.publish(live.store(batch, now=timezone.now()))


def _batch(devices: list[Device], at: float) -> Batch:
    """Every device now, each time a little different."""
    rows = len(devices)
    middle = np.array([middle for _code, middle, _half in VALUES])
    return Batch(
        [
            LayoutGroup(
                layout_id=devices[0].template_version.layout_id,
                device_ids=np.array([device.pk for device in devices], np.int64),
                site_ids=np.array([device.site_id for device in devices], np.int64),
                at=np.full(rows, at),
                values=np.tile(middle + at % 1, (rows, 1)).astype(np.float32),
                counters=np.full((rows, len(COUNTER_CODES)), at / 60),
                quality=np.zeros(rows, np.uint8),
                flags=[None] * rows,
            )
        ]
    )


# --- The browsers


@asynccontextmanager
async def _browsers(
    options: argparse.Namespace, devices: list[Device], cookie: str, port: int, heard: Heard
) -> AsyncIterator[None]:
    """All of them connected and subscribed, each to the devices of one site."""
    sites = sorted({device.site_id for device in devices})
    gate = asyncio.Semaphore(AT_ONCE)
    tasks = []
    for number in range(options.sockets):
        site_id = sites[number % len(sites)]
        watched = [device.pk for device in devices if device.site_id == site_id]
        tasks.append(asyncio.create_task(_browse(port, cookie, watched, gate, heard)))
    try:
        await asyncio.wait_for(heard.all_ready.wait(), START_S + options.sockets)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _browse(
    port: int, cookie: str, devices: list[int], gate: asyncio.Semaphore, heard: Heard
) -> None:
    """One page: what it shows, then everything that it is sent."""
    async with gate:
        line = await connect(
            f"ws://127.0.0.1:{port}/ws/live/",
            origin=Origin(f"http://127.0.0.1:{port}"),
            additional_headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"},
            open_timeout=START_S,
            max_size=None,
        )
        await line.send(json.dumps({"op": "sub", "devices": devices, "topics": ["alarms"]}))
        while json.loads(await line.recv())["t"] != "snap":
            pass
        heard.one_more()
    try:
        async for text in line:
            _hear(json.loads(text), heard)
    except ConnectionClosed:
        heard.closed += 1
    finally:
        await line.close()


def _hear(message: dict[str, Any], heard: Heard) -> None:
    if message["t"] == "v":
        heard.messages += 1
        heard.rows += len(message["d"])
        heard.delays.append(time.time() - message["d"][0][3])


# --- The server


@contextmanager
def _server() -> Iterator[tuple[int, int]]:
    """Port and process id of uvicorn, as the process table starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = ("--host", "127.0.0.1", "--port", str(port), "--no-access-log")
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "config.asgi:application", *where, "--log-level=warning"]
    )
    try:
        _wait_for(port, process)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(timeout=START_S)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit("the server did not start")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
