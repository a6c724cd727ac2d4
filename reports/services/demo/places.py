"""The demo's places: towns, enterprises, sites, rooms, transformers and circuits."""

from collections.abc import Iterator
from datetime import timedelta
from math import cos, pi, sin, sqrt
from typing import Any

from devices.models import StoragePlan
from reports.services.demo.document import Demo, names
from reports.services.demo.people import fictional_phone
from sites.models import (
    Category,
    Circuit,
    Department,
    Enterprise,
    Room,
    Site,
    Town,
    Transformer,
)

LINE_V = 400
FIRST_DEPARTMENT = {"malls": "commerce", "parks": "science", "markets": "market"}
# What a breaker is sold for.
RATINGS_A = (100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500)
# The feeders of a transformer could take so much of it, if all were at their rating.
OFFERED = 0.96
GIVEN_NAMES = ("建平", "晓岚", "志远", "文慧", "国梁", "思源", "永清")  # not translated
_GOLDEN = pi * (3 - sqrt(5))
_METRES_LAT, _METRES_LON = 1 / 111_320, 1 / 96_400
_SPREAD_M = 330.0


def make_towns(*, demo: Demo) -> None:
    """The towns of the district."""
    for facts in demo.document["towns"]:
        Town.objects.create(code=facts["code"], **names(facts["name"]))


def make_sites(*, demo: Demo) -> Iterator[tuple[Site, dict[str, Any]]]:
    """Enterprises and their sites, one after the other, as many as are wanted."""
    for facts in demo.document["enterprises"]:
        wanted = facts["sites"][: max(0, demo.size.sites - len(demo.sites))]
        if not wanted:
            return
        enterprise = _enterprise(demo=demo, facts=facts)
        for of_site in wanted:
            site = _site(demo=demo, enterprise=enterprise, facts=facts["facts"] | of_site)
            demo.sites.append(site)
            yield site, facts["facts"] | of_site


def _enterprise(*, demo: Demo, facts: dict[str, Any]) -> Enterprise:
    more = facts["facts"]
    category = Category.objects.get(code=more["category"])
    wanted = FIRST_DEPARTMENT.get(category.code)
    departments = category.departments.all()
    number = demo.next("enterprise")
    town = Town.objects.get(code=more["town"])
    street = f"{facts['name'][0][:2]}路 {18 + 7 * number} 号"  # not translated
    return Enterprise.objects.create(
        number=facts["number"],
        category=category,
        department=Department.objects.get(code=wanted) if wanted else departments.first(),
        town=town,
        quality=more["quality"],
        address=f"{town.name}{street}",
        annual_output_10k_yuan=round(800 * 1.17 ** (number * 7 % 29), -2),
        legal_person=more["contact"][0] + GIVEN_NAMES[number % len(GIVEN_NAMES)],
        legal_phone=fictional_phone(demo=demo),
        contact_name=_contact(more["contact"]),
        contact_phone=fictional_phone(demo=demo),
        contract_capacity_kva=sum(kva for site in facts["sites"] for kva in site["kva"]),
        supply_voltage=Enterprise.SupplyVoltage.KV10,
        **names(facts["name"]),
    )


def _site(*, demo: Demo, enterprise: Enterprise, facts: dict[str, Any]) -> Site:
    latitude, longitude = facts.get("at") or _scattered(demo=demo, town=facts["town"])
    number = demo.next("site")
    return Site.objects.create(
        enterprise=enterprise,
        number=facts["number"],
        team=demo.teams[facts.get("team") or demo.team_of_town[facts["town"]]],
        state=facts.get("state", Site.State.OPERATION),
        address=enterprise.address,
        latitude_deg=latitude,
        longitude_deg=longitude,
        nominal_voltage_v=LINE_V,
        contact_name=_contact(facts["contact"]),
        contact_phone=fictional_phone(demo=demo),
        commissioned_on=(demo.now - timedelta(days=400 + number * 53 % 1300)).date(),
        **names(facts["name"]),
    )


def _contact(surname: list[str]) -> str:
    return f"{surname[0]}工"  # not translated


def _scattered(*, demo: Demo, town: str) -> tuple[float, float]:
    """Around the middle of a town, as the seeds of a sunflower lie."""
    middle = next(facts["at"] for facts in demo.document["towns"] if facts["code"] == town)
    number = demo.next(f"place {town}") + 1
    radius = _SPREAD_M * sqrt(number + 0.5)
    angle = _GOLDEN * number + len(town)
    return (
        round(middle[0] + radius * sin(angle) * _METRES_LAT, 5),
        round(middle[1] + radius * cos(angle) * _METRES_LON, 5),
    )


def house_platform(*, demo: Demo) -> None:
    """Its own alarms go to the site that the document names, in a small demo to the first one."""
    named = [site for site in demo.sites if site.number == demo.document["platform_at"]]
    StoragePlan.objects.update(site=(named or demo.sites)[0])


def make_rooms(*, site: Site, facts: dict[str, Any]) -> list[Room]:
    """A room, or one for each of two large transformers."""
    kind = facts.get("kind", "room")
    if kind == "package":
        pairs = [["箱变", "Package substation"]]  # not translated
    elif len(facts["kva"]) > 1 and sum(facts["kva"]) >= 2500:
        pairs = [["一号配电室", "Switch room 1"], ["二号配电室", "Switch room 2"]]  # not translated
    else:
        pairs = [["配电室", "Switch room"]]  # not translated
    return [Room.objects.create(site=site, kind=kind, **names(pair)) for pair in pairs]


def make_incomer(*, room: Room, position: int, rated_kva: int, is_oil: bool) -> Circuit:
    """A transformer with its incomer and its capacitors."""
    transformer = Transformer.objects.create(
        room=room,
        name=f"{position}# 变压器",  # not translated
        name_en=f"Transformer {position}",
        rated_kva=rated_kva,
        kind=Transformer.Kind.OIL if is_oil else Transformer.Kind.DRY,
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
    Circuit.objects.create(
        room=room,
        transformer=transformer,
        parent=circuit,
        code=f"4{position}9",
        name=f"4{position}9 电容补偿",  # not translated
        name_en=f"4{position}9 capacitors",
        kind=Circuit.Kind.CAPACITOR,
        rated_current_a=rating_a(rated_kva * 0.45),
    )
    return circuit


def make_tie(*, above: Circuit) -> None:
    """The breaker between two busbars."""
    Circuit.objects.create(
        room=above.room,
        transformer=above.transformer,
        parent=above,
        code="400",
        name="400 母联",  # not translated
        name_en="400 bus tie",
        kind=Circuit.Kind.TIE,
        rated_current_a=above.rated_current_a,
    )


def make_feeder(*, above: Circuit, number: int, share: float, pair: list[str]) -> Circuit:
    """A feeder that may take its share of what the incomer offers."""
    code = f"4{above.code[-1]}{number}"
    return Circuit.objects.create(
        room=above.room,
        transformer=above.transformer,
        parent=above,
        code=code,
        name=f"{code} {pair[0]}",
        name_en=f"{code} {pair[1]}",
        rated_current_a=rating_a((above.rated_current_a or 400) * OFFERED * share),
    )


def rating_a(wanted_a: float) -> int:
    """The rating that comes nearest."""
    return min(RATINGS_A, key=lambda rated_a: abs(rated_a / wanted_a - 1))
