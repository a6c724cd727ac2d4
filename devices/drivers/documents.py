"""YAML with line marks: every complaint can name its place and say what to do."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

LONGEST_TEXT = 1_000_000
LONGEST_LIST = 1000
LONGEST_QUOTE = 60

# What a person reads on a terminal; a page translates by `code` with the same params.
MESSAGES: dict[str, str] = {
    "yaml": "not valid YAML: {problem}; correct the text here",
    "too_large": "the text has {length} characters; keep it below {limit}",
    "too_deep": "nested too deeply; use the flat form of the examples",
    "not_a_mapping": "must be a list of `name: value` lines, not {found}",
    "not_a_list": "must be a list of `- ...` items, not {found}",
    "too_many": "has {count} items; at most {limit} are possible",
    "empty": "must not be empty",
    "missing_field": "`{field}` is missing; add it",
    "unknown_key": "`{key}` is not known here; use one of: {known}",
    "duplicate_key": "`{key}` is given twice; remove one (first on line {first_line})",
    "wrong_type": "must be {expected}, not {found}",
    "too_long": "has {length} characters; at most {limit} are possible",
    "bad_key": "`{value}` must consist of a-z, 0-9 and hyphens, at most {limit}",
    "out_of_range": "{value} is outside {minimum} to {maximum}",
    "not_one_of": "`{value}` is not possible; use one of: {known}",
    "unknown_point": "point `{value}` is not in the dictionary; did you mean: {similar}?",
    "point_not_numeric": "point `{value}` is an attribute and cannot be polled; remove it",
    "duplicate_point": "point `{value}` is already given on line {first_line}; remove one",
    "unit_mismatch": "unit `{value}` cannot become `{stored}` of {point}; use one of: {known}",
    "zero_scale": "a scale of 0 loses the value; give the factor that raw is multiplied by",
    "bit_missing": "type bits needs `bit` (0 to 15)",
    "bit_without_bits": "`bit` belongs to type bits only; remove it or change the type",
    "type_needs_registers": "function code {function_code} reads single bits; use type bool",
    "marker_range": "marker {value} does not fit into {bits} bits",
    "address_end": "needs {count} registers and ends behind {last}; correct the address",
    "overlap": "shares registers with {other} on line {first_line}; correct address or type",
    "forbidden": "lies in the forbidden range {first} to {last}; correct one of them",
    "too_wide": "needs {count} registers but max_read_registers is {limit}; raise it",
    "output_code": "`{value}` must consist of letters, digits and _, at most {limit}",
    "duplicate_output": "output `{value}` is already given on line {first_line}; remove one",
    "same_command": "on and off are the same command; correct one of them",
    "same_state": "on and off read the same; correct one of them",
    "one_value": "function code {function_code} writes one value; give one, or use {many}",
    "coil_value": "{value} is no state of a coil; use 0 or 1",
    "state_bit": "function code {function_code} reads single bits; remove `bit`",
    "no_year": "epoch counts seconds and has no year; remove it",
    "range_order": "{first} is above {last}; swap them",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentError:
    """One complaint: where (1-based), which field, what (`code`, `params`)."""

    line: int
    column: int
    field: str
    code: str
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        text = MESSAGES[self.code].format_map(self.params)
        place = f"line {self.line}, column {self.column}"
        return f"{place}: {self.field}: {text}" if self.field else f"{place}: {text}"


class Complaints(list[DocumentError]):
    """Collects errors in the order of the text."""

    def add(self, node: yaml.Node, name: str, code: str, **params: object) -> None:
        """Complain about the place where a node begins."""
        mark = node.start_mark
        self.append(
            DocumentError(
                line=mark.line + 1, column=mark.column + 1, field=name, code=code, params=params
            )
        )

    def in_order(self) -> list[DocumentError]:
        """From the top of the text down."""
        return sorted(self, key=lambda error: (error.line, error.column))


def compose(text: str, complaints: Complaints) -> yaml.Node | None:
    """The root node; None with a complaint when the text is no YAML."""
    if len(text) > LONGEST_TEXT:
        complaints.append(
            DocumentError(
                line=1,
                column=1,
                field="",
                code="too_large",
                params={"length": len(text), "limit": LONGEST_TEXT},
            )
        )
        return None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except RecursionError:
        complaints.append(DocumentError(line=1, column=1, field="", code="too_deep"))
        return None
    except yaml.YAMLError as error:
        complaints.append(_syntax(error))
        return None
    if node is None:
        complaints.append(DocumentError(line=1, column=1, field="", code="empty"))
    return node


def _syntax(error: yaml.YAMLError) -> DocumentError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    return DocumentError(
        line=mark.line + 1 if mark else 1,
        column=mark.column + 1 if mark else 1,
        field="",
        code="yaml",
        params={"problem": str(problem)},
    )


def kind_of(node: yaml.Node) -> str:
    """A word for what stands there."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return f"`{str(node.value)[:LONGEST_QUOTE]}`" if node.value else "nothing"


def scalar(node: yaml.Node) -> Any:
    """The plain Python value of a scalar node; its text when YAML's own idea of it fails."""
    try:
        return SafeConstructor().construct_object(node)
    except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, AttributeError, TypeError):
        return node.value


class Section:
    """A mapping being read: takes fields by name and complains about what is wrong with them."""

    def __init__(self, node: yaml.Node, name: str, complaints: Complaints) -> None:
        self.node = node
        self.name = name
        self.complaints = complaints
        self.is_whole = isinstance(node, yaml.MappingNode)
        self._fields: dict[str, yaml.Node] = {}
        if not isinstance(node, yaml.MappingNode):
            complaints.add(node, name, "not_a_mapping", found=kind_of(node))
            return
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in self._fields:
                first = self._fields[key].start_mark.line + 1
                complaints.add(
                    key_node, self.label(key), "duplicate_key", key=key, first_line=first
                )
            else:
                self._fields[key] = value_node

    def label(self, key: str) -> str:
        """The dotted name of a field, as errors show it."""
        return f"{self.name}.{key}" if self.name else key

    def only(self, *known: str) -> None:
        """Complain about every key that is not among these."""
        if not isinstance(self.node, yaml.MappingNode):
            return
        for key_node, _ in self.node.value:
            if (key := str(key_node.value)) not in known:
                self.complaints.add(
                    key_node, self.label(key), "unknown_key", key=key, known=", ".join(known)
                )

    def at(self, key: str) -> yaml.Node:
        """The node of a field, or of the whole section when it is missing."""
        return self._fields.get(key, self.node)

    def wrong(self, key: str, code: str, **params: object) -> None:
        """Complain about a field."""
        self.complaints.add(self.at(key), self.label(key), code, **params)

    def has(self, key: str) -> bool:
        """Whether the field is given."""
        return key in self._fields

    def _given(self, key: str, *, is_required: bool) -> yaml.Node | None:
        node = self._fields.get(key)
        if node is None and is_required and self.is_whole:
            self.wrong(key, "missing_field", field=key)
        return node

    def text(self, key: str, *, default: str | None = None, limit: int = 2000) -> str:
        """A text; required without a default."""
        node = self._given(key, is_required=default is None)
        if node is None:
            return default or ""
        if not isinstance(node, yaml.ScalarNode):
            self.wrong(key, "wrong_type", expected="a text", found=kind_of(node))
            return ""
        value = "" if scalar(node) is None else str(node.value).strip()
        if not value and default is None:
            self.wrong(key, "empty")
        if len(value) > limit:
            self.wrong(key, "too_long", length=len(value), limit=limit)
        return value

    def choice(self, key: str, known: tuple[str, ...], *, default: str | None = None) -> str:
        """One of these texts."""
        value = self.text(key, default=default)
        if value and value not in known:
            self.wrong(key, "not_one_of", value=value, known=", ".join(known))
            return default or known[0]
        return value or default or known[0]

    def whole(
        self, key: str, minimum: int, maximum: int, *, default: int | None = None
    ) -> int | None:
        """A whole number within bounds; None when it is missing or wrong."""
        node = self._given(key, is_required=default is None)
        if node is None:
            return default
        value = scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(key, "wrong_type", expected="a whole number", found=kind_of(node))
            return None
        if not minimum <= value <= maximum:
            self.wrong(key, "out_of_range", value=value, minimum=minimum, maximum=maximum)
            return None
        return value

    def number(self, key: str, *, default: float | None = None) -> float | None:
        """A finite number; None when it is missing without a default, or wrong."""
        node = self._fields.get(key)
        if node is None:
            return default
        value = scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
            self.wrong(key, "wrong_type", expected="a number", found=kind_of(node))
            return default
        return float(value)

    def flag(self, key: str) -> bool:
        """true or false; false when missing."""
        node = self._fields.get(key)
        if node is None:
            return False
        value = scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if not isinstance(value, bool):
            self.wrong(key, "wrong_type", expected="true or false", found=kind_of(node))
        return value is True

    def section(self, key: str, *, is_required: bool = False) -> "Section | None":
        """A mapping inside; None when missing."""
        node = self._given(key, is_required=is_required)
        return None if node is None else Section(node, self.label(key), self.complaints)

    def items(self, key: str, *, is_required: bool = False) -> Iterator[tuple[str, yaml.Node]]:
        """Items of a list inside with their labels."""
        node = self._given(key, is_required=is_required)
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            self.wrong(key, "not_a_list", found=kind_of(node))
            return
        if len(node.value) > LONGEST_LIST:
            self.wrong(key, "too_many", count=len(node.value), limit=LONGEST_LIST)
            return
        for number, item in enumerate(node.value):
            yield f"{self.label(key)}[{number}]", item

    def sections(self, key: str, *, is_required: bool = False) -> Iterator["Section"]:
        """Mappings of a list inside."""
        for label, node in self.items(key, is_required=is_required):
            yield Section(node, label, self.complaints)
