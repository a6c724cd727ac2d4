"""Who may what of `workorders`: orders, tasks and plans."""

from __future__ import annotations

from tests.permission_routes.facts import (
    ASK_START,
    BY_API,
    PLANNERS,
    note,
    photo,
)
from tests.permission_table import (
    ASSIGN,
    COMMENT,
    CREATE,
    GIVE,
    MAY_PLAN,
    SEES_PLAN,
    VIEW,
    WORK,
    Case,
    api_moves,
    nothing,
    order_facts,
    page_moves,
    page_order,
    plan_facts,
    read,
    task_api_moves,
    task_facts,
    task_page_moves,
    write,
)

PAGES: dict[str, list[Case]] = {
    "workorders:order-list": [read()],
    "workorders:orders-from-alarms": [
        Case(VIEW, query=lambda world: {"id": world.verified_alarm.pk}),
        Case(
            CREATE,
            "POST",
            query=lambda world: {"id": world.verified_alarm.pk},
            body=nothing,
            ok=302,
            changes=True,
        ),
    ],
    "workorders:order-create": [
        read(shows=False),
        Case(CREATE, query=lambda world: {"site": world.site.pk}, shows=True, label="site"),
        Case(CREATE, query=lambda world: {"alarm": world.verified_alarm.pk}, label="alarm"),
        Case(
            CREATE,
            "POST",
            query=lambda world: {"site": world.site.pk},
            body=page_order,
            ok=302,
            changes=True,
            label="site",
        ),
        Case(
            CREATE,
            "POST",
            query=lambda world: {"alarm": world.verified_alarm.pk},
            body=page_order,
            ok=302,
            changes=True,
            label="alarm",
        ),
    ],
    "workorders:order-detail": [read("order")],
    "workorders:order-move": page_moves(),
    "workorders:order-note": [write("order", COMMENT, note)],
    "workorders:order-board": [read()],
    "workorders:order-print": [read("order")],
    "workorders:order-ask": [
        Case(ASK_START, at={"pk": "orders.assigned", "move": "=start"}, label="start")
    ],
    "workorders:order-drop": [
        Case(
            WORK,
            "POST",
            at={"pk": "orders.assigned", "state": "=in_progress"},
            body=nothing,
            changes=True,
        )
    ],
    "workorders:task-list": [read()],
    "workorders:task-create": [
        read(shows=False),
        Case(GIVE, query=lambda world: {"site": world.site.pk}, shows=True, label="site"),
        Case(
            GIVE,
            "POST",
            query=lambda world: {"site": world.site.pk},
            body=task_facts,
            ok=302,
            changes=True,
            label="site",
        ),
    ],
    "workorders:task-detail": [read("task")],
    "workorders:task-print": [read("task")],
    "workorders:task-move": task_page_moves(),
    "workorders:task-edit": [write("task", GIVE, task_facts)],
    "workorders:task-note": [write("task", COMMENT, note)],
    "workorders:task-photo-add": [write("task", COMMENT, photo)],
    "workorders:task-photo-image": [read("task_photo", shows=False)],
    "workorders:task-photo-thumbnail": [read("task_photo", shows=False)],
    "workorders:plan-list": [read(shows=False)],
    "workorders:plan-preview": [read(shows=False)],
    "workorders:plan-create": [
        Case(PLANNERS, query=lambda world: {"team": world.cast.team.pk}),
        Case(
            PLANNERS,
            "POST",
            query=lambda world: {"team": world.cast.team.pk},
            body=plan_facts,
            ok=302,
            changes=True,
        ),
    ],
    "workorders:plan-detail": [read("plan", SEES_PLAN)],
    "workorders:plan-edit": [
        read("plan", MAY_PLAN),
        write("plan", MAY_PLAN, plan_facts),
    ],
    "workorders:plan-enable": [
        write("plan", MAY_PLAN, lambda _world: {"enabled": "false"}),
    ],
    "workorders:calendar": [read()],
    "workorders:my-work": [read(shows=False)],
    "workorders:photo-add": [write("order", COMMENT, photo)],
    "workorders:photo-image": [read("photo", shows=False)],
    "workorders:photo-thumbnail": [read("photo", shows=False)],
}

API: dict[str, list[Case]] = {
    "api-alarm-orders": [write("verified_alarm", CREATE, order_facts, ok=201)],
    "api-orders": [
        read(),
        write("", CREATE, lambda world: order_facts(world) | {"site": world.site.pk}, ok=201),
    ],
    "api-order": [
        read("order"),
        Case(
            ASSIGN, "PATCH", at={"pk": "order"}, body=lambda _world: {"title": "改"}, changes=True
        ),
    ],
    "api-order-log": [read("order", shows=False)],
    "api-order-moves": api_moves(),
    "api-order-notes": [write("order", COMMENT, note, ok=201)],
    "api-order-assignees": [read("order", ASSIGN, shows=False)],
    "api-order-photos": [read("order"), write("order", COMMENT, photo, ok=201)],
    "api-tasks": [
        read(),
        write("", GIVE, lambda world: task_facts(world) | {"site": world.site.pk}, ok=201),
    ],
    "api-tasks-month": [read(shows=False)],
    "api-task": [
        read("task"),
        Case(GIVE, "PATCH", at={"pk": "task"}, body=lambda _world: {"title": "改"}, changes=True),
    ],
    "api-task-log": [read("task", shows=False)],
    "api-task-moves": task_api_moves(),
    "api-task-notes": [write("task", COMMENT, note, ok=201)],
    "api-task-assignees": [read("task", GIVE, shows=False)],
    "api-task-photos": [read("task"), write("task", COMMENT, photo, ok=201)],
    "api-task-photo-image": [read("task_photo", shows=False)],
    "api-task-photo-thumbnail": [read("task_photo", shows=False)],
    "api-plans": [
        read(shows=False),
        write("", BY_API, lambda world: plan_facts(world) | {"team": world.cast.team.pk}, ok=201),
    ],
    "api-plan": [
        read("plan", SEES_PLAN),
        Case(
            MAY_PLAN,
            "PUT",
            at={"pk": "plan"},
            body=lambda world: plan_facts(world) | {"team": world.cast.team.pk},
            changes=True,
        ),
        Case(
            MAY_PLAN,
            "PATCH",
            at={"pk": "plan"},
            body=lambda _world: {"is_enabled": False},
            changes=True,
        ),
    ],
    "api-calendar": [read()],
    "api-photo-image": [read("photo", shows=False)],
    "api-photo-thumbnail": [read("photo", shows=False)],
}
