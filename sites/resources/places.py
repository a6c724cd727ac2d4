"""The sheets of places, and how places are named in cells."""

from functools import partial
from typing import Any

from sites.models import (
    Category,
    Circuit,
    Department,
    Enterprise,
    Room,
    Site,
    Team,
    Town,
    Transformer,
    User,
)
from sites.resources.directory import names_by
from sites.resources.sheets import Sheet, register
from sites.rules import Ability

MANAGE = Ability.MANAGE_SITE


def _named(row: Any) -> list[str]:
    return [text for text in (row.name, row.code, row.name_en) if text]


def _numbered(row: Any) -> list[str]:
    return [f"{row.number} {row.name}", row.number, row.name]


def _room(row: Room) -> list[str]:
    return [f"{row.site.number} / {row.name}", f"{row.site.name} / {row.name}", row.name]


def _transformer(row: Transformer) -> list[str]:
    path = f"{row.room.site.number} / {row.room.name}"
    return [f"{path} / {row.name}", f"{row.room.name} / {row.name}", row.name]


def _circuit(row: Circuit) -> list[str]:
    path = f"{row.room.site.number} / {row.room.name}"
    words = [" ".join(filter(None, (row.code, row.name))), row.code, row.name]
    known = dict.fromkeys(word for word in words if word)
    return [*(f"{path} / {word}" for word in known), *known]


def _team(row: Team) -> list[str]:
    return [row.name, f"{row.organisation.name} / {row.name}"]


def name_places() -> None:
    """Make the namings known."""
    for dictionary in (Town, Department, Category):
        names_by(dictionary, rows=partial(_everything, dictionary), names=_named)
    names_by(
        Enterprise, rows=lambda u: Enterprise.objects.visible_to(u, ability=MANAGE), names=_numbered
    )
    names_by(Site, rows=lambda u: Site.objects.visible_to(u, ability=MANAGE), names=_numbered)
    names_by(
        Team,
        rows=lambda u: Team.objects.visible_to(u, ability=MANAGE).select_related("organisation"),
        names=_team,
    )
    names_by(Room, rows=lambda u: _below(Room, u, "site"), names=_room)
    names_by(Transformer, rows=lambda u: _below(Transformer, u, "room__site"), names=_transformer)
    names_by(Circuit, rows=lambda u: _below(Circuit, u, "room__site"), names=_circuit)


def _everything(model: Any, _user: User) -> Any:
    return model.objects.all()


def _below(model: Any, user: User, path: str) -> Any:
    return model.objects.visible_to(user, ability=MANAGE).select_related(path)


def register_places() -> None:
    """Make the sheets known."""
    register(
        Sheet(
            key="enterprises",
            model=Enterprise,
            position=10,
            platform_to_add=True,
            platform_fields=("number", "town", "department", "category", "parent", "is_group"),
            names=(
                "number",
                "name",
                "name_en",
                "is_group",
                "parent",
                "category",
                "department",
                "town",
                "quality",
                "supply_voltage",
                "contract_capacity_kva",
                "annual_output_10k_yuan",
                "payment_code",
                "payment_name",
                "address",
                "contact_name",
                "contact_phone",
                "legal_person",
                "legal_phone",
            ),
        )
    )
    register(
        Sheet(
            key="sites",
            model=Site,
            position=20,
            platform_to_add=True,
            platform_fields=("number", "enterprise"),
            names=(
                "number",
                "name",
                "name_en",
                "enterprise",
                "team",
                "state",
                "address",
                "latitude_deg",
                "longitude_deg",
                "timezone",
                "nominal_voltage_v",
                "commissioned_on",
                "contact_name",
                "contact_phone",
                "balance_limit_percent",
            ),
        )
    )
    register(
        Sheet(
            key="rooms",
            model=Room,
            position=30,
            fixed_fields=("site",),
            names=("site", "name", "name_en", "kind"),
        )
    )
    register(
        Sheet(
            key="transformers",
            model=Transformer,
            position=40,
            fixed_fields=("room",),
            names=("room", "name", "name_en", "rated_kva", "vector_group", "kind"),
        )
    )
    register(
        Sheet(
            key="circuits",
            model=Circuit,
            position=50,
            names=(
                "room",
                "code",
                "name",
                "name_en",
                "kind",
                "transformer",
                "parent",
                "rated_current_a",
                "nominal_voltage_v",
            ),
        )
    )
