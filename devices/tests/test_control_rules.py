"""What became of a switching, and the table of its moves."""

from pathlib import Path

import pytest
from django.conf import settings

from devices.rules import control_verdict
from devices.states import CONTROL, ControlMove, ControlState
from sites.rules import Ability


def test_the_document_draws_the_table() -> None:
    text = (Path(settings.BASE_DIR) / "docs" / "states" / "control.md").read_text(encoding="utf-8")

    assert f"```mermaid\n{CONTROL.mermaid()}```" in text
    for edge in CONTROL.edges:
        row = (
            f"| {edge.source.label} `{edge.source}` | {edge.move.label} `{edge.move}` "
            f"| {edge.target.label} `{edge.target}` "
            f"| {Ability(edge.ability).label if edge.ability else '–'} |"
        )
        assert row in text, f"docs/states/control.md lacks this row:\n{row}"


@pytest.mark.parametrize("source", list(ControlState))
@pytest.mark.parametrize("move", list(ControlMove))
def test_nothing_leads_out_of_an_end_and_execution_only_from_a_guardians_yes(
    source: ControlState, move: ControlMove
) -> None:
    edges = [edge for edge in CONTROL.edges if (edge.source, edge.move) == (source, move)]

    if source in (ControlState.DONE, ControlState.FAILED, ControlState.EXPIRED):
        assert edges == []
    if move == ControlMove.EXECUTE and edges:
        assert source == ControlState.CONFIRMED


@pytest.mark.parametrize(
    ("error", "after", "wanted", "move", "result"),
    [
        (None, True, True, "finish", "verified"),
        ("timeout", True, True, "finish", "verified"),
        ("exception:4", False, False, "finish", "verified"),
        (None, False, True, "fail", "not_followed"),
        ("timeout", False, True, "fail", "unanswered"),
        ("stuck", True, False, "fail", "unanswered"),
        ("exception:4", False, True, "fail", "exception:4"),
        ("exception:2", None, True, "fail", "exception:2"),
        ("exception:4", None, True, "lose", "unread"),
        (None, None, True, "lose", "unread"),
        ("lost", None, False, "lose", "unread"),
    ],
)
def test_the_state_that_was_read_decides(
    *,
    error: str | None,
    after: bool | None,
    wanted: bool,
    move: str,
    result: str,
) -> None:
    assert control_verdict(error, after=after, wanted=wanted) == (move, result, after)
