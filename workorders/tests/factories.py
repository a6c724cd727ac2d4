"""Work orders and tasks for tests. They are created and moved by the services, so that none is impossible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from sites.models import Site, User
from sites.tests.factories import People
from workorders import services
from workorders.models import Task, TaskPlan, WorkOrder
from workorders.states import Kind, Move, Priority, Recurrence, State, TaskMove, TaskState

NOW = datetime(2026, 11, 20, 6, 10, tzinfo=UTC)
REASON = "等待备件"
_numbers = count(1)

# How each state is reached from the beginning, by the shortest way.
PATHS: dict[str, tuple[Move, ...]] = {
    State.NEW: (),
    State.ASSIGNED: (Move.ASSIGN,),
    State.IN_PROGRESS: (Move.ASSIGN, Move.START),
    State.ON_HOLD: (Move.ASSIGN, Move.START, Move.HOLD),
    State.TO_ACCEPT: (Move.ASSIGN, Move.START, Move.FINISH),
    State.CLOSED: (Move.ASSIGN, Move.START, Move.FINISH, Move.ACCEPT),
    State.CANCELLED: (Move.CANCEL,),
}


def facts_of(**facts: Any) -> dict[str, Any]:
    """What `create` needs, besides the site and the person."""
    defaults: dict[str, Any] = {
        "kind": Kind.REPAIR,
        "priority": Priority.HIGH,
        "title": f"工单 {next(_numbers)}",
        "description": "出线 3 剩余电流超限",
        "due_at": NOW + timedelta(hours=8),
        "door": "web",
        "now": NOW,
    }
    return defaults | facts


def given_for(move: str, *, assignee: User | None = None) -> dict[str, Any]:
    """Complete facts for a move."""
    return {
        Move.ASSIGN: {"assignee": assignee},
        Move.HOLD: {"note": REASON},
        Move.FINISH: {"finding": "电缆头受潮", "measures": "更换电缆头"},
        Move.SEND_BACK: {"note": REASON},
        Move.CANCEL: {"note": REASON},
    }.get(Move(move), {})


def make_order(
    *,
    cast: People,
    state: str = State.NEW,
    site: Site | None = None,
    by: User | None = None,
    assignee: User | None = None,
    **facts: Any,
) -> WorkOrder:
    """An order on the cast's site, created by Di and brought to a state for Bo."""
    by = by or cast.di
    order = services.create(site=site or cast.site, by=by, **facts_of(**facts))
    bring(order, state, cast=cast, assignee=assignee)
    return WorkOrder.objects.with_place().get(pk=order.pk)


def bring(order: WorkOrder, state: str, *, cast: People, assignee: User | None = None) -> None:
    """Bring a new order to a state by the moves that people make, a minute apart."""
    worker = assignee or cast.bo
    for step, move in enumerate(PATHS[state], start=1):
        works = move in {Move.START, Move.HOLD, Move.FINISH}
        services.move(
            order_id=order.pk,
            move=move,
            by=worker if works else cast.di,
            door="web",
            now=order.created_at + timedelta(minutes=step),
            **given_for(move, assignee=worker),
        )


def picture(
    *, size: tuple[int, int] = (64, 48), kind: str = "JPEG", **options: Any
) -> SimpleUploadedFile:
    """An upload of a picture: red on the left, blue on the right."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, size[0], size[1]))
    target = BytesIO()
    image.save(target, kind, **options)
    return SimpleUploadedFile(f"photo.{kind.lower()}", target.getvalue(), f"image/{kind.lower()}")


# --- Tasks

TASK_PATHS: dict[str, tuple[TaskMove, ...]] = {
    TaskState.NEW: (),
    TaskState.ASSIGNED: (TaskMove.ASSIGN,),
    TaskState.IN_PROGRESS: (TaskMove.ASSIGN, TaskMove.START),
    TaskState.TO_ACCEPT: (TaskMove.ASSIGN, TaskMove.START, TaskMove.FINISH),
    TaskState.DONE: (TaskMove.ASSIGN, TaskMove.START, TaskMove.FINISH, TaskMove.ACCEPT),
    TaskState.CANCELLED: (TaskMove.CANCEL,),
}


def task_given_for(move: str, *, assignee: User | None = None) -> dict[str, Any]:
    """Complete facts for a move of a task."""
    return {
        TaskMove.ASSIGN: {"assignee": assignee},
        TaskMove.FINISH: {"result": "红外测温正常，最高 41 °C"},
        TaskMove.SEND_BACK: {"note": REASON},
        TaskMove.CANCEL: {"note": REASON},
    }.get(TaskMove(move), {})


def make_task(
    *,
    cast: People,
    state: str = TaskState.NEW,
    site: Site | None = None,
    by: User | None = None,
    assignee: User | None = None,
    **facts: Any,
) -> Task:
    """A task by hand on the cast's site, created by Di and brought to a state for Bo."""
    defaults: dict[str, Any] = {
        "title": f"任务 {next(_numbers)}",
        "instructions": "红外测温，紧固母排",
        "due_on": NOW.date() + timedelta(days=3),
        "door": "web",
        "now": NOW,
    }
    task = services.create_task(site=site or cast.site, by=by or cast.di, **defaults | facts)
    bring_task(task, state, cast=cast, assignee=assignee)
    return Task.objects.with_place().get(pk=task.pk)


def bring_task(
    task: Task, state: str, *, cast: People, assignee: User | None = None, after_min: int = 1
) -> None:
    """Bring a new task to a state by the moves that people make, some minutes apart."""
    worker = assignee or cast.bo
    for step, move in enumerate(TASK_PATHS[state], start=1):
        works = move in {TaskMove.START, TaskMove.FINISH}
        services.move_task(
            task_id=task.pk,
            move=move,
            by=worker if works else cast.di,
            door="web",
            now=task.created_at + timedelta(minutes=step * after_min),
            **task_given_for(move, assignee=worker),
        )


def plan_facts(cast: People, **facts: Any) -> services.PlanFacts:
    """What a plan of the cast's team for its site says: every month from three days on."""
    defaults: dict[str, Any] = {
        "name": f"月度巡检 {next(_numbers)}",
        "name_en": "Monthly inspection",
        "team": cast.team,
        "sites": [cast.site],
        "instructions": "红外测温，紧固母排",
        "recurrence": Recurrence.MONTHLY,
        "first_due_on": NOW.date() + timedelta(days=3),
        "days_to_do": 3,
    }
    return services.PlanFacts(**defaults | facts)


def make_plan(
    cast: People, *, by: User | None = None, now: datetime = NOW, **facts: Any
) -> TaskPlan:
    """A plan by Ana, with the tasks that it asks for at once."""
    return services.create_plan(facts=plan_facts(cast, **facts), by=by or cast.ana, now=now)
