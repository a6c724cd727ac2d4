"""The supervisor, run as a process of its own over small children instead of the product."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from config.children import birth_of
from config.processes import CHECKOUT
from tests.conftest import Eventually

pytestmark = pytest.mark.slow

# Children of the trial: loops that say nothing, one that does not listen to SIGTERM and has a child
# of its own, and steps that fail once or always.
TABLE = """
import signal, sys
from pathlib import Path
from config.children import Process
from config.processes import Address, Plan
from config.supervisor import supervise

def python(text):
    return (sys.executable, "-S", "-c", text)

LOOP = "import time\\nwhile True: time.sleep(60)"
DEAF = (
    "import signal, subprocess, sys\\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\\n"
    "inner = subprocess.Popen((sys.executable, '-S', '-c', 'import time; time.sleep(600)'))\\n"
    "print(inner.pid, flush=True)\\n"
    "inner.wait()"
)
home, port, kinds = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(",")
ONCE_BAD = f"import os, sys\\ntry: os.mkdir('{home}/tried')\\nexcept OSError: sys.exit(0)\\nsys.exit(1)"
def loop(name, text, **facts):
    log = home / "log" / f"{name}.log"
    is_ready = log.exists if text == LOOP else lambda: log.exists() and log.stat().st_size
    return Process(name=name, command=python(text), is_ready=is_ready, **facts)

def step(name, text):
    return Process(name=name, command=python(text), once=True)

TABLE = {
    "one": loop("one", LOOP, tier=0),
    "two": loop("two", LOOP),
    "deaf": loop("deaf", DEAF, patience_s=0.3),
    "spare": loop("spare", "raise SystemExit('no room')", is_needed=False),
    "step": step("step", ONCE_BAD),
    "bad": step("bad", "print('no such table'); raise SystemExit(3)"),
}
plan = Plan(processes=tuple(TABLE[kind] for kind in kinds), services={"REDIS_URL": "unix:///nowhere"})
sys.exit(supervise(home=home, address=Address(host="127.0.0.1", port=port), plan=lambda: plan))
"""


@dataclass
class Trial:
    """Supervisors over one home."""

    home: Path
    eventually: Eventually
    port: int
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, kinds: str = "one,two") -> subprocess.Popen[str]:
        command = (sys.executable, "-c", TABLE, str(self.home), str(self.port), kinds)
        started = subprocess.Popen(
            command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.running.append(started)
        return started

    def start_up(self, kinds: str = "one,two") -> subprocess.Popen[str]:
        started = self.start(kinds)
        self.eventually(lambda: self.are_up(*kinds.split(",")))
        return started

    def state(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.home / "supervisor.json").read_text())
        except (FileNotFoundError, ValueError):
            return {"processes": []}
        return found

    def process(self, name: str) -> dict[str, Any]:
        rows = [row for row in self.state()["processes"] if row["name"] == name]
        return rows[0] if rows else {"pid": None, "state": "absent"}

    def are_up(self, *names: str) -> bool:
        return all(
            self.process(name)["state"] == "up" and birth_of(self.process(name)["pid"])
            for name in names
        )

    def stop(self, supervisor: subprocess.Popen[str]) -> str:
        supervisor.terminate()
        said, _ = supervisor.communicate(timeout=20)
        return said


def is_gone(pid: int) -> bool:
    return birth_of(pid) is None


@pytest.fixture
def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


@pytest.fixture
def trial(home: Path, eventually: Eventually, free_port: int) -> Iterator[Trial]:
    here = Trial(home=home, eventually=eventually, port=free_port)
    yield here
    for supervisor in here.running:
        if supervisor.poll() is None:
            here.stop(supervisor)
        if supervisor.stdout:
            supervisor.stdout.close()


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(("sleep", "600"), start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_killed_child_is_started_again_and_the_others_stay(trial: Trial) -> None:
    trial.start_up()
    kept, killed = trial.process("one")["pid"], trial.process("two")["pid"]

    os.kill(killed, signal.SIGKILL)

    trial.eventually(lambda: trial.process("two").get("restarts") == 1 and trial.are_up("two"))
    assert trial.process("two")["pid"] != killed
    assert trial.process("one")["pid"] == kept
    assert is_gone(killed)


def test_stop_ends_all_of_its_processes_and_no_others(
    trial: Trial, stranger: subprocess.Popen[bytes]
) -> None:
    supervisor = trial.start_up("one,two,deaf")
    own = [row["pid"] for row in trial.state()["processes"]]
    inner = int((trial.home / "log" / "deaf.log").read_text())

    said = trial.stop(supervisor)

    assert supervisor.returncode == 0
    assert all(is_gone(pid) for pid in own)
    trial.eventually(lambda: is_gone(inner))
    assert "deaf        did not stop in time: killed" in said
    assert said.index("two         stopping") < said.index("one         stopping")
    assert stranger.poll() is None
    assert not (trial.home / "services.json").exists()


def test_ctrl_c_stops_too(trial: Trial) -> None:
    supervisor = trial.start_up()
    pid = trial.process("one")["pid"]

    supervisor.send_signal(signal.SIGINT)
    said, _ = supervisor.communicate(timeout=20)

    assert supervisor.returncode == 0
    assert "all stopped" in said
    assert is_gone(pid)


def test_running_services_can_be_found(trial: Trial) -> None:
    trial.start_up()

    services = trial.home / "services.json"

    assert json.loads(services.read_text()) == {"REDIS_URL": "unix:///nowhere"}
    assert services.stat().st_mode & 0o077 == 0


def test_a_port_in_use_is_said_at_once(trial: Trial) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        trial.port = taken.getsockname()[1]

        supervisor = trial.start()
        said, _ = supervisor.communicate(timeout=20)

    assert supervisor.returncode == 1
    assert f"Port {trial.port} of 127.0.0.1 is in use" in said
    assert f"PORT={trial.port + 1}" in said
    assert not trial.state()["processes"]


def test_a_second_supervisor_of_the_same_home_is_refused(trial: Trial) -> None:
    first = trial.start_up()

    second = trial.start()
    said, _ = second.communicate(timeout=20)

    assert second.returncode == 1
    assert f"already runs from {trial.home} at http://127.0.0.1:{trial.port}/" in said
    assert str(first.pid) in said
    assert trial.are_up("one", "two")


def test_children_end_with_a_killed_supervisor(trial: Trial) -> None:
    supervisor = trial.start_up()
    own = [row["pid"] for row in trial.state()["processes"]]

    supervisor.kill()

    trial.eventually(lambda: all(is_gone(pid) for pid in own))


def test_leftovers_of_a_killed_supervisor_are_stopped_at_the_next_start(trial: Trial) -> None:
    killed = trial.start_up("one,deaf")
    left, inner = trial.process("deaf")["pid"], int((trial.home / "log" / "deaf.log").read_text())
    killed.kill()
    killed.communicate()
    assert not is_gone(left)

    trial.start_up("one,two")

    assert is_gone(left)
    trial.eventually(lambda: is_gone(inner))


def test_a_stranger_under_a_recorded_pid_is_not_touched(
    trial: Trial, stranger: subprocess.Popen[bytes]
) -> None:
    killed = trial.start_up()
    killed.kill()
    killed.communicate()
    state = trial.state()
    state["processes"][0] |= {"pid": stranger.pid, "birth": 1}
    (trial.home / "supervisor.json").write_text(json.dumps(state))

    trial.start_up()

    assert stranger.poll() is None


def test_a_step_that_fails_once_is_tried_again(trial: Trial) -> None:
    trial.start_up("one")
    trial.stop(trial.running[0])

    trial.start("one,step,two")

    trial.eventually(lambda: trial.are_up("two"))
    assert trial.process("step")["state"] == "done"
    assert trial.process("step")["restarts"] == 1


def test_a_first_start_that_keeps_failing_is_told_with_its_log(trial: Trial) -> None:
    supervisor = trial.start("one,bad,two")
    trial.eventually(lambda: trial.process("one")["pid"])
    one = trial.process("one")["pid"]

    said, _ = supervisor.communicate(timeout=30)

    assert supervisor.returncode == 1
    assert "bad failed 2 times" in said
    assert "no such table" in said
    assert is_gone(one)


def test_a_process_that_is_not_needed_holds_nobody_up(trial: Trial) -> None:
    trial.start("spare,one")

    trial.eventually(lambda: trial.are_up("one") and trial.process("spare").get("restarts", 0) > 1)


def test_a_half_written_state_is_no_obstacle(trial: Trial) -> None:
    (trial.home / "supervisor.json").write_text('{"pid": 1, "proc')

    trial.start_up("one")


def test_status_tells_what_runs(trial: Trial, status: Callable[[], tuple[int, str]]) -> None:
    before, nothing = status()
    supervisor = trial.start_up()
    code, table = status()
    trial.stop(supervisor)
    after, _ = status()

    assert (before, code, after) == (3, 0, 3)
    assert "Nothing runs" in nothing
    assert f"http://127.0.0.1:{trial.port}/" in table
    for name in ("one", "two"):
        assert re.search(rf"^{name} +\d+ .* up$", table, flags=re.MULTILINE)


@pytest.fixture
def status(home: Path) -> Callable[[], tuple[int, str]]:
    def ask() -> tuple[int, str]:
        done = subprocess.run(
            (sys.executable, "-m", "config.status"),
            cwd=CHECKOUT,
            env={**os.environ, "DIANWU_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    return ask
