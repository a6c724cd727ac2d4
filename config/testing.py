"""The services of a test run: one PostgreSQL and one Redis for all of it, never those of a demo."""

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from django.conf import settings

from config.children import birth_of
from config.embedded import temporary_services
from config.embedded.folders import remove_sockets

PREFIX = "dianwu-test-"
# Short, because socket paths are limited; TMPDIR may be long, or closed to PostgreSQL's user.
ROOT = Path("/tmp")  # noqa: S108

_running = ExitStack()


def begin() -> None:
    """Start the pair and put its addresses into the environment, before the settings are read.

    Raises RuntimeError when the settings have been read already: they would hold other addresses.
    """
    if settings.configured:
        raise RuntimeError(
            "Django's settings were read before the test services were up: unset "
            "DJANGO_SETTINGS_MODULE in the environment and in pytest's configuration."
        )
    _sweep()
    home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=ROOT))
    (home / "owner").write_text(f"{os.getpid()} {birth_of(os.getpid())}")
    # To be passed through by the user that PostgreSQL runs as.
    home.chmod(0o711)
    _running.callback(shutil.rmtree, home, ignore_errors=True)
    os.environ.update(_running.enter_context(temporary_services(home)))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    atexit.register(end)


def end() -> None:
    """Stop the pair and remove its folder; harmless when it is done twice."""
    _running.close()


def _sweep() -> None:
    """Remove what test runs left that were killed; their services died with them."""
    for home in ROOT.glob(f"{PREFIX}*"):
        try:
            if home.is_symlink() or home.stat().st_uid != os.geteuid():
                continue
            pid, birth = (home / "owner").read_text().split()
        except (OSError, ValueError):
            continue
        if str(birth_of(int(pid))) != birth:
            shutil.rmtree(home, ignore_errors=True)
            remove_sockets(home)
