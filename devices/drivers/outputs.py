"""Outputs of a device: what to write for on and off, where to see what became of it.

An output without a place to read its state back is none of ours: its result could not be proven.
A pulse that the device ends by itself is two commands at two addresses and a state elsewhere; a
pulse that the platform would have to end does not exist here, because a lost connection would
leave the output on.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from devices.drivers import BIT_FUNCTION_CODES, Block, Words
from devices.drivers.documents import Section, kind_of, scalar

OUTPUT_KEYS = (
    "code",
    "name",
    "function_code",
    "on",
    "off",
    "state",
    "settle_ms",
    "confidence",
    "note",
)
WRITING_CODES = (5, 6, 15, 16)
COIL_CODES = (5, 15)
# The function code that writes many where this one writes one.
MANY = {5: 15, 6: 16}
CODE_LENGTH = 24
MOST_VALUES = 16
LAST_ADDRESS, LAST_WORD = 65535, 65535
DEFAULT_SETTLE_MS, LONGEST_SETTLE_MS = 1000, 10_000
CONFIDENCES = ("confirmed", "inferred", "assumed", "own")


@dataclass(frozen=True, slots=True)
class Command:
    """What to write, from an address on."""

    address: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StateAt:
    """Where the state is read, and the raw value of each; bit: of a word, None for the whole."""

    function_code: int
    address: int
    bit: int | None
    on: int
    off: int

    @property
    def block(self) -> Block:
        """What to read."""
        return Block(self.function_code, self.address, 1)

    def decode(self, words: Words) -> bool | None:
        """Whether it is on; None for a value that is neither."""
        raw = words[0] if self.bit is None else words[0] >> self.bit & 1
        return {self.on: True, self.off: False}.get(raw)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputDef:
    """One output of a template. settle_ms: how long the state may take to follow a command."""

    code: str
    name_zh: str
    name_en: str
    function_code: int
    on: Command
    off: Command
    state: StateAt
    settle_ms: int
    confidence: str
    note: str
    line: int


def read_outputs(top: Section) -> tuple[OutputDef, ...]:
    """The outputs of a template's text; complaints go where the section's go."""
    found: dict[str, OutputDef] = {}
    for section in top.sections("outputs"):
        output = _output(section)
        if output is None:
            continue
        if output.code in found:
            first = found[output.code].line
            section.wrong("code", "duplicate_output", value=output.code, first_line=first)
        found.setdefault(output.code, output)
    return tuple(found.values())


def _output(section: Section) -> OutputDef | None:
    if not section.is_whole:
        return None
    section.only(*OUTPUT_KEYS)
    code = section.text("code", limit=CODE_LENGTH)
    if code and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", code):
        section.wrong("code", "output_code", value=code, limit=CODE_LENGTH)
    name_zh, name_en = _name(section)
    function_code = _writing_code(section)
    on, off = _command(section, "on", function_code), _command(section, "off", function_code)
    state = _state(section)
    if on is not None and on == off:
        section.wrong("off", "same_command")
    settle_ms = section.whole("settle_ms", 0, LONGEST_SETTLE_MS, default=DEFAULT_SETTLE_MS)
    confidence = section.choice("confidence", CONFIDENCES, default="assumed")
    note = section.text("note", default="", limit=200)
    if function_code is None or on is None or off is None or state is None or settle_ms is None:
        return None
    return OutputDef(
        code=code,
        name_zh=name_zh,
        name_en=name_en,
        function_code=function_code,
        on=on,
        off=off,
        state=state,
        settle_ms=settle_ms,
        confidence=confidence,
        note=note,
        line=section.node.start_mark.line + 1,
    )


def _name(section: Section) -> tuple[str, str]:
    name = section.section("name", is_required=True)
    if name is None:
        return "", ""
    name.only("zh", "en")
    return name.text("zh", limit=80), name.text("en", limit=80)


def _writing_code(section: Section) -> int | None:
    code = section.whole("function_code", 1, 255)
    if code is not None and code not in WRITING_CODES:
        known = ", ".join(map(str, WRITING_CODES))
        section.wrong("function_code", "not_one_of", value=code, known=known)
        return None
    return code


def _command(section: Section, key: str, function_code: int | None) -> Command | None:
    command = section.section(key, is_required=True)
    if command is None or not command.is_whole:
        return None
    command.only("address", "values")
    address = command.whole("address", 0, LAST_ADDRESS)
    values = _values(command)
    if not values:
        return None
    if function_code in MANY and len(values) > 1:
        many = MANY[function_code]
        command.wrong("values", "one_value", function_code=function_code, many=many)
    wrong = [value for value in values if function_code in COIL_CODES and value not in (0, 1)]
    if wrong:
        command.wrong("values", "coil_value", value=wrong[0])
    return None if address is None else Command(address, tuple(values))


def _values(command: Section) -> Sequence[int]:
    if not command.has("values"):
        command.wrong("values", "missing_field", field="values")
        return ()
    items = list(command.items("values"))
    if not 1 <= len(items) <= MOST_VALUES:
        command.wrong("values", "out_of_range", value=len(items), minimum=1, maximum=MOST_VALUES)
        return ()
    values = []
    for label, node in items:
        value = scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if isinstance(value, bool) or not isinstance(value, int):
            found = kind_of(node)
            command.complaints.add(
                node, label, "wrong_type", expected="a whole number", found=found
            )
        elif not 0 <= value <= LAST_WORD:
            command.complaints.add(
                node, label, "out_of_range", value=value, minimum=0, maximum=LAST_WORD
            )
        else:
            values.append(value)
    return values if len(values) == len(items) else ()


def _state(section: Section) -> StateAt | None:
    state = section.section("state", is_required=True)
    if state is None or not state.is_whole:
        return None
    state.only("function_code", "address", "bit", "on", "off")
    function_code = state.whole("function_code", 1, 4)
    address = state.whole("address", 0, LAST_ADDRESS)
    bit = state.whole("bit", 0, 15) if state.has("bit") else None
    is_bit = function_code in BIT_FUNCTION_CODES
    if is_bit and state.has("bit"):
        state.wrong("bit", "state_bit", function_code=function_code)
    most = 1 if is_bit or state.has("bit") else LAST_WORD
    on, off = state.whole("on", 0, most, default=1), state.whole("off", 0, most, default=0)
    if on is not None and on == off:
        state.wrong("off", "same_state")
    if function_code is None or address is None or on is None or off is None:
        return None
    return StateAt(function_code, address, bit, on, off)
