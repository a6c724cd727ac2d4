"""Samples on disk while they cannot be stored: in order, durable, bounded.

One folder per shard with segments that are only appended to. Whoever has rows in a folder holds its
lock, so that a process that was killed is followed by the next one on this machine. When there is
no room, the oldest samples are thinned to the last of each quarter hour, from which totals and
energy can still be had; only when all is thinned does the oldest go.
"""

import contextlib
import errno
import fcntl
import json
import logging
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from devices.history import Batch
from devices.services.spool import frames
from devices.services.spool.segments import THIN, WHOLE, Segment, opened, read, rows_of, sync
from devices.services.spool.thinning import thinned

logger = logging.getLogger(__name__)

SEGMENT_BYTES = 8 * 1024 * 1024
# So much is thinned in one go: a fraction of a second.
THIN_BYTES = 32 * 1024 * 1024


LOSSES = "losses.json"


class NoRoom(OSError):
    """Neither thinning nor dropping makes room, or another living process has the folder."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of one folder at most, and bytes that stay free on its disk."""

    most_bytes: int
    free_bytes: int


@dataclass(slots=True)
class Losses:
    """Samples given up for want of room: `thinned` have a neighbour left in their quarter hour."""

    thinned: int = 0
    dropped: int = 0
    first_at: float = float("inf")
    last_at: float = float("-inf")

    def note(self, first_at: float, last_at: float, *, thinned: int = 0, dropped: int = 0) -> None:
        """Add some, between two times in epoch seconds."""
        self.thinned += thinned
        self.dropped += dropped
        self.first_at, self.last_at = min(self.first_at, first_at), max(self.last_at, last_at)

    def __bool__(self) -> bool:
        return bool(self.thinned or self.dropped)


class Spool:
    """The samples of one shard that wait on this machine's disk. For one thread at a time."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder = folder
        self.limits = limits
        self.losses = Losses()
        self._segments: list[Segment] = []
        self._lock: int | None = None
        self._writer: BinaryIO | None = None
        self.rows = 0

    @property
    def bytes(self) -> int:
        """On disk, by what was written."""
        return sum(segment.bytes for segment in self._segments)

    @property
    def oldest_at(self) -> float | None:
        """The time of the oldest sample, epoch seconds."""
        return next((each.left[0].first_at for each in self._segments if each.left), None)

    def adopt(self) -> int:
        """Take over what a former process left; how many rows that are. Raises OSError."""
        is_ours = self._lock is not None
        if is_ours or not self._is_left() or not self._take_lock():
            return 0
        self._remember()
        for path in self._found():
            if segment := opened(path):
                self._segments.append(segment)
        self._count()
        if self.rows:
            logger.warning("spool.adopted folder=%s rows=%d", self.folder.name, self.rows)
        return self.rows

    def append(self, batch: Batch) -> None:
        """Write a batch behind all others; it is on the disk when this returns.

        Raises NoRoom, and OSError when the disk refuses: nothing was written then.
        """
        self.adopt()
        if self._lock is None and not self._take_lock():
            raise NoRoom(f"{self.folder} belongs to another process")
        data = frames.encode(batch)
        self._make_room(len(data))
        segment = self._last()
        writer = self._open(segment)
        before = writer.tell()
        try:
            if writer.write(data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(writer.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                writer.truncate(before)
            self._close_writer()
            raise
        segment.add(frames.facts_of(data))
        self.rows += batch.rows

    def first(self) -> Batch | None:
        """The oldest batch; None when there is none. What cannot be read is given up aloud."""
        while self._segments:
            segment = self._segments[0]
            if segment.taken >= len(segment.heads):
                self._remove(segment)
                continue
            try:
                with segment.path.open("rb") as file:
                    file.seek(segment.offset)
                    return frames.read(file)
            except (frames.Torn, OSError) as reason:
                head = segment.heads[segment.taken]
                logger.warning("spool.unreadable file=%s reason=%s", segment.path, reason)
                self._lose([head], dropped=head.rows)
                self.taken()
        self.close()
        return None

    def taken(self) -> None:
        """The oldest batch is in the tables: it may go."""
        segment = self._segments[0]
        head = segment.heads[segment.taken]
        segment.taken += 1
        segment.offset += head.bytes
        self.rows -= head.rows
        if segment.taken >= len(segment.heads):
            self._remove(segment)
        if not self._segments:
            self.close()

    def set_aside(self, batch: Batch) -> None:
        """Keep a batch that the tables refuse beside the segments, and count it as lost."""
        data = frames.encode(batch)
        self._lose([frames.facts_of(data)], dropped=batch.rows)
        with contextlib.suppress(OSError), (self.folder / "refused").open("ab") as file:
            if not self._is_full(len(data)):
                file.write(data)

    def forget_losses(self) -> None:
        """They were told to people."""
        self.losses = Losses()
        (self.folder / LOSSES).unlink(missing_ok=True)

    def close(self) -> None:
        """Leave what is there to the next process."""
        self._close_writer()
        self._segments.clear()
        self.rows = 0
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _is_left(self) -> bool:
        """Whether there is anything of a former process."""
        is_untold = not self.losses and (self.folder / LOSSES).exists()
        return is_untold or any(self._found())

    def _remember(self) -> None:
        """What a killed process gave up and had not told."""
        if self.losses:
            return
        with contextlib.suppress(OSError, ValueError, TypeError):
            self.losses = Losses(**json.loads((self.folder / LOSSES).read_text()))

    def _found(self) -> list[Path]:
        """Segments in the order in which they were begun."""
        if not self.folder.is_dir():
            return []
        paths = (path for path in self.folder.iterdir() if path.suffix in {WHOLE, THIN})
        return sorted(paths, key=lambda path: path.stem)

    def _take_lock(self) -> bool:
        self.folder.mkdir(parents=True, exist_ok=True)
        opened = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(opened)
            return False
        self._lock = opened
        return True

    def _last(self) -> Segment:
        """The segment to append to; full ones are left, and so is what a former process began."""
        if self._writer is None or self._segments[-1].bytes >= SEGMENT_BYTES:
            self._close_writer()
            number = int(self._segments[-1].path.stem) + 1 if self._segments else 1
            self._segments.append(Segment(self.folder / f"{number:012d}{WHOLE}"))
        return self._segments[-1]

    def _open(self, segment: Segment) -> BinaryIO:
        if self._writer is None:
            self._writer = segment.path.open("ab", buffering=0)
            sync(self.folder)
        return self._writer

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _remove(self, segment: Segment) -> None:
        if segment is self._segments[-1]:
            self._close_writer()
        self._segments.remove(segment)
        segment.path.unlink(missing_ok=True)

    def _count(self) -> None:
        self.rows = sum(rows_of(segment.left) for segment in self._segments)

    def _make_room(self, size: int) -> None:
        while self._is_full(size):
            if not (self._thin() or self._drop()):
                raise NoRoom(f"no room for {size} bytes in {self.folder}")

    def _is_full(self, size: int) -> bool:
        free = shutil.disk_usage(self.folder).free
        is_over = self.bytes + size > self.limits.most_bytes
        return is_over or free < self.limits.free_bytes + size

    def _thin(self) -> bool:
        """Put the oldest whole segments, thinned, into one; False when all are thinned."""
        run = self._oldest_whole()
        if not run:
            return False
        batches = [batch for segment in run for batch in read(segment)]
        kept = thinned(batches)
        before = [head for segment in run for head in segment.left]
        target = Segment(run[0].path.with_suffix(THIN))
        part = target.path.with_suffix(".part")
        try:
            with part.open("wb") as file:
                for batch in kept:
                    data = frames.encode(batch)
                    file.write(data)
                    target.add(frames.facts_of(data))
                file.flush()
                os.fsync(file.fileno())
            part.rename(target.path)
        except OSError as reason:
            logger.warning("spool.not_thinned folder=%s reason=%s", self.folder, reason)
            part.unlink(missing_ok=True)
            return False
        place = self._segments.index(run[0])
        for segment in run:
            self._remove(segment)
        self._segments.insert(place, target)
        self._count()
        self._lose(before, thinned=rows_of(before) - rows_of(target.heads))
        return True

    def _oldest_whole(self) -> list[Segment]:
        """A run of neighbours, never the one that is written."""
        run: list[Segment] = []
        size = 0
        for segment in self._segments[: -1 if self._writer else None]:
            if segment.is_thin and run:
                break
            if segment.is_thin:
                continue
            if run and size + segment.bytes > THIN_BYTES:
                break
            run.append(segment)
            size += segment.bytes
        return run

    def _drop(self) -> bool:
        """Give up the oldest segment; False when only the one that is written is left."""
        if not self._segments or (self._writer and len(self._segments) == 1):
            return False
        segment = self._segments[0]
        self._remove(segment)
        self._count()
        self._lose(segment.left, dropped=rows_of(segment.left))
        return True

    def _lose(self, heads: list[frames.Facts], *, thinned: int = 0, dropped: int = 0) -> None:
        if not thinned and not dropped:
            return
        self.losses.note(heads[0].first_at, heads[-1].last_at, thinned=thinned, dropped=dropped)
        # For the next process, should this one not live to tell.
        with contextlib.suppress(OSError):
            (self.folder / LOSSES).write_text(json.dumps(asdict(self.losses)))
        logger.error(
            "spool.given_up folder=%s thinned=%d dropped=%d", self.folder.name, thinned, dropped
        )
