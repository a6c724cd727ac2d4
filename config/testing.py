"""The services of a test run: one PostgreSQL and one Redis for all of it, never those of a demo.

A cluster with the migrated tables is kept between runs and copied, as long as no migration changes;
workers of a parallel run, and benchmarks, find the one that was made before them.
"""

import atexit
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import django
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from config.children import birth_of
from config.embedded import temporary_services
from config.embedded.folders import remove_sockets
from config.embedded.postgres import DATABASE

PREFIX = "dianwu-test-"
KEPT_PREFIX = "dianwu-tables-"
# The database with migrated, empty tables that the tests' own is copied from.
TEMPLATE = "dianwu_template"
MARK = "has-template"
CHECKOUT = Path(__file__).resolve().parent.parent
# What the tables depend on: the migrations, those of the libraries, what migrations call, and how
# they are kept.
SOURCES = (
    "*/migrations/*.py",
    "core/*.py",
    "requirements.txt",
    "config/embedded/*.py",
    "config/testing.py",
)
# Short, because socket paths are limited; TMPDIR may be long, or closed to PostgreSQL's user.
ROOT = Path("/tmp")  # noqa: S108

KEEP_S = 3 * 86_400

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
    # Named before anything is migrated: files that change meanwhile are not what these tables are.
    kept = _kept()
    take_kept(home, kept)
    _running.callback(_keep, home, kept)
    os.environ.update(_running.enter_context(temporary_services(home)))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    atexit.register(end)


def end() -> None:
    """Stop the pair and remove its folder; harmless when it is done twice."""
    _running.close()


def has_template(home: Path | None = None) -> bool:
    """Whether the cluster was copied with its template."""
    return ((home or Path(os.environ["DIANWU_HOME"])) / MARK).exists()


def make_tables() -> None:
    """Migrate once, for all who come after this pair is stopped; nothing when that is done."""
    if has_template():
        return
    call_command("migrate", verbosity=0, interactive=False)
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    make_template(connection.settings_dict["NAME"])


def make_template(source: str) -> None:
    """Copy a freshly migrated database, to which nobody is connected, for this and later runs.

    Also as the cluster's own database: a product that begins with the cluster has its tables.
    """
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, dbname="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE {TEMPLATE} TEMPLATE "{source}"')
        if source != DATABASE:
            connection.execute(f"DROP DATABASE {DATABASE}")
            connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE {TEMPLATE}")
    (Path(os.environ["DIANWU_HOME"]) / MARK).touch()


def take_kept(home: Path, kept: Path | None = None) -> None:
    """Put a copy of the kept cluster below a home folder, when there is one."""
    kept = kept or _kept()
    if kept.exists() and kept.stat().st_uid == os.geteuid():
        _copy(kept / "postgres", home / "postgres")
        (home / MARK).touch()
        kept.touch()


def _keep(home: Path, kept: Path) -> None:
    """Keep the cluster for the next run, when it has a template; the services are down."""
    cluster = home / "postgres"
    if not (home / MARK).exists() or not cluster.exists() or kept.exists():
        return
    for older in ROOT.glob(f"{KEPT_PREFIX}{os.geteuid()}-*"):
        if time.time() - older.stat().st_mtime > KEEP_S:
            shutil.rmtree(older, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=PREFIX, dir=ROOT))
    _copy(cluster, part / "postgres")
    try:
        part.rename(kept)
    except OSError:
        # Another run was first.
        shutil.rmtree(part, ignore_errors=True)


def _kept() -> Path:
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(CHECKOUT.glob(pattern)):
            digest.update(path.name.encode() + path.read_bytes())
    return ROOT / f"{KEPT_PREFIX}{os.geteuid()}-{digest.hexdigest()[:12]}"


def _copy(source: Path, target: Path) -> None:
    """With the owners: PostgreSQL does not run as root."""
    subprocess.run(("cp", "-a", str(source), str(target)), check=True)  # noqa: S603, S607


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


if __name__ == "__main__":
    # Before a parallel run, beside what else comes before it.
    begin()
    django.setup()
    make_tables()
