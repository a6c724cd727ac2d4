"""The product's own processes in a benchmark, and the CPU that each of them takes."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from config.children import ChildFailed
from config.crew import Crew
from config.processes import Address, Given, product

_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def running(*, home: Path, address: Address, poll_shards: int) -> Iterator[Crew]:
    """All processes that belong to a real database, as `script/server` starts them."""
    given = Given(
        home=home,
        address=address,
        database_url=os.environ["DATABASE_URL"],
        redis_url=os.environ["REDIS_URL"],
        poll_shards=poll_shards,
        with_demo=False,
    )
    environment = os.environ | {
        "DIANWU_POLL_SHARDS": str(poll_shards),
        "DIANWU_LOG_LEVEL": "WARNING",
        "DIANWU_HOME": str(home),
    }
    logs = home / "logs"
    logs.mkdir(exist_ok=True)
    crew = Crew(logs=logs, environment=environment, announce=_say)
    try:
        for process in product(given).processes:
            crew.bring_up(process)
        yield crew
    except ChildFailed as problem:
        raise SystemExit(str(problem)) from problem
    finally:
        crew.stop()


def _say(name: str, text: str) -> None:
    print(f"  {name}: {text}", flush=True)


def groups_of(crew: Crew, others: Mapping[int, str]) -> dict[int, str]:
    """Name by the pid of each group's leader: the crew's members, and others."""
    members = {m.child.pid: m.process.name for m in crew.members if m.child is not None}
    return members | dict(others)


def cpu_s(groups: Mapping[int, str]) -> dict[str, float]:
    """CPU seconds, user and system, since their start, by name; PostgreSQL and Redis too."""
    leaders = {**groups, **_services()}
    seconds: dict[str, float] = dict.fromkeys(leaders.values(), 0.0)
    for pid, _name, fields in _processes():
        # A server process of PostgreSQL leads a group of its own.
        leader = next((one for one in (pid, fields[2], fields[1]) if one in leaders), None)
        if leader is not None:
            # What children that have ended took is kept by whoever started them.
            ticks = sum(fields[11:15]) if pid == leader else sum(fields[11:13])
            seconds[leaders[leader]] += ticks / _TICKS
    return seconds


def _services() -> dict[int, str]:
    """PostgreSQL and Redis of our launcher, by pid: its other children."""
    return {
        pid: kind
        for pid, name, fields in _processes()
        for kind in ("postgres", "redis")
        if fields[1] == os.getppid() and kind in name
    }


def _processes() -> Iterator[tuple[int, str, list[int]]]:
    """Pid, name and the numbers of every process from the third on. Source: proc_pid_stat(5)."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            head, _bracket, tail = stat.read_text().rpartition(")")
            fields = [0, *(int(field) for field in tail.split()[1:15])]
            yield int(stat.parent.name), head.partition("(")[2], fields


def memory_mb(groups: Mapping[int, str]) -> dict[str, float]:
    """Resident memory by name, without what PostgreSQL shares."""
    found: dict[str, float] = dict.fromkeys(groups.values(), 0.0)
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError, ValueError, StopIteration):
            group = os.getpgid(int(status.parent.name))
            if group in groups:
                lines = status.read_text().splitlines()
                kilobytes = next(int(li.split()[1]) for li in lines if li.startswith("VmRSS"))
                found[groups[group]] += kilobytes / 1000
    return {name: round(value, 1) for name, value in found.items()}
