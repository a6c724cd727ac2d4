"""Runs a benchmark against PostgreSQL and Redis of its own, in a temporary folder."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from config.embedded import temporary_services
from config.testing import take_kept

ROOT = Path(__file__).resolve().parent.parent
OPEN_FILES = 262_144


def launch(name: str) -> int:
    """Run `benchmarks.inside.<name>` with our arguments; its exit code."""
    command = [sys.executable, "-m", "benchmarks.inside", name, *sys.argv[1:]]
    environment = {"DJANGO_SETTINGS_MODULE": "config.settings", "DIANWU_LOG_LEVEL": "WARNING"}
    if {"-h", "--help"} & set(sys.argv):
        return subprocess.call(command, cwd=ROOT, env=os.environ | environment)
    allow_files()
    # Socket paths are limited; the folder is to be passed through by the user PostgreSQL runs as.
    home = Path(tempfile.mkdtemp(prefix="dianwu-bench-", dir="/tmp"))  # noqa: S108
    home.chmod(0o711)
    try:
        take_kept(home)
        with temporary_services(home, durable=True) as addresses:
            return subprocess.call(command, cwd=ROOT, env=os.environ | environment | addresses)
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(home, ignore_errors=True)


def allow_files() -> None:
    """One socket per gateway on each side; root may have as many as it likes."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    except (OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
