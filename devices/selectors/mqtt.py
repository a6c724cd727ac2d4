"""Brokers: the gate, and what the page of one shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from core.errors import NotFound
from devices.models import DataSource, MqttBroker, MqttMapping
from devices.models.mqtt import broker_of
from devices.models.mqtt_words import MessageFault
from devices.selectors.sources import refusal_words, source_for
from sites.models import User
from sites.rules import Ability

STRANGERS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class ToldFault:
    """What was wrong with messages, in words, with the last example."""

    code: str
    words: str
    about: str
    count: int
    topic: str
    example: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Stranger:
    """A device that messages name and that is none of the source's."""

    key: str
    code: str
    words: str
    count: int
    topic: str
    at: datetime


@dataclass(slots=True)
class BrokerPage:
    """What the page of a source's broker shows."""

    broker: MqttBroker
    counts: Mapping[str, int]
    mappings: Sequence[MqttMapping] = ()
    faults: list[ToldFault] = field(default_factory=list)
    strangers: list[Stranger] = field(default_factory=list)


def mapping_for(*, user: User, pk: int) -> MqttMapping:
    """A mapping of a source that the person maintains. Raises NotFound or Forbidden."""
    rows = MqttMapping.objects.visible_to(user)
    mapping = rows.select_related("broker__source__site").filter(pk=pk).first()
    if mapping is None:
        raise NotFound
    source_for(user=user, pk=mapping.broker.source_id)
    return mapping


def brokers_of(*, user: User) -> QuerySet[MqttBroker]:
    """The brokers of the sources that the person maintains, by id."""
    rows = MqttBroker.objects.visible_to(user, ability=Ability.MANAGE_SITE)
    return rows.select_related("source__site__enterprise").order_by("pk")


def broker_for(*, user: User, pk: int) -> MqttBroker:
    """A broker of a source that the person maintains. Raises NotFound or Forbidden."""
    rows = MqttBroker.objects.visible_to(user)
    broker = rows.select_related("source__site").filter(pk=pk).first()
    if broker is None:
        raise NotFound
    source_for(user=user, pk=broker.source_id)
    return broker


def broker_page(*, source: DataSource) -> BrokerPage | None:
    """The broker of a source, in the reader's language; None when it has none."""
    broker = broker_of(source)
    if broker is None:
        return None
    names = ("messages", "stored", "repeated", "refused", "given_up")
    page = BrokerPage(broker, {name: broker.counts.get(name, 0) for name in names})
    page.mappings = list(broker.mappings.order_by("pk"))
    page.faults = sorted(
        (_fault(code, facts) for code, facts in broker.faults.items()),
        key=lambda fault: fault.at,
        reverse=True,
    )
    strangers = [_stranger(key, facts) for key, facts in broker.strangers.items()]
    page.strangers = sorted(strangers, key=lambda one: one.at, reverse=True)[:STRANGERS_SHOWN]
    return page


def fault_words(code: str) -> str:
    """What was wrong with a message, in the reader's language."""
    return str(MessageFault(code).label) if code in MessageFault.values else code


def _fault(code: str, facts: Mapping[str, Any]) -> ToldFault:
    return ToldFault(
        code=code,
        words=fault_words(code),
        about=facts["about"],
        count=facts["count"],
        topic=facts["topic"],
        example=facts["example"],
        at=datetime.fromisoformat(facts["at"]),
    )


def _stranger(key: str, facts: Mapping[str, Any]) -> Stranger:
    return Stranger(
        key=key,
        code=facts["code"],
        words=refusal_words(facts["code"], {}),
        count=facts["count"],
        topic=facts["topic"],
        at=datetime.fromisoformat(facts["at"]),
    )
