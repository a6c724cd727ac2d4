"""What a bridge has in hand: samples put together from messages, and what it saw, for the page."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from devices.drivers import messages, mqtt
from devices.models.mqtt_words import MessageFault
from devices.states import RefusalCode

# Devices that are nobody's, as many as a page shows.
STRANGERS = 100
_EXCERPT = 200


@dataclass(slots=True)
class BridgedSample:
    """Values of a device at one moment on their way, and whether they came a topic each."""

    device: str
    at_us: int
    values: dict[str, float | None]
    topic: str
    is_piece: bool

    def as_sent(self) -> dict[str, Any]:
        """As a source sends it over HTTP."""
        at = datetime.fromtimestamp(self.at_us / 1e6, UTC)
        return {"device": self.device, "at": at.isoformat(), "values": self.values}


class Gathering:
    """Samples of messages that came together: what a device says of one moment is one sample."""

    def __init__(self) -> None:
        self._samples: dict[tuple[str, int], BridgedSample] = {}
        self._open: dict[str, BridgedSample] = {}

    @property
    def samples(self) -> list[BridgedSample]:
        """In the order in which they began."""
        return list(self._samples.values())

    def add(self, reading: messages.Reading, topic: str) -> None:
        """Put a reading to others of its device and moment; what was said first stays."""
        is_open = reading.is_piece and not reading.is_own_time
        begun = self._open.get(reading.device) if is_open else None
        # Values without a time, close together, are of one moment until one comes again.
        if begun is not None and not begun.values.keys() & reading.values.keys():
            begun.values |= reading.values
            return
        at_us = round(reading.at * 1e6)
        values = dict(reading.values)
        sample = BridgedSample(reading.device, at_us, values, topic, reading.is_piece)
        known = self._samples.setdefault((sample.device, at_us), sample)
        if known is not sample:
            known.values = values | known.values
        elif is_open:
            self._open[sample.device] = sample


@dataclass(slots=True)
class Book:
    """What a bridge has seen, for the broker's page."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: dict[str, dict[str, Any]] = field(default_factory=dict)
    strangers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def fault(self, code: str, about: str, message: mqtt.Message) -> None:
        """Something was wrong with a message; the last example is kept."""
        example = _excerpt(message.payload)
        at = datetime.fromtimestamp(message.at, UTC)
        self._note(code, {"about": about, "topic": _end(message.topic), "example": example}, at)

    def unstorable(self, sample: BridgedSample, *, now: datetime) -> None:
        """A sample is given up, so that it does not hold up the others."""
        example = _excerpt(str(sample.as_sent()).encode())
        facts = {"about": sample.device, "topic": _end(sample.topic), "example": example}
        self._note(MessageFault.UNSTORABLE.value, facts, now)

    def stranger(self, sample: BridgedSample, code: RefusalCode, *, now: datetime) -> None:
        """A device was named that is none of the source's; those heard longest ago are forgotten."""
        known = self.strangers.pop(sample.device, {"count": 0})
        known |= {"count": known["count"] + 1, "code": code.value, "topic": _end(sample.topic)}
        self.strangers[sample.device] = known | {"at": now.isoformat()}
        while len(self.strangers) > STRANGERS:
            del self.strangers[min(self.strangers, key=lambda key: self.strangers[key]["at"])]

    def _note(self, code: str, facts: dict[str, Any], at: datetime) -> None:
        count = self.faults.get(code, {}).get("count", 0) + 1
        self.faults[code] = {"count": count, **facts, "at": at.isoformat()}


def _end(topic: str) -> str:
    """The end of a topic says more than its beginning."""
    return messages.short(topic[-messages.LONGEST_WORD :])


def _excerpt(payload: bytes) -> str:
    text = payload[: 2 * _EXCERPT].decode(errors="replace")
    return "".join(letter if letter.isprintable() else " " for letter in text)[:_EXCERPT]
