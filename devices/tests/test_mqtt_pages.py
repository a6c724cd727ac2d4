"""The pages of a source's broker: what is entered, tried out, saved, and never shown."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from core.sealing import SealBroken, seal, unseal
from devices.models import MqttBroker, MqttMapping
from devices.tests.factories import make_broker, make_fed_device, make_mapping, make_source
from sites.tests.factories import people

pytestmark = pytest.mark.django_db

SECRET = "p a s s"  # noqa: S105 - of a test
AT = 1_795_680_000


class Desk:
    """Ana manages a site with a source."""

    def __init__(self) -> None:
        cast = people()
        self.source, _key = make_source(site=cast.site)
        self.client = Client()
        self.client.force_login(cast.ana)
        self.client.cookies["django_language"] = "en"
        self.url = f"/sources/{self.source.pk}/mqtt/"

    def enter(self, **facts: str) -> int:
        form = {"host": "broker.example", "port": "1883", "client_id": "c1", "is_enabled": "on"}
        return int(self.client.post(f"{self.url}edit/", form | facts).status_code)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def mapping_form(**facts: str) -> dict[str, str]:
    form = {
        "topic": "plant/{device}/data",
        "form": "object",
        "device_key": "{device}",
        "time_path": "ts",
        "time_form": "s",
        "points": "ua = Ua * 0.1",
        "sample_topic": "plant/m7/data",
        "sample_payload": json.dumps({"ts": AT, "ua": 2315}),
    }
    return form | facts


def test_the_password_is_sealed_and_asked_for_again_when_it_would_go_elsewhere(desk: Desk) -> None:
    assert desk.client.get(desk.url).status_code == 302

    assert desk.enter(username="u", password=SECRET) == 302
    broker = MqttBroker.objects.get()
    assert unseal(broker.sealed_password) == SECRET
    assert SECRET not in broker.sealed_password
    assert SECRET not in desk.client.get(f"{desk.url}edit/").content.decode()

    assert desk.enter(username="u", host="elsewhere.example") == 400
    assert desk.enter(username="u", client_id="c2") == 302
    broker.refresh_from_db()
    assert (broker.client_id, unseal(broker.sealed_password)) == ("c2", SECRET)

    assert desk.enter(username="") == 302
    broker.refresh_from_db()
    assert broker.sealed_password == ""


def test_a_seal_of_another_key_does_not_open(settings: object) -> None:
    sealed = seal(SECRET)
    settings.SECRET_KEY = "another"  # type: ignore[attr-defined]

    with pytest.raises(SealBroken):
        unseal(sealed)


@pytest.mark.parametrize(
    "facts",
    [
        {"host": "mqtt://broker"},
        {"port": "70000"},
        {"client_id": "a b"},
        {"ca_certificate": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"},
        {"ca_certificate": "\u8bc1\u4e66"},
    ],
)
def test_what_cannot_be_a_broker_is_refused(desk: Desk, facts: dict[str, str]) -> None:
    assert desk.enter(**facts) == 400
    assert not MqttBroker.objects.exists()


def test_a_mapping_is_tried_before_it_is_saved(desk: Desk) -> None:
    make_broker(source=desk.source)
    device = make_fed_device(source=desk.source, code="m7")

    page = desk.client.post(f"{desk.url}add/", mapping_form(action="try")).content.decode()

    assert "Ua = 231.5" in page
    assert device.label in page
    assert not MqttMapping.objects.exists()
    assert desk.client.post(f"{desk.url}add/", mapping_form(action="save")).status_code == 302
    mapping = MqttMapping.objects.get()

    page = desk.client.post(
        f"/sources/mappings/{mapping.pk}/",
        mapping_form(action="try", sample_payload="{", aliases="x = y"),
    ).content.decode()
    assert "Not JSON" in page
    page = desk.client.post(
        f"/sources/mappings/{mapping.pk}/", mapping_form(action="try", sample_topic="a")
    ).content.decode()
    assert "does not fit" in page
    mapping.refresh_from_db()
    assert mapping.aliases == ""


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"points": "ua = Ua\nub = 1x"}, "Line 2 cannot be read"),
        ({"points": "ua = NoSuch"}, "has no NoSuch"),
        ({"topic": "a/#/b"}, "The topic cannot be read"),
        ({"form": "list"}, "This form needs the path"),
        ({"form": "?"}, "form"),
        ({"points": ""}, "points"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_why(
    desk: Desk, facts: dict[str, str], words: str
) -> None:
    make_broker(source=desk.source)
    make_fed_device(source=desk.source)

    answer = desk.client.post(f"{desk.url}add/", mapping_form(**facts))

    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_removing_a_mapping_makes_the_bridge_begin_anew(desk: Desk) -> None:
    broker = make_broker(source=desk.source)
    make_fed_device(source=desk.source)
    before = timezone.now()
    mapping = make_mapping(broker=broker)

    desk.client.post(f"/sources/mappings/{mapping.pk}/remove/")

    broker.refresh_from_db()
    assert broker.updated_at > before
    assert not broker.mappings.exists()
