"""Who may what of `sites`: places, people, files, jobs and sheets."""

from __future__ import annotations

from tests.permission_routes.facts import (
    CHECKER,
    MANAGE,
    MANAGERS,
    OWNER,
    credentials,
    new_view,
    paper,
    workbook,
)
from tests.permission_table import (
    SIGN_IN,
    Case,
    everybody,
    own,
    read,
    signed_in,
    write,
)
from tests.permission_world import PEOPLE

PAGES: dict[str, list[Case]] = {
    "sites:document-add": [write("site", MANAGE, paper)],
    "sites:document-file": [read("document", shows=False)],
    "sites:document-thumbnail": [read("document", shows=False)],
    "sites:document-remove": [write("document", MANAGE)],
    "sites:document-restore": [write("document", MANAGE)],
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
    "sites:sheet-page": [read(who=MANAGERS, shows=False)],
    "sites:sheet-template": [read(who=MANAGERS, shows=False)],
    "sites:sheet-export": [
        write("", MANAGERS, lambda _world: {"kinds": ["rooms"], "format": "xlsx"})
    ],
    "sites:sheet-check": [write("", MANAGERS, workbook)],
    "sites:sheet-confirm": [write("check", CHECKER)],
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
    "api-sheets": [read(who=MANAGERS, shows=False)],
    "api-sheet-template": [read(who=MANAGERS, shows=False)],
    "api-sheet-exports": [write("", MANAGERS, lambda _world: {"kinds": ["rooms"]}, ok=202)],
    "api-sheet-checks": [write("", MANAGERS, workbook, ok=202)],
    "api-sheet-confirm": [write("check", CHECKER, ok=202)],
    "api-sites": [read()],
    "api-site": [read("site")],
    "api-site-documents": [read("site"), write("site", MANAGE, paper, ok=201)],
    "api-document": [
        read("document"),
        Case(MANAGE, "DELETE", at={"pk": "document"}, ok=204, changes=True),
    ],
    "api-document-file": [read("document", shows=False)],
}
