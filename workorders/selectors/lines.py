"""Lines of the lists of orders and tasks: what a row and a sheet show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.quick import address
from workorders.models import Task, WorkOrder


@dataclass(slots=True)
class WorkLine:
    """One order or task."""

    row: WorkOrder | Task
    now: datetime

    @property
    def pk(self) -> int:
        return self.row.pk

    @property
    def label(self) -> str:
        return f"{self.row.number} {self.row.label}"

    @property
    def url(self) -> str:
        kind = "task" if isinstance(self.row, Task) else "order"
        return address(f"workorders:{kind}-detail", self.row.pk)

    @property
    def is_late(self) -> bool:
        return self.row.is_open and self.row.due_at < self.now

    @property
    def css(self) -> str:
        return "" if self.row.is_open else "is-over"


def work_lines(rows: Sequence[Any], *, now: datetime) -> list[WorkLine]:
    """Lines of orders or tasks read with their place."""
    return [WorkLine(row, now) for row in rows]
