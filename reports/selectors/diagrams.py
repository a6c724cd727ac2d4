"""Where to draw the states and moves of a life: layers by distance from the first state."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.transitions import Edge, Life

BOX_W, BOX_H = 108, 36
GAP_X, GAP_Y = 92, 64
MARGIN = 24


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
    """One pair of states with the words of all moves between them."""

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
    """The drawing: states in columns by the shortest way from the first one."""
    columns = _columns(life)
    tallest = max(len(column) for column in columns)
    height = tallest * BOX_H + (tallest - 1) * GAP_Y + 2 * MARGIN + 40
    boxes: dict[str, Box] = {}
    for place, column in enumerate(columns):
        used = len(column) * BOX_H + (len(column) - 1) * GAP_Y
        top = (height - used) // 2
        for row, (value, label) in enumerate(column):
            boxes[value] = Box(
                label=label,
                x=MARGIN + place * (BOX_W + GAP_X),
                y=top + row * (BOX_H + GAP_Y),
                is_first=value == life.initial.value,
            )
    width = 2 * MARGIN + len(columns) * BOX_W + (len(columns) - 1) * GAP_X
    return Diagram(
        width=width, height=height, boxes=list(boxes.values()), arrows=_arrows(life.edges, boxes)
    )


def _columns(life: Life) -> list[list[tuple[str, str]]]:
    """States with their labels by distance from the first."""
    columns = [[(life.initial.value, str(life.initial.label))]]
    seen = {life.initial.value}
    while True:
        sources = {value for value, _label in columns[-1]}
        following = {
            edge.target.value: str(edge.target.label)
            for edge in life.edges
            if edge.source.value in sources and edge.target.value not in seen
        }
        if not following:
            return columns
        seen |= following.keys()
        columns.append(list(following.items()))


def _arrows(edges: Iterable[Edge], boxes: dict[str, Box]) -> list[Arrow]:
    words: dict[tuple[str, str], list[str]] = {}
    for edge in edges:
        words.setdefault((edge.source.value, edge.target.value), []).append(str(edge.move.label))
    return [
        _arrow(boxes[source], boxes[target], "、".join(labels))
        for (source, target), labels in words.items()
    ]


def _arrow(source: Box, target: Box, label: str) -> Arrow:
    """Forward straight to the side of the target; back and sideways in a bow; to itself a loop."""
    (x1, y1), (x2, y2) = source.middle, target.middle
    half_w, half_h = BOX_W // 2, BOX_H // 2
    if source is target:
        path = (
            f"M{x1 - 16} {y1 - half_h} C{x1 - 34} {y1 - half_h - 34} "
            f"{x1 + 34} {y1 - half_h - 34} {x1 + 16} {y1 - half_h}"
        )
        return Arrow(path, label, x1, y1 - half_h - 30)
    if x2 > x1 and x2 - x1 <= BOX_W + GAP_X:
        path = f"M{x1 + half_w} {y1 - 5} L{x2 - half_w} {y2 - 5}"
        return Arrow(path, label, (x1 + x2) // 2, (y1 + y2) // 2 - 10)
    if x1 == x2:
        side = half_w + 34
        sign = 1 if y2 > y1 else -1
        path = (
            f"M{x1 + half_w} {y1 + 8} C{x1 + side} {y1 + 8} {x1 + side} {y2} {x2 + half_w} {y2 + 8}"
        )
        return Arrow(path, label, x1 + side, (y1 + y2) // 2 + 6 * sign)
    # Back by a bow below, further forward by a bow above.
    sign = 1 if x2 < x1 else -1
    depth = half_h + 26 + abs(x2 - x1) // 14
    middle = (x1 + x2) // 2
    path = (
        f"M{x1} {y1 + sign * half_h} Q{middle} {(y1 + y2) // 2 + sign * (half_h + depth)} "
        f"{x2} {y2 + sign * half_h}"
    )
    return Arrow(path, label, middle, (y1 + y2) // 2 + sign * (half_h + depth // 2) - 4)
