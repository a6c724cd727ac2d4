"""A crew of child processes: brought up in order, restarted when they die, stopped together."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from config import children
from config.children import Child, ChildFailed, Process

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
# Alive for so long, a process without a probe counts as up; up for so long, its failures are past.
SETTLED_S = 3.0
FORGIVEN_S = 60.0
GIVE_UP_AFTER = 4
GIVE_UP_A_STEP_AFTER = 2
STILL_BUSY_EVERY_S = 5.0


class StopRequested(Exception):
    """Somebody asked us to stop; raised by a crew's pause and nowhere else."""


class State(StrEnum):
    """Where a member of the crew stands."""

    STARTING = "starting"
    UP = "up"
    DONE = "done"
    WAITING = "waiting to restart"
    STOPPED = "stopped"


@dataclass(kw_only=True)
class Member:
    """A process of the table with what became of it. Only the crew writes it."""

    process: Process
    child: Child | None = None
    state: State = State.WAITING
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    restarts: int = 0
    failures: int = 0
    is_new: bool = True
    begun_at: float = 0.0
    retry_at: float = 0.0


class Crew:
    """Runs a process table from one thread.

    announce(name, text) tells a person; changed() is called after every change of a member;
    pause(seconds) waits, may return early, and may raise StopRequested.
    """

    def __init__(
        self,
        *,
        logs: Path,
        environment: Mapping[str, str],
        announce: Callable[[str, str], None],
        changed: Callable[[], None] = lambda: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.members: list[Member] = []
        self._logs = logs
        self._environment = environment
        self._announce = announce
        self._changed = changed
        self._pause = pause

    def bring_up(self, process: Process) -> None:
        """Start a process and wait until it is ready (or, if it runs once, has ended well).

        A process without a probe, or not needed by others, is started and not waited for. The
        others of the crew are kept alive meanwhile. Raises ChildFailed when it fails again and again.
        """
        member = Member(process=process)
        self.members.append(member)
        begun = time.monotonic()
        busy_at = begun + STILL_BUSY_EVERY_S
        self._start(member)
        while self._is_awaited(member):
            if self._is_hopeless(member):
                raise ChildFailed(self._failure(member))
            if time.monotonic() >= busy_at:
                busy_at += STILL_BUSY_EVERY_S
                line = children.tail(self.log_of(process), lines=1)
                self._announce(process.name, f"busy for {time.monotonic() - begun:.0f} s  {line}")
            self._pause(0.1)
            self.tick()
        member.is_new = False
        self._announce(process.name, f"{member.state} ({time.monotonic() - begun:.1f} s)")

    def tick(self) -> None:
        """Look after every member once: the dead, the due and the ones getting ready."""
        for member in self.members:
            child = member.child
            if child is not None and child.has_ended():
                self._collect(member, child)
            elif child is not None:
                self._watch(member)
            elif member.state == State.WAITING and time.monotonic() >= member.retry_at:
                member.restarts += 1
                self._start(member)

    def stop(self) -> None:
        """Stop everything, higher tiers first. Being asked again ends the patience of a tier."""
        for tier in sorted({m.process.tier for m in self.members}, reverse=True):
            there = [m for m in self.members if m.process.tier == tier and m.child]
            for member in reversed(there):
                self._announce(member.process.name, "stopping")
            try:
                killed = children.stop(
                    [m.child for m in reversed(there) if m.child], pause=self._pause
                )
            except StopRequested:
                killed = []
                self._announce("supervisor", "asked again: killed what was still stopping")
            for name in killed:
                self._announce(name, "did not stop in time: killed")
            for member in there:
                member.child = None
                self._move(member, State.STOPPED)

    def log_of(self, process: Process) -> Path:
        """The file that a process writes to."""
        return self._logs / f"{process.name}.log"

    def _is_awaited(self, member: Member) -> bool:
        process = member.process
        if not process.is_needed or (process.is_ready is None and not process.once):
            return False
        return member.state not in (State.UP, State.DONE)

    def _start(self, member: Member) -> None:
        process = member.process
        try:
            if process.prepare:
                process.prepare()
            member.child = Child(process, log=self.log_of(process), environment=self._environment)
        except (ChildFailed, OSError) as problem:
            if not member.restarts and isinstance(problem, ChildFailed):
                raise
            self._retry(member, f"cannot be started: {problem}")
            return
        member.begun_at = time.monotonic()
        self._move(member, State.STARTING)

    def _watch(self, member: Member) -> None:
        alive_s = time.monotonic() - member.begun_at
        if member.state == State.STARTING and not member.process.once:
            if _is_ready(member.process, alive_s):
                self._move(member, State.UP)
                if member.restarts:
                    self._announce(member.process.name, f"up again (restart {member.restarts})")
        elif member.failures and alive_s >= FORGIVEN_S:
            member.failures = 0
        children.trim(self.log_of(member.process))

    def _collect(self, member: Member, child: Child) -> None:
        code = child.reap()
        member.child = None
        if member.process.once and code == 0:
            self._move(member, State.DONE)
            return
        # A process that was killed has not said why.
        line = children.tail(child.log, lines=1) if code > 0 else ""
        self._retry(member, f"ended with {_reason(code)}{f' ({line})' if line else ''}")

    def _retry(self, member: Member, reason: str) -> None:
        delay_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2**member.failures)
        member.failures += 1
        member.retry_at = time.monotonic() + delay_s
        again = "" if self._is_hopeless(member) else f"; again in {delay_s:g} s"
        self._announce(member.process.name, f"{reason}{again}")
        self._move(member, State.WAITING)

    def _is_hopeless(self, member: Member) -> bool:
        """At its first start a process may fail a few times only; later it is never given up."""
        limit = GIVE_UP_A_STEP_AFTER if member.process.once else GIVE_UP_AFTER
        return member.is_new and member.failures >= limit

    def _move(self, member: Member, state: State) -> None:
        member.state = state
        member.since = datetime.now(UTC)
        self._changed()

    def _failure(self, member: Member) -> str:
        log = self.log_of(member.process)
        name = member.process.name
        return f"{name} failed {member.failures} times. The end of {log}:\n{children.tail(log)}"


def _is_ready(process: Process, alive_s: float) -> bool:
    if process.is_ready is None:
        return alive_s >= SETTLED_S
    try:
        return process.is_ready()
    except OSError:
        return False


def _reason(code: int) -> str:
    return f"code {code}" if code >= 0 else f"signal {-code}"
