"""Moves of operations, each with its row of the log: shared by every service of remote control."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from core.errors import Changed
from devices.models import ControlLog, ControlOperation
from devices.states import CONTROL, ControlMove
from sites.models import User


def opened(operation: ControlOperation, *, by: User, door: str, now: datetime) -> None:
    """The first row: what was read, and what is wanted for which reason."""
    ControlLog.objects.create(
        operation=operation,
        at=now,
        move=ControlMove.SELECT,
        target=operation.state,
        by=by,
        door=door,
        note=operation.reason,
        facts={
            "present": operation.present,
            "present_at": operation.present_at.isoformat(),
            "wanted": operation.wanted,
            "permit_number": operation.permit_number,
            "line": operation.line,
        },
    )


@transaction.atomic
def move(  # noqa: PLR0913 - what a row of the log has
    operation: ControlOperation,
    move: ControlMove,
    *,
    now: datetime,
    by: User | None = None,
    door: str = "system",
    note: str = "",
    facts: dict[str, Any] | None = None,
    **columns: Any,
) -> None:
    """Compare and swap: the row moves from the state of `operation`, which is brought up to date.

    Raises MoveRefused when the table has no such move, Changed when somebody else was first.
    """
    edge = CONTROL.edge(operation.state, move)
    columns |= {"state": edge.target.value, "updated_at": now}
    won = ControlOperation.objects.filter(pk=operation.pk, state=edge.source).update(**columns)
    if not won:
        fresh = ControlOperation.objects.get(pk=operation.pk)
        raise Changed(state=fresh.state, seen=fresh.seen)
    ControlLog.objects.create(
        operation=operation,
        at=now,
        move=move,
        source=edge.source.value,
        target=edge.target.value,
        by=by,
        door=door,
        note=note,
        facts=facts or _told(columns),
    )
    for name, value in columns.items():
        setattr(operation, name, value)


def each(
    operations: Iterable[ControlOperation], to: ControlMove, *, now: datetime, **facts: Any
) -> int:
    """The same move for many; what somebody else moved meanwhile is left to him."""
    moved = 0
    for operation in operations:
        try:
            move(operation, to, now=now, **facts)
        except Changed:
            continue
        moved += 1
    return moved


def block(
    operations: Iterable[ControlOperation], *, result: str, by: User | None, now: datetime
) -> int:
    """What waits and may no longer be executed."""
    return each(operations, ControlMove.BLOCK, now=now, by=by, result=str(result), finished_at=now)


def _told(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: columns[name] for name in ("result", "after") if name in columns}
