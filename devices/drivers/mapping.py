"""Mappings as people write them: one line per point, `data.p = P * 0.001`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from devices.drivers.messages import Clock, Form, Point, Rule
from devices.drivers.paths import EVERY, Path
from devices.drivers.topics import Topic

MOST_LINES = 500

_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_LINE = re.compile(
    r"(?:(?P<source>.+?)\s*=\s*)?(?P<code>[A-Za-z][A-Za-z0-9_]{0,39})"
    rf"\s*(?:\*\s*(?P<factor>{_NUMBER}))?\s*(?:(?P<sign>[+-])\s*(?P<offset>{_NUMBER}))?"
)
_PART = re.compile(r"\{([^{}]+)\}")


class MappingWrong(Exception):
    """A field of a mapping that cannot be used; a stable code, and what it is about."""

    def __init__(self, field: str, code: str, about: str = "", line: int = 0) -> None:
        super().__init__(code)
        self.field = field
        self.code = code
        self.facts = {"about": about, "line": str(line)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """A mapping in the words of people; every text may be empty where it is not needed."""

    topic: str
    form: str
    device_key: str
    points: str
    records_path: str = ""
    time_path: str = ""
    time_form: str = Clock.ISO.value
    values_path: str = ""
    name_path: str = ""
    value_path: str = ""
    aliases: str = ""


def rule_of(texts: Texts, *, zone: str) -> Rule:
    """The mapping, ready to be used. Raises MappingWrong with the first field that is wrong."""
    form = Form(texts.form)
    topic = _topic(texts.topic)
    if form == Form.TOPIC and "point" not in topic.places:
        raise MappingWrong("topic", "place_missing", "{point}")
    points = points_of(texts.points)
    paths = _places(texts.device_key, topic)
    if form == Form.OBJECT:
        paths |= {name: _path("points", name) for name in points}
    given = {
        name: _path(f"{name}_path", text) if (text := getattr(texts, f"{name}_path")) else None
        for name in ("time", "values", "name", "value")
    }
    if form == Form.LIST:
        for name in ("name", "value"):
            if given[name] is None:
                raise MappingWrong(f"{name}_path", "path_missing")
    records = texts.records_path.strip()
    return Rule(
        topic=topic,
        form=form,
        device=texts.device_key,
        points=points,
        zone=ZoneInfo(zone),
        paths=paths,
        records=_path("records_path", records, may_spread=True) if records else None,
        clock=Clock(texts.time_form),
        aliases=aliases_of(texts.aliases),
        **given,
    )


def points_of(text: str) -> Mapping[str, Point]:
    """Points by what the sender calls them. Raises MappingWrong."""
    points: dict[str, Point] = {}
    for number, line in _lines("points", text):
        found = _LINE.fullmatch(line)
        if found is None:
            raise MappingWrong("points", "line_unreadable", line[:40], number)
        code = found["code"]
        offset = float(found["offset"] or 0) * (-1 if found["sign"] == "-" else 1)
        point = Point(code, float(found["factor"] or 1), offset)
        source = (found["source"] or code).strip()
        if source in points:
            raise MappingWrong("points", "said_twice", source, number)
        if any(other.code == code for other in points.values()):
            raise MappingWrong("points", "said_twice", code, number)
        points[source] = point
    if not points:
        raise MappingWrong("points", "points_missing")
    return points


def aliases_of(text: str) -> Mapping[str, str]:
    """What we call devices, by what the sender calls them. Raises MappingWrong."""
    aliases: dict[str, str] = {}
    for number, line in _lines("aliases", text):
        theirs, sign, ours = (part.strip() for part in line.rpartition("="))
        if not (sign and theirs and ours):
            raise MappingWrong("aliases", "line_unreadable", line[:40], number)
        if theirs in aliases:
            raise MappingWrong("aliases", "said_twice", theirs, number)
        aliases[theirs] = ours
    return aliases


def _lines(field: str, text: str) -> list[tuple[int, str]]:
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    kept = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if len(kept) > MOST_LINES:
        raise MappingWrong(field, "lines_many", str(MOST_LINES))
    return kept


def _topic(text: str) -> Topic:
    try:
        return Topic(text.strip())
    except ValueError as reason:
        raise MappingWrong("topic", "topic_unreadable", str(reason)) from reason


def _path(field: str, text: str, *, may_spread: bool = False) -> Path:
    try:
        path = Path(text)
    except ValueError as reason:
        raise MappingWrong(field, "path_unreadable", str(reason)) from reason
    if EVERY in path.steps and not may_spread:
        raise MappingWrong(field, "path_unreadable", text)
    return path


def _places(key: str, topic: Topic) -> dict[str, Path]:
    """The parts of a device's key that stand in the message and not in the topic."""
    names = _PART.findall(key)
    if not names or "{" in _PART.sub("", key) or "}" in _PART.sub("", key):
        raise MappingWrong("device_key", "key_unreadable", key[:40])
    return {name: _path("device_key", name) for name in names if name not in (*topic.places, "key")}
