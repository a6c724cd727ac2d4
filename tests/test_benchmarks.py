"""The benchmarks run from the command line and write the figures that others compare."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from benchmarks.inside import mqtt_door
from benchmarks.inside.addresses import free_port

ROOT = Path(__file__).resolve().parent.parent
# Each starts services of its own; a busy machine is slow, not wrong.
PATIENCE_S = 280

pytestmark = pytest.mark.timeout(PATIENCE_S + 20)


def measured(name: str, *options: str, folder: Path) -> tuple[dict[str, Any], str]:
    """The figures that a benchmark wrote, and what it said."""
    target = folder / "figures.json"
    done = subprocess.run(
        [sys.executable, f"benchmarks/{name}.py", *options, "--json", str(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(target.read_text()), done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ingest", ["--devices", "30", "--cycles", "2"]),
        ("poll", ["--gateways", "10", "--cycles", "2"]),
    ],
)
def test_a_benchmark_prints_and_writes_its_figures(
    name: str, options: list[str], tmp_path: Path
) -> None:
    figures, said = measured(name, *options, folder=tmp_path)

    assert figures["points_per_s_per_core"] > 0
    assert figures["machine"]["cores"] > 0
    assert figures["versions"]["postgresql"]
    assert figures["open_alarms"] == 0
    assert "points_per_s_per_core" in said
    if name == "poll":
        assert figures["rows_stored"] == figures["reads"] == 10 * 3 * 2
        assert figures["mix"]["rows_stored"] == 10 * 6 * 2


@pytest.mark.slow
def test_rules_are_weighed(tmp_path: Path) -> None:
    figures, _said = measured("rules", "--devices", "900", "--minutes", "5", folder=tmp_path)

    assert figures["cpu_s_per_million"] > 0
    assert figures["samples"] == 900 * 5
    assert figures["evaluations"] == figures["samples"] * figures["checks_per_sample"]
    # Two meters lose a phase, and the next two when it comes back to them.
    assert figures["events"] >= 4


@pytest.mark.slow
def test_sockets_are_heard_and_weighed(tmp_path: Path) -> None:
    few = ["--sockets", "6", "--sites", "2", "--seconds", "3", "--hour-in", "4"]

    figures, _said = measured("sockets", *few, folder=tmp_path)

    assert figures["hour"]["cycles"] == 360
    assert figures["steady"]["messages"] > 0
    assert figures["sockets_lost"] == 0
    assert figures["cpu_ms_per_socket_and_s"] > 0
    assert figures["delay_p95_ms"] > 0
    assert figures["rss_mb_after_the_hour"] > 50


@pytest.mark.slow
def test_pages_are_measured_as_each_person(tmp_path: Path) -> None:
    figures, _said = measured("pages", "--demo-size", "--rounds", "1", folder=tmp_path)

    aimed = {"hall", "alarms", "sites", "orders", "tasks", "live", "site"}
    assert figures["slowest_page_ms"] == max(
        page["median_ms"]
        for name, page in figures["pages"].items()
        if name.partition(" · ")[0] in aimed
    )
    assert {"changes · manager", "board · dispatcher", "calendar · enterprise"} <= set(
        figures["pages"]
    )
    # A page of less than the clock of the system ticks took nothing.
    assert sum(page["cpu_ms"] for page in figures["pages"].values()) > 0
    assert {page["status"] for page in figures["pages"].values()} == {200}
    assert figures["rows"]["devices"] == 200
    assert all(page["queries"] > 0 for page in figures["pages"].values())


@pytest.mark.slow
def test_history_is_weighed_and_read_from_rows_and_blocks(tmp_path: Path) -> None:
    figures, _said = measured(
        "history", *("--devices", "3", "--days", "1", "--no-cold"), folder=tmp_path
    )

    # Few devices waste whole pages; the payload does not depend on their number.
    assert 0.3 < figures["signals"]["decimals"]["payload_bytes_per_point"] < 1.0
    assert figures["compact_bytes_per_point"] < 1.5
    assert figures["signals"]["noise"]["block_bytes_per_point"] > 4
    asked = {"all_days_of_a_point", "month_of_a_point", "day_maxima_of_a_line", "20_points_7_days"}
    assert set(figures["milliseconds"]["rows"]) == asked
    assert all(found["warm"] > 0 for found in figures["milliseconds"]["blocks"].values())


@pytest.mark.slow
def test_collecting_counts_every_sample(tmp_path: Path) -> None:
    target = tmp_path / "ten.json"
    few = ("--scale", "0.0006", "--shards", "2", "--minutes", "0.1", "--warm-up", "6")

    done = subprocess.run(
        [
            sys.executable,
            "benchmarks/ten_districts.py",
            *few,
            *("--period", "4", "--attempts", "1"),
            "--json",
            str(target),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    assert done.returncode == 0, done.stderr
    figures = json.loads(target.read_text())
    assert figures["samples_answered"] > 200
    assert figures["samples_stored"] == figures["samples_answered"]
    assert figures["gateways_by_role"] == {"closed": 6, "silent": 5, "slow": 11, "well": 85}
    assert set(figures["cores"]) >= {"poll.0", "poll.1", "beat", "postgres", "redis", "meters"}


@pytest.mark.slow
def test_the_door_of_thingsboard_answers_a_gateway_and_counts_its_values() -> None:
    question = b'{"method":"getSessionLimits","params":{"timeout":5000}}'
    telemetry = b'{"meter-1":[{"ts":1,"values":{"v0":1.5,"v2":2.5}}],"meter-2":[{"ts":2,"values":{"v0":0}}]}'
    port = free_port()

    with mqtt_door.opened(port) as door, socket.create_connection(("127.0.0.1", port)) as line:
        line.settimeout(20)
        with line.makefile("rb") as heard:
            line.sendall(_packet(0x10, b"\0\4MQTT\4\2\0\x3c\0\1g"))
            assert heard.read(4) == b"\x20\2\0\0"
            # In two parts, as a stream may bring it.
            asked = _packet(0x32, _name(b"v1/devices/me/rpc/request/1") + b"\0\7" + question)
            line.sendall(asked[:5])
            line.sendall(asked[5:])
            assert heard.read(4) == b"\x40\2\0\7"
            assert heard.read(1) == b"\x30"
            answer = heard.read(_length(heard))
            topic = _name(b"v1/devices/me/rpc/response/1")
            assert answer.startswith(topic)
            assert json.loads(answer.removeprefix(topic))["rateLimits"] == {}
            line.sendall(_packet(0x32, _name(b"v1/gateway/telemetry") + b"\0\x08" + telemetry))
            assert heard.read(4) == b"\x40\2\0\x08"
        assert mqtt_door.heard_by(door) == mqtt_door.Heard(connections=1, messages=2, values=3)


@pytest.mark.slow
def test_without_a_registry_the_comparison_says_what_it_needs(tmp_path: Path) -> None:
    install = "import sys; from pathlib import Path; from benchmarks.inside import thingsboard;"
    nowhere = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_EXTRA_INDEX_URL": ""}

    done = subprocess.run(
        [sys.executable, "-c", f"{install} thingsboard.install(Path(sys.argv[1]))", tmp_path / "v"],
        cwd=ROOT,
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    assert done.returncode == 1
    assert "a package registry that pip can reach" in done.stderr
    assert "Traceback" not in done.stderr


def _packet(head: int, body: bytes) -> bytes:
    low, high = len(body) % 128, len(body) // 128
    return bytes([head, low | 128, high] if high else [head, low]) + body


def _length(heard: BinaryIO) -> int:
    low = heard.read(1)[0]
    return low if low < 128 else low - 128 + 128 * heard.read(1)[0]


def _name(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text
