"""The tables and what is derived from them: the document, who may write."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from alarms.states import (
    CONDITION,
    HANDLING,
    OPEN,
    UNDO,
    UNDOABLE,
    Condition,
    Handling,
    Move,
)
from sites.rules import Ability

ROOT = Path(settings.BASE_DIR)
DOCUMENT = ROOT / "docs" / "states" / "alarm.md"
# Benchmarks fill the tables of a database of their own.
APPS = ["core", "sites", "devices", "alarms", "workorders", "reports", "config"]
FACTS = {"condition", "handling"}
WRITERS = {"update", "create", "bulk_create", "bulk_update", "update_or_create", "get_or_create"}


def test_the_document_draws_the_tables() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")

    for life in (CONDITION, HANDLING):
        assert f"```mermaid\n{life.mermaid()}```" in text
        for edge in life.edges:
            who = Ability(edge.ability).label if edge.ability else "系统"
            row = (
                f"| {edge.source.label} `{edge.source}` | {edge.move.label} `{edge.move}` "
                f"| {edge.target.label} `{edge.target}` | {who} |"
            )
            assert row in text, f"docs/states/alarm.md lacks this row:\n{row}"


def test_every_state_can_be_reached_and_every_open_one_left() -> None:
    for life, states in ((CONDITION, Condition), (HANDLING, Handling)):
        reached = {life.initial.value} | {edge.target.value for edge in life.edges}
        assert reached == set(states.values)
    forward = [edge for edge in HANDLING.edges if edge.move not in UNDO.values()]
    assert {edge.source.value for edge in forward} == set(OPEN)


def test_every_way_back_undoes_a_move_of_people() -> None:
    done = {(e.target, e.source) for e in HANDLING.edges if e.move in UNDOABLE}
    back = {(e.source, e.target) for e in HANDLING.edges if e.move in UNDO.values()}

    assert back == done


def test_every_move_is_of_one_table_and_raising_of_none() -> None:
    of_condition = {edge.move.value for edge in CONDITION.edges}
    of_handling = {edge.move.value for edge in HANDLING.edges}

    assert not of_condition & of_handling
    assert of_condition | of_handling | {Move.RAISE} == set(Move.values)


def modules() -> Iterator[Path]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if not {"migrations", "tests"} & set(path.parts):
                yield path


def writes_a_fact(node: ast.AST) -> bool:
    """Whether the code sets an alarm's condition or handling: by name, through the ORM, in SQL."""
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(isinstance(t, ast.Attribute) and t.attr in FACTS for t in targets)
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        named = {keyword.arg for keyword in node.keywords}
        if name in WRITERS | {"Alarm"}:
            return bool(named & FACTS)
        return name == "setattr" and any(
            isinstance(a, ast.Constant) and a.value in FACTS for a in node.args
        )
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return bool(re.search(r"(UPDATE|INTO)\s+alarms_alarm\b", node.value, re.IGNORECASE))
    return False


def test_only_the_services_write_condition_and_handling() -> None:
    writers = {
        path.relative_to(ROOT).as_posix()
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if writes_a_fact(node)
    }

    assert writers == {
        "alarms/services/handling.py",
        "alarms/services/ignoring.py",
        "alarms/services/raising.py",
    }
