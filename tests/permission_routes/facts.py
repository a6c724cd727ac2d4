"""What the tables of routes share: what is sent, and who is answered how."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.core.files.base import ContentFile

from sites.rules import Ability, Role
from tests.permission_table import (
    FORBIDDEN,
    HIDDEN,
    OK,
    SIGN_IN,
    VIEW,
    WORK,
    Body,
    holding,
    on_site,
    soon,
)
from tests.permission_world import NOBODY, PEOPLE, STRANGER, World
from workorders.tests.factories import picture

_numbers = count(1)
OWNER = Role.TECHNICIAN.value


def note(_world: World) -> dict[str, Any]:
    return {"note": "已电话通知客户"}


def new_view(_world: World) -> dict[str, Any]:
    return {"name": f"视图 {next(_numbers)}"}


def photo(_world: World) -> dict[str, Any]:
    return {"file": picture(), "caption": "现场"}


def workbook(_world: World) -> dict[str, Any]:
    return {"file": ContentFile(b"id,name\n,x\n", "rooms.csv"), "kind": "rooms"}


def meters(world: World) -> dict[str, Any]:
    return {
        "template_version": world.device.template_version_id,
        "bus": world.device.bus_id,
        "first_address": 100,
        "count": 2,
        "name": "表 ##",
        "first_number": 1,
        "action": "create",
    }


def meters_by_api(world: World) -> dict[str, Any]:
    return {key: value for key, value in meters(world).items() if key != "action"}


# Cy maintains sites, too, of another company.
MANAGE = holding(Ability.MANAGE_SITE)
REPAIR = holding(Ability.REPAIR_DATA)
CHANGES = MANAGE | {STRANGER: HIDDEN}
MANAGERS = MANAGE | {STRANGER: OK}
CHECKER = MANAGE | {Role.ADMINISTRATOR.value: HIDDEN}


def paper(_world: World) -> dict[str, Any]:
    return {"file": picture()}


def credentials(_world: World) -> dict[str, Any]:
    """Never the same name twice: names are limited."""
    return {"username": f"nobody{next(_numbers)}", "password": "x", "device_id": "phone"}


def ignoring(_world: World) -> dict[str, Any]:
    return {"until": soon(), "note": "检修中"}


def points(*codes: str) -> Body:
    """Points of the device, over the last hours."""
    return lambda world: {"hours": 6, "point": f"{world.device.pk}:{codes[0]}"}


# The district's viewer holds safety only: points of another class do not exist for him.
VIEWER = Role.DISTRICT_VIEWER.value
LOAD = VIEW | {VIEWER: HIDDEN}
LOAD_BY_API = VIEW | {VIEWER: "status 400"}
READ_NOW = holding(Ability.READ_NOW)
# The second step is changed only after proving oneself again.
ASKED_AGAIN = dict.fromkeys(PEOPLE, "status 302") | {NOBODY: SIGN_IN}
NONE_YET = dict.fromkeys(PEOPLE, HIDDEN) | {NOBODY: SIGN_IN}

# Whoever plans for nobody is refused; another company's planner does not find the team.
PLANNERS = on_site(Role.ADMINISTRATOR.value, Role.MANAGER.value)
# A move that is not one's own to make has no form.
ASK_START = {name: HIDDEN if said == FORBIDDEN else said for name, said in WORK.items()}

# A team that one does not see is no choice.
BY_API = PLANNERS | {STRANGER: "status 400"}
