"""The rules follow the samples: what was stored is evaluated once, whoever is killed meanwhile.

The state of the evaluator is a copy of what the tables say at a device's mark. A process that
meets a device for the first time, after a restart or as the new owner of a shard, takes it up from
there and evaluates the stored samples after the mark first.
"""

import logging
import os
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.db import connection

from alarms.models import Watched
from alarms.rules.evaluator import Evaluator, Outcome
from alarms.services import frozen, progress
from alarms.services.admission import Rulebook, admit, read_rulebook
from alarms.services.spots import Recovery
from devices.history import Batch, LayoutGroup
from devices.states import Quality

logger = logging.getLogger(__name__)

# A mark of a device to which nothing happened is moved so often: as much is evaluated twice after
# a restart.
CHECKPOINT_S = 600.0
# A mark so old with samples after it was left behind by somebody who was killed: a living worker
# moves it with the first sample that is CHECKPOINT_S newer.
LEFT_BEHIND_S = 2 * CHECKPOINT_S + 120.0
# Who was away for longer than this is taken up when it comes back.
ABANDONED_S = 86_400.0
TRIES = 3

_LEFT_BEHIND = """
    SELECT v.layout_id, w.device_id, date_part('epoch', max(r.at))
    FROM alarms_watched w
    JOIN devices_device d ON d.id = w.device_id
    JOIN devices_templateversion v ON v.id = d.template_version_id
    JOIN reading r ON r.device_id = w.device_id AND r.layout_id = v.layout_id
        AND r.at > to_timestamp(w.until_s)
    WHERE w.until_s < %(late)s AND w.until_s > %(oldest)s
        AND r.at > to_timestamp(%(oldest)s) AND r.at <= to_timestamp(%(now)s)
    GROUP BY v.layout_id, w.device_id LIMIT 2000
"""


class Watcher:
    """The evaluator of one process, and how far each device was followed."""

    def __init__(self, book: Rulebook) -> None:
        self.book = book
        self.evaluator = Evaluator(book.specs)
        self._marks: dict[int, float | None] = {}

    def follow(self, batch: Batch, *, now: datetime) -> list[int]:
        """Evaluate a batch; devices that somebody else followed meanwhile, which were let go."""
        work = _Work()
        try:
            for group in batch.groups:
                self._take_up(group.layout_id, _begins_s(group), work)
                self._evaluate(group, work.outcome)
            return self._write(work, now)
        except Exception:
            # The copy went ahead of the tables: take these devices up again next time.
            self.let_go(work.device_ids)
            raise

    def take_up(self, stored_s: dict[int, dict[int, float]], *, now: datetime) -> list[int]:
        """Evaluate what is stored and was not evaluated, up to a time by layout and device.

        Devices that somebody else followed meanwhile.
        """
        work = _Work()
        for layout_id, of_layout in stored_s.items():
            self._take_up(layout_id, of_layout, work)
        return self._write(work, now)

    def let_go(self, device_ids: Collection[int]) -> None:
        """Forget devices; the next sample takes them up from the tables."""
        self.evaluator.forget(list(device_ids))
        for pk in device_ids:
            self._marks.pop(pk, None)

    def _take_up(self, layout_id: int, begins_s: dict[int, float], work: "_Work") -> None:
        work.device_ids |= begins_s.keys()
        unknown = self.evaluator.unknown(layout_id, list(begins_s))
        if not unknown:
            return
        admitted = admit(
            evaluator=self.evaluator,
            book=self.book,
            layout_id=layout_id,
            begins_s={pk: begins_s[pk] for pk in unknown},
        )
        self._marks |= admitted.marks
        work.orphans += admitted.orphans
        if (missed := admitted.missed) is not None:
            self.evaluator.evaluate(
                layout_id=layout_id,
                device_ids=missed.device_ids,
                at=missed.at,
                values=frozen.without(layout_id, missed.device_ids, missed.at, missed.values),
                usable=missed.usable,
                outcome=work.outcome,
            )

    def _evaluate(self, group: LayoutGroup, outcome: Outcome) -> None:
        quality = group.quality
        self.evaluator.evaluate(
            layout_id=group.layout_id,
            device_ids=group.device_ids,
            at=group.at,
            values=frozen.without(group.layout_id, group.device_ids, group.at, group.values),
            usable=(quality == Quality.GOOD) | (quality == Quality.PARTIAL),
            outcome=outcome,
        )

    def _write(self, work: "_Work", now: datetime) -> list[int]:
        happened = work.happened()
        marks = {}
        for pk in work.device_ids & self._marks.keys():
            mark, until = self._marks[pk], self.evaluator.until(pk)
            if mark is None or pk in happened or until - mark >= CHECKPOINT_S:
                marks[pk] = mark, until
        if not marks:
            return []
        moved = progress.write(
            outcome=work.outcome,
            marks=marks,
            orphans=work.orphans,
            units=self.book.units,
            now=now,
        )
        self._marks |= {pk: marks[pk][1] for pk in moved}
        lost = [pk for pk in marks if pk not in moved]
        if lost:
            logger.warning("watch.overtaken devices=%d", len(lost))
            self.let_go(lost)
        return lost

    def checkpoint(self, *, now: datetime) -> None:
        """Move all marks to where the evaluation is, so that new rules judge only what is new."""
        touched = {pk for pk in self.evaluator.devices() if self._marks.get(pk) is not None}
        marks = {pk: (self._marks[pk], self.evaluator.until(pk)) for pk in touched}
        changed = {pk: (mark, until) for pk, (mark, until) in marks.items() if mark != until}
        if changed:
            progress.write(outcome=Outcome(), marks=changed, orphans=[], units={}, now=now)


@dataclass(slots=True)
class _Work:
    """What one batch led to."""

    outcome: Outcome = field(default_factory=Outcome)
    orphans: list[Recovery] = field(default_factory=list)
    device_ids: set[int] = field(default_factory=set)

    def happened(self) -> set[int]:
        """Devices of which something is to be written."""
        spots = [*self.outcome.pending, *self.outcome.peaks]
        spots += [event.spot for event in self.outcome.events]
        return {spot[0] for spot in spots} | {orphan.scope_id for orphan in self.orphans}


_lock = threading.RLock()
_watcher: Watcher | None = None
_pid = 0


def evaluate(*, batch: Batch, now: datetime) -> None:
    """Evaluate a stored batch: raise, recover, note peaks and running delays.

    A few statements, however much happens; none but a look at the rules when nothing does.
    """
    global _watcher  # noqa: PLW0603 - one per process is the point
    with _lock:
        watcher = _current(now)
        for _try in range(TRIES):
            try:
                lost = watcher.follow(batch, now=now)
            except Exception:
                # Perhaps a rule or a device went: read the tables again next time.
                _watcher = None
                raise
            if not lost:
                return
            batch = _rows_of(batch, lost)


def catch_up(*, now: datetime) -> int:
    """Evaluate what a killed worker stored and nobody evaluated since; how many devices that were.

    Only devices that no living worker follows: their marks are older than any checkpoint.
    """
    moment = now.timestamp()
    with connection.cursor() as cursor:
        cursor.execute(
            _LEFT_BEHIND,
            {"late": moment - LEFT_BEHIND_S, "oldest": moment - ABANDONED_S, "now": moment},
        )
        left = cursor.fetchall()
    if not left:
        return 0
    stored_s: dict[int, dict[int, float]] = {}
    for layout_id, pk, at in left:
        stored_s.setdefault(layout_id, {})[pk] = at
    Watcher(read_rulebook()).take_up(stored_s, now=now)
    logger.info("watch.left_behind devices=%d", len(left))
    return len(left)


def forget() -> None:
    """Let go of everything this process knows; the tables have it."""
    global _watcher  # noqa: PLW0603
    frozen.forget()
    with _lock:
        _watcher = None


def followed_until(*, device_id: int) -> float | None:
    """The mark of a device in epoch seconds."""
    return Watched.objects.filter(device=device_id).values_list("until_s", flat=True).first()


def _current(now: datetime) -> Watcher:
    """The watcher with the rules as they are; a forked child starts afresh."""
    global _watcher, _pid  # noqa: PLW0603
    if _pid != os.getpid():
        _pid, _watcher = os.getpid(), None
    if _watcher is not None and not _watcher.book.is_current():
        logger.info("watch.reloaded")
        _watcher.checkpoint(now=now)
        _watcher = None
    if _watcher is None:
        _watcher = Watcher(read_rulebook())
    return _watcher


def _begins_s(group: LayoutGroup) -> dict[int, float]:
    """The time of each device's first row: rows of one device are in the order of time."""
    ids, moments = group.device_ids.tolist(), group.at.tolist()
    return dict(zip(reversed(ids), reversed(moments), strict=True))


def _rows_of(batch: Batch, device_ids: Collection[int]) -> Batch:
    wanted = list(device_ids)
    groups = [group.take(np.isin(group.device_ids, wanted)) for group in batch.groups]
    return Batch([group for group in groups if len(group)])
