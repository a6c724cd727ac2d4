"""Makes the Python environment of the checkout; used by the scripts beside it.

Standard library only, and readable by an older Python, which is told what is missing.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import NoReturn, TextIO

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "dianwu-environment.json"
UNFINISHED = VENV / "dianwu-unfinished"
RUN = "requirements.txt"
DEVELOP = "requirements-dev.txt"
OLDEST = (3, 11)
FITTING = ("python3.11", "python3.12", "python3.13")


def find_python() -> None:
    """Go on under a Python that is new enough, or end with a message."""
    if sys.version_info >= OLDEST:
        return
    for name in FITTING:
        path = shutil.which(name)
        # A name on the path may be a shim of a version that is not installed.
        if path and subprocess.call([path, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(path, [path, *sys.argv])
    stop(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")


def ensure(requirements: str) -> str:
    """Make or mend the environment so that it holds a requirements file exactly; returns its Python.

    A second call takes no time. What an interrupted call left is thrown away and made again.
    """
    # Two starts at once must not install over each other: the file itself serves as the lock.
    with Path(__file__).open() as lock:
        if not _is_current(requirements):
            _take_turn(lock)
        if not _is_current(requirements):
            _make(requirements)
    return str(PYTHON)


def is_ready(requirements: str = RUN) -> bool:
    """Whether `ensure` has nothing to do."""
    return _is_current(requirements)


def port_given() -> int:
    """PORT of the environment; ends with a message when it is no port."""
    port = os.environ.get("PORT", "8000")
    if not port.isdigit() or not 0 < int(port) < 65536:
        stop(f"PORT must be a number from 1 to 65535, not {port!r}.")
    return int(port)


def refuse_busy_port() -> None:
    """End with a message when PORT is taken: asked before the slow part of a first start."""
    host, port = os.environ.get("DIANWU_HOST", "127.0.0.1"), port_given()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                other = f"PORT={port + 1} script/server"
                stop(f"Port {port} of {host} is in use. Choose another one: {other}")


def say(text: str) -> None:
    """Tell a person, at once."""
    print(text, flush=True)


def stop(text: str) -> NoReturn:
    """End with a message for a person."""
    sys.exit(f"\n{text}")


def _is_current(requirements: str) -> bool:
    if UNFINISHED.exists() or not PYTHON.exists():
        return False
    return _read_stamp().get(requirements) == _wanted(requirements)


def _read_stamp() -> dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    # Programs in an environment know its place by name: a moved one is made again.
    return stamp if stamp.get("place") == str(VENV) else {}


def _wanted(requirements: str) -> str:
    return hashlib.sha256((CHECKOUT / requirements).read_bytes()).hexdigest()


def _take_turn(lock: TextIO) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another start is making the environment; waiting for it …")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _make(requirements: str) -> None:
    if not os.access(VENV if VENV.exists() else CHECKOUT, os.W_OK):
        stop(f"{CHECKOUT} cannot be written: start as its owner, or use a copy.")
    if not _is_usable():
        _make_venv()
    UNFINISHED.touch()
    _install(requirements)
    stamp = _read_stamp()
    stamp.update({"place": str(VENV), requirements: _wanted(requirements)})
    if requirements == DEVELOP:
        # It holds the pins of the other one too.
        stamp[RUN] = _wanted(RUN)
    STAMP.write_text(json.dumps(stamp))
    UNFINISHED.unlink()


def _is_usable() -> bool:
    """Whether an environment is there, in its own place, whole, and its Python still runs."""
    if UNFINISHED.exists() or (STAMP.exists() and not _read_stamp()):
        return False
    trial = [str(PYTHON), "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"]
    try:
        return subprocess.run(trial, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _make_venv() -> None:
    say(f"Making the environment with Python {sys.version.split()[0]} …")
    if VENV.is_symlink() or (VENV.exists() and not VENV.is_dir()):
        stop(f"{VENV} is not a folder: move it away.")
    if VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    UNFINISHED.touch()
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        stop(
            f"Python's venv module does not work here:\n{done.stdout.strip()}\n\n"
            f"On Debian and Ubuntu: apt install {package}"
        )


def _install(requirements: str) -> None:
    """Install a hashed file with pip, showing how far it is."""
    text = (CHECKOUT / requirements).read_text()
    total = len(re.findall(r"^[\w.\[\]-]+==", text, flags=re.MULTILINE))
    say(f"Installing {total} packages ({requirements}); the first time takes a minute or two …")
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    pip += ["--progress-bar", "off", "--require-hashes", "-r", str(CHECKOUT / requirements)]
    work = subprocess.Popen(
        pip,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        cwd=str(CHECKOUT),
    )
    said: list[str] = []
    collected = 0
    for line in work.stdout or ():
        said.append(line.rstrip())
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            collected += 1
            if collected % 10 == 0:
                say(f"  {collected} of {total}")
        elif line.startswith("Installing collected"):
            say("  all fetched, unpacking …")
    if work.wait():
        stop("\n".join([f"pip could not install {requirements}:", *said[-15:]]))
