"""The table and what is derived from it: the document, the needs."""

from pathlib import Path

from django.conf import settings

from sites.rules import Ability
from workorders.states import LIFE, NEEDS, OPEN, Move, State

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "states" / "workorder.md"


def test_the_document_draws_the_table() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")

    assert f"```mermaid\n{LIFE.mermaid()}```" in text
    for edge in LIFE.edges:
        row = (
            f"| {edge.source.label} `{edge.source}` | {edge.move.label} `{edge.move}` "
            f"| {edge.target.label} `{edge.target}` | {Ability(edge.ability).label} "
            f"| {', '.join(NEEDS.get(Move(edge.move), ())) or '–'} |"
        )
        assert row in text, f"docs/states/workorder.md lacks this row:\n{row}"


def test_every_state_can_be_reached_and_every_open_one_left() -> None:
    reached = {LIFE.initial.value} | {edge.target.value for edge in LIFE.edges}

    assert reached == set(State.values)
    assert {edge.source.value for edge in LIFE.edges} == set(OPEN)


def test_every_move_has_an_edge_and_every_edge_an_ability() -> None:
    assert {edge.move.value for edge in LIFE.edges} == set(Move.values)
    assert all(Ability(edge.ability) for edge in LIFE.edges)
