"""Messages of a broker as readings: topic and payload by a mapping that is data.

A mapping says where device, time and values stand; what a message lacks is a fault of that message
or of that value, never more.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from devices.drivers.paths import MISSING, Path
from devices.drivers.topics import Topic

MOST_BYTES = 1024 * 1024
LONGEST_WORD = 40
# As for every sample from outside (devices.rules).
FIRST_YEAR, LAST_YEAR = 1970, 2199

_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*")
_PART = re.compile(r"\{([^{}]+)\}")


class Form(StrEnum):
    """An object with a member per point; a list of names with values; a topic per point."""

    OBJECT = "object"
    LIST = "list"
    TOPIC = "topic"


class Clock(StrEnum):
    """How a time is written; without a path for it the time of receipt counts."""

    ISO = "iso"
    SECONDS = "s"
    MILLISECONDS = "ms"


class Point(NamedTuple):
    """What becomes of a value: value × factor + offset, as the point of this code."""

    code: str
    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a message; a stable code, and what it is about."""

    code: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """Values of a device at one moment, by point code. `at`: epoch seconds.

    is_piece: its other values come in messages of their own.
    """

    device: str
    at: float
    values: Mapping[str, float | None]
    is_own_time: bool
    is_piece: bool = False


@dataclass(slots=True)
class Outcome:
    """What a message says."""

    readings: list[Reading] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class Received(NamedTuple):
    """A message as it came. `at`: when, epoch seconds. is_retained: kept by the broker before."""

    topic: str
    payload: bytes
    at: float
    is_retained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One mapping, ready to be used. zone: of times that name none.

    points: by path below `values` (OBJECT), by name (LIST), by the topic's place `point` (TOPIC).
    aliases: what the sender calls a device, to what we call it.
    """

    topic: Topic
    form: Form
    device: str
    points: Mapping[str, Point]
    zone: ZoneInfo
    paths: Mapping[str, Path]
    records: Path | None = None
    time: Path | None = None
    clock: Clock = Clock.ISO
    values: Path | None = None
    name: Path | None = None
    value: Path | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)


class _Unusable(Exception):
    def __init__(self, code: str, about: str = "") -> None:
        super().__init__(code)
        self.fault = Fault(code, short(about))


@dataclass(frozen=True, slots=True)
class _Record:
    """One record of a message, with the places of its topic and the message around it."""

    node: Any
    root: Any
    places: Mapping[str, str]

    def find(self, path: Path | None) -> Any:
        """What stands at a path; the record itself without one."""
        if path is None:
            return self.node
        return path.find(self.root if path.is_absolute else self.node)


def short(text: object) -> str:
    """Some of what was sent, printable, for people and for tables."""
    return "".join(letter for letter in str(text)[:LONGEST_WORD] if letter.isprintable())


def read(rules: Sequence[Rule], message: Received) -> Outcome:
    """The readings of a message by the first rule that its topic fits."""
    for rule in rules:
        places = rule.topic.match(message.topic)
        if places is not None:
            return read_by(rule, message, places)
    return Outcome(faults=[Fault("topic_unmapped")])


def read_by(rule: Rule, message: Received, places: Mapping[str, str]) -> Outcome:
    """The readings of a message whose topic has these places."""
    outcome = Outcome()
    try:
        root = _document(rule, message.payload)
        for record in _records(rule, root, places):
            try:
                outcome.readings.append(_reading(rule, record, message, outcome.faults))
            except _Unusable as reason:
                outcome.faults.append(reason.fault)
    except _Unusable as reason:
        outcome.faults.append(reason.fault)
    return outcome


def _document(rule: Rule, payload: bytes) -> Any:
    if len(payload) > MOST_BYTES:
        raise _Unusable("payload_large")
    try:
        text = payload.decode()
        if rule.form == Form.TOPIC and rule.value is None:
            return text.strip()
        return json.loads(text)
    except (ValueError, RecursionError) as reason:
        raise _Unusable("payload_unreadable", str(reason)) from reason


def _records(rule: Rule, root: Any, places: Mapping[str, str]) -> Iterator[_Record]:
    if rule.records is None:
        nodes = root if isinstance(root, list) and rule.form != Form.TOPIC else [root]
        for node in nodes:
            yield _Record(node, root, places)
        return
    is_any = False
    for key, node in rule.records.walk(root):
        # A list at the end of the path is a list of records.
        for each in node if isinstance(node, list) else [node]:
            is_any = True
            yield _Record(each, root, {**places, "key": key} if key else places)
    if not is_any:
        raise _Unusable("records_missing", rule.records.text)


def _reading(rule: Rule, record: _Record, message: Received, faults: list[Fault]) -> Reading:
    device = _device(rule, record)
    if rule.time is None:
        if message.is_retained:
            # Nobody knows how old it is.
            raise _Unusable("retained_untimed", device)
        at = message.at
    else:
        at = _moment(rule, record.find(rule.time))
    values: dict[str, float | None] = {}
    for name, point, given in _given(rule, record):
        try:
            values[point.code] = _value(given, point)
        except ValueError:
            faults.append(Fault("not_a_number", short(name)))
    if all(value is None for value in values.values()):
        raise _Unusable("values_missing", device)
    return Reading(device, at, values, rule.time is not None, rule.form == Form.TOPIC)


def _device(rule: Rule, record: _Record) -> str:
    def word(found: re.Match[str]) -> str:
        name = found[1]
        given = record.places.get(name, MISSING)
        if given is MISSING:
            given = record.find(rule.paths.get(name))
        if isinstance(given, bool) or not isinstance(given, str | int) or given == "":
            raise _Unusable("device_missing", name)
        return str(given)

    key = _PART.sub(word, rule.device).strip()
    key = rule.aliases.get(key, key)
    if not 0 < len(key) <= LONGEST_WORD or not key.isprintable():
        raise _Unusable("device_unreadable", key)
    return key


def _given(rule: Rule, record: _Record) -> Iterator[tuple[str, Point, Any]]:
    if rule.form == Form.TOPIC:
        name = record.places["point"]
        if name not in rule.points:
            raise _Unusable("point_unmapped", name)
        yield name, rule.points[name], record.find(rule.value)
        return
    where = record.find(rule.values)
    if rule.form == Form.LIST:
        for item in where if isinstance(where, list) else ():
            label = rule.name.find(item) if rule.name else MISSING
            if isinstance(label, str | int) and (named := rule.points.get(str(label))):
                yield str(label), named, rule.value.find(item) if rule.value else MISSING
        return
    for name, point in rule.points.items():
        path = rule.paths[name]
        given = path.find(record.root if path.is_absolute else where)
        if given is not MISSING:
            yield name, point, given


def _value(given: Any, point: Point) -> float | None:
    """In the point's unit. Raises ValueError."""
    if given is None:
        return None
    number = _number(given) * point.factor + point.offset
    # A float32 holds no more.
    if not abs(number) <= 3.4e38:
        raise ValueError
    return number


def _number(given: Any) -> float:
    """A number, a number as text, or true and false for states. Raises ValueError."""
    if isinstance(given, bool | int | float):
        try:
            return float(given)
        except OverflowError as reason:
            raise ValueError from reason
    if isinstance(given, str) and _NUMBER.fullmatch(given):
        return float(given)
    if isinstance(given, str) and given.lower() in ("true", "false"):
        return float(given.lower() == "true")
    raise ValueError


def _moment(rule: Rule, given: Any) -> float:
    if given is MISSING or given is None:
        raise _Unusable("time_missing", rule.time.text if rule.time else "")
    try:
        at = _epoch(rule, given)
        if math.isfinite(at) and FIRST_YEAR <= datetime.fromtimestamp(at, UTC).year <= LAST_YEAR:
            return at
    except (ValueError, OverflowError, OSError):
        pass
    raise _Unusable("time_unreadable", given)


def _epoch(rule: Rule, given: Any) -> float:
    if rule.clock == Clock.ISO:
        if not isinstance(given, str):
            raise ValueError
        moment = datetime.fromisoformat(given.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=rule.zone)).timestamp()
    text = str(given)
    if not _NUMBER.fullmatch(text):
        raise ValueError
    # Microseconds are what a row holds; more digits would only look like another time.
    return round(float(text) / (1000.0 if rule.clock == Clock.MILLISECONDS else 1.0), 6)
