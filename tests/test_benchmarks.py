"""The benchmarks run from the command line and write the figures that others compare."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
    target = tmp_path / "figures.json"

    done = subprocess.run(
        [sys.executable, f"benchmarks/{name}.py", *options, "--json", str(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )

    assert done.returncode == 0, done.stderr
    figures = json.loads(target.read_text())
    assert figures["points_per_s_per_core"] > 0
    assert figures["machine"]["cores"] > 0
    assert figures["versions"]["postgresql"]
    assert figures["open_alarms"] == 0
    assert "points_per_s_per_core" in done.stdout
    if name == "poll":
        assert figures["rows_stored"] == figures["reads"] == 10 * 3 * 2
        assert figures["mix"]["rows_stored"] == 10 * 6 * 2


@pytest.mark.slow
def test_sockets_are_heard_and_weighed(tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    few = ["--sockets", "6", "--sites", "2", "--seconds", "3", "--hour-in", "4"]

    done = subprocess.run(
        [sys.executable, "benchmarks/sockets.py", *few, "--json", str(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )

    assert done.returncode == 0, done.stderr
    figures = json.loads(target.read_text())
    assert figures["hour"]["cycles"] == 360
    assert figures["steady"]["messages"] > 0
    assert figures["sockets_lost"] == 0
    assert figures["cpu_ms_per_socket_and_s"] > 0
    assert figures["delay_p95_ms"] > 0
    assert figures["rss_mb_after_the_hour"] > 50


@pytest.mark.slow
def test_pages_are_measured_as_each_person(tmp_path: Path) -> None:
    target = tmp_path / "figures.json"

    done = subprocess.run(
        [
            sys.executable,
            "benchmarks/pages.py",
            "--demo-size",
            "--rounds",
            "1",
            "--json",
            str(target),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )

    assert done.returncode == 0, done.stderr
    figures = json.loads(target.read_text())
    aimed = {"hall", "alarms", "sites", "orders", "tasks", "live", "site"}
    assert figures["slowest_page_ms"] == max(
        page["median_ms"]
        for name, page in figures["pages"].items()
        if name.partition(" · ")[0] in aimed
    )
    assert {"changes · manager", "board · dispatcher", "calendar · enterprise"} <= set(
        figures["pages"]
    )
    assert all(page["cpu_ms"] > 0 for page in figures["pages"].values())
    assert {page["status"] for page in figures["pages"].values()} == {200}
    assert figures["rows"]["devices"] == 200
    assert all(page["queries"] > 0 for page in figures["pages"].values())


@pytest.mark.slow
def test_history_is_weighed_and_read_from_rows_and_blocks(tmp_path: Path) -> None:
    target = tmp_path / "figures.json"

    done = subprocess.run(
        [
            sys.executable,
            "benchmarks/history.py",
            *("--devices", "3", "--days", "1", "--no-cold"),
            *("--json", str(target)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )

    assert done.returncode == 0, done.stderr
    figures = json.loads(target.read_text())
    # Few devices waste whole pages; the payload does not depend on their number.
    assert 0.3 < figures["signals"]["decimals"]["payload_bytes_per_point"] < 1.0
    assert figures["compact_bytes_per_point"] < 1.5
    assert figures["signals"]["noise"]["block_bytes_per_point"] > 4
    asked = {"month_of_a_point", "day_maxima_of_a_line", "20_points_7_days"}
    assert set(figures["milliseconds"]["rows"]) == asked
    assert all(found["warm"] > 0 for found in figures["milliseconds"]["blocks"].values())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_collecting_counts_every_sample(tmp_path: Path) -> None:
    target = tmp_path / "ten.json"
    few = ("--scale", "0.0006", "--minutes", "0.1", "--warm-up", "6", "--period", "4")

    done = subprocess.run(
        [
            sys.executable,
            "benchmarks/ten_districts.py",
            *few,
            "--attempts",
            "1",
            "--json",
            str(target),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert done.returncode == 0, done.stderr
    figures = json.loads(target.read_text())
    assert figures["samples_answered"] > 200
    assert figures["samples_stored"] == figures["samples_answered"]
    assert figures["gateways_by_role"] == {"closed": 6, "silent": 5, "slow": 11, "well": 85}
    assert set(figures["cores"]) >= {"poll.0", "poll.1", "beat", "postgres", "redis", "meters"}
