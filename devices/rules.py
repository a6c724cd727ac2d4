"""Decided from facts alone: what a sample that somebody sends must look like, what became of a
switching. The tables come later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from devices.states import ControlMove, ControlResult, RefusalCode

# Years whose moments calculate safely in every zone.
FIRST_YEAR, LAST_YEAR = 1970, 2199
LONGEST_CODE = 40
LARGEST_ID = 2**63 - 1
# What a float32 can hold; counters are kept in double precision, but no meter counts further.
LARGEST = 3.4e38

_FIELDS = frozenset({"device", "at", "values", "quality"})
_REQUIRED = ("device", "at", "values")


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample that can be read. `device`: id or code; `at`: epoch seconds.

    values: by point code; None is a point that was not sampled.
    """

    device: int | str
    at: float
    values: Mapping[str, float | None]
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a sample is not stored: a stable code, and what it is about."""

    code: RefusalCode
    facts: Mapping[str, str] = field(default_factory=dict)


def read_sample(given: Any) -> Sample | Refusal:
    """The sample, or the first reason why it is none."""
    if refusal := _misshapen(given):
        return refusal
    at = _moment(given["at"])
    if isinstance(at, Refusal):
        return at
    refusal = _wrong(given["values"])
    return refusal or Sample(
        given["device"], at, given["values"], is_bad=given.get("quality") == "bad"
    )


def _misshapen(given: Any) -> Refusal | None:
    if not isinstance(given, dict):
        return Refusal(RefusalCode.NOT_AN_OBJECT)
    for name in _REQUIRED:
        if name not in given:
            return Refusal(RefusalCode.FIELD_MISSING, {"field": name})
    if unknown := given.keys() - _FIELDS:
        return Refusal(RefusalCode.FIELD_UNKNOWN, {"field": readable(min(unknown))})
    if not _is_device(given["device"]):
        return Refusal(RefusalCode.DEVICE_UNREADABLE)
    if given.get("quality", "good") not in ("good", "bad"):
        return Refusal(RefusalCode.QUALITY_UNKNOWN)
    return None


def readable(text: Any) -> str:
    """What was sent, short and printable, for people and for tables that cannot hold everything."""
    return "".join(letter for letter in str(text)[:LONGEST_CODE] if letter.isprintable())


def _is_device(device: Any) -> bool:
    if isinstance(device, str):
        return 0 < len(device) <= LONGEST_CODE and device.isprintable()
    return type(device) is int and 0 < device <= LARGEST_ID


def _moment(text: Any) -> float | Refusal:
    if not isinstance(text, str):
        return Refusal(RefusalCode.TIME_UNREADABLE)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return Refusal(RefusalCode.TIME_UNREADABLE)
    if moment.tzinfo is None:
        return Refusal(RefusalCode.TIME_WITHOUT_OFFSET)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return Refusal(RefusalCode.TIME_OUT_OF_RANGE)
    return moment.timestamp()


def _wrong(values: Any) -> Refusal | None:
    if not isinstance(values, dict):
        return Refusal(RefusalCode.VALUES_UNREADABLE)
    if all(value is None for value in values.values()):
        return Refusal(RefusalCode.VALUES_MISSING)
    for code, value in values.items():
        if value is None:
            continue
        # true is no 1, and a NaN is not between anything.
        if type(value) not in (int, float) or not -LARGEST <= value <= LARGEST:
            return Refusal(RefusalCode.NOT_A_NUMBER, {"point": readable(code)})
    return None


class Verdict(NamedTuple):
    """What became of a switching: the move, the word for why, the state that was read."""

    move: ControlMove
    result: str
    after: bool | None


# The device understood and did nothing: function, address or value are none of its own.
REFUSALS = ("exception:1", "exception:2", "exception:3")


def control_verdict(error: str | None, *, after: bool | None, wanted: bool) -> Verdict:
    """What the read-back makes of a write. error: what went wrong with the write, None for nothing.

    The state that was read decides, whatever the write's answer was or was not; without it only a
    plain refusal of the device is certain.
    """
    if after is None:
        if error in REFUSALS:
            return Verdict(ControlMove.FAIL, error, None)
        return Verdict(ControlMove.LOSE, ControlResult.UNREAD.value, None)
    if after == wanted:
        return Verdict(ControlMove.FINISH, ControlResult.VERIFIED.value, after)
    if error and error.startswith("exception:"):
        return Verdict(ControlMove.FAIL, error, after)
    heard = error in (None, "", ControlResult.UNREAD)
    result = ControlResult.NOT_FOLLOWED if heard else ControlResult.UNANSWERED
    return Verdict(ControlMove.FAIL, result.value, after)
