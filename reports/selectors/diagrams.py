"""Where to draw the states and moves of a life: states in a row, moves as arcs over and under it.

Forward moves go above, backward ones below; the further, the higher, so that arcs nest and never
hide each other's words.
"""

from dataclasses import dataclass

from django.utils.translation import pgettext

from core.transitions import Life

BOX_W, BOX_H, GAP = 104, 38, 44
MARGIN = 20
ARC_STEP = 40
PORT = 12


@dataclass(frozen=True, slots=True)
class Box:
    """One state."""

    label: str
    x: int
    y: int
    is_first: bool

    @property
    def middle(self) -> tuple[int, int]:
        return self.x + BOX_W // 2, self.y + BOX_H // 2


@dataclass(frozen=True, slots=True)
class Arrow:
    """All moves from one state to another, with their words at the top of the arc."""

    path: str
    label: str
    label_x: int
    label_y: int


@dataclass(frozen=True, slots=True)
class Diagram:
    """Boxes and arrows of one life."""

    width: int
    height: int
    boxes: list[Box]
    arrows: list[Arrow]
    box_w: int = BOX_W
    box_h: int = BOX_H


def diagram_of(life: Life) -> Diagram:
    """The drawing of a life, without the ways back by undoing."""
    states = _states(life)
    place = {value: position for position, value in enumerate(states)}
    words: dict[tuple[int, int], list[str]] = {}
    for edge in life.edges:
        if edge.is_undo:
            continue
        pair = place[edge.source.value], place[edge.target.value]
        words.setdefault(pair, []).append(str(edge.move.label))
    above = max((abs(b - a) or 1 for a, b in words if b >= a), default=0)
    below = max((a - b for a, b in words if b < a), default=0)
    top = MARGIN + above * ARC_STEP
    boxes = [
        Box(label, MARGIN + position * (BOX_W + GAP), top, is_first=value == life.initial.value)
        for position, (value, label) in enumerate(states.items())
    ]
    comma = pgettext("between items", "、")
    arrows = [_arrow(a, b, comma.join(words[a, b]), list(words), top) for a, b in words]
    return Diagram(
        width=2 * MARGIN + len(boxes) * BOX_W + (len(boxes) - 1) * GAP,
        height=top + BOX_H + below * ARC_STEP + MARGIN,
        boxes=boxes,
        arrows=arrows,
    )


def _states(life: Life) -> dict[str, str]:
    """States with their labels, in the order in which the table names them."""
    found = {life.initial.value: str(life.initial.label)}
    for edge in life.edges:
        found.setdefault(edge.source.value, str(edge.source.label))
    for edge in life.edges:
        found.setdefault(edge.target.value, str(edge.target.label))
    return found


def _arrow(source: int, target: int, label: str, pairs: list[tuple[int, int]], top: int) -> Arrow:
    is_below = target < source
    edge_y = top + BOX_H if is_below else top
    sign = 1 if is_below else -1
    if source == target:
        middle = _left(source) + BOX_W // 2
        height = ARC_STEP - 4
        path = _arc(middle - 16, middle + 16, edge_y, sign * height)
        return Arrow(path, label, middle, edge_y + sign * (height * 3 // 4) - 4)
    x1, x2 = _port(source, target, pairs, leaves=True), _port(target, source, pairs, leaves=False)
    height = sign * abs(target - source) * ARC_STEP
    path = _arc(x1, x2, edge_y, height)
    return Arrow(path, label, (x1 + x2) // 2, edge_y + height * 3 // 4 + 4)


def _left(place: int) -> int:
    return MARGIN + place * (BOX_W + GAP)


def _arc(x1: int, x2: int, y: int, height: int) -> str:
    return f"M{x1} {y} C{x1} {y + height} {x2} {y + height} {x2} {y}"


def _port(place: int, other: int, pairs: list[tuple[int, int]], *, leaves: bool) -> int:
    """Where an arc touches its box: on the side of the other one, long arcs towards the middle."""
    is_right = other > place
    same_side = sorted(
        (
            abs((b if leaves else a) - place)
            for a, b in pairs
            if (a if leaves else b) == place
            and ((b if leaves else a) > place) == is_right
            and a != b
        ),
    )
    rank = same_side.index(abs(other - place))
    step = min(PORT, (BOX_W // 2 - 12) // max(len(same_side), 1))
    edge = _left(place) + (BOX_W - 10 if is_right else 10)
    return edge - step * rank if is_right else edge + step * rank
