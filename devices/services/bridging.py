"""The bridge: messages of brokers become samples of their sources, and are acknowledged when stored.

What is not acknowledged stays with the broker: while the database is away, the quota is used up, or
nobody is here, it keeps the messages, and sends them again after a kill. Twice is harmless, because
device and time are the key. So there is no spool of our own.
"""

import logging
import ssl
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import close_old_connections, connection
from django.utils import timezone

from core.errors import DomainError
from devices.drivers import messages, mqtt
from devices.ingest import AWAY
from devices.models import DataSource, MqttBroker, PointCode
from devices.services import brokers, feeding
from devices.services.bridge_book import Book, BridgedSample, Gathering
from devices.services.lease import identity
from devices.services.quota import TooManyPoints
from devices.states import RefusalCode, SampleVerdict

logger = logging.getLogger(__name__)

# How often brokers are looked for, and a bridge says how things are.
LOOK_S = 2.0
NOTE_S = 5.0
# A sample that cannot be stored for a reason that nobody foresaw must not hold up the others.
TRIES = 3
AGAIN_S = 1.0
_STRANGE = frozenset(
    {
        RefusalCode.DEVICE_UNKNOWN,
        RefusalCode.DEVICE_AMBIGUOUS,
        RefusalCode.DEVICE_DISABLED,
        RefusalCode.DEVICE_POLLED,
        RefusalCode.DEVICE_ELSEWHERE,
    }
)


def serve(*, stop: threading.Event) -> None:
    """Bridge every broker that is enabled and has mappings, until told to stop."""
    owner = identity()[:120]
    bridges: dict[int, Bridge] = {}
    try:
        while not stop.is_set():
            _look(bridges, owner)
            close_old_connections()
            stop.wait(LOOK_S)
    finally:
        for bridge in bridges.values():
            bridge.stop.set()
        for bridge in bridges.values():
            bridge.join()


def _look(bridges: dict[int, "Bridge"], owner: str) -> None:
    try:
        wanted = _wanted()
        for pk, bridge in list(bridges.items()):
            if not bridge.is_alive():
                del bridges[pk]
            elif wanted.get(pk) != bridge.revision:
                bridge.stop.set()
        for pk in wanted.keys() - bridges.keys():
            if brokers.hold(pk=pk, owner=owner, now=timezone.now()):
                bridges[pk] = Bridge(pk, owner, wanted[pk])
                bridges[pk].start()
    except AWAY as reason:
        connection.close()
        logger.warning("bridge.store_away reason=%s", reason)


def _wanted() -> dict[int, str]:
    """What each broker is set to, as a text that changes with it."""
    rows = MqttBroker.objects.filter(is_enabled=True, source__is_enabled=True)
    found = rows.filter(mappings__isnull=False).values_list(
        "pk", "updated_at", "source__updated_at", "mappings__pk", "mappings__updated_at"
    )
    revisions: dict[int, str] = {}
    for pk, *stamps in found.order_by("pk", "mappings__pk"):
        revisions[pk] = f"{revisions.get(pk, '')} {stamps}"
    return revisions


class Bridge(threading.Thread):
    """One broker, from its messages to the tables."""

    def __init__(self, pk: int, owner: str, revision: str) -> None:
        super().__init__(name=f"bridge-{pk}", daemon=True)
        self.revision = revision
        self.stop = threading.Event()
        self._pk = pk
        self._owner = owner
        self._source_id = 0
        self._rules: list[messages.Rule] = []
        self._filters: list[str] = []
        # By code: how far behind its moment a value of a point stands that came late.
        self._places: dict[str, int] = {}
        self._book = Book()
        self._noted_at: datetime | None = None
        self._heard_at: datetime | None = None
        self._was_up: bool | None = None
        self._is_away = False

    def run(self) -> None:
        """Until told to stop, or until somebody else holds the broker."""
        line = None
        try:
            line = self._begin()
            if line is not None:
                line.open()
                self._bridge(line)
        except AWAY as reason:
            logger.warning("bridge.store_away broker=%d reason=%s", self._pk, reason)
        except Exception:
            logger.exception("bridge.failed broker=%d", self._pk)
        finally:
            if line is not None:
                line.close()
            self._end(line)
            connection.close()

    def _begin(self) -> mqtt.Line | None:
        broker = MqttBroker.objects.select_related("source__site").get(pk=self._pk)
        self._book = Book(Counter(broker.counts), broker.faults, broker.strangers)
        self._source_id = broker.source_id
        self._rules = brokers.rules_of(broker)
        self._places = dict(PointCode.objects.values_list("code", "pk"))
        self._filters = filters = list(dict.fromkeys(rule.topic.filter for rule in self._rules))
        dropped = [each for each in broker.subscribed if each not in filters]
        try:
            address = brokers.address_of(broker)
            line = mqtt.Line(address, filters=filters, dropped_filters=dropped)
        except (brokers.PasswordLost, ssl.SSLError, ValueError) as reason:
            lost = isinstance(reason, brokers.PasswordLost)
            error = "password" if lost else f"certificate: {reason}"[:200]
            brokers.note(
                pk=self._pk, owner=self._owner, facts={"link_error": error, "is_online": False}
            )
            # Somebody has to change the row: until then there is nothing to try again.
            while brokers.hold(pk=self._pk, owner=self._owner, now=timezone.now()):
                if self.stop.wait(NOTE_S):
                    break
            return None
        brokers.note(pk=self._pk, owner=self._owner, facts={"subscribed": [*filters, *dropped]})
        logger.info("bridge.began broker=%d address=%s", self._pk, broker.address)
        return line

    def _bridge(self, line: mqtt.Line) -> None:
        while not self.stop.is_set():
            close_old_connections()
            if not self._note(line):
                logger.warning("bridge.lost broker=%d", self._pk)
                return
            came = line.take(0.5)
            if came and self._take(came, line):
                line.done(came)

    def _take(self, came: Sequence[mqtt.Message], line: mqtt.Line) -> bool:
        """Store what messages say; whether all of it is settled."""
        gathering = Gathering()
        for message in came:
            received = messages.Received(
                message.topic, message.payload, message.at, message.is_retained
            )
            outcome = messages.read(self._rules, received)
            self._book.counts["messages"] += 1
            for fault in outcome.faults:
                self._book.fault(fault.code, fault.about, message)
            for reading in outcome.readings:
                gathering.add(reading, message.topic)
        self._heard_at = timezone.now()
        samples, most = gathering.samples, feeding.MOST_SAMPLES
        parts = (samples[at : at + most] for at in range(0, len(samples), most))
        return all(self._feed(part, line) for part in parts)

    def _feed(self, samples: list[BridgedSample], line: mqtt.Line, tries: int = 0) -> bool:
        """Store samples, however long that takes; False when told to stop before."""
        while samples and not self.stop.is_set():
            try:
                self._judge(samples, self._send(samples))
            except TooManyPoints:
                return self._halves(samples, line)
            except DomainError as refusal:
                self._wait(float(refusal.facts.get("retry_after_s", AGAIN_S)), line, refusal.code)
            except AWAY as reason:
                connection.close()
                self._wait(AGAIN_S, line, str(reason))
            except Exception:
                tries += 1
                logger.exception("bridge.not_stored broker=%d try=%d", self._pk, tries)
                if tries >= TRIES:
                    return self._halves(samples, line)
                self._wait(AGAIN_S, line, "error")
            else:
                return True
        return not samples

    def _halves(self, samples: list[BridgedSample], line: mqtt.Line) -> bool:
        """What cannot be stored together, in parts; a single sample is given up."""
        if len(samples) == 1:
            self._book.unstorable(samples[0], now=timezone.now())
            return True
        middle = len(samples) // 2
        # One try each: it was tried often enough together.
        return self._feed(samples[:middle], line, TRIES - 1) and self._feed(
            samples[middle:], line, TRIES - 1
        )

    def _send(self, samples: Sequence[BridgedSample]) -> feeding.Fed:
        source = DataSource.objects.select_related("site").get(pk=self._source_id)
        given = [sample.as_sent() for sample in samples]
        fed = feeding.feed(source=source, given=given, address="", now=timezone.now())
        self._is_away = False
        return fed

    def _judge(self, samples: Sequence[BridgedSample], fed: feeding.Fed) -> None:
        now = timezone.now()
        late = []
        for sample, (verdict, refusal) in zip(samples, fed.verdicts, strict=True):
            self._book.counts[verdict.value] += 1
            if refusal is not None and refusal.code in _STRANGE:
                self._book.stranger(sample, refusal.code, now=now)
            if verdict == SampleVerdict.REPEATED and sample.is_piece:
                # Other values of this moment came before: these stand microseconds behind, always
                # as many, so that they too are known when they come again.
                behind_us = min(self._places.get(code, 0) for code in sample.values)
                late.append(replace(sample, at_us=sample.at_us + behind_us, is_piece=False))
        if late:
            self._send(late)

    def _wait(self, wait_s: float, line: mqtt.Line, why: str) -> None:
        """Not now: the broker keeps what is not acknowledged."""
        if not self._is_away:
            logger.warning("bridge.waits broker=%d reason=%s", self._pk, why)
            self._is_away = True
            self._noted_at = None
        self.stop.wait(min(wait_s, NOTE_S))
        if not self._note(line):
            self.stop.set()

    def _note(self, line: mqtt.Line) -> bool:
        """Every few seconds, and when the line changes: say how things are; False when it is lost."""
        now = timezone.now()
        if line.is_up == self._was_up and self._noted_at is not None:
            is_due = (now - self._noted_at).total_seconds() >= NOTE_S
        else:
            is_due = True
        if not is_due:
            return True
        try:
            if not brokers.hold(pk=self._pk, owner=self._owner, now=now):
                return False
            brokers.note(pk=self._pk, owner=self._owner, facts=self._facts(line, now))
        except AWAY:
            # Nobody else can take it either.
            connection.close()
            return True
        self._noted_at = now
        self._was_up = line.is_up
        return True

    def _facts(self, line: mqtt.Line, now: datetime) -> dict[str, Any]:
        book = self._book
        book.counts["given_up"] += line.given_up
        line.given_up = 0
        facts: dict[str, Any] = {
            "is_online": line.is_up,
            "link_error": line.error,
            "counts": dict(book.counts),
            "faults": book.faults,
            "strangers": book.strangers,
        }
        if line.is_up:
            facts["subscribed"] = self._filters
        if line.is_up != self._was_up:
            facts["link_changed_at"] = now
        if self._heard_at is not None:
            facts["last_seen_at"] = self._heard_at
        return facts

    def _end(self, line: mqtt.Line | None) -> None:
        now = timezone.now()
        try:
            if line is not None:
                facts = self._facts(line, now)
                brokers.note(pk=self._pk, owner=self._owner, facts=facts)
            brokers.release(pk=self._pk, owner=self._owner, now=now)
        except AWAY as reason:
            logger.warning("bridge.unwritten broker=%d reason=%s", self._pk, reason)
