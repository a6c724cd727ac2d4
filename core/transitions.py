"""One table per life: it drives the service, the database constraint, the diagram and the test."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q, TextChoices

from core.errors import MoveRefused


@dataclass(frozen=True, slots=True)
class Edge:
    """From `source` by `move` to `target`; `ability` is what the mover needs, '' for the system.

    A way back by undoing is in the table like any other, and left out of the drawing.
    """

    source: TextChoices
    move: TextChoices
    target: TextChoices
    ability: str = ""
    is_undo: bool = False


class Life:
    """The closed set of moves of one fact of a row.

    Raises ValueError when two edges leave the same state by the same move.
    """

    def __init__(self, *, initial: TextChoices, edges: Iterable[Edge]) -> None:
        self.initial = initial
        self.edges = tuple(edges)
        self._by_key = {(edge.source.value, edge.move.value): edge for edge in self.edges}
        if len(self._by_key) != len(self.edges):
            raise ValueError("two edges leave one state by the same move")

    def edge(self, source: str, move: str) -> Edge:
        """Raises MoveRefused when the table has no such edge."""
        try:
            return self._by_key[(str(source), str(move))]
        except KeyError:
            raise MoveRefused(state=str(source), move=str(move)) from None

    def moves_from(self, source: str) -> tuple[Edge, ...]:
        """Edges that leave a state, in the table's order."""
        return tuple(edge for edge in self.edges if edge.source.value == str(source))

    def condition(self, *, source: str, move: str, target: str) -> Q:
        """What the named columns of a log row must satisfy: one of the table's edges."""
        return reduce(
            or_,
            (
                Q(
                    **{
                        source: edge.source.value,
                        move: edge.move.value,
                        target: edge.target.value,
                    }
                )
                for edge in self.edges
            ),
        )

    def mermaid(self) -> str:
        """The state diagram, for docs/states and the help page."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial.value}"]
        for edge in self.edges:
            who = f" ({edge.ability})" if edge.ability else ""
            lines.append(f"    {edge.source.value} --> {edge.target.value}: {edge.move.value}{who}")
        return "\n".join(lines) + "\n"
