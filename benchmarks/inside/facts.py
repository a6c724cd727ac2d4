"""The machine, the versions, CPU by process, and how results are printed."""

import argparse
import contextlib
import io
import json
import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection

PACKAGES = ("Django", "psycopg", "redis", "numpy", "pymodbus", "uvloop", "celery", "channels-redis")
_TICKS = os.sysconf("SC_CLK_TCK")


def arguments(description: str) -> argparse.ArgumentParser:
    """The options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser


def make_tables() -> None:
    """The product's tables, dictionary, templates and rules, in an empty database."""
    quiet = {"stdout": io.StringIO()}
    call_command("migrate", verbosity=0, interactive=False, **quiet)
    call_command("load_library", **quiet)
    call_command("load_rules", **quiet)


def machine() -> dict[str, Any]:
    """What it ran on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory_kb / 1e6, 1),
        "kernel": platform.release(),
        "load_before": round(os.getloadavg()[1], 2),
    }


def versions() -> dict[str, str]:
    """What ran."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (postgresql,) = cursor.fetchone()
    return {
        "commit": commit.stdout.strip() or "-",
        "python": platform.python_version(),
        "postgresql": postgresql,
        **{name: version(name) for name in PACKAGES},
    }


class CpuClock:
    """CPU seconds, user and system, of this process and of its relatives."""

    def __init__(self) -> None:
        self._begin = _cpu()
        self._own = time.process_time()
        self._wall = time.perf_counter()

    def spent(self) -> dict[str, float]:
        """Since the beginning: `wall`, `worker` (this process), `postgres`, `redis`, `meters`."""
        seconds = {
            "wall": time.perf_counter() - self._wall,
            "worker": time.process_time() - self._own,
        }
        for kind, now in _cpu().items():
            seconds[kind] = now - self._begin.get(kind, 0.0)
        return {kind: round(value, 3) for kind, value in seconds.items()}


def _cpu() -> dict[str, float]:
    """Of everything that our launcher started, without ourselves."""
    facts: dict[int, tuple[int, str, float]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            head, _bracket, tail = stat.read_text().rpartition(")")
            fields = tail.split()
            ticks = int(fields[11]) + int(fields[12])
            facts[int(stat.parent.name)] = int(fields[1]), head.partition("(")[2], ticks / _TICKS
    kinds: dict[str, float] = {}
    for pid, (_parent, name, seconds) in facts.items():
        if pid not in {os.getpid(), os.getppid()} and _is_relative(pid, facts):
            kind = next((k for k in ("postgres", "redis") if k in name), "meters")
            kinds[kind] = kinds.get(kind, 0.0) + seconds
    return kinds


def _is_relative(pid: int, facts: dict[int, tuple[int, str, float]]) -> bool:
    while pid in facts:
        if pid == os.getppid():
            return True
        pid = facts[pid][0]
    return False


def report(name: str, figures: dict[str, Any], target: Path | None) -> None:
    """Print machine, versions and figures; write them as JSON."""
    result = {
        "benchmark": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        **figures,
    }
    _print(result, "")
    if target is not None:
        target.write_text(json.dumps(result, indent=1) + "\n")


def _print(facts: dict[str, Any], indent: str) -> None:
    for key, value in facts.items():
        if isinstance(value, dict):
            print(f"{indent}{key}:")
            _print(value, indent + "  ")
        else:
            print(
                f"{indent}{key}: {value:,}" if isinstance(value, int) else f"{indent}{key}: {value}"
            )
