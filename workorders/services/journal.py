"""The record of an order or a task, and the news of it: shared by every service of this room."""

from datetime import datetime
from typing import Any

from django.db import transaction

from core.errors import Changed
from sites.models import User
from workorders import live
from workorders.models import Task, WorkOrder
from workorders.signals import workorder_moved

OrderOrTask = WorkOrder | Task


def write(
    work: OrderOrTask, entry: str, *, by: User | None, door: str, now: datetime, **columns: Any
) -> Any:
    """Add one row to the record, inside the caller's transaction."""
    return work.log.create(entry=entry, at=now, by=by, door=door, **columns)


def handed_over(work: OrderOrTask, assignee: User) -> dict[str, Any]:
    """What the log keeps of an assignment, readable in both languages without the people's rows."""
    facts: dict[str, Any] = {
        "assignee": assignee.pk,
        "assignee_name": assignee.name or assignee.username,
        "assignee_name_en": assignee.name_en,
    }
    return facts if work.assignee is None else facts | {"before": work.assignee.pk}


def announce(work: OrderOrTask, event: live.Event) -> None:
    """Tell browsers, and of an order's creation or move also the apps above, after commit."""
    if isinstance(work, Task):
        live.publish_task(work, event)
        return
    live.publish(work, event)
    if event in {"created", "moved"}:
        order_id = work.pk
        transaction.on_commit(
            lambda: workorder_moved.send_robust(sender=WorkOrder, order_id=order_id), robust=True
        )


def changed(work: OrderOrTask) -> Changed:
    """Somebody else was first: the refusal with the fresh state, who made it and when."""
    rows: Any = type(work).objects
    fresh: OrderOrTask = rows.select_related("assignee").get(pk=work.pk)
    last = (
        fresh.log.filter(entry__in=["created", "move"])
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
