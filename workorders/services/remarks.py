"""Remarks on an order, and changes of what it says without moving it."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from alarms.rules.texts import text
from core.errors import Invalid, MoveRefused
from sites.models import User
from sites.rules import Ability
from workorders import rules, selectors
from workorders.models import WorkOrder, WorkOrderLog
from workorders.services import journal
from workorders.states import Priority


@transaction.atomic
def add_note(*, order_id: int, note: str, by: User, door: str, now: datetime) -> WorkOrderLog:
    """Add a remark to an order in any state.

    Raises NotFound, Forbidden without the ability to comment, Invalid for an empty note.
    """
    order = selectors.order_for(user=by, pk=order_id, ability=Ability.COMMENT)
    note = text(note, field="note", is_required=True)
    row: WorkOrderLog = journal.write(order, "note", by=by, door=door, now=now, note=note)
    WorkOrder.objects.filter(pk=order_id).update(updated_at=now)
    journal.announce(order, "noted")
    return row


@transaction.atomic
def edit(  # noqa: PLR0913
    *,
    order_id: int,
    by: User,
    door: str,
    now: datetime,
    seen: str = "",
    title: str | None = None,
    description: str | None = None,
    priority: str | None = None,
    due_at: datetime | None = None,
) -> WorkOrder:
    """Change what an open order says; what is None stays. Old and new values go on record.

    Raises NotFound, Forbidden without the ability to assign, Changed, MoveRefused when the order
    is closed or cancelled, and Invalid.
    """
    selectors.order_for(user=by, pk=order_id, ability=Ability.ASSIGN_ORDER)
    order = WorkOrder.objects.select_for_update(of=("self",)).get(pk=order_id)
    if seen and seen not in {order.seen, order.state}:
        raise journal.changed(order)
    if not order.is_open:
        raise MoveRefused(_("工单已结束，不能再修改。"), state=order.state)
    wanted: dict[str, Any] = {}
    if title is not None:
        wanted["title"] = text(title, field="title", limit=rules.TITLE_LENGTH, is_required=True)
        if wanted["title"] != order.title:
            # It said the same as the old one.
            wanted["title_en"] = ""
    if description is not None:
        wanted["description"] = text(description, field="description")
    if priority is not None:
        wanted["priority"] = rules.choice(priority, field="priority", among=Priority.values)
    if due_at is not None and due_at != order.due_at:
        wanted["due_at"] = rules.due(due_at, now=now)
    return _write(order, wanted, by=by, door=door, now=now)


def _write(
    order: WorkOrder, wanted: dict[str, Any], *, by: User, door: str, now: datetime
) -> WorkOrder:
    news = {name: value for name, value in wanted.items() if getattr(order, name) != value}
    if not news:
        raise Invalid(_("没有需要保存的修改。"))
    facts = {name: [_plain(getattr(order, name)), _plain(value)] for name, value in news.items()}
    for name, value in news.items():
        setattr(order, name, value)
    order.updated_at = now
    order.save(update_fields=[*news, "updated_at"])
    journal.write(order, "edit", by=by, door=door, now=now, facts=facts)
    journal.announce(order, "edited")
    return selectors.order_for(user=by, pk=order.pk)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
