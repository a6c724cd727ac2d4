"""The demo's sites dealt out to processes: each brings its own through the past, in step."""

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

from django.db import connection

from reports.services.demo import lines
from reports.services.demo.agenda import Agenda
from reports.services.demo.document import Demo
from reports.services.demo.history import Past
from reports.services.demo.incidents import Incident
from reports.services.demo.orders import Orders
from reports.services.demo.shift import Shift
from reports.services.demo.tasks import Tasks

# What was built is there in the child as it is here; and no second start has to be waited for.
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """How far a share is: samples stored and alarms raised so far, up to a moment."""

    until: datetime
    rows: int
    alarms: int


class Share:
    """Some of the sites: their samples, lines and people, in the order of time."""

    def __init__(self, *, demo: Demo, incidents: list[Incident]) -> None:
        mine = {device.pk for device in demo.devices}
        own = [one for one in incidents if one.devices[0].pk in mine]
        start, end = demo.begins_at, demo.now
        self._alarms = 0
        self._agenda = Agenda()
        self._past = Past(demo=demo, incidents=own)
        orders = Orders(demo=demo, agenda=self._agenda)
        self._tasks = Tasks(demo=demo, agenda=self._agenda)
        self._shift = Shift(demo=demo, agenda=self._agenda, orders=orders)
        lines.come_on_line(demo=demo, at=start)
        lines.plan_outages(agenda=self._agenda, incidents=own, now=end)
        orders.plan_by_hand(start=start, end=end)
        if demo.is_first:
            orders.plan_present(now=end)
            self._tasks.plan_nights(start=start, end=end)

    def live_through(self, until: datetime) -> Iterator[Told]:
        """Let everything happen up to a moment, a slice of the past at a time."""
        for at in self._past.slices(until=until):
            self._alarms += self._shift.look()
            self._tasks.look(at)
            self._agenda.run(until=at)
            yield Told(until=at, rows=self._past.rows, alarms=self._alarms)

    def left_behind(self) -> dict[str, Any]:
        """What the simulator needs to go on; see Past.left_behind()."""
        return self._past.left_behind()


class Apart:
    """A share in a process of its own. It works on the next slice as soon as this one was told."""

    def __init__(self, *, demo: Demo, incidents: list[Incident]) -> None:
        # Neither a connection nor the threads of its pool live on in a child.
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        self._line, theirs = _FORK.Pipe()
        ends = theirs, self._line
        self._work = _FORK.Process(target=_serve, args=(*ends, demo, incidents), daemon=True)
        self._work.start()
        theirs.close()

    def begin(self, until: datetime) -> None:
        """Let it begin to live through its past up to a moment."""
        self._line.send(until)

    def told(self) -> Told:
        """Wait for its slice. Raises EOFError when it has died."""
        told: Told = self._line.recv()
        self._line.send(True)
        return told

    def left_behind(self) -> dict[str, Any]:
        """What the simulator needs of it; the process ends."""
        self._line.send(None)
        left: dict[str, Any] = self._line.recv()
        self._work.join()
        return left


def together(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """What several shares left behind, as one."""
    left = {key: value for part in parts for key, value in part["left"].items()}
    return {"left": left, "faults": [fault for part in parts for fault in part["faults"]]}


def hurry() -> None:
    """Settings of the connection for very many small transactions."""
    with connection.cursor() as cursor:
        # Nobody needs to wait for the disk: what a crash would lose is made again.
        cursor.execute("SET synchronous_commit TO off")
        # One row at a time is looked up with its dozen of places: in the order in which the tables
        # are named that is quick, and thinking about other orders takes twenty times as long.
        cursor.execute("SET join_collapse_limit TO 1")


def _serve(line: Connection, other_end: Connection, demo: Demo, incidents: list[Incident]) -> None:
    """Work in step with whoever holds the other end, and no longer than he does."""
    # Ours too since the fork: while it is open here, nobody's end is noticed.
    other_end.close()
    hurry()
    share = Share(demo=demo, incidents=incidents)
    try:
        while (until := line.recv()) is not None:
            for told in share.live_through(until):
                line.send(told)
                line.recv()
        line.send(share.left_behind())
    except (EOFError, BrokenPipeError):
        return
