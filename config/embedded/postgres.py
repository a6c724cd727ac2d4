"""The embedded PostgreSQL: a cluster of our own, on a private socket only."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psycopg

from config.children import Account, ChildFailed, Process
from config.embedded.folders import Ground, ground_for, set_aside, socket_folder

USER = "dianwu"
DATABASE = "dianwu"

SETTINGS = {
    "listen_addresses": "''",
    "port": "5432",
    "max_connections": "200",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_locks_per_transaction": "256",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "wal_compression": "on",
    "checkpoint_timeout": "15min",
    "jit": "off",
    # Nobody waits for a sweep; the other cores are for meters and pages.
    "max_parallel_workers_per_gather": "0",
    "log_checkpoints": "off",
    "log_line_prefix": "'%m [%p] '",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "unix_socket_permissions": "0700",
}
_MB = 1024 * 1024
# Least and most: of the memory for its buffers, of the free disk for WAL between two checkpoints.
BUFFERS_MB, BUFFERS_SHARE = (256, 2048), 1 / 16
WAL_MB, WAL_SHARE = (1024, 8192), 1 / 10
# A test cluster lives for one run: it may lose everything, and should be quick.
FORGETFUL = {
    "shared_buffers": "256MB",
    "max_wal_size": "1GB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "10min",
}


def sized(*, memory_bytes: int, free_bytes: int) -> dict[str, str]:
    """What depends on the machine.

    After a checkpoint the first change of a page is written whole, and samples of many devices touch
    most pages of the day's index: checkpoints that come seldom save most of the WAL.
    """
    buffers = _within(BUFFERS_MB, memory_bytes * BUFFERS_SHARE / _MB)
    wal = _within(WAL_MB, free_bytes * WAL_SHARE / _MB)
    return {"shared_buffers": f"{buffers}MB", "max_wal_size": f"{wal}MB"}


def _within(bounds: tuple[int, int], number: float) -> int:
    return round(min(max(number, bounds[0]), bounds[1]))


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class Postgres:
    """A cluster below a home folder. durable=False trades every guarantee for speed (tests)."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.ground: Ground = ground_for(home)
        self.sockets = socket_folder(home, "pg", self.ground.account)
        self._durable = durable

    @property
    def url(self) -> str:
        """The address for clients, libpq's socket folder percent-encoded."""
        return self._url(DATABASE)

    @property
    def pid_file(self) -> Path:
        """Where a running postmaster says who it is."""
        return self.ground.cluster / "postmaster.pid"

    def process(self) -> Process:
        """The line for the process table; SIGINT is PostgreSQL's fast shutdown."""
        return Process(
            name="postgres",
            command=(str(self.ground.programs / "postgres"), "-D", str(self.ground.cluster)),
            environment={"LC_ALL": "C"},
            account=self.ground.account,
            folder=self.ground.folder,
            prepare=self.prepare,
            is_ready=self.is_ready,
            stop_signals=(signal.SIGINT, signal.SIGQUIT),
            patience_s=20.0,
            tier=0,
        )

    def prepare(self) -> None:
        """Make the cluster when there is none, write its settings, clear what a crash left.

        Raises ChildFailed when the folder holds something that must not be touched.
        """
        cluster = self.ground.cluster
        if cluster.exists() and not any(cluster.iterdir()):
            cluster.rmdir()
        if not cluster.exists():
            self._make_cluster()
        self._check_version()
        self._end_leftovers()
        settings = SETTINGS | {"unix_socket_directories": f"'{self.sockets}'"}
        settings |= sized(memory_bytes=_memory_bytes(), free_bytes=shutil.disk_usage(cluster).free)
        if not self._durable:
            settings |= FORGETFUL
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        note = "# Written at every start; ALTER SYSTEM keeps settings of your own.\n"
        (cluster / "postgresql.conf").write_text(note + "".join(lines))

    def is_ready(self) -> bool:
        """Whether a connection answers."""
        try:
            with psycopg.connect(self.url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def _url(self, database: str) -> str:
        return f"postgresql://{USER}@/{database}?host={quote(str(self.sockets), safe='')}"

    def _make_cluster(self) -> None:
        """Build the cluster beside its place and move it there whole: no half one can remain."""
        part = self.ground.folder / "postgres.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        account = self.ground.account
        if account:
            os.chown(part, account.uid, account.gid)
        initdb = ("initdb", "-D", str(part), "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8")
        self._run(*initdb, "--locale=C", "--no-instructions")
        # --single needs no server: the database is there before anybody can connect.
        single = ("postgres", "--single", "-D", str(part), "postgres")
        self._run(*single, text=f"CREATE DATABASE {DATABASE}\n")
        (part / "pg_hba.conf").write_text("local all all trust\n")
        if self._durable:
            self._run("initdb", "--sync-only", "-D", str(part))
        part.rename(self.ground.cluster)

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        account: Account | None = self.ground.account
        done = subprocess.run(
            (str(self.ground.programs / program), *arguments),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.ground.folder,
            env={"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC"},
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            # Ctrl-C in the terminal is for us alone.
            start_new_session=True,
        )
        if done.returncode:
            raise ChildFailed(f"{program} failed:\n{done.stdout}{done.stderr}".rstrip())

    def _check_version(self) -> None:
        cluster = self.ground.cluster
        try:
            found = (cluster / "PG_VERSION").read_text().strip()
        except OSError:
            set_aside(cluster, "broken")
            self._make_cluster()
            return
        version = subprocess.check_output((self.ground.programs / "postgres", "-V"), text=True)
        major = version.split()[-1].split(".")[0]
        if found != major:
            raise ChildFailed(
                f"{cluster} was made by PostgreSQL {found}, this one is {major}: dump it with the "
                "old version, or move the folder away to begin anew."
            )

    def _end_leftovers(self) -> None:
        """Stop a postmaster that still serves our cluster; forget one whose number was reused.

        PostgreSQL sees to a dead number itself, but takes any living process of its user under
        that number for a postmaster. The file is the guard against lingering backends of a killed
        postmaster, so it goes only when no process works in the cluster any more.
        """
        deadline = time.monotonic() + 60
        orphaned = (signal.SIGQUIT, signal.SIGKILL)
        steps = iter((signal.SIGINT, *orphaned) if self._postmaster() else orphaned)
        next_step_at = 0.0
        while users := _processes_in(self.ground.cluster):
            if time.monotonic() > deadline:
                raise ChildFailed(f"Processes {sorted(users)} hold {self.ground.cluster}.")
            if time.monotonic() >= next_step_at:
                next_step_at = time.monotonic() + 15
                step = next(steps, signal.SIGKILL)
                for pid in {self._postmaster()} & users or users:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, step)
            time.sleep(0.05)
        self.pid_file.unlink(missing_ok=True)
        for socket in self.sockets.iterdir():
            socket.unlink()

    def _postmaster(self) -> int:
        """The postmaster serving our cluster, as its pid file says; 0 when that one is gone."""
        try:
            pid = int(self.pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return 0
        return pid if pid in _processes_in(self.ground.cluster) else 0


def _processes_in(folder: Path) -> set[int]:
    """Processes whose working folder this is: a postmaster and its backends move to theirs."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if entry.readlink() == folder.resolve() and _is_postgres(entry.parent):
                found.add(int(entry.parent.name))
        except OSError:
            continue
    return found


def _is_postgres(entry: Path) -> bool:
    return (entry / "comm").read_text().strip() == "postgres"
