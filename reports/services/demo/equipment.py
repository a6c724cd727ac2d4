"""The demo's gateways and devices: every incomer, feeder, monitor and thermometer of a site."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from devices.models import Bus, Device, DtuProfile, Gateway, Meter, TemplateVersion
from devices.services.dtu_profiles import load_dtu_profiles
from devices.states import GatewayKind
from reports.services.demo import places
from reports.services.demo.document import MINUTE_S, MINUTE_SITES, QUARTER_S, Demo
from sites.models import Circuit, Room, Site

# What feeders are measured with, in turn: the maps of real meters are served by the simulator too,
# so that every template is exercised.
INCOMER_TEMPLATE = "simulated"
FIRE_TEMPLATE, OIL_TEMPLATE = "simulated-fire", "simulated-thermal"
FEEDER_TEMPLATES = (
    "simulated",
    "simulated",
    "eastron-sdm630",
    "simulated",
    "chint-dtsu666",
    "simulated",
    "acrel-adw300",
    "simulated",
    "schneider-iem3000",
    "simulated",
    "cet-pmc53a",
)
SHARES = {1: (0.86,), 2: (0.55, 0.41), 3: (0.42, 0.33, 0.21), 4: (0.34, 0.28, 0.21, 0.13)}
# The pace of a demonstration: a quarter of the gateways is polled twice as often.
LIVE_PERIODS_S = (5, 10, 10, 10)
# One gateway in so many dials in, as a DTU of this kind.
DIALS_EVERY = 16
DTU_PROFILE = "ascii-id-ff80"


def equip(*, demo: Demo, site: Site, facts: dict[str, Any]) -> None:
    """Everything inside a site."""
    rooms = places.make_rooms(site=site, facts=facts)
    incomers, buses = [], []
    for position, rated_kva in enumerate(facts["kva"], 1):
        room = rooms[min(position, len(rooms)) - 1]
        is_oil = position <= facts.get("oil", 0)
        bus = _gateway(demo=demo, site=site, position=position, of=len(facts["kva"]))
        incomer = places.make_incomer(
            room=room, position=position, rated_kva=rated_kva, is_oil=is_oil
        )
        pair = (f"{incomer.code} 进线电表", f"{incomer.code} incomer meter")  # not translated
        _device(demo=demo, circuit=incomer, bus=bus, template=INCOMER_TEMPLATE, pair=pair)
        if is_oil:
            pair = (
                f"{position}# 变压器温控仪",
                f"Transformer {position} thermometer",
            )  # not translated
            _device(demo=demo, circuit=incomer, bus=bus, template=OIL_TEMPLATE, pair=pair)
        incomers.append(incomer)
        buses.append(bus)
    if len(incomers) == 2 and len(rooms) == 1:
        places.make_tie(above=incomers[0])
    feeders = _feeders(demo=demo, facts=facts, incomers=incomers, buses=buses)
    for number in range(facts.get("fire", 0)):
        circuit = feeders[number] if number < len(feeders) else incomers[0]
        pair = (f"{circuit.name} 火灾监控", f"{circuit.name_en} fire monitor")  # not translated
        _device(demo=demo, circuit=circuit, bus=buses[0], template=FIRE_TEMPLATE, pair=pair)


def go_live(*, demo: Demo, now: datetime) -> None:
    """Poll the demo's gateways at the pace of a demonstration from now on."""
    ids = list(
        Gateway.objects.filter(is_simulated=True).order_by("pk").values_list("pk", flat=True)
    )
    for place, period_s in enumerate(LIVE_PERIODS_S):
        chosen = ids[place :: len(LIVE_PERIODS_S)]
        Gateway.objects.filter(pk__in=chosen).update(
            period_s=period_s, offline_after_s=30, updated_at=now
        )
    if settings.DTU_PORT:
        _dial_in(ids[DIALS_EVERY // 2 :: DIALS_EVERY], now)


def _dial_in(ids: list[int], now: datetime) -> None:
    """Let some gateways dial in, as those behind mobile networks do."""
    load_dtu_profiles()
    profile = DtuProfile.objects.get(code=DTU_PROFILE)
    for number, gateway in enumerate(Gateway.objects.filter(pk__in=ids).order_by("pk"), 1):
        gateway.kind, gateway.shard = GatewayKind.DTU, 0
        gateway.host, gateway.dtu_id = "", f"SIM{number:08d}"
        gateway.dtu_profile = profile
        gateway.imei = f"86000000{number:07d}"
        gateway.iccid = f"8986000000000{number:07d}"
        gateway.sim_expires_on = (now + timedelta(days=90 * number - 78)).date()
        gateway.sim_plan_mb = 100
        gateway.save()


def _feeders(
    *, demo: Demo, facts: dict[str, Any], incomers: list[Circuit], buses: list[Bus]
) -> list[Circuit]:
    pairs = demo.document["feeders"][facts["industry"]]
    begin = demo.next(facts["industry"])
    feeders = []
    for number in range(facts["feeders"]):
        side = number % len(incomers)
        beside = len(range(side, facts["feeders"], len(incomers)))
        place = number // len(incomers)
        circuit = places.make_feeder(
            above=incomers[side],
            number=place + 1,
            share=SHARES[beside][place],
            pair=pairs[(begin + number) % len(pairs)],
        )
        template = FEEDER_TEMPLATES[demo.next("feeder") % len(FEEDER_TEMPLATES)]
        pair = (circuit.name, circuit.name_en)
        _device(demo=demo, circuit=circuit, bus=buses[side], template=template, pair=pair)
        feeders.append(circuit)
    return feeders


def _gateway(*, demo: Demo, site: Site, position: int, of: int) -> Bus:
    number = demo.next("gateway")
    mark = f" {position}#" if of > 1 else ""
    period_s = MINUTE_S if site.number in MINUTE_SITES else QUARTER_S
    gateway = Gateway.objects.create(
        site=site,
        name=f"{site.number}{mark} 网关",  # not translated
        name_en=f"{site.number} gateway{mark.replace('#', '')}",
        serial=f"SIM-{number + 1:04d}",
        host="127.0.0.1",
        shard=number % 2,
        period_s=period_s,
        offline_after_s=2 * period_s,
        is_simulated=True,
    )
    port = settings.SIMULATOR_PORT + number
    return Bus.objects.create(gateway=gateway, port=port, timeout_ms=800)


def _device(
    *, demo: Demo, circuit: Circuit, bus: Bus, template: str, pair: tuple[str, str]
) -> Device:
    room: Room = circuit.room
    device = Device.objects.create(
        site=room.site,
        room=room,
        circuit=circuit,
        bus=bus,
        unit_id=demo.next(f"bus {bus.pk}") + 1,
        template_version=_version(template),
        name=pair[0],
        name_en=pair[1],
        code=circuit.code,
        is_simulated=True,
    )
    Meter.objects.create(
        device=device,
        serial=f"SN{demo.seed % 10_000:04d}{device.pk:06d}",
        installed_at=demo.now - timedelta(days=380),
    )
    demo.devices.append(device)
    return device


def _version(template: str) -> TemplateVersion:
    return (
        TemplateVersion.objects.filter(template__key=template)
        .select_related("layout", "template")
        .latest("number")
    )
