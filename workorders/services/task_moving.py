"""Move a task along its life: one function, driven by the table."""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from alarms.rules.texts import text
from core.errors import Forbidden, Invalid, MoveRefused
from core.transitions import Edge
from sites.models import User
from workorders import selectors
from workorders.models import Task
from workorders.services import journal
from workorders.states import TASK_LIFE, TASK_NEEDS, TaskMove, TaskState

logger = logging.getLogger(__name__)


@transaction.atomic
def move_task(  # noqa: PLR0913
    *,
    task_id: int,
    move: str,
    by: User,
    door: str,
    now: datetime,
    seen: str = "",
    note: str = "",
    assignee: User | None = None,
    result: str = "",
) -> Task:
    """Take one edge of the table: check, write, record, announce.

    `seen`: what the person saw, `task.seen` or the bare state; '' when he does not care.
    Raises NotFound or Forbidden (not visible, not his to do), MoveRefused (no such edge), Changed
    (somebody else was first; facts: state, seen, assignee, by, at) and Invalid (what
    `states.TASK_NEEDS` asks for is missing, or the assignee cannot work on the site).
    """
    task = selectors.task_for(user=by, pk=task_id)
    if seen and seen not in {task.seen, task.state}:
        raise journal.changed(task)
    edge = _edge(task, move)
    if not selectors.may_move_task(user=by, task=task, edge=edge):
        raise Forbidden
    needs = TASK_NEEDS.get(TaskMove(edge.move), ())
    note = text(note, field="note", is_required="note" in needs)
    result = text(result, field="result", is_required="result" in needs)
    if "assignee" in needs:
        _check_assignee(task, assignee)
    columns = _columns(edge, assignee=assignee, result=result, task=task, now=now)
    columns |= {"state": edge.target.value, "moved_at": now, "updated_at": now}
    untouched = Task.objects.filter(pk=task_id, state=task.state, assignee_id=task.assignee_id)
    if not untouched.update(**columns):
        raise journal.changed(task)
    journal.write(
        task,
        "move",
        by=by,
        door=door,
        now=now,
        move=edge.move.value,
        source=task.state,
        target=edge.target.value,
        note=note,
        facts=_facts(edge, task, assignee=assignee, result=result),
    )
    task = selectors.task_for(user=by, pk=task_id)
    journal.announce(task, "moved")
    logger.info("task.moved number=%s move=%s by=%s", task.number, edge.move, by.pk)
    return task


def _edge(task: Task, move: str) -> Edge:
    """Raises MoveRefused with a sentence that says what stands in the way."""
    try:
        return TASK_LIFE.edge(task.state, move)
    except MoveRefused as refusal:
        label = TaskMove(move).label if move in TaskMove.values else move
        names = {"state": TaskState(task.state).label, "move": label}
        sentence = _("“%(state)s”的任务不能执行“%(move)s”。") % names
        raise MoveRefused(sentence, **refusal.facts) from None


def _check_assignee(task: Task, assignee: User | None) -> None:
    if assignee is None:
        raise Invalid(fields={"assignee": [_("请选择执行人。")]})
    if not selectors.task_assignees_for(site=task.site).filter(pk=assignee.pk).exists():
        raise Invalid(fields={"assignee": [_("此人不能执行该站点的任务。")]})
    if task.state == TaskState.ASSIGNED and task.assignee_id == assignee.pk:
        raise Invalid(fields={"assignee": [_("任务已派给此人。")]})


def _columns(
    edge: Edge, *, assignee: User | None, result: str, task: Task, now: datetime
) -> dict[str, Any]:
    """What the edge writes besides the state."""
    if edge.move == TaskMove.ASSIGN:
        return {"assignee": assignee}
    if edge.move == TaskMove.START:
        return {"started_at": task.started_at or now}
    if edge.move == TaskMove.FINISH:
        return {"result": result, "finished_at": now}
    if edge.move in {TaskMove.ACCEPT, TaskMove.CANCEL}:
        return {"closed_at": now}
    # Back to the desk: nobody's work. Back from acceptance: the same person goes on.
    return {"assignee": None} if edge.target == TaskState.NEW else {"finished_at": None}


def _facts(edge: Edge, task: Task, *, assignee: User | None, result: str) -> dict[str, Any]:
    """What the log row keeps so that it can be read without the task."""
    if edge.move == TaskMove.ASSIGN and assignee is not None:
        return journal.handed_over(task, assignee)
    return {"result": result} if edge.move == TaskMove.FINISH else {}
