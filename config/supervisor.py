"""One command for the whole product: `python -m config.supervisor`, called by script/server.

It owns the home folder while it runs (a lock), knows its processes by pid and birth (a state file),
and touches no others.
"""

import argparse
import errno
import fcntl
import json
import os
import resource
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from config import env
from config.children import ChildFailed, birth_of, trim
from config.crew import Crew, StopRequested
from config.embedded import child_environment
from config.embedded.folders import remove_sockets
from config.ports import problem_of
from config.processes import CHECKOUT, Address, Given, Plan, product

OPEN_FILES = 65_536


class CannotStart(Exception):
    """The supervisor refuses; the text tells a person why and what to do."""


class Requests:
    """Signals as moments of our own choosing: they end a pause, and a request to stop raises."""

    def __init__(self) -> None:
        self._asked = False
        self._read, write = os.pipe()
        for end in (self._read, write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup leaves SIGHUP ignored, and means it.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)

    def pause(self, seconds: float) -> None:
        """Wait for a signal, at most so long. Raises StopRequested once per request."""
        if not self._asked and select.select([self._read], [], [], seconds)[0]:
            with suppress(BlockingIOError):
                os.read(self._read, 4096)
        if self._asked:
            self._asked = False
            raise StopRequested

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True


class Supervisor:
    """Runs a plan below a home folder until it is asked to stop."""

    def __init__(self, *, home: Path, address: Address, plan: Callable[[], Plan]) -> None:
        self._home = home
        self._address = address
        self._plan = plan
        self._crew: Crew | None = None
        self._begun = datetime.now(UTC)
        self._services: dict[str, str] = {}

    def run(self) -> None:
        """Start everything, watch, and stop everything on request.

        Raises CannotStart or ChildFailed, with nothing of ours left running.
        """
        make_home(self._home)
        with ExitStack() as stack:
            stack.enter_context(_locked(self._home, self._state_file))
            end_leftovers(self._state_file, announce=self._announce)
            refuse_busy_port(self._address)
            requests = Requests()
            plan = self._plan()
            self._services = dict(plan.services)
            self._crew = Crew(
                logs=self._home / "log",
                environment=self._environment(),
                announce=self._announce,
                changed=self._write_state,
                pause=requests.pause,
            )
            stack.callback(self._finish)
            try:
                self._serve(plan, self._crew, requests)
            except StopRequested:
                self._announce("supervisor", "stopping")
            finally:
                self._crew.stop()
                self._announce("supervisor", "all stopped")

    @property
    def _state_file(self) -> Path:
        return self._home / "supervisor.json"

    def _serve(self, plan: Plan, crew: Crew, requests: Requests) -> None:
        write_json(self._home / "services.json", self._services)
        for remark in plan.remarks:
            self._announce("supervisor", remark)
        for process in plan.processes:
            crew.bring_up(process)
        self._welcome(plan)
        while True:
            requests.pause(0.5)
            crew.tick()

    def _environment(self) -> dict[str, str]:
        return (
            child_environment()
            | self._services
            | {
                "DIANWU_HOME": str(self._home),
                "PYTHONUNBUFFERED": "1",
                "PYTHONUTF8": "1",
            }
        )

    def _welcome(self, plan: Plan) -> None:
        lines = [f"\n  Dianwu runs at {self._address.url}\n"]
        if plan.farewell:
            said = subprocess.run(
                plan.farewell,
                env=self._environment(),
                cwd=CHECKOUT,
                capture_output=True,
                encoding="utf-8",
                check=False,
                start_new_session=True,
            )
            lines += [f"  {line}" for line in said.stdout.splitlines()]
        lines.append(f"\n  Ctrl-C stops it, script/status shows it, logs are in {self._home}/log\n")
        _say("\n".join(lines))

    def _announce(self, name: str, text: str) -> None:
        now = datetime.now(UTC).astimezone()
        _say(f"{now:%H:%M:%S}  {name:<10}  {text}")
        path = self._home / "log" / "supervisor.log"
        # A full disk is no reason to take everything down.
        with suppress(OSError):
            trim(path)
            with path.open("a") as log:
                log.write(f"{now.isoformat(timespec='seconds')} {name} {text}\n")

    def _write_state(self) -> None:
        members = self._crew.members if self._crew else []
        processes: list[dict[str, Any]] = [
            {
                "name": member.process.name,
                "pid": member.child.pid if member.child else None,
                "birth": member.child.birth if member.child else None,
                "signal": int(member.process.stop_signals[0]),
                "patience_s": member.process.patience_s,
                "state": member.state,
                "since": member.since.isoformat(timespec="seconds"),
                "restarts": member.restarts,
            }
            for member in members
        ]
        state = {
            "pid": os.getpid(),
            "birth": birth_of(os.getpid()),
            "boot": _boot(),
            "address": self._address.url,
            "since": self._begun.isoformat(timespec="seconds"),
            "processes": processes,
        }
        with suppress(OSError):
            write_json(self._state_file, state)

    def _finish(self) -> None:
        for name in ("services.json", "supervisor.json"):
            (self._home / name).unlink(missing_ok=True)
        remove_sockets(self._home)


def make_home(home: Path) -> None:
    """Make the home folder: others may pass through (PostgreSQL's user), not look around.

    Raises CannotStart when it is somebody else's.
    """
    try:
        if not home.exists():
            home.mkdir(parents=True)
            home.chmod(0o711)
        if not os.access(home, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        (home / "log").mkdir(mode=0o700, exist_ok=True)
        key = home / "secret_key"
        if not key.exists():
            write_text(key, secrets.token_urlsafe(50))
    except OSError as problem:
        raise CannotStart(
            f"The home folder {home} cannot be written: {problem.strerror}. "
            "Set DIANWU_HOME to a folder of your own."
        ) from problem


def _locked(home: Path, state_file: Path) -> TextIO:
    """The lock of the home; the kernel drops it with us, however we end."""
    lock = (home / "supervisor.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        state = read_json(state_file)
        raise CannotStart(
            f"Dianwu already runs from {home} at {state.get('address', '(starting)')} "
            f"(pid {state.get('pid', 'unknown')}); script/status tells more."
        ) from None
    return lock


def refuse_busy_port(address: Address) -> None:
    """Raises CannotStart when the address cannot be listened on."""
    if why := problem_of(address.host, address.port):
        raise CannotStart(
            f"Port {address.port} of {address.host} {why}. "
            f"Choose another one: PORT={address.port + 1} script/server"
        )


def end_leftovers(state_file: Path, *, announce: Callable[[str, str], None]) -> None:
    """Stop what a killed supervisor left; a process of another birth under its pid is not ours."""
    state = read_json(state_file)
    if state.get("boot") != _boot():
        return
    rest = {p["name"]: p for p in reversed(state.get("processes", [])) if _is_alive(p)}
    for name, process in rest.items():
        announce(name, f"left over from a killed supervisor: stopping pid {process['pid']}")
        with suppress(ProcessLookupError):
            os.kill(process["pid"], process["signal"])
    begun = time.monotonic()
    while rest := {name: process for name, process in rest.items() if _is_alive(process)}:
        for process in rest.values():
            if time.monotonic() - begun > process["patience_s"]:
                with suppress(ProcessLookupError):
                    os.killpg(process["pid"], signal.SIGKILL)
        time.sleep(0.05)


def _is_alive(process: dict[str, Any]) -> bool:
    pid, birth = process.get("pid"), process.get("birth")
    return isinstance(pid, int) and birth is not None and birth_of(pid) == birth


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty when there is none that can be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, facts: object) -> None:
    """Write JSON so that a reader sees the old or the new, never a half."""
    write_text(path, json.dumps(facts, indent=1))


def write_text(path: Path, text: str) -> None:
    """Write a file of ours alone (0600), whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.touch(mode=0o600)
    part.write_text(f"{text}\n")
    part.rename(path)


def _boot() -> str:
    """The boot that births are counted from."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _say(text: str) -> None:
    # A closed terminal must not take the product down.
    with suppress(OSError, ValueError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def _raise_file_limit() -> None:
    """One poll worker may hold thousands of connections; the usual soft limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> int:
    """Run the product with what the environment and the command line say."""
    parser = argparse.ArgumentParser(prog="script/server")
    parser.add_argument("--no-demo", action="store_true", help="neither demo data nor simulator")
    options = parser.parse_args()
    _raise_file_limit()
    given = Given(
        home=env.HOME,
        address=Address(host=env.BIND_HOST, port=env.PORT),
        database_url=env.GIVEN_DATABASE_URL,
        redis_url=env.GIVEN_REDIS_URL,
        poll_shards=env.POLL_SHARDS,
        dtu_host=env.DTU_HOST,
        dtu_port=env.GIVEN_DTU_PORT,
        with_demo=not options.no_demo,
        simulator_port=env.GIVEN_SIMULATOR_PORT,
        simulator_control=env.simulator_control(),
    )
    return supervise(home=given.home, address=given.address, plan=lambda: product(given))


def supervise(*, home: Path, address: Address, plan: Callable[[], Plan]) -> int:
    """Run a plan to its end; 1 and a message for a person when it could not be run."""
    try:
        Supervisor(home=home, address=address, plan=plan).run()
    except (CannotStart, ChildFailed) as problem:
        sys.stderr.write(f"\n{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
