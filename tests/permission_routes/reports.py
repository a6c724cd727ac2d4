"""Who may what of `reports`: what looks at all of it."""

from __future__ import annotations

from sites.rules import Role
from tests.permission_routes.facts import (
    CHANGES,
    LOAD,
    MANAGERS,
    READ_NOW,
    VIEWER,
    points,
)
from tests.permission_table import (
    FORBIDDEN,
    OK,
    SIGN_IN,
    VIEW,
    Case,
    everybody,
    read,
    signed_in,
    write,
)
from tests.permission_world import NOBODY, PEOPLE

# Shards hold the gateways of many sites.
OPERATOR = dict.fromkeys(PEOPLE, FORBIDDEN) | {Role.ADMINISTRATOR.value: OK, NOBODY: SIGN_IN}

PAGES: dict[str, list[Case]] = {
    "reports:hall": [read(shows=False)],
    "reports:town-sheet": [read(shows=False)],
    "reports:map-sites": [read()],
    "reports:map-popup": [read("site")],
    "reports:site-list": [read()],
    "reports:gateway-list": [read()],
    "reports:gateway-detail": [read("device.bus.gateway")],
    # Templates are common to everybody; devices are counted on one's own sites.
    "reports:template-list": [read(shows=False)],
    "reports:template-detail": [
        Case(
            signed_in(),
            at={"key": "device.template_version.template.key"},
            query=lambda _world, tab=tab: {"tab": tab},
            label=tab,
        )
        for tab in ("registers", "blocks", "limits", "versions")
    ],
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
            for tab in ("devices", "energy", "alarms", "work", "archive")
        ],
    ],
    "reports:balance-sheet": [
        Case(VIEW | {VIEWER: FORBIDDEN}, at={"pk": "site"}, label="energy"),
    ],
    "reports:site-gaps": [read("site")],
    "reports:site-quality": [read("site")],
    "reports:device-collection": [read("device")],
    "reports:site-load": [read("site", shows=False)],
    "reports:state-diagrams": [read(shows=False)],
    "reports:completeness-help": [read(shows=False)],
    "reports:about": [read(shows=False)],
    "reports:health": [read(who=everybody(), shows=False)],
    "reports:health-live": [read(who=everybody(), shows=False)],
    "reports:health-ready": [read(who=everybody(), shows=False)],
    # Without a token: whoever asks on the machine itself.
    "reports:metrics": [read(who=everybody(), shows=False)],
    "reports:collection": [read(who=OPERATOR, shows=False)],
    "reports:change-list": [read(who=MANAGERS, shows=False)],
    "reports:change-object": [Case(CHANGES, at={"kind": "=site", "pk": "site"}, shows=True)],
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
    "reports:curves-table": [
        Case(VIEW, query=points("IR"), label="safety", shows=True),
        Case(LOAD, query=points("P"), label="load"),
    ],
    "reports:curves-sheet": [
        Case(VIEW, "POST", query=points("IR"), ok=302, changes=True, label="safety"),
        Case(LOAD, "POST", query=points("P"), ok=302, changes=True, label="load"),
    ],
    "reports:curves-find": [read(query=lambda world: {"q": world.device.name})],
    "reports:curves-branch": [read("site")],
    "reports:curves-points": [read("device", shows=False)],
}

API: dict[str, list[Case]] = {
    "api-changes": [
        read(who=MANAGERS, shows=False),
        Case(
            CHANGES,
            query=lambda world: {"kind": "site", "object": world.site.pk},
            shows=True,
            label="object",
        ),
    ],
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
    "api-curves-table": [
        Case(
            VIEW,
            query=lambda world: {"points": f"{world.device.pk}:IR", "step": "15m"},
            label="safety",
        ),
        Case(
            LOAD,
            query=lambda world: {"points": f"{world.device.pk}:P", "step": "15m"},
            label="load",
        ),
    ],
    "api-curves-sheets": [
        Case(
            VIEW,
            "POST",
            body=lambda world: {"points": f"{world.device.pk}:IR", "format": "csv"},
            ok=202,
            changes=True,
            label="safety",
        ),
        Case(
            LOAD,
            "POST",
            body=lambda world: {"points": f"{world.device.pk}:P", "format": "csv"},
            ok=202,
            changes=True,
            label="load",
        ),
    ],
    "api-tree": [read()],
    "api-site-tree": [read("site")],
    "api-collection": [read(who=OPERATOR, shows=False)],
    "api-hall": [read(shows=False)],
    "api-site-energy": [read("site", shows=False)],
    "api-site-balance": [read("site", shows=False)],
    "api-site-overview": [read("site", shows=False)],
    "api-site-completeness": [read("site", shows=False)],
    "api-site-gaps": [read("site", shows=False)],
    # Points of a class that one does not hold are left out.
    "api-site-flags": [read("site", shows=False)],
    "api-device-online": [read("device", shows=False)],
    "api-gateway-online": [read("device.bus.gateway", shows=False)],
    # Points of a class that one does not hold are left out.
    "api-device-completeness": [read("device", shows=False)],
}
