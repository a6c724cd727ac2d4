"""What tests of whole processes share."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.embedded.folders import remove_sockets

Eventually = Callable[..., None]


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition of another process holds; fails when it does not in time."""

    def wait(condition: Callable[[], object], *, within_s: float = 20.0) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)

    return wait


@pytest.fixture
def home() -> Iterator[Path]:
    """A home folder: short, and open to pass through as the user that PostgreSQL runs as."""
    folder = Path(tempfile.mkdtemp(prefix="dianwu-home-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)
    remove_sockets(folder)
