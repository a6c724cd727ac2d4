"""Who may what, route by route: the expectations of the matrix, as data.

A route, a method, a model of the admin or a topic of the socket without an entry fails the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from alarms.states import Verdict
from sites.rules import ABILITIES, Ability, Role
from tests.permission_world import NOBODY, PEOPLE, ROLES, STRANGER, World
from workorders.states import Kind, Move, Priority, State, TaskMove, TaskState

# What a person is answered.
OK, FORBIDDEN, HIDDEN, SIGN_IN = "ok", "forbidden", "hidden", "sign in"
Answers = dict[str, str]
Body = Callable[[World], dict[str, Any]]


def everybody() -> Answers:
    """Also those who have not signed in."""
    return dict.fromkeys(PEOPLE, OK)


def signed_in() -> Answers:
    """Whoever has an account; what is shown is limited to his sites."""
    return everybody() | {NOBODY: SIGN_IN}


def on_site(*roles: str) -> Answers:
    """An object of the site: these roles; the others see it without being allowed; Cy sees none."""
    answers = {name: OK if name in roles else FORBIDDEN for name in ROLES}
    return answers | {STRANGER: HIDDEN, NOBODY: SIGN_IN}


def holding(ability: Ability) -> Answers:
    """The roles that hold the ability, by the product's own table."""
    return on_site(*(role.value for role in Role if ability in ABILITIES[role]))


def own(name: str) -> Answers:
    """An object of one person: for everybody else it does not exist."""
    return dict.fromkeys(PEOPLE, HIDDEN) | {name: OK, NOBODY: SIGN_IN}


@dataclass(frozen=True)
class Case:
    """One request. `ok` is the status for those who may; `at` names objects of the world."""

    who: Answers
    method: str = "GET"
    at: dict[str, str] = field(default_factory=dict)
    query: Body | None = None
    body: Body | None = None
    ok: int = 200
    # Whether those who may are shown the site's rows (SECRET), to see that the others miss them.
    shows: bool = False
    # Whether those who may change something.
    changes: bool = False
    label: str = ""


VIEW = holding(Ability.VIEW)
COMMENT = holding(Ability.COMMENT)
HANDLE = holding(Ability.HANDLE_ALARM)
CREATE = holding(Ability.CREATE_ORDER)
ASSIGN = holding(Ability.ASSIGN_ORDER)
ACCEPT = holding(Ability.ACCEPT_ORDER)
# Bo is the assignee; whoever assigns may stand in for him.
WORK = ASSIGN | {Role.TECHNICIAN.value: OK}


GIVE = holding(Ability.ASSIGN_TASK)
TAKE = holding(Ability.ACCEPT_TASK)
DO = GIVE | {Role.TECHNICIAN.value: OK}
PLANS = dict.fromkeys((Role.ADMINISTRATOR.value, Role.MANAGER.value), OK)
# A plan names the sites of a team: who sees single sites only does not see it.
SEES_PLAN = {
    name: HIDDEN
    if name in {Role.ENTERPRISE.value, Role.TOWN_VIEWER.value, Role.DEPARTMENT_VIEWER.value}
    else OK
    for name in ROLES
} | {STRANGER: HIDDEN, NOBODY: SIGN_IN}
MAY_PLAN = {name: FORBIDDEN if said == OK else said for name, said in SEES_PLAN.items()} | PLANS


def nothing(_world: World) -> dict[str, Any]:
    return {}


def soon() -> str:
    """Tomorrow, with an offset."""
    return (timezone.now() + timedelta(days=1)).isoformat()


def prefixed(prefix: str, facts: dict[str, Any]) -> dict[str, Any]:
    return {f"{prefix}-{name}": value for name, value in facts.items()}


def read(at: str = "", who: Answers | None = None, **facts: Any) -> Case:
    """A page or a document: of an object when `at` names one, else of one's own sites."""
    answers = who or (VIEW if at else signed_in())
    return Case(answers, at={"pk": at} if at else {}, shows=facts.pop("shows", True), **facts)


def write(at: str, who: Answers, body: Body = nothing, *, ok: int = 302, **facts: Any) -> Case:
    """A POST that changes something."""
    return Case(
        who,
        "POST",
        at={"pk": at} if at else {},
        body=body,
        ok=ok,
        changes=facts.pop("changes", True),
        **facts,
    )


# --- Moves of orders: the state to start from, who may, what is said

MOVES: dict[Move, tuple[State, Answers, Body]] = {
    Move.ASSIGN: (State.NEW, ASSIGN, lambda world: {"assignee": world.cast.bo.pk}),
    Move.START: (State.ASSIGNED, WORK, nothing),
    Move.HOLD: (State.IN_PROGRESS, WORK, lambda _world: {"note": "等待备件"}),
    Move.RESUME: (State.ON_HOLD, WORK, nothing),
    Move.FINISH: (State.IN_PROGRESS, WORK, lambda _world: {"finding": "受潮", "measures": "更换"}),
    Move.ACCEPT: (State.TO_ACCEPT, ACCEPT, nothing),
    Move.SEND_BACK: (State.TO_ACCEPT, ACCEPT, lambda _world: {"note": "照片不清"}),
    Move.CANCEL: (State.ON_HOLD, ASSIGN, lambda _world: {"note": "重复"}),
}


def page_moves() -> list[Case]:
    return [
        Case(
            who,
            "POST",
            at={"pk": f"orders.{state}", "move": f"={move.value}"},
            ok=302,
            body=lambda world, move=move, body=body: prefixed(move.value, body(world)),
            changes=True,
            label=move.value,
        )
        for move, (state, who, body) in MOVES.items()
    ]


def api_moves() -> list[Case]:
    return [
        write(
            f"orders.{state}",
            who,
            ok=200,
            label=move.value,
            body=lambda world, move=move, body=body: {"move": move.value} | body(world),
        )
        for move, (state, who, body) in MOVES.items()
    ]


TASK_MOVES: dict[TaskMove, tuple[TaskState, Answers, Body]] = {
    TaskMove.ASSIGN: (TaskState.NEW, GIVE, lambda world: {"assignee": world.cast.bo.pk}),
    TaskMove.START: (TaskState.ASSIGNED, DO, nothing),
    TaskMove.FINISH: (TaskState.IN_PROGRESS, DO, lambda _world: {"result": "正常"}),
    TaskMove.ACCEPT: (TaskState.TO_ACCEPT, TAKE, nothing),
    TaskMove.SEND_BACK: (TaskState.TO_ACCEPT, TAKE, lambda _world: {"note": "照片不清"}),
    TaskMove.CANCEL: (TaskState.NEW, GIVE, lambda _world: {"note": "重复"}),
}


def task_page_moves() -> list[Case]:
    return [
        Case(
            who,
            "POST",
            at={"pk": f"tasks.{state}", "move": f"={move.value}"},
            ok=302,
            body=lambda world, move=move, body=body: prefixed(move.value, body(world)),
            changes=True,
            label=move.value,
        )
        for move, (state, who, body) in TASK_MOVES.items()
    ]


def task_api_moves() -> list[Case]:
    return [
        write(
            f"tasks.{state}",
            who,
            ok=200,
            label=move.value,
            body=lambda world, move=move, body=body: {"move": move.value} | body(world),
        )
        for move, (state, who, body) in TASK_MOVES.items()
    ]


def tomorrow() -> str:
    return (timezone.localdate() + timedelta(days=1)).isoformat()


def task_facts(_world: World) -> dict[str, Any]:
    return {"title": "红外测温", "due_on": tomorrow()}


def plan_facts(world: World) -> dict[str, Any]:
    return {
        "name": "周检",
        "is_whole_team": True,
        "recurrence": "weekly",
        "every": 1,
        "first_due_on": tomorrow(),
        "days_to_do": 1,
        "lead_days": 0,
    }


def order_facts(_world: World) -> dict[str, Any]:
    return {
        "kind": Kind.REPAIR.value,
        "priority": Priority.HIGH.value,
        "title": "复查",
        "due_at": soon(),
    }


def page_order(_world: World) -> dict[str, Any]:
    local = timezone.localtime() + timedelta(days=1)
    return order_facts(_world) | {"due_at": local.strftime("%Y-%m-%dT%H:%M")}


VERDICT = {"verdict": Verdict.REAL.value, "cause": "受潮", "note": ""}
