"""Files of frames in the order in which they were begun."""

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from devices.history import Batch
from devices.services.spool import frames

logger = logging.getLogger(__name__)

# What the name of a file ends with: every sample, or the last of each quarter hour.
WHOLE, THIN = ".rows", ".thin"


@dataclass(slots=True)
class Segment:
    """A file of frames; what of it was taken away is not counted any more."""

    path: Path
    heads: list[frames.Facts] = field(default_factory=list)
    bytes: int = 0
    taken: int = 0
    offset: int = 0

    @property
    def left(self) -> list[frames.Facts]:
        return self.heads[self.taken :]

    def add(self, head: frames.Facts) -> None:
        self.heads.append(head)
        self.bytes += head.bytes

    @property
    def is_thin(self) -> bool:
        return self.path.suffix == THIN


def opened(path: Path) -> Segment | None:
    """A segment that a former process left, without its torn end; None when nothing is whole."""
    with path.open("r+b") as file:
        heads = list(frames.scan(file))
        whole, size = sum(head.bytes for head in heads), file.seek(0, 2)
        if whole < size:
            logger.error("spool.torn file=%s bytes=%d", path, size - whole)
            file.truncate(whole)
    if not heads:
        path.unlink()
        return None
    return Segment(path, heads, whole)


def read(segment: Segment) -> Iterator[Batch]:
    """What is left of a segment, as far as it can be read."""
    with segment.path.open("rb") as file:
        file.seek(segment.offset)
        for head in segment.left:
            place = file.tell()
            try:
                yield frames.read(file)
            except frames.Torn as reason:
                logger.warning("spool.unreadable file=%s reason=%s", segment.path, reason)
                file.seek(place + head.bytes)


def rows_of(heads: Iterable[frames.Facts]) -> int:
    """Samples in frames."""
    return sum(head.rows for head in heads)


def sync(folder: Path) -> None:
    """Have a new name in a folder survive a crash of the machine."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
