"""The tables and what is derived from them: the documents, the needs."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from core.transitions import Life
from sites.rules import Ability
from workorders.states import (
    LIFE,
    NEEDS,
    OPEN,
    TASK_LIFE,
    TASK_NEEDS,
    TASK_OPEN,
    Move,
    State,
    TaskMove,
    TaskState,
)

DOCUMENTS = Path(settings.BASE_DIR) / "docs" / "states"
LIVES: list[tuple[str, Life, dict[Any, Any], Any, Any, Any]] = [
    ("workorder.md", LIFE, NEEDS, State, Move, OPEN),
    ("task.md", TASK_LIFE, TASK_NEEDS, TaskState, TaskMove, TASK_OPEN),
]
each_life = pytest.mark.parametrize(
    ("name", "life", "needs", "states", "moves", "is_open"), LIVES, ids=["order", "task"]
)


@each_life
def test_the_document_draws_the_table(
    name: str, life: Life, needs: Any, states: Any, moves: Any, is_open: Any
) -> None:
    text = (DOCUMENTS / name).read_text(encoding="utf-8")

    assert f"```mermaid\n{life.mermaid()}```" in text
    for edge in life.edges:
        row = (
            f"| {edge.source.label} `{edge.source}` | {edge.move.label} `{edge.move}` "
            f"| {edge.target.label} `{edge.target}` "
            f"| {Ability(edge.ability).label if edge.ability else '–'} "
            f"| {', '.join(needs.get(edge.move, ())) or '–'} |"
        )
        assert row in text, f"docs/states/{name} lacks this row:\n{row}"


@each_life
def test_every_state_can_be_reached_and_every_open_one_left(
    name: str, life: Life, needs: Any, states: Any, moves: Any, is_open: Any
) -> None:
    reached = {life.initial.value} | {edge.target.value for edge in life.edges}

    assert reached == set(states.values)
    assert {edge.source.value for edge in life.edges} == set(is_open)


@each_life
def test_every_move_has_an_edge_and_its_needs_belong_to_one(
    name: str, life: Life, needs: Any, states: Any, moves: Any, is_open: Any
) -> None:
    assert {edge.move.value for edge in life.edges} == set(moves.values)
    assert set(needs) <= set(moves)


def test_only_the_plan_moves_a_task_without_an_ability() -> None:
    assert all(edge.ability for edge in LIFE.edges)
    assert [edge.move for edge in TASK_LIFE.edges if not edge.ability] == [TaskMove.WITHDRAW]
