"""Device templates as text: a register map that a person writes and a program checks."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

import yaml

from devices.drivers import (
    BIT_FUNCTION_CODES,
    WORDS,
    Order,
    PollClass,
    Profile,
    Register,
    RegisterType,
    Side,
)
from devices.drivers.clocks import ClockDef, read_clock
from devices.drivers.documents import Complaints, DocumentError, Section, compose, kind_of, scalar
from devices.drivers.outputs import CONFIDENCES, OutputDef, read_outputs
from devices.drivers.points import PointDef, load_points
from devices.drivers.units import Conversion, conversion, convertible_to

__all__ = ["RegisterDef", "TemplateDef", "load_points", "parse_template"]

LAST_ADDRESS = 65535
SHARING = ("bits", "uint8hi", "uint8lo")
TOP_KEYS = (
    "key",
    "vendor",
    "model",
    "kind",
    "description",
    "source",
    "confidence",
    "simulated",
    "defaults",
    "max_read_registers",
    "max_gap",
    "forbidden",
    "values_are",
    "registers",
    "outputs",
    "clock",
)
REGISTER_KEYS = (
    "point",
    "unit",
    "function_code",
    "address",
    "type",
    "bit",
    "byte_order",
    "word_order",
    "scale",
    "offset",
    "invalid",
    "minimum",
    "maximum",
    "poll_class",
    "confidence",
    "note",
)
_ONE = Conversion(1.0)
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisterDef:
    """One line of a template. stored = raw · factor + offset, in the point's unit.

    scale and unit are as written; factor and offset contain the conversion. minimum and maximum are
    in the stored unit. line: where it stands in the text.
    """

    point: PointDef
    unit: str
    function_code: int
    address: int
    type: RegisterType
    bit: int | None
    byte_order: Order
    word_order: Order
    scale: float
    factor: float
    offset: float
    invalid: tuple[int, ...]
    minimum: float | None
    maximum: float | None
    poll_class: PollClass
    confidence: str
    note: str
    line: int

    def register(self) -> Register:
        """What the driver needs of it."""
        return Register(
            code=self.point.code,
            unit=self.point.unit,
            function_code=self.function_code,
            address=self.address,
            type=self.type,
            byte_order=self.byte_order,
            word_order=self.word_order,
            bit=self.bit,
            scale=self.factor,
            offset=self.offset,
            invalid=self.invalid,
            poll_class=self.poll_class,
            is_counter=self.point.is_counter,
            minimum=self.minimum,
            maximum=self.maximum,
        )


@dataclass(frozen=True, kw_only=True)
class TemplateDef:
    """A template as written. registers: in the order of the text, which is the storage order."""

    key: str
    vendor_zh: str
    vendor_en: str
    model: str
    kind: str
    description_zh: str
    description_en: str
    source: str
    confidence: str
    is_simulated: bool
    defaults: dict[str, Any]
    max_read_registers: int
    max_gap: int
    forbidden: tuple[tuple[int, int, int], ...]
    values_are: Side
    registers: tuple[RegisterDef, ...]
    outputs: tuple[OutputDef, ...] = ()
    clock: ClockDef | None = None

    def profile(self, version: int = 1) -> Profile:
        """What the driver needs of it."""
        return Profile(
            key=self.key,
            version=version,
            registers=tuple(line.register() for line in self.registers),
            max_read_registers=self.max_read_registers,
            max_gap=self.max_gap,
            forbidden=self.forbidden,
            values_are=self.values_are,
        )


def parse_template(
    text: str, points: Iterable[PointDef]
) -> tuple[TemplateDef | None, list[DocumentError]]:
    """Read a template's text; the definition is None as soon as there is one error.

    Every error is reported, from the top down.
    """
    complaints = Complaints()
    root = compose(text, complaints)
    if root is None:
        return None, complaints
    top = Section(root, "", complaints)
    if not top.is_whole:
        return None, complaints
    template = _template(top, {point.code: point for point in points})
    return (None if complaints else template), complaints.in_order()


def _template(top: Section, points: dict[str, PointDef]) -> TemplateDef:
    top.only(*TOP_KEYS)
    key = top.text("key", limit=60)
    if key and not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key):
        top.wrong("key", "bad_key", value=key, limit=60)
    vendor_zh, vendor_en = _bilingual(top, "vendor", limit=80, is_required=True)
    description_zh, description_en = _bilingual(top, "description", limit=2000)
    longest = top.whole("max_read_registers", 1, 125, default=120) or 120
    forbidden = tuple(_forbidden(section) for section in top.sections("forbidden"))
    lines = [
        line
        for section in top.sections("registers", is_required=True)
        if (line := _register(section, points)) is not None
    ]
    _compare(top, lines, longest, forbidden)
    return TemplateDef(
        key=key,
        vendor_zh=vendor_zh,
        vendor_en=vendor_en,
        model=top.text("model", limit=80),
        kind=top.text("kind", default="meter", limit=20),
        description_zh=description_zh,
        description_en=description_en,
        source=top.text("source", default=""),
        confidence=top.text("confidence", default=""),
        is_simulated=top.flag("simulated"),
        defaults=_defaults(top),
        max_read_registers=longest,
        max_gap=_or(top.whole("max_gap", 0, 120, default=8), 8),
        forbidden=forbidden,
        values_are=top.choice("values_are", get_args(Side), default="primary"),  # type: ignore[arg-type]
        registers=tuple(line for line, _ in lines),
        outputs=read_outputs(top),
        clock=read_clock(top),
    )


def _bilingual(top: Section, key: str, *, limit: int, is_required: bool = False) -> tuple[str, str]:
    section = top.section(key, is_required=is_required)
    if section is None:
        return "", ""
    section.only("zh", "en")
    return section.text("zh", limit=limit), section.text("en", limit=limit)


def _defaults(top: Section) -> dict[str, Any]:
    section = top.section("defaults")
    if section is None:
        return {}
    section.only("unit_id", "baud", "parity", "stop_bits")
    return {
        "unit_id": section.whole("unit_id", 0, 255, default=1),
        "baud": section.whole("baud", 300, 921600, default=9600),
        "parity": section.choice("parity", ("N", "E", "O"), default="N"),
        "stop_bits": section.whole("stop_bits", 1, 2, default=1),
    }


def _forbidden(section: Section) -> tuple[int, int, int]:
    section.only("function_code", "first", "last")
    code = _or(section.whole("function_code", 1, 4), 3)
    first = _or(section.whole("first", 0, LAST_ADDRESS), 0)
    last = _or(section.whole("last", 0, LAST_ADDRESS), first)
    if first > last:
        section.wrong("last", "range_order", first=first, last=last)
    return code, first, last


def _register(section: Section, points: dict[str, PointDef]) -> tuple[RegisterDef, Section] | None:
    """One line; None when it is too broken to be compared with the others."""
    if not section.is_whole:
        return None
    section.only(*REGISTER_KEYS)
    point = _point(section, points)
    kind = section.choice("type", get_args(RegisterType))
    function_code = section.whole("function_code", 1, 4)
    address = section.whole("address", 0, LAST_ADDRESS)
    scale = _or(section.number("scale", default=1.0), 1.0)
    if scale == 0:
        section.wrong("scale", "zero_scale")
    unit = section.text("unit", default="")
    change = _conversion(section, unit, point) if point else _ONE
    minimum, maximum = section.number("minimum"), section.number("maximum")
    if minimum is not None and maximum is not None and minimum > maximum:
        section.wrong("maximum", "range_order", first=minimum, last=maximum)
    offset = _or(section.number("offset", default=0.0), 0.0)
    facts = {
        "bit": _bit(section, kind),
        "invalid": tuple(_markers(section, WORDS[kind])),
        "byte_order": section.choice("byte_order", get_args(Order), default="big"),
        "word_order": section.choice("word_order", get_args(Order), default="big"),
        "poll_class": section.choice("poll_class", get_args(PollClass), default="fast"),
        "confidence": section.choice("confidence", CONFIDENCES, default="confirmed"),
        "note": section.text("note", default="", limit=200),
    }
    if point is None or function_code is None or address is None:
        return None
    if function_code in BIT_FUNCTION_CODES and kind != "bool":
        section.wrong("type", "type_needs_registers", function_code=function_code)
    if address + WORDS[kind] - 1 > LAST_ADDRESS:
        section.wrong("address", "address_end", count=WORDS[kind], last=LAST_ADDRESS)
    line = RegisterDef(
        point=point,
        unit=unit,
        function_code=function_code,
        address=address,
        type=kind,  # type: ignore[arg-type]
        scale=scale,
        factor=_tidy(scale * change.factor),
        offset=_tidy(offset * change.factor + change.offset),
        minimum=minimum,
        maximum=maximum,
        line=section.node.start_mark.line + 1,
        **facts,  # type: ignore[arg-type]
    )
    return line, section


def _point(section: Section, points: dict[str, PointDef]) -> PointDef | None:
    code = section.text("point", limit=60)
    if not code:
        return None
    point = points.get(code)
    if point is None:
        similar = get_close_matches(code, points, n=3, cutoff=0.5)
        section.wrong("point", "unknown_point", value=code, similar=", ".join(similar) or "-")
    elif point.kind == "attr":
        section.wrong("point", "point_not_numeric", value=code)
    return point


def _conversion(section: Section, unit: str, point: PointDef) -> Conversion:
    """States need no unit; everything else must say its own, unless it has none."""
    if not unit and point.unit == "0/1":
        return _ONE
    if not section.has("unit") and point.unit:
        section.wrong("unit", "missing_field", field="unit")
        return _ONE
    change = conversion(raw=unit, stored=point.unit)
    if change is None:
        known = ", ".join(convertible_to(point.unit)) or point.unit
        section.wrong(
            "unit", "unit_mismatch", value=unit, stored=point.unit, point=point.code, known=known
        )
        return _ONE
    return change


def _bit(section: Section, kind: str) -> int | None:
    if not section.has("bit"):
        if kind == "bits":
            section.wrong("bit", "bit_missing")
        return None
    if kind != "bits":
        section.wrong("bit", "bit_without_bits")
        return None
    return section.whole("bit", 0, 15)


def _markers(section: Section, words: int) -> Iterable[int]:
    """Raw patterns; a negative number is taken as two's complement."""
    bits = 16 * words
    for label, node in section.items("invalid"):
        value = scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if not isinstance(value, int) or isinstance(value, bool):
            section.complaints.add(
                node, label, "wrong_type", expected="a whole number", found=kind_of(node)
            )
        elif not -(1 << bits - 1) <= value < 1 << bits:
            section.complaints.add(node, label, "marker_range", value=value, bits=bits)
        else:
            yield value % (1 << bits)


def _compare(
    top: Section,
    lines: Sequence[tuple[RegisterDef, Section]],
    longest: int,
    forbidden: Sequence[tuple[int, int, int]],
) -> None:
    """What only shows when the lines are seen together."""
    if not lines and not top.complaints:
        top.wrong("registers", "empty")
    seen: dict[str, RegisterDef] = {}
    taken: dict[tuple[int, int], RegisterDef] = {}
    for line, section in lines:
        code = line.point.code
        if code in seen:
            section.wrong("point", "duplicate_point", value=code, first_line=seen[code].line)
        seen.setdefault(code, line)
        count = WORDS[line.type]
        if count > longest:
            section.wrong("type", "too_wide", count=count, limit=longest)
        for function_code, first, last in forbidden:
            if function_code == line.function_code and (
                first < line.address + count and line.address <= last
            ):
                section.wrong("address", "forbidden", first=first, last=last)
        _claim(taken, line, section)


def _claim(taken: dict[tuple[int, int], RegisterDef], line: RegisterDef, section: Section) -> None:
    """Words belong to one point, except bits and halves, which share a word by nature."""
    for address in range(line.address, line.address + WORDS[line.type]):
        other = taken.setdefault((line.function_code, address), line)
        if other is not line and not (line.type in SHARING and other.type in SHARING):
            section.wrong("address", "overlap", other=other.point.code, first_line=other.line)
            return


def _or(value: Number | None, default: Number) -> Number:
    return default if value is None else value


def _tidy(number: float) -> float:
    """Without the dust of binary fractions: 0.1 · 0.001 is 0.0001."""
    return float(f"{number:.12g}")
