"""Places: the circuits' tree, coordinates and zones are kept by the model and by the database."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import translation

from sites.models import Circuit, Room, Site
from sites.tests.factories import (
    make_circuit,
    make_enterprise,
    make_room,
    make_site,
    make_transformer,
)

pytestmark = pytest.mark.django_db


def refused(circuit: Circuit, field: str) -> None:
    """Assert that the form says it beside the field, and that the database says it too."""
    with pytest.raises(ValidationError) as refusal:
        circuit.full_clean()
    assert field in refusal.value.message_dict
    with pytest.raises(IntegrityError), transaction.atomic():
        circuit.save()


def test_a_circuit_may_hang_below_one_of_another_room_of_the_site() -> None:
    site = make_site()
    incomer = make_circuit(room=make_room(site=site))

    feeder = make_circuit(room=make_room(site=site), parent=incomer)

    feeder.full_clean()
    assert list(incomer.children.all()) == [feeder]


def test_a_circuit_may_not_hang_below_another_site() -> None:
    circuit = make_circuit()
    circuit.parent = make_circuit()

    refused(circuit, "parent")


def test_a_circuit_may_not_hang_below_itself() -> None:
    circuit = make_circuit()
    circuit.parent = circuit

    refused(circuit, "parent")


def test_circuits_form_no_ring() -> None:
    top = make_circuit()
    middle = make_circuit(parent=top)
    bottom = make_circuit(parent=middle)
    top.parent = bottom

    refused(top, "parent")


def test_a_circuit_takes_no_transformer_of_another_room() -> None:
    site = make_site()
    circuit = make_circuit(room=make_room(site=site))
    circuit.transformer = make_transformer(room=make_room(site=site))

    refused(circuit, "transformer")


def test_a_circuit_does_not_leave_its_children_behind() -> None:
    parent = make_circuit()
    make_circuit(parent=parent)
    parent.room = make_room()

    refused(parent, "room")


def test_a_room_goes_with_its_whole_tree() -> None:
    room = make_room()
    make_circuit(parent=make_circuit(room=room))

    room.delete()

    assert not Circuit.objects.exists()


@pytest.mark.parametrize("facts", [{"latitude_deg": None}, {"longitude_deg": None}])
def test_a_site_has_both_coordinates_or_none(facts: dict[str, None]) -> None:
    site = make_site()
    for name, value in facts.items():
        setattr(site, name, value)

    with pytest.raises(ValidationError):
        site.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        site.save()


def test_a_site_needs_no_coordinates() -> None:
    make_site(latitude_deg=None, longitude_deg=None).full_clean()


def test_a_site_lies_in_a_known_zone() -> None:
    site = Site(number="S1", name="站", enterprise=make_enterprise(), timezone="Mars/Olympus")

    with pytest.raises(ValidationError) as refusal:
        site.full_clean()
    assert list(refusal.value.message_dict) == ["timezone"]


def test_rooms_of_a_site_have_names_of_their_own() -> None:
    room = make_room("一号")

    with pytest.raises(ValidationError):
        Room(site=room.site, name="一号").full_clean()


def test_names_follow_the_reader() -> None:
    site = make_site("一期", name_en="Phase one")

    with translation.override("en"):
        assert str(site) == "Phase one"
    with translation.override("zh-hans"):
        assert str(site) == "一期"
