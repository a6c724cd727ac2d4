"""The whole product under real kills: it comes back by itself, nothing doubled, nothing lost."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.embedded.folders import remove_sockets
from config.testing import take_kept
from tests.conftest import Eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CHECKOUT = Path(__file__).resolve().parent.parent
PERIOD_S = 5
OURS = {"DATABASE_URL", "REDIS_URL", "DIANWU_EMBEDDED", "DIANWU_HOME", "DJANGO_SETTINGS_MODULE"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports(count: int) -> int:
    """The first of so many neighbouring free ports below the ephemeral range."""
    for first in range(17_000, 30_000, count):
        probes = [socket.socket() for _ in range(count)]
        try:
            for offset, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        else:
            return first
        finally:
            for probe in probes:
                probe.close()
    raise AssertionError("no free ports")


@dataclass
class Product:
    """The product under its supervisor, seen from outside."""

    home: Path
    port: int
    environment: dict[str, str]
    supervisor: subprocess.Popen[bytes]
    log: Path

    def state(self) -> dict[str, Any]:
        return json.loads((self.home / "supervisor.json").read_text())

    def pid(self, name: str) -> int:
        (process,) = [row for row in self.state()["processes"] if row["name"] == name]
        return int(process["pid"])

    def kill(self, name: str) -> float:
        os.kill(self.pid(name), signal.SIGKILL)
        return time.time()

    def answers(self, path: str = "/health/") -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        services = json.loads((self.home / "services.json").read_text())
        with psycopg.connect(services["DATABASE_URL"], autocommit=True) as connection:
            return connection.execute(query, values or None).fetchall()

    def fault(self, *words: str) -> None:
        command = (sys.executable, "manage.py", "fault", *words)
        subprocess.run(
            command, cwd=CHECKOUT, env=self.environment, check=True, capture_output=True, timeout=30
        )

    def last_sample_at(self, device: int) -> datetime:
        return self.ask("SELECT max(at) FROM reading WHERE device_id = %s", device)[0][0]

    def residual_alarms(self, device: int) -> list[tuple[Any, ...]]:
        """Open alarms of the upper limit: the rule of incomers, or that of feeders."""
        return self.ask(
            "SELECT a.id, a.condition FROM alarms_alarm a JOIN alarms_rule r ON r.id = a.rule_id"
            " WHERE a.device_id = %s AND r.key IN ('IR', 'IR_IN') AND a.handling <> 'archived'",
            device,
        )


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    home = Path(tempfile.mkdtemp(prefix="dianwu-kills-"))
    home.chmod(0o711)
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if key not in OURS} | {
        "DIANWU_HOME": str(home),
        "PORT": str(port),
        "DIANWU_SIMULATOR_PORT": str(free_ports(100)),
        "DIANWU_DEMO_DAYS": "0.25",
    }
    log = tmp_path_factory.mktemp("kills") / "supervisor.log"
    # The second start drops them, and makes all tables anew.
    take_kept(home)
    stop_half_way(start(environment, log), home)
    supervisor = start(environment, log)
    running = Product(home, port, environment, supervisor, log)
    try:
        wait_for(running.answers, supervisor, log)
        yield running
    finally:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait(60)
        shutil.rmtree(home)
        remove_sockets(home)


def start(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            (sys.executable, "-m", "config.supervisor"),
            cwd=CHECKOUT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def wait_for(asked: Callable[[], bool], supervisor: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 240
    while not asked():
        assert supervisor.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def stop_half_way(supervisor: subprocess.Popen[bytes], home: Path) -> None:
    """Kill a first start in the middle of the demo's past."""
    said = home / "log" / "setup.log"
    wait_for(lambda: said.exists() and "demo: 2/4" in said.read_text(), supervisor, said)
    supervisor.kill()
    supervisor.wait()


@pytest.fixture
def device(product: Product, eventually: Eventually) -> int:
    """A simulated meter in good order, of shard 0, that is polled as often as any."""
    rows = product.ask(
        "SELECT d.id FROM devices_device d"
        " JOIN devices_templateversion v ON v.id = d.template_version_id"
        " JOIN devices_devicetemplate t ON t.id = v.template_id"
        " JOIN devices_bus b ON b.id = d.bus_id JOIN devices_gateway g ON g.id = b.gateway_id"
        " WHERE t.key = 'simulated' AND g.shard = 0 AND NOT EXISTS (SELECT FROM alarms_alarm a"
        " WHERE a.device_id = d.id AND a.condition = 'active')"
        " ORDER BY g.period_s DESC, d.id"
    )
    chosen = int(rows[-1][0])
    before = product.last_sample_at(chosen)
    eventually(lambda: product.last_sample_at(chosen) > before, within_s=30)
    return chosen


def longest_gap_s(product: Product, device: int, since: datetime) -> float:
    rows = product.ask(
        "SELECT extract(epoch FROM max(step)) FROM (SELECT at - lag(at) OVER (ORDER BY at) AS step"
        " FROM reading WHERE device_id = %s AND at >= %s) AS steps",
        device,
        since,
    )
    return float(rows[0][0])


def test_a_first_start_that_was_killed_is_made_anew_by_the_next(product: Product) -> None:
    said = product.log.read_text()
    assert said.count("the last start was stopped before the demo was whole: beginning anew") == 1
    assert not (product.home / "demo.unfinished").exists()
    assert product.ask("SELECT count(*) FROM sites_site") == [(60,)]
    per_site = product.ask(
        "SELECT count(*) FROM devices_tally WHERE day = (now() AT TIME ZONE 'Asia/Shanghai')::date"
    )
    assert per_site == [(200,)]


@pytest.mark.parametrize("name", ["poll.0", "beat", "redis", "postgres"])
def test_samples_go_on_after_a_kill(
    product: Product, device: int, eventually: Eventually, name: str
) -> None:
    last_at = product.last_sample_at(device)
    killed_at = product.kill(name)

    def goes_on() -> bool:
        try:
            return product.last_sample_at(device).timestamp() > killed_at + PERIOD_S
        except psycopg.OperationalError:
            return False

    eventually(goes_on, within_s=60)

    outage_s = time.time() - killed_at
    gap_s = longest_gap_s(product, device, last_at)
    print(f"{name}: back after {outage_s:.1f} s, longest gap {gap_s:.1f} s")
    assert gap_s <= outage_s + 2 * PERIOD_S
    eventually(product.answers, within_s=30)


def test_pages_come_back_after_a_kill(product: Product, eventually: Eventually) -> None:
    product.kill("web")

    eventually(lambda: product.answers("/accounts/login/"), within_s=40)


def test_alarm_survives_the_death_of_its_worker(
    product: Product, device: int, eventually: Eventually
) -> None:
    product.fault("start", "residual_step", "--device", str(device), "--level", "500")
    eventually(lambda: product.last_sample_at(device), within_s=10)
    product.kill("poll.0")

    eventually(lambda: len(product.residual_alarms(device)) == 1, within_s=90)
    product.kill("poll.0")
    product.kill("worker")
    product.fault("stop", "--device", str(device))

    def recovered() -> bool:
        return [row[1] for row in product.residual_alarms(device)] == ["recovered"]

    eventually(recovered, within_s=90)


def test_every_alarm_has_its_whole_record(product: Product) -> None:
    without_raise = product.ask(
        "SELECT a.number FROM alarms_alarm a WHERE (SELECT count(*) FROM alarms_alarmlog l"
        " WHERE l.alarm_id = a.id AND l.move = 'raise') <> 1"
    )
    recurrences = product.ask(
        "SELECT a.number FROM alarms_alarm a WHERE a.recurrences <> (SELECT count(*)"
        " FROM alarms_alarmlog l WHERE l.alarm_id = a.id AND l.move = 'recur')"
    )
    last_words = product.ask(
        "SELECT a.number, a.condition, l.target FROM alarms_alarm a JOIN LATERAL (SELECT target"
        " FROM alarms_alarmlog WHERE alarm_id = a.id AND entry = 'condition'"
        " ORDER BY at DESC, id DESC LIMIT 1) l ON true WHERE l.target <> a.condition"
    )

    assert (without_raise, recurrences, last_words) == ([], [], [])
