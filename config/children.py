"""Child processes: each in a session of its own, with a log file, known by pid and birth.

Only the standard library, so that the front door and the tests can use it before anything else.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals

PR_SET_PDEATHSIG = 1
LOG_LIMIT_BYTES = 20_000_000

_libc = ctypes.CDLL(None, use_errno=True)


class ChildFailed(Exception):
    """A process cannot be started, or does not come up; the text is meant for a person."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user of the machine that a child runs as instead of ours."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Process:
    """One line of a process table.

    prepare runs before every start and may raise ChildFailed. is_ready is asked until it says yes;
    without it a process counts as up once it is started. stop_signals are sent one after the other,
    patience_s apart, until the process is gone; SIGKILL to its whole group follows by itself.
    Lower tiers are stopped later. once: runs to its end, and a code other than 0 is a failure.
    is_needed: the next in the table are not started before it is ready.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    folder: Path | None = None
    prepare: Callable[[], None] | None = None
    is_ready: Callable[[], bool] | None = None
    stop_signals: tuple[Signals, ...] = (signal.SIGTERM,)
    patience_s: float = 15.0
    tier: int = 1
    once: bool = False
    is_needed: bool = True


def birth_of(pid: int) -> int | None:
    """Start of a process in clock ticks since boot, None when it is gone or a zombie.

    Source: proc_pid_stat(5), fields 3 and 22; the name in field 2 may hold blanks and brackets.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


class Child:
    """A running (or ended) child. Start it from the main thread: it dies with its starter."""

    def __init__(self, process: Process, *, log: Path, environment: Mapping[str, str]) -> None:
        account = process.account
        self.process = process
        self.log = log
        trim(log)
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                process.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**environment, **process.environment},
                cwd=process.folder,
                start_new_session=True,
                preexec_fn=_dying_with_us(process.stop_signals[0]),  # noqa: PLW1509 (one thread)
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        self.pid = self._popen.pid
        self.birth = birth_of(self.pid)

    def has_ended(self) -> bool:
        """Whether the process is over; it stays a zombie, so its group number stays ours."""
        if self._popen.returncode is not None:
            return True
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, flags) is not None

    def reap(self) -> int:
        """Collect an ended child, with what is left of its group; returns its code."""
        if self._popen.returncode is None:
            self.signal_group(signal.SIGKILL)
        return self._popen.wait()

    def signal(self, number: Signals) -> None:
        """Signal the process alone, as long as it has not been collected."""
        self._popen.send_signal(number)

    def signal_group(self, number: Signals) -> None:
        """Signal the process and all that it started in its session's group."""
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)


def stop(children: list[Child], *, pause: Callable[[float], None] = time.sleep) -> list[str]:
    """Stop children together, gently first; returns the names of those that had to be killed.

    An exception of pause (a second Ctrl-C) ends the patience at once.
    """
    begun = time.monotonic()
    rest = [child for child in children if not child.has_ended()]
    sent: dict[int, int] = {}
    try:
        while rest:
            waited_s = time.monotonic() - begun
            for child in rest:
                steps = child.process.stop_signals
                step = int(waited_s / child.process.patience_s)
                if step != sent.get(child.pid):
                    sent[child.pid] = step
                    if step < len(steps):
                        child.signal(steps[step])
                    else:
                        child.signal_group(signal.SIGKILL)
            pause(0.05)
            rest = [child for child in rest if not child.has_ended()]
    finally:
        for child in children:
            if not child.has_ended():
                child.signal_group(signal.SIGKILL)
            child.reap()
    return [c.process.name for c in children if sent.get(c.pid, 0) >= len(c.process.stop_signals)]


def trim(log: Path) -> None:
    """Keep a log below its limit: the old part moves to `<name>.1`, the file stays the same one.

    The file is emptied, not renamed, because running children hold it open for appending.
    """
    try:
        if log.stat().st_size <= LOG_LIMIT_BYTES:
            return
    except FileNotFoundError:
        return
    log.with_name(f"{log.name}.1").write_bytes(log.read_bytes())
    os.truncate(log, 0)


def tail(log: Path, *, lines: int = 15) -> str:
    """The last lines of a log, for a message."""
    try:
        text = log.read_bytes()[-8000:].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def _dying_with_us(number: Signals) -> Callable[[], None]:
    starter = os.getpid()

    def prepare() -> None:
        # After the switch of user, which would clear it; before exec, which keeps it.
        _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != starter:
            os._exit(1)

    return prepare
