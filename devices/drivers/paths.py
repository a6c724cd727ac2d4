"""Where in a JSON document something stands: `data.meters[0].ua`, `["odd.name"]`, `$` for the root.

Names and indices are all that messages of gateways need: no filters, no functions, nothing that
takes longer than its text. `*` goes through all members and is for lists of records alone.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

EVERY: Final = "*"
MISSING: Final = object()
LONGEST = 200

_STEP = re.compile(r'\[(-?\d{1,6})\]|\["([^"]+)"\]|(?:^|\.)([^.\[\]"]+)')

Step = str | int


class Path:
    """A path that can be read. `is_absolute`: from the root of the message, not from the record."""

    __slots__ = ("is_absolute", "steps", "text")

    def __init__(self, text: str) -> None:
        """Raises ValueError with the part that cannot be read."""
        self.text = text.strip()
        self.is_absolute = self.text.startswith("$")
        self.steps = tuple(_steps(self.text))

    def find(self, node: Any) -> Any:
        """What stands there, or MISSING."""
        for step in self.steps:
            node = _member(node, step)
            if node is MISSING:
                return MISSING
        return node

    def walk(self, node: Any) -> Iterator[tuple[str, Any]]:
        """All that `*` leads to, each with the name of the first object's member it went through."""
        yield from _walk(node, self.steps, "")


def _steps(text: str) -> Iterator[Step]:
    rest = text.removeprefix("$")
    begins_well = not rest or (rest[0] in ".[" if len(rest) < len(text) else rest[0] != ".")
    if len(text) > LONGEST or not begins_well:
        raise ValueError(text[:40])
    place = 0
    while place < len(rest):
        found = _STEP.match(rest, place)
        if found is None:
            raise ValueError(rest[place : place + 40])
        index, quoted, name = found.groups()
        yield int(index) if index is not None else quoted or name.strip()
        place = found.end()


def _member(node: Any, step: Step) -> Any:
    if isinstance(node, dict):
        return node.get(step, MISSING)
    if isinstance(node, list) and isinstance(step, int) and -len(node) <= step < len(node):
        return node[step]
    return MISSING


def _walk(node: Any, steps: tuple[Step, ...], key: str) -> Iterator[tuple[str, Any]]:
    if not steps:
        yield key, node
        return
    step, *rest = steps
    if step != EVERY:
        below = _member(node, step)
        if below is not MISSING:
            yield from _walk(below, tuple(rest), key)
    elif isinstance(node, dict):
        for name, below in node.items():
            yield from _walk(below, tuple(rest), key or name)
    elif isinstance(node, list):
        for below in node:
            yield from _walk(below, tuple(rest), key)
