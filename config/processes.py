"""The process table: everything that the product consists of, in the order of its start."""

import http.client
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from config.children import Process
from config.embedded import Postgres, Redis
from config.env import DTU_PORT, demo_unfinished
from config.ports import BLOCK_PORTS, problem_of, simulator_block

CHECKOUT = Path(__file__).resolve().parent.parent
LOCAL = ("127.0.0.1", "::1", "localhost")
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared with, not bound to)


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the pages are served."""

    host: str
    port: int

    @property
    def near(self) -> str:
        """A host to reach it by from this machine."""
        return ANYWHERE.get(self.host, self.host)

    @property
    def url(self) -> str:
        """The address for a browser on this machine."""
        host = f"[{self.near}]" if ":" in self.near else self.near
        return f"http://{host}:{self.port}/"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a supervisor runs.

    services: the addresses that other commands may find. remarks: said before the start.
    farewell: a command whose lines are said once all is up.
    """

    processes: tuple[Process, ...]
    services: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    farewell: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a person chose. An empty URL asks for an embedded service, no port for a free one.

    dtu_port: where gateways dial in, 0 for nowhere; None for the usual, or one of the demo's.
    """

    home: Path
    address: Address
    database_url: str = ""
    redis_url: str = ""
    poll_shards: int = 2
    dtu_host: str = "127.0.0.1"
    dtu_port: int | None = 0
    with_demo: bool = True
    simulator_port: int | None = None
    simulator_control: Path | None = None


def product(given: Given) -> Plan:
    """The whole product. Demo and simulator belong to an embedded database only."""
    services: dict[str, str] = {}
    remarks: list[str] = []
    base: list[Process] = []
    if not given.database_url:
        postgres = Postgres(given.home)
        base.append(postgres.process())
        services |= {"DATABASE_URL": postgres.url, "DIANWU_EMBEDDED": "1"}
        if postgres.ground.folder != given.home:
            remarks.append(f"the database is in {postgres.ground.folder}, not in a closed home")
    if not given.redis_url:
        redis = Redis(given.home)
        base.append(redis.process())
        services["REDIS_URL"] = redis.url
    with_demo = given.with_demo and not given.database_url
    if not given.database_url and demo_unfinished(given.home).exists():
        remarks.append("the last start was stopped before the demo was whole: beginning anew")
    if with_demo and given.address.host not in LOCAL:
        remarks.append(f"the demo's log-ins work for everybody who reaches {given.address.host}")
    if with_demo and not given.simulator_port:
        services["DIANWU_SIMULATOR_PORT"] = str(simulator_block(given.home))
    dtu_port = _dtu_port(given, services)
    services["DIANWU_DTU_PORT"] = str(dtu_port)
    setup = _once("setup", "setup", *(["--demo"] if with_demo else []))
    processes = (
        *base,
        setup,
        *((_simulator(given),) if with_demo else ()),
        *_workers(given),
        *_doors(given.dtu_host, dtu_port, remarks),
        _bridge(),
        _web(given.address),
    )
    logins = _python("manage.py", "demo", "--logins") if with_demo else ()
    return Plan(processes=processes, services=services, remarks=tuple(remarks), farewell=logins)


def _workers(given: Given) -> list[Process]:
    beat_file = given.home / "beat"
    return [
        *(_poll_worker(shard) for shard in range(given.poll_shards)),
        _celery("worker", "worker", "-Q", "default,notify", "-c", "2", "-n", "worker@%h"),
        _celery("jobs", "worker", "-Q", "reports", "-c", "1", "-n", "jobs@%h"),
        _celery("beat", "beat", "-s", str(beat_file), "--pidfile="),
    ]


def _poll_worker(shard: int) -> Process:
    name = f"poll.{shard}"
    return _celery(name, "worker", "-Q", name, "-P", "solo", "-n", f"{name}@%h")


def _dtu_port(given: Given, services: Mapping[str, str]) -> int:
    if given.dtu_port is not None:
        return given.dtu_port
    block = services.get("DIANWU_SIMULATOR_PORT")
    # The last port of a demo's own block, so that two demos on one machine do not meet.
    return int(block) + BLOCK_PORTS - 1 if block else DTU_PORT


def _doors(host: str, port: int, remarks: list[str]) -> list[Process]:
    """Where gateways dial in; a taken port is told, and keeps nothing else from starting."""
    if not port:
        return []
    if problem := problem_of(host, port):
        remarks.append(
            f"no gateway can dial in: {host}:{port} {problem}; DIANWU_DTU_PORT names another"
        )
        return []
    command = _python("manage.py", "dtu_server", "--host", host, "--port", str(port))
    return [Process(name="dtu", command=command, folder=CHECKOUT, is_needed=False)]


def _bridge() -> Process:
    """Waits until a broker is configured; nothing else needs it."""
    command = _python("-m", "config.bridge")
    return Process(name="mqtt", command=command, folder=CHECKOUT, is_needed=False)


def _web(address: Address) -> Process:
    """One ASGI server; sockets that stay open do not hold up its end for long."""
    where = ("--host", address.host, "--port", str(address.port))
    # Whose X-Forwarded-For counts is said by DIANWU_PROXIES alone.
    quiet = ("--no-access-log", "--no-proxy-headers", "--timeout-graceful-shutdown", "3")
    return Process(
        name="web",
        command=_python("-m", "uvicorn", "config.asgi:application", *where, *quiet),
        folder=CHECKOUT,
        is_ready=_answers(address),
        tier=2,
    )


def _celery(name: str, kind: str, *options: str) -> Process:
    chatter = ("--without-gossip", "--without-mingle") if kind == "worker" else ()
    # At INFO beat writes a line for every task it sends, some each second.
    level = "WARNING" if kind == "beat" else "INFO"
    command = _python("-m", "celery", "-A", "config", kind, "-l", level, *chatter, *options)
    return Process(name=name, command=command, folder=CHECKOUT)


def _simulator(given: Given) -> Process:
    """Up when it answers for the gateways; polling finds them as soon as they are there."""
    command = _python("manage.py", "simulator", "--director")
    control = given.simulator_control
    is_ready = partial(_listens, control) if control else None
    return Process(
        name="simulator", command=command, folder=CHECKOUT, is_ready=is_ready, is_needed=False
    )


def _once(name: str, *words: str) -> Process:
    command = _python("manage.py", *words)
    return Process(name=name, command=command, folder=CHECKOUT, once=True)


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, *words)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        return line.connect_ex(str(path)) == 0


def _answers(address: Address) -> Callable[[], bool]:
    """A probe: does the page of health say 200? Asked directly, whatever proxy is configured."""

    def probe() -> bool:
        line = http.client.HTTPConnection(address.near, address.port, timeout=3)
        try:
            line.request("GET", "/health/")
            return line.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()

    return probe
