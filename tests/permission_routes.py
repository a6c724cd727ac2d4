"""The table of the matrix: routes, admin models and topics with what each person is answered."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from django.core.files.base import ContentFile

from sites.rules import Ability, Role
from tests.permission_table import (
    ASSIGN,
    COMMENT,
    CREATE,
    FORBIDDEN,
    GIVE,
    HANDLE,
    HIDDEN,
    MAY_PLAN,
    OK,
    SEES_PLAN,
    SIGN_IN,
    VERDICT,
    VIEW,
    WORK,
    Body,
    Case,
    api_moves,
    everybody,
    holding,
    nothing,
    on_site,
    order_facts,
    own,
    page_moves,
    page_order,
    plan_facts,
    prefixed,
    read,
    signed_in,
    soon,
    task_api_moves,
    task_facts,
    task_page_moves,
    write,
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
CHANGES = MANAGE | {STRANGER: HIDDEN}
MANAGERS = holding(Ability.MANAGE_SITE) | {STRANGER: OK}
CHECKER = holding(Ability.MANAGE_SITE) | {Role.ADMINISTRATOR.value: HIDDEN}


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
MANAGE = holding(Ability.MANAGE_SITE)
# The second step is changed only after proving oneself again.
ASKED_AGAIN = dict.fromkeys(PEOPLE, "status 302") | {NOBODY: SIGN_IN}
NONE_YET = dict.fromkeys(PEOPLE, HIDDEN) | {NOBODY: SIGN_IN}

# Whoever plans for nobody is refused; another company's planner does not find the team.
PLANNERS = on_site(Role.ADMINISTRATOR.value, Role.MANAGER.value)
# A move that is not one's own to make has no form.
ASK_START = {name: HIDDEN if said == FORBIDDEN else said for name, said in WORK.items()}

# A team that one does not see is no choice.
BY_API = PLANNERS | {STRANGER: "status 400"}

PAGES: dict[str, list[Case]] = {
    "reports:hall": [read(shows=False)],
    "reports:town-sheet": [read(shows=False)],
    "reports:map-sites": [read()],
    "reports:map-popup": [read("site")],
    "reports:site-list": [read()],
    "reports:search": [Case(signed_in(), query=lambda _world: {"q": "baomiqihao"}, shows=True)],
    "reports:notices": [read(shows=True)],
    "reports:notices-seen": [write("", signed_in())],
    "reports:site-detail": [
        read("site"),
        *[
            Case(
                VIEW,
                at={"pk": "site"},
                query=lambda _world, tab=tab: {"tab": tab},
                shows=True,
                label=tab,
            )
            for tab in ("devices", "alarms", "work", "archive")
        ],
    ],
    "reports:site-load": [read("site", shows=False)],
    "sites:document-add": [write("site", MANAGE, paper)],
    "sites:document-file": [read("document", shows=False)],
    "sites:document-thumbnail": [read("document", shows=False)],
    "sites:document-remove": [write("document", MANAGE)],
    "sites:document-restore": [write("document", MANAGE)],
    "reports:state-diagrams": [read(shows=False)],
    "reports:completeness-help": [read(shows=False)],
    "reports:about": [read(shows=False)],
    "reports:health": [read(who=everybody(), shows=False)],
    "sites:profile": [
        read(shows=False),
        write(
            "",
            signed_in(),
            lambda _world: {
                "name": "新名",
                "density": "compact",
                "language": "en",
                "theme": "dark",
                "timezone": "Asia/Shanghai",
            },
        ),
    ],
    "sites:theme-set": [write("", signed_in(), lambda _world: {"theme": "dark"})],
    "sites:session": [
        read(shows=False),
        write("", signed_in(), ok=200, changes=False),
    ],
    "sites:language-set": [
        write("", everybody(), lambda _world: {"language": "en"}, changes=False)
    ],
    "sites:columns-set": [
        Case(
            signed_in(),
            "POST",
            at={"page": "=alarms"},
            body=lambda _world: {"column": ["severity"]},
            ok=302,
            changes=True,
        )
    ],
    "sites:view-save": [
        Case(signed_in(), "POST", at={"page": "=alarms"}, body=new_view, ok=302, changes=True)
    ],
    "sites:view-first": [
        Case(
            own(OWNER),
            "POST",
            at={"page": "=alarms"},
            body=lambda world: {"view": world.view.pk},
            ok=302,
            changes=True,
        )
    ],
    "sites:view-edit": [write("view", own(OWNER), new_view)],
    "sites:view-delete": [write("view", own(OWNER))],
    "sites:token-revoke": [write("token", own(OWNER))],
    "sites:job-list": [read(shows=False)],
    "sites:job-detail": [read("job", own(OWNER))],
    "sites:job-file": [read("job", own(OWNER), shows=False)],
    "sites:job-cancel": [write("waiting_job", own(OWNER))],
    "devices:meters-add": [
        read(who=MANAGERS),
        Case(
            MANAGE,
            query=lambda world: {"gateway": world.device.bus.gateway_id},
            shows=True,
            label="gateway",
        ),
        Case(
            MANAGE,
            "POST",
            query=lambda world: {"gateway": world.device.bus.gateway_id},
            body=meters,
            ok=302,
            changes=True,
            label="gateway",
        ),
    ],
    "reports:change-list": [read(who=MANAGERS, shows=False)],
    "reports:change-object": [Case(CHANGES, at={"kind": "=site", "pk": "site"}, shows=True)],
    "sites:sheet-page": [read(who=MANAGERS, shows=False)],
    "sites:sheet-template": [read(who=MANAGERS, shows=False)],
    "sites:sheet-export": [
        write("", MANAGERS, lambda _world: {"kinds": ["rooms"], "format": "xlsx"})
    ],
    "sites:sheet-check": [write("", MANAGERS, workbook)],
    "sites:sheet-confirm": [write("check", CHECKER)],
    "reports:live": [read()],
    "reports:live-branch": [read("site")],
    "reports:live-more": [read()],
    # Nobody collects in this test: whoever may ask is told so on the next page.
    "reports:live-read-now": [write("device", READ_NOW, changes=False)],
    "reports:curves": [
        Case(VIEW, query=points("IR"), label="safety"),
        Case(LOAD, query=points("P"), label="load"),
    ],
    "reports:curves-drawer": [
        Case(VIEW, query=points("IR"), label="safety"),
        Case(LOAD, query=points("P"), label="load"),
    ],
    "reports:curves-csv": [
        Case(VIEW, query=points("IR"), label="safety"),
        Case(LOAD, query=points("P"), label="load"),
    ],
    "reports:curves-find": [read(query=lambda world: {"q": world.device.name})],
    "reports:curves-branch": [read("site")],
    "reports:curves-points": [read("device", shows=False)],
    "devices:live": [Case(signed_in(), ok=302)],
    "devices:series": [
        Case(VIEW, query=points("IR"), label="safety"),
        Case(LOAD, query=points("P"), label="load"),
    ],
    "alarms:alarm-list": [read()],
    "alarms:alarm-detail": [read("alarm")],
    "alarms:alarm-preview": [read("alarm")],
    "alarms:alarm-curve": [read("alarm", shows=False)],
    "alarms:photo-image": [read("alarm_photo", shows=False)],
    "alarms:photo-thumbnail": [read("alarm_photo", shows=False)],
    "alarms:alarm-bulk": [
        Case(
            VIEW,
            at={"move": "=verify"},
            query=lambda world: {"id": world.alarm.pk},
        ),
        Case(
            HANDLE,
            "POST",
            at={"move": "=verify"},
            query=lambda world: {"id": world.alarm.pk},
            body=lambda _world: prefixed("verify", VERDICT),
            ok=302,
            changes=True,
        ),
    ],
    "alarms:alarm-sheet": [
        Case(signed_in(), "POST", query=lambda _world: {"export": "csv"}, ok=302, changes=True)
    ],
    "alarms:alarm-undo": [write("", signed_in(), changes=False)],
    "alarms:alarm-verify": [write("alarm", HANDLE, lambda _world: prefixed("verify", VERDICT))],
    "alarms:alarm-ignore": [
        write("alarm", HANDLE, lambda _world: prefixed("ignore", {"hours": 4, "note": "检修"}))
    ],
    "alarms:alarm-archive": [
        write("recovered_alarm", HANDLE, lambda _world: prefixed("archive", {"note": ""}))
    ],
    "alarms:alarm-comment": [write("alarm", COMMENT, note)],
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

ACCOUNTS: dict[str, list[Case]] = {
    "account_login": [
        Case(dict.fromkeys(PEOPLE, "status 302") | {NOBODY: OK}),
        Case(
            dict.fromkeys(PEOPLE, "status 302") | {NOBODY: OK},
            "POST",
            body=lambda _world: {"login": "", "password": ""},
        ),
    ],
    "account_logout": [
        Case(signed_in() | {NOBODY: "status 302"}),
        Case(everybody(), "POST", body=nothing, ok=302),
    ],
    "account_inactive": [read(who=everybody(), shows=False)],
    "account_reauthenticate": [read(shows=False), Case(signed_in(), "POST", body=nothing)],
    "account_change_password": [read(shows=False), Case(signed_in(), "POST", body=nothing)],
    # Whoever has a password is sent on to change it; without one there is nothing to change.
    "account_set_password": [
        Case(dict.fromkeys(PEOPLE, "status 302") | {NOBODY: SIGN_IN}),
    ],
    "mfa_index": [read(shows=False)],
    "mfa_reauthenticate": [read(who=ASKED_AGAIN, shows=False)],
    "mfa_activate_totp": [read(who=ASKED_AGAIN, shows=False)],
    "mfa_deactivate_totp": [read(who=NONE_YET, shows=False)],
    "mfa_view_recovery_codes": [read(who=NONE_YET, shows=False)],
    "mfa_generate_recovery_codes": [read(who=ASKED_AGAIN, shows=False)],
    "mfa_download_recovery_codes": [read(who=NONE_YET, shows=False)],
    "mfa_authenticate": [
        read(who=dict.fromkeys(PEOPLE, "status 302") | {NOBODY: SIGN_IN}, shows=False),
    ],
}

API: dict[str, list[Case]] = {
    "api-tokens": [
        read(shows=False),
        Case(dict.fromkeys(PEOPLE, SIGN_IN), "POST", body=credentials),
    ],
    "api-token-current": [Case(signed_in(), "DELETE", ok=204, changes=True)],
    "api-token": [Case(own(OWNER), "DELETE", at={"pk": "token"}, ok=204, changes=True)],
    "api-me": [
        read(shows=False),
        Case(signed_in(), "PATCH", body=lambda _world: {"theme": "dark"}, changes=True),
    ],
    "api-jobs": [read(shows=False)],
    "api-job": [read("job", own(OWNER), shows=False)],
    "api-job-file": [read("job", own(OWNER), shows=False)],
    "api-job-cancel": [write("waiting_job", own(OWNER), ok=200)],
    "api-views": [
        read(shows=False),
        write("", signed_in(), lambda world: new_view(world) | {"page": "alarms"}, ok=201),
    ],
    "api-view": [
        read("view", own(OWNER)),
        Case(own(OWNER), "PATCH", at={"pk": "view"}, body=new_view, changes=True),
        Case(own(OWNER), "DELETE", at={"pk": "view"}, ok=204, changes=True),
    ],
    "api-gateway-meters": [write("device.bus.gateway", MANAGE, meters_by_api, ok=201)],
    "api-changes": [
        read(who=MANAGERS, shows=False),
        Case(
            CHANGES,
            query=lambda world: {"kind": "site", "object": world.site.pk},
            shows=True,
            label="object",
        ),
    ],
    "api-sheets": [read(who=MANAGERS, shows=False)],
    "api-sheet-template": [read(who=MANAGERS, shows=False)],
    "api-sheet-exports": [write("", MANAGERS, lambda _world: {"kinds": ["rooms"]}, ok=202)],
    "api-sheet-checks": [write("", MANAGERS, workbook, ok=202)],
    "api-sheet-confirm": [write("check", CHECKER, ok=202)],
    "api-sites": [read()],
    "api-site": [read("site")],
    "api-site-latest": [read("site", shows=False)],
    "api-gateways": [read()],
    "api-gateway": [read("device.bus.gateway")],
    "api-devices": [read()],
    "api-device": [read("device")],
    "api-device-latest": [read("device", shows=False)],
    "api-device-series": [
        Case(VIEW, at={"pk": "device"}, query=lambda _world: {"points": "IR"}, label="safety"),
        Case(LOAD_BY_API, at={"pk": "device"}, query=lambda _world: {"points": "P"}, label="load"),
    ],
    # Nobody collects in this test: whoever may ask is told that nothing answers.
    "api-device-read-now": [Case(READ_NOW, "POST", at={"pk": "device"}, body=nothing, ok=502)],
    "api-points": [read(shows=False)],
    "api-curves": [
        Case(
            VIEW,
            query=lambda world: {"points": f"{world.device.pk}:IR"},
            label="safety",
        ),
        Case(
            LOAD,
            query=lambda world: {"points": f"{world.device.pk}:P"},
            label="load",
        ),
    ],
    "api-tree": [read()],
    "api-site-tree": [read("site")],
    "api-search": [read(query=lambda world: {"q": world.device.name})],
    "api-hall": [read(shows=False)],
    "api-site-documents": [read("site"), write("site", MANAGE, paper, ok=201)],
    "api-document": [
        read("document"),
        Case(MANAGE, "DELETE", at={"pk": "document"}, ok=204, changes=True),
    ],
    "api-document-file": [read("document", shows=False)],
    "api-site-energy": [read("site", shows=False)],
    "api-site-overview": [read("site", shows=False)],
    "api-site-completeness": [read("site", shows=False)],
    "api-alarms": [read()],
    "api-alarm": [read("alarm")],
    "api-alarm-log": [read("alarm", shows=False)],
    "api-alarm-verify": [write("alarm", HANDLE, lambda _world: VERDICT, ok=200)],
    "api-alarm-ignore": [write("alarm", HANDLE, ignoring, ok=200)],
    "api-alarm-archive": [write("recovered_alarm", HANDLE, ok=200)],
    "api-alarms-bulk": [
        write(
            "",
            HANDLE | {STRANGER: FORBIDDEN},
            lambda world: VERDICT | {"move": "verify", "ids": [world.alarm.pk]},
            ok=200,
        )
    ],
    "api-alarms-sheet": [read(shows=False), write("", signed_in(), ok=202)],
    "api-alarm-photo": [read("alarm_photo", shows=False)],
    # Nobody of the matrix has just moved it: those who might are told that nothing is to undo.
    "api-alarm-undo": [write("alarm", HANDLE, ok=409, changes=False)],
    "api-alarm-nearby": [read("alarm", shows=False)],
    "api-alarm-past": [read("alarm", shows=False)],
    "api-alarm-photos": [
        write("alarm", COMMENT, lambda _world: {"file": picture(), "note": ""}, ok=201)
    ],
    "api-alarm-comments": [write("alarm", COMMENT, note, ok=201)],
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
    "api-unknown": [Case(dict.fromkeys(PEOPLE, HIDDEN))],
    "api-docs": [read(shows=False)],
    "api-docs-group": [Case(signed_in(), at={"key": "=alarms"}, shows=False)],
    "api-schema": [read(who=everybody(), shows=False)],
}

REST_OF_DJANGO: dict[str, list[Case]] = {
    "set_language": [Case(everybody(), "POST", body=lambda _world: {"language": "en"}, ok=302)],
    "jsi18n": [read(who=everybody(), shows=False)],
}

ROUTES: dict[str, list[Case]] = PAGES | ACCOUNTS | API | REST_OF_DJANGO

# Routes that no case tries, each with the reason.
UNTRIED: dict[str, str] = {}

# Routes that answer methods beyond their cases, each with the reason why nothing is open by it.
ANY_METHOD: dict[str, str] = {
    "api-unknown": "Addresses that are none answer 404 to every method, also to nobody.",
    "set_language": "Django's view goes back without a change when it is not asked by POST.",
}
_FORM = "allauth's forms take PUT as they take POST: about oneself, with the same checks."
_PROOF = "allauth asks for a fresh proof of oneself before it looks at the method; tried by GET."
ANY_METHOD |= dict.fromkeys(
    ("account_login", "account_reauthenticate", "account_change_password", "account_set_password"),
    _FORM,
)
ANY_METHOD |= dict.fromkeys((name for name in ACCOUNTS if name.startswith("mfa_")), _PROOF)

# --- The admin: who of the staff (Adm, Ana, Cy) gets which page of a model; nobody else gets any


@dataclass(frozen=True)
class Pages:
    """Letters of those who are shown the page: A administrator, M manager, S stranger."""

    listed: str
    opened: str
    add: str
    delete: str


PLACE = Pages("AMS", "AM", "AMS", "AM")
CHARTER = Pages("AMS", "AM", "A", "A")
DICTIONARY = Pages("AMS", "AMS", "A", "A")
LIBRARY = Pages("AMS", "AMS", "", "")
LOOK = Pages("AMS", "AM", "", "")
RECORD = Pages("A", "A", "", "")

ADMIN: dict[str, Pages] = {
    "sites.enterprise": CHARTER,
    "sites.site": CHARTER,
    "sites.room": PLACE,
    "sites.transformer": PLACE,
    "sites.circuit": PLACE,
    "sites.town": DICTIONARY,
    "sites.department": DICTIONARY,
    "sites.category": DICTIONARY,
    "sites.organisation": CHARTER,
    "sites.team": CHARTER,
    "sites.user": Pages("AMS", "AM", "A", ""),
    "sites.grant": Pages("A", "A", "A", ""),
    "sites.apitoken": RECORD,
    "sites.signinrefusal": RECORD,
    "sites.numberseries": RECORD,
    "devices.gateway": PLACE,
    "devices.device": PLACE,
    "devices.bus": Pages("AMS", "AM", "", "AM"),
    "devices.linkevent": LOOK,
    "devices.pollshard": RECORD,
    "devices.pointcode": LIBRARY,
    "devices.devicetemplate": LIBRARY,
    "devices.templateversion": LIBRARY,
    "alarms.rule": Pages("AMS", "AMS", "A", "A"),
    "alarms.ruleoverride": PLACE,
    "alarms.alarm": LOOK,
    "workorders.workorder": LOOK,
    "workorders.task": LOOK,
    "workorders.taskplan": LOOK,
}

STAFF = {"A": Role.ADMINISTRATOR.value, "M": Role.MANAGER.value, "S": STRANGER}
