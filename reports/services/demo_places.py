"""The demo's places, people and equipment, from reports/library/demo.yaml."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from devices.models import Bus, Device, Gateway, Meter, TemplateVersion
from sites import services as site_services
from sites.models import (
    Category,
    Circuit,
    Department,
    Enterprise,
    Organisation,
    Room,
    Site,
    Team,
    Town,
    Transformer,
    User,
)

PASSWORD = "dianwu-demo"  # noqa: S105 - printed by script/server, refused on a real database
LIBRARY = Path(__file__).resolve().parent.parent / "library" / "demo.yaml"

# The day of history has a sample a minute; then the demo goes live, faster.
HISTORY_PERIOD_S = 60
LIVE_PERIOD_S = 5
LINE_V = 400

# What the incomers and feeders of the demo are measured with, in turn: the maps of real meters are
# served by the simulator too, so that every template is exercised.
INCOMER_TEMPLATE = "simulated"
FEEDER_TEMPLATES = (
    "simulated",
    "simulated",
    "eastron-sdm630",
    "chint-dtsu666",
    "simulated",
    "acrel-adw300",
    "simulated",
    "schneider-iem3000",
    "simulated",
    "cet-pmc53a",
)


@dataclass(slots=True)
class Demo:
    """What was made, by the keys of the file."""

    document: dict[str, Any]
    now: datetime
    organisations: dict[str, Organisation] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=list)
    feeders: int = 0
    gateways: int = 0


def document() -> dict[str, Any]:
    """The file, parsed."""
    return yaml.safe_load(LIBRARY.read_text(encoding="utf-8"))


@transaction.atomic
def build(*, now: datetime) -> Demo:
    """Make every place, person and device of the file; the database must not hold them yet."""
    demo = Demo(document=document(), now=now)
    _parties(demo=demo)
    for facts in demo.document["enterprises"]:
        enterprise = _enterprise(facts=facts)
        for site in facts["sites"]:
            _site(demo=demo, enterprise=enterprise, facts=site)
    _people(demo=demo)
    return demo


def go_live(*, now: datetime) -> None:
    """Poll the demo's gateways at the pace of a demonstration from now on."""
    Gateway.objects.filter(is_simulated=True).update(period_s=LIVE_PERIOD_S, updated_at=now)


def _parties(*, demo: Demo) -> None:
    for facts in demo.document["towns"]:
        Town.objects.create(**facts)
    for facts in demo.document["organisations"]:
        key = facts["key"]
        demo.organisations[key] = Organisation.objects.create(
            name=facts["name"], name_en=facts["name_en"], kind=facts["kind"]
        )
    for facts in demo.document["teams"]:
        demo.teams[facts["key"]] = Team.objects.create(
            organisation=demo.organisations[facts["organisation"]],
            name=facts["name"],
            name_en=facts["name_en"],
        )


def _people(*, demo: Demo) -> None:
    password = make_password(PASSWORD)
    for facts in demo.document["users"]:
        user = User.objects.create(
            username=facts["username"],
            name=facts["name"],
            organisation=demo.organisations[facts["organisation"]],
            is_staff=facts.get("staff", False),
            is_demo=True,
            password=password,
        )
        user.teams.set(demo.teams[key] for key in facts.get("teams", []))
        demo.users[user.username] = user
        _grant(demo=demo, user=user, facts=facts)


def _grant(*, demo: Demo, user: User, facts: dict[str, Any]) -> None:
    scopes: dict[str, Callable[[str], Any]] = {
        "organisation": lambda key: demo.organisations[key],
        "team": lambda key: demo.teams[key],
        "enterprise": lambda key: Enterprise.objects.get(number=key),
        "town": lambda key: Town.objects.get(code=key),
        "department": lambda key: Department.objects.get(code=key),
    }
    scope = scopes[facts["scope"]](facts["of"]) if facts["scope"] in scopes else None
    site_services.grant(
        user=user,
        role=facts["role"],
        scope=scope,
        by=None,
        now=demo.now,
        data_classes=facts.get("classes"),
        starts_at=demo.now - timedelta(days=365),
    )


def _enterprise(*, facts: dict[str, Any]) -> Enterprise:
    capacity = sum(kva for site in facts["sites"] for kva in site["transformers"])
    return Enterprise.objects.create(
        number=facts["number"],
        name=facts["name"],
        name_en=facts["name_en"],
        category=Category.objects.get(code=facts["category"]),
        department=Department.objects.get(code=facts["department"]),
        town=Town.objects.get(code=facts["town"]),
        quality=facts["quality"],
        contract_capacity_kva=capacity,
        supply_voltage=Enterprise.SupplyVoltage.KV10,
    )


def _site(*, demo: Demo, enterprise: Enterprise, facts: dict[str, Any]) -> None:
    site = Site.objects.create(
        enterprise=enterprise,
        number=facts["number"],
        name=facts["name"],
        name_en=facts["name_en"],
        team=demo.teams[facts["team"]],
        state=facts.get("state", Site.State.OPERATION),
        latitude_deg=facts["lat"],
        longitude_deg=facts["lon"],
        nominal_voltage_v=LINE_V,
        commissioned_on=(demo.now - timedelta(days=400)).date(),
    )
    room = Room.objects.create(site=site, name="配电室", name_en="Switch room")  # not translated
    bus = _gateway(demo=demo, site=site)
    incomers = [
        _incomer(demo=demo, site=site, room=room, bus=bus, position=position, rated_kva=rated_kva)
        for position, rated_kva in enumerate(facts["transformers"], 1)
    ]
    names = zip(facts["feeders"], facts["feeders_en"], strict=True)
    for position, (name, name_en) in enumerate(names, 1):
        _feeder(
            demo=demo,
            bus=bus,
            parent=incomers[(position - 1) % len(incomers)],
            position=position,
            names=(name, name_en),
        )


def _gateway(*, demo: Demo, site: Site) -> Bus:
    gateway = Gateway.objects.create(
        site=site,
        name=f"{site.number} 网关",  # not translated
        name_en=f"{site.number} gateway",
        serial=f"SIM-{demo.gateways + 1:04d}",
        host="127.0.0.1",
        shard=demo.gateways % 2,
        period_s=HISTORY_PERIOD_S,
        offline_after_s=20,
        is_simulated=True,
    )
    bus = Bus.objects.create(
        gateway=gateway, port=settings.SIMULATOR_PORT + demo.gateways, timeout_ms=800
    )
    demo.gateways += 1
    return bus


def _incomer(
    *, demo: Demo, site: Site, room: Room, bus: Bus, position: int, rated_kva: int
) -> Circuit:
    transformer = Transformer.objects.create(
        room=room,
        name=f"{position}# 变压器",  # not translated
        name_en=f"Transformer {position}",
        rated_kva=rated_kva,
    )
    circuit = Circuit.objects.create(
        room=room,
        transformer=transformer,
        code=f"40{position}",
        name=f"40{position} 进线",  # not translated
        name_en=f"40{position} incomer",
        kind=Circuit.Kind.INCOMER,
        rated_current_a=round(rated_kva * 1000 / (sqrt(3) * LINE_V)),
    )
    _device(
        demo=demo,
        circuit=circuit,
        bus=bus,
        unit_id=position,
        template=INCOMER_TEMPLATE,
        names=(f"{circuit.code} 进线电表", f"{circuit.code} incomer meter"),  # not translated
    )
    return circuit


def _feeder(
    *, demo: Demo, bus: Bus, parent: Circuit, position: int, names: tuple[str, str]
) -> None:
    incomer_a = parent.rated_current_a or 400
    circuit = Circuit.objects.create(
        room=parent.room,
        transformer=parent.transformer,
        parent=parent,
        code=f"41{position}",
        name=f"41{position} {names[0]}",
        name_en=f"41{position} {names[1]}",
        rated_current_a=round(incomer_a * 0.45 / 10) * 10,
    )
    _device(
        demo=demo,
        circuit=circuit,
        bus=bus,
        unit_id=10 + position,
        template=FEEDER_TEMPLATES[demo.feeders % len(FEEDER_TEMPLATES)],
        names=(f"{circuit.code} {names[0]}", f"{circuit.code} {names[1]}"),
    )
    demo.feeders += 1


def _device(
    *,
    demo: Demo,
    circuit: Circuit,
    bus: Bus,
    unit_id: int,
    template: str,
    names: tuple[str, str],
) -> None:
    device = Device.objects.create(
        site=circuit.room.site,
        room=circuit.room,
        circuit=circuit,
        bus=bus,
        unit_id=unit_id,
        template_version=TemplateVersion.objects.filter(template__key=template)
        .select_related("layout")
        .latest("number"),
        name=names[0],
        name_en=names[1],
        code=circuit.code,
        is_simulated=True,
    )
    Meter.objects.create(
        device=device,
        serial=f"SN{demo.document['seed'] % 10_000:04d}{device.pk:06d}",
        installed_at=demo.now - timedelta(days=380),
    )
    demo.devices.append(device)
