"""The record of an order or a task, and the news of it: shared by every service of this room."""

from datetime import datetime
from typing import Any

from django.db import transaction

from core.errors import Changed
from sites.models import User
from workorders import live
from workorders.models import Task, TaskLog, WorkOrder, WorkOrderLog
from workorders.signals import workorder_moved


def write(
    order: WorkOrder, entry: str, *, by: User, door: str, now: datetime, **columns: Any
) -> WorkOrderLog:
    """Add one row to the order's log, inside the caller's transaction."""
    return WorkOrderLog.objects.create(
        order=order, entry=entry, at=now, by=by, door=door, **columns
    )


def write_task(
    task: Task, entry: str, *, by: User | None, door: str, now: datetime, **columns: Any
) -> TaskLog:
    """Add one row to the task's log, inside the caller's transaction."""
    return TaskLog.objects.create(task=task, entry=entry, at=now, by=by, door=door, **columns)


def handed_over(work: WorkOrder | Task, assignee: User) -> dict[str, Any]:
    """What the log keeps of an assignment, readable in both languages without the people's rows."""
    facts: dict[str, Any] = {
        "assignee": assignee.pk,
        "assignee_name": assignee.name or assignee.username,
        "assignee_name_en": assignee.name_en,
    }
    return facts if work.assignee is None else facts | {"before": work.assignee.pk}


def announce(order: WorkOrder, event: live.Event) -> None:
    """Tell browsers, and for a creation or a move also the apps above, after commit."""
    live.publish(order, event)
    if event in {"created", "moved"}:
        order_id = order.pk
        transaction.on_commit(
            lambda: workorder_moved.send_robust(sender=WorkOrder, order_id=order_id), robust=True
        )


def announce_task(task: Task, event: live.Event) -> None:
    """Tell browsers after commit."""
    live.publish_task(task, event)


def changed(order_id: int) -> Changed:
    """Somebody else was first: the refusal with the fresh state, who made it and when."""
    return _changed(WorkOrder.objects.select_related("assignee").get(pk=order_id))


def changed_task(task_id: int) -> Changed:
    """As for an order."""
    return _changed(Task.objects.select_related("assignee").get(pk=task_id))


def _changed(fresh: WorkOrder | Task) -> Changed:
    rows: Any = fresh.log
    last = (
        rows.filter(entry__in=["created", "move"])
        .select_related("by")
        .order_by("-at", "-id")
        .first()
    )
    return Changed(
        state=fresh.state,
        seen=fresh.seen,
        assignee=str(fresh.assignee) if fresh.assignee else None,
        by=str(last.by) if last and last.by else None,
        at=last.at if last else fresh.updated_at,
    )
