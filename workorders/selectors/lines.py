"""Lines of the lists of orders and tasks: what a row and a sheet show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from workorders.models import Task, WorkOrder


@dataclass(slots=True)
class OrderLine:
    """One order."""

    row: WorkOrder
    now: datetime

    @property
    def pk(self) -> int:
        return self.row.pk

    @property
    def label(self) -> str:
        return f"{self.row.number} {self.row.label}"

    @property
    def url(self) -> str:
        return reverse("workorders:order-detail", args=[self.row.pk])

    @property
    def is_late(self) -> bool:
        return self.row.is_open and self.row.due_at < self.now

    @property
    def css(self) -> str:
        return "" if self.row.is_open else "is-over"


@dataclass(slots=True)
class TaskLine:
    """One task."""

    row: Task
    now: datetime

    @property
    def pk(self) -> int:
        return self.row.pk

    @property
    def label(self) -> str:
        return f"{self.row.number} {self.row.label}"

    @property
    def url(self) -> str:
        return reverse("workorders:task-detail", args=[self.row.pk])

    @property
    def is_late(self) -> bool:
        return self.row.is_open and self.row.due_at < self.now

    @property
    def css(self) -> str:
        return "" if self.row.is_open else "is-over"


def order_lines(rows: Sequence[Any], *, now: datetime) -> list[OrderLine]:
    """Lines of orders read with their place."""
    return [OrderLine(row, now) for row in rows]


def task_lines(rows: Sequence[Any], *, now: datetime) -> list[TaskLine]:
    """Lines of tasks read with their place."""
    return [TaskLine(row, now) for row in rows]
