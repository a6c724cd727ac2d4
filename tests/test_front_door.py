"""The environment that the scripts make, tried on a small checkout of its own."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.processes import CHECKOUT

pytestmark = pytest.mark.slow


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(CHECKOUT / "script", tmp_path / "script")
    (tmp_path / "requirements.txt").write_text("# nothing to fetch\n")
    return tmp_path


def ensure(checkout: Path, **environment: str) -> tuple[int, str]:
    """Make the environment of a checkout in a process of its own; its code and what it said."""
    done = subprocess.run(
        (sys.executable, "-c", "import environment; environment.ensure(environment.RUN)"),
        cwd=checkout / "script",
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_the_environment_is_made_once_and_mended_after_an_interruption(checkout: Path) -> None:
    python = checkout / ".venv" / "bin" / "python"

    made, first = ensure(checkout)
    begun = time.monotonic()
    kept, second = ensure(checkout)
    second_s = time.monotonic() - begun

    assert (made, kept) == (0, 0)
    assert "Making the environment" in first
    assert second == ""
    assert second_s < 1

    # Changed requirements are installed into what is there.
    (checkout / "requirements.txt").write_text("# still nothing\n")
    changed, said = ensure(checkout)
    assert changed == 0
    assert "Installing 0 packages" in said
    assert "Making" not in said

    # An interrupted installation is not trusted: everything is made again.
    (checkout / ".venv" / "dianwu-unfinished").touch()
    (checkout / ".venv" / "half").touch()
    mended, said = ensure(checkout)
    assert mended == 0
    assert "Making the environment" in said
    assert not (checkout / ".venv" / "half").exists()

    # So is one whose Python is gone.
    python.unlink()
    python.symlink_to("/nowhere/python")
    mended, said = ensure(checkout)
    assert mended == 0
    assert "Making the environment" in said
    assert subprocess.run((python, "-c", ""), check=False).returncode == 0


def test_a_python_without_venv_is_told_what_to_install(checkout: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "venv.py").write_text("raise SystemExit('ensurepip is not available')\n")

    code, said = ensure(checkout, PYTHONPATH=str(broken))
    again, _ = ensure(checkout)

    assert code == 1
    assert "venv module does not work here" in said
    assert f"apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in said
    assert again == 0


def test_a_package_that_cannot_be_had_is_said(checkout: Path) -> None:
    (checkout / "requirements.txt").write_text(f"nothing==1 --hash=sha256:{'0' * 64}\n")

    code, said = ensure(checkout, PIP_NO_INDEX="1")

    assert code == 1
    assert "pip could not install requirements.txt" in said
    assert "nothing==1" in said


def test_a_busy_port_is_said_before_anything_slow(checkout: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = subprocess.run(
            (sys.executable, "script/server"),
            cwd=checkout,
            env={**os.environ, "PORT": str(port)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert f"Port {port} of 127.0.0.1 is in use" in done.stderr
    assert not (checkout / ".venv").exists()


def test_status_without_an_environment_says_that_nothing_runs(checkout: Path) -> None:
    done = subprocess.run(
        (sys.executable, "script/status"), cwd=checkout, capture_output=True, text=True, check=False
    )

    assert done.returncode == 3
    assert "Nothing runs" in done.stdout
