"""Brokers and their mappings: saved, tried out, and held by one bridge at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from core.sealing import SealBroken, seal, unseal
from devices.drivers import messages, mqtt
from devices.drivers.mapping import MappingWrong
from devices.models import Device, MqttBroker, MqttMapping
from devices.services.lease import is_dead

# A bridge says every few seconds that it is there; without a word for so long another may go on.
LEASE_S = 30.0


def save_broker(*, broker: MqttBroker, password: str | None) -> None:
    """Save what a person entered; None keeps the password, '' removes it."""
    if password is not None:
        broker.sealed_password = seal(password)
    broker.save()


def remove_mapping(*, mapping: MqttMapping) -> None:
    """Read its topics no more; what was stored stays. The bridge begins anew without it."""
    broker = mapping.broker
    mapping.delete()
    broker.save(update_fields=["updated_at"])


class PasswordLost(Exception):
    """The password was sealed with another secret key and has to be entered again."""


def address_of(broker: MqttBroker) -> mqtt.Address:
    """How to reach it. Raises PasswordLost."""
    try:
        password = unseal(broker.sealed_password)
    except SealBroken as reason:
        raise PasswordLost from reason
    return mqtt.Address(
        host=broker.host,
        port=broker.port,
        client_id=broker.client_id,
        username=broker.username,
        password=password,
        uses_tls=broker.uses_tls,
        ca_certificate=broker.ca_certificate,
    )


def rules_of(broker: MqttBroker) -> list[messages.Rule]:
    """Its mappings, ready to be used; one that cannot be used any more is left out."""
    zone = broker.source.site.timezone
    rules = []
    for mapping in broker.mappings.order_by("pk"):
        try:
            rules.append(mapping.rule(zone=zone))
        except MappingWrong:
            continue
    return rules


def hold(*, pk: int, owner: str, now: datetime) -> bool:
    """Take or keep a broker for a bridge; False while another living one has it."""
    rows = MqttBroker.objects.filter(pk=pk, is_enabled=True, source__is_enabled=True)
    holder = rows.values_list("holder", flat=True).first()
    if holder is None:
        return False
    free = Q(holder=owner) | Q(holder="") | Q(held_until=None) | Q(held_until__lt=now)
    if is_dead(holder):
        free |= Q(holder=holder)
    until = now + timedelta(seconds=LEASE_S)
    return bool(rows.filter(free).update(holder=owner, held_until=until))


def note(*, pk: int, owner: str, facts: Mapping[str, Any]) -> bool:
    """Write down how things are; False when the broker is somebody else's by now."""
    return bool(MqttBroker.objects.filter(pk=pk, holder=owner).update(**facts))


def release(*, pk: int, owner: str, now: datetime) -> None:
    """Give it up, so that the next bridge need not wait."""
    facts = {"holder": "", "held_until": None, "is_online": False, "link_changed_at": now}
    note(pk=pk, owner=owner, facts=facts)


@dataclass(slots=True)
class TriedReading:
    """A reading of a sample message, and the device that it would go to."""

    reading: messages.Reading
    at: datetime
    device: Device | None


@dataclass(slots=True)
class Trial:
    """What a mapping makes of a message, before anything of it is stored."""

    fits: bool
    readings: list[TriedReading] = field(default_factory=list)
    faults: list[messages.Fault] = field(default_factory=list)


def try_out(*, mapping: MqttMapping, now: datetime) -> Trial:
    """Read the mapping's own sample message. Raises MappingWrong."""
    source = mapping.broker.source
    rule = mapping.rule(zone=source.site.timezone)
    places = rule.topic.match(mapping.sample_topic)
    if places is None:
        return Trial(fits=False)
    received = messages.Received(
        mapping.sample_topic, mapping.sample_payload.encode(), now.timestamp()
    )
    outcome = messages.read_by(rule, received, places)
    keys = {reading.device for reading in outcome.readings}
    devices = {device.code: device for device in source.devices.filter(code__in=keys)}
    readings = [
        TriedReading(
            reading,
            datetime.fromtimestamp(reading.at, now.tzinfo),
            devices.get(reading.device),
        )
        for reading in outcome.readings
    ]
    return Trial(fits=True, readings=readings, faults=outcome.faults)
