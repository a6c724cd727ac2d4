"""Who may what of `devices`: equipment and its values."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.files.base import ContentFile
from django.utils import timezone

from sites.rules import Ability, Role
from tests.permission_routes.facts import (
    LOAD,
    LOAD_BY_API,
    MANAGE,
    MANAGERS,
    READ_NOW,
    REPAIR,
    meters,
    meters_by_api,
    photo,
    points,
)
from tests.permission_table import (
    FORBIDDEN,
    OK,
    SIGN_IN,
    VIEW,
    Case,
    holding,
    nothing,
    read,
    signed_in,
    write,
)
from tests.permission_world import NOBODY, PEOPLE, STRANGER, World
from workorders.tests.factories import picture


def source_facts(_world: World) -> dict[str, Any]:
    return {
        "name": "能管平台",
        "quota_per_minute": 6000,
        "period_s": 60,
        "offline_after_s": 600,
    }


def broker_facts(_world: World) -> dict[str, Any]:
    return {"host": "broker.example", "port": 8883, "client_id": "dianwu-7", "is_enabled": "on"}


def mapping_facts(_world: World) -> dict[str, Any]:
    return {
        "topic": "plant/{device}",
        "form": "object",
        "device_key": "{device}",
        "time_form": "s",
        "points": "ua = Ua",
    }


def derived_facts(world: World) -> dict[str, Any]:
    return {"name": "剩余电流之和", "formula": f"d{world.device.pk}:IR * 2", "decimals": 1}


def trial(world: World) -> dict[str, Any]:
    return {
        "template_version": world.device.template_version_id,
        "bus": world.device.bus_id,
        "unit_id": world.device.unit_id,
    }


def seen(world: World) -> dict[str, Any]:
    return {"seen_at": world.trial.read_at.isoformat()}


def seen_of_all(world: World) -> dict[str, Any]:
    return {"seen": f"{world.device.pk}@{world.trial.read_at.isoformat()}"}


def exchange(_world: World) -> dict[str, Any]:
    at = timezone.localtime(timezone=ZoneInfo("Asia/Shanghai"))
    return {
        "at": f"{at:%Y-%m-%dT%H:%M}",
        "serial": "SN-2",
        "reason": "到期轮换",
        "last_EPI": 100,
        "first_EPI": 0,
        "action": "confirm",
    }


def stretch(_world: World) -> dict[str, Any]:
    at = timezone.localtime(timezone=ZoneInfo("Asia/Shanghai"))
    start = at - timedelta(minutes=30)
    return {
        "point": "Ua",
        "start": f"{start:%Y-%m-%dT%H:%M:%S}",
        "end": f"{at:%Y-%m-%dT%H:%M:%S}",
    }


def repair_by_api(_world: World) -> dict[str, Any]:
    now = timezone.now()
    start = (now - timedelta(minutes=30)).isoformat()
    return {"point": "Ua", "kind": "bad", "start": start, "end": now.isoformat(), "reason": "误报"}


def exchange_by_api(_world: World) -> dict[str, Any]:
    return {"at": timezone.now().isoformat(), "serial": "SN-2", "reason": "到期轮换"}


def reason(_world: World) -> dict[str, Any]:
    return {"reason": "接线有误"}


def switching(_world: World) -> dict[str, Any]:
    return {"wanted": "on", "reason": "检修前停电", "permit_number": "CZP-0042"}


def lockout_facts(_world: World) -> dict[str, Any]:
    return {"worker": "张师傅", "reason": "更换接触器", "permit_number": "GZP-7"}


CONTROL, LOCK_OUT = holding(Ability.CONTROL), holding(Ability.LOCK_OUT)
# Without a site: whoever may somewhere.
LOCKERS = LOCK_OUT | {STRANGER: OK}
# Bo set it.
ENDS = MANAGE | {Role.TECHNICIAN.value: OK}

TEMPLATE = {"key": "device.template_version.template.key"}
VERSION = TEMPLATE | {"number": "=1"}
# What belongs to the whole platform is kept by who maintains all of it.
KEEPERS = dict.fromkeys(PEOPLE, FORBIDDEN) | {Role.ADMINISTRATOR.value: OK, NOBODY: SIGN_IN}


def template_text(_world: World) -> dict[str, Any]:
    lines = "key: matrix-1\nvendor: {zh: 甲, en: Acme}\nmodel: One\nregisters:\n"
    line = "  - {point: Ua, unit: V, function_code: 3, address: 0, type: uint16}\n"
    return {"text": lines + line, "action": "publish", "seen": 0}


def device_to_move(world: World) -> dict[str, Any]:
    """Both are on the one version that there is: whoever may move is told so."""
    return {"device": world.device.pk}


PAGES: dict[str, list[Case]] = {
    "devices:template-compare": [Case(signed_in(), at=TEMPLATE)],
    "devices:template-export": [
        Case(signed_in(), at=VERSION | {"kind": f"={kind}"}, label=kind)
        for kind in ("yaml", "xlsx")
    ],
    "devices:template-move": [
        Case(MANAGERS, at=TEMPLATE, shows=True),
        Case(MANAGERS, "POST", at=TEMPLATE, body=device_to_move, ok=302),
    ],
    "devices:template-unmove": [Case(signed_in(), "POST", body=nothing, ok=302)],
    "devices:template-retire": [
        Case(
            KEEPERS,
            "POST",
            at=TEMPLATE,
            body=lambda _world: {"is_retired": "1"},
            ok=302,
            changes=True,
        )
    ],
    "devices:template-clone": [
        Case(KEEPERS, at=VERSION),
        Case(
            KEEPERS,
            "POST",
            at=VERSION,
            body=lambda _world: {"key": "matrix-2", "model": "Two"},
            ok=302,
            changes=True,
        ),
    ],
    "devices:template-import": [
        Case(KEEPERS),
        Case(KEEPERS, "POST", body=template_text, ok=302, changes=True),
    ],
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
    "devices:commission": [
        read("device", MANAGE),
        # Nobody collects in this test: that nothing answers is what the trial shows.
        write("device", MANAGE, trial),
    ],
    "devices:commission-ratio": [write("device", MANAGE, changes=False)],
    "devices:commission-accept": [write("device", MANAGE, seen)],
    "devices:commission-withdraw": [
        Case(
            MANAGE,
            "POST",
            at={"pk": "acceptance"},
            body=reason,
            ok=302,
            changes=True,
        )
    ],
    "devices:commission-gateway": [read("device.bus.gateway", MANAGE)],
    "devices:commission-read-all": [write("device.bus.gateway", MANAGE)],
    "devices:commission-accept-all": [write("device.bus.gateway", MANAGE, seen_of_all)],
    "devices:control-list": [read()],
    "devices:control-detail": [read("control")],
    "devices:control-select": [
        Case(
            CONTROL,
            query=lambda world: {"device": world.device.pk, "output": "DO1"},
            shows=True,
        ),
        # Nobody collects in this test: whoever may select is told that nothing answers.
        Case(
            CONTROL,
            "POST",
            query=lambda world: {"device": world.device.pk, "output": "DO1"},
            body=switching,
            ok=400,
        ),
    ],
    "devices:control-move": [
        Case(
            CONTROL,
            "POST",
            at={"pk": "control", "move": "=refuse"},
            body=lambda _world: {"note": "票号不符"},
            ok=302,
            changes=True,
            label="refuse",
        )
    ],
    "devices:control-site": [read("site")],
    "devices:control-switch": [write("site", MANAGE, lambda _world: {"is_allowed": "0"})],
    "devices:clock-switch": [
        write("site", MANAGE, lambda _world: {"is_allowed": "1", "tolerance_s": "30"})
    ],
    "devices:derived-list": [read("site")],
    "devices:derived-add": [read("site", MANAGE), write("site", MANAGE, derived_facts)],
    "devices:derived-edit": [
        read("derived", MANAGE),
        write("derived", MANAGE, lambda world: derived_facts(world) | {"is_active": "on"}),
    ],
    "devices:derived-inputs": [read("device", MANAGE, shows=False)],
    "devices:clock-list": [read()],
    "devices:lockout-list": [read()],
    "devices:lockout-add": [
        read(who=LOCKERS),
        Case(LOCK_OUT, query=lambda world: {"site": world.site.pk}, shows=True, label="site"),
        Case(
            LOCK_OUT,
            "POST",
            query=lambda world: {"site": world.site.pk},
            body=lockout_facts,
            ok=302,
            changes=True,
            label="site",
        ),
    ],
    "devices:lockout-end": [write("lockout", ENDS)],
    "devices:repair": [
        read("device", REPAIR),
        # There are no samples: whoever may is told so.
        Case(
            REPAIR,
            "POST",
            at={"pk": "device"},
            body=lambda world: stretch(world) | {"kind": "bad", "reason": "误报"},
            ok=400,
        ),
    ],
    "devices:repair-sheet": [
        Case(
            REPAIR,
            "POST",
            at={"pk": "device"},
            body=lambda world: stretch(world) | {"reason": "误报"},
            ok=400,
        ),
    ],
    "devices:repair-undo": [write("repair", REPAIR, reason)],
    "devices:exchange": [read("device", MANAGE), write("device", MANAGE, exchange)],
    "devices:exchange-undo": [write("exchange", MANAGE)],
    "devices:exchange-photo-add": [write("exchange", MANAGE, photo)],
    "devices:exchange-photo": [read("exchange_photo", MANAGE, shows=False)],
    "devices:exchange-photo-small": [read("exchange_photo", MANAGE, shows=False)],
    "devices:source-list": [read(who=MANAGERS)],
    "devices:source-add": [
        read(who=MANAGERS),
        Case(MANAGE, query=lambda world: {"site": world.site.pk}, shows=True, label="site"),
        Case(
            MANAGE,
            "POST",
            query=lambda world: {"site": world.site.pk},
            body=source_facts,
            changes=True,
            label="site",
        ),
    ],
    "devices:source-detail": [read("source", MANAGE)],
    "devices:source-edit": [
        read("source", MANAGE),
        write("source", MANAGE, source_facts),
    ],
    "devices:source-renew": [write("source", MANAGE, ok=200)],
    "devices:source-switch": [write("source", MANAGE, lambda _world: {"is_enabled": "0"})],
    "devices:source-mqtt": [read("source", MANAGE)],
    "devices:source-mqtt-edit": [
        read("source", MANAGE),
        write("source", MANAGE, broker_facts),
    ],
    "devices:source-mapping-add": [
        read("source", MANAGE),
        write("source", MANAGE, mapping_facts),
    ],
    "devices:source-mapping": [read("mapping", MANAGE), write("mapping", MANAGE, mapping_facts)],
    "devices:source-mapping-remove": [write("mapping", MANAGE)],
    "devices:live": [Case(signed_in(), ok=302)],
    "devices:series": [
        Case(VIEW, query=points("IR"), label="safety"),
        Case(LOAD, query=points("P"), label="load"),
    ],
}


def template_file(_world: World) -> dict[str, Any]:
    text = template_text(_world)["text"].replace("matrix-1", "matrix-3")
    return {"file": ContentFile(text.encode(), "matrix.yaml"), "dry_run": "false"}


def display(_world: World) -> dict[str, Any]:
    return {"file": picture()}


def move_by_api(world: World) -> dict[str, Any]:
    """There is one version: whoever may move is told that it is the same."""
    return {"from_version": 1, "to_version": 1, "devices": [world.device.pk]}


API: dict[str, list[Case]] = {
    "api-templates": [read(shows=False)],
    "api-template": [Case(signed_in(), at=TEMPLATE)],
    "api-template-version": [Case(signed_in(), at=VERSION)],
    "api-template-yaml": [Case(signed_in(), at=VERSION)],
    "api-template-xlsx": [Case(signed_in(), at=VERSION)],
    "api-template-difference": [
        Case(signed_in(), at=TEMPLATE, query=lambda _world: {"before": 1, "after": 1})
    ],
    "api-template-imports": [Case(KEEPERS, "POST", body=template_file, ok=201, changes=True)],
    "api-template-retire": [
        Case(KEEPERS, "POST", at=TEMPLATE, body=lambda _world: {"is_retired": True}, changes=True)
    ],
    "api-template-clone": [
        Case(
            KEEPERS,
            "POST",
            at=VERSION,
            body=lambda _world: {"key": "matrix-4", "model": "Four"},
            ok=201,
            changes=True,
        )
    ],
    "api-template-move": [Case(MANAGERS, "POST", at=TEMPLATE, body=move_by_api, ok=400)],
    "api-gateway-meters": [write("device.bus.gateway", MANAGE, meters_by_api, ok=201)],
    "api-site-latest": [read("site", shows=False)],
    "api-site-derived-points": [
        read("site"),
        write("site", MANAGE, derived_facts, ok=201),
    ],
    "api-derived-point": [
        read("derived"),
        Case(MANAGE, "PATCH", at={"pk": "derived"}, body=derived_facts, changes=True),
        Case(MANAGE, "DELETE", at={"pk": "derived"}, ok=204, changes=True),
    ],
    "api-derived-point-series": [read("derived")],
    "api-gateways": [read()],
    "api-gateway": [read("device.bus.gateway")],
    "api-brokers": [read(who=MANAGERS)],
    "api-broker": [read("mapping.broker", MANAGE)],
    "api-devices": [read()],
    "api-device": [read("device")],
    "api-device-latest": [read("device", shows=False)],
    "api-device-series": [
        Case(VIEW, at={"pk": "device"}, query=lambda _world: {"points": "IR"}, label="safety"),
        Case(LOAD_BY_API, at={"pk": "device"}, query=lambda _world: {"points": "P"}, label="load"),
    ],
    # Nobody collects in this test: whoever may ask is told that nothing answers.
    "api-device-read-now": [Case(READ_NOW, "POST", at={"pk": "device"}, body=nothing, ok=502)],
    "api-device-repairs": [
        read("device", REPAIR, shows=False),
        Case(REPAIR, "POST", at={"pk": "device"}, body=repair_by_api, ok=400),
    ],
    "api-repair-undo": [write("repair", REPAIR, reason, ok=200)],
    "api-device-exchanges": [
        read("device", MANAGE, shows=False),
        write("device", MANAGE, exchange_by_api, ok=201),
    ],
    "api-exchange-undo": [write("exchange", MANAGE, ok=200)],
    "api-exchange-photos": [
        read("exchange", MANAGE, shows=False),
        write("exchange", MANAGE, display, ok=201),
    ],
    "api-exchange-photo-image": [read("exchange_photo", MANAGE, shows=False)],
    "api-exchange-photo-thumbnail": [read("exchange_photo", MANAGE, shows=False)],
    "api-device-trial": [write("device", MANAGE, nothing, ok=200)],
    "api-device-acceptances": [
        read("device", MANAGE, shows=False),
        write("device", MANAGE, seen, ok=201),
    ],
    "api-acceptance-withdraw": [
        Case(
            MANAGE,
            "POST",
            at={"pk": "acceptance"},
            body=reason,
            changes=True,
        )
    ],
    "api-points": [read(shows=False)],
    "api-controls": [
        read(),
        # Nobody collects in this test: whoever may select is told that nothing answers.
        Case(
            CONTROL,
            "POST",
            body=lambda world: (
                switching(world) | {"device": world.device.pk, "output": "DO1", "wanted": True}
            ),
            ok=409,
        ),
    ],
    "api-control": [read("control")],
    "api-control-log": [read("control")],
    "api-control-moves": [
        write("control", CONTROL, lambda _w: {"move": "refuse", "note": "票号不符"}, ok=200)
    ],
    "api-lockouts": [
        read(),
        write("", LOCK_OUT, lambda world: lockout_facts(world) | {"site": world.site.pk}, ok=201),
    ],
    "api-lockout-end": [write("lockout", ENDS, ok=200)],
    # The key of a data source opens it, nobody's token or session does.
    "api-ingest": [Case(dict.fromkeys(PEOPLE, SIGN_IN), "POST", body=nothing)],
    "api-search": [read(query=lambda world: {"q": world.device.name})],
}
