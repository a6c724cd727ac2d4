"""Formulas over points: `d12:P + d13:P`, parsed by a small grammar of their own, calculated on arrays.

    sum     = product, ("+" | "-") product, …
    product = sign, ("*" | "/") sign, …          also × ÷ −, as people write them
    sign    = ("+" | "-") sign | value
    value   = number | point | name "(" sum, "," sum, … ")" | "(" sum ")"
    point   = "d" id ":" code, of a device | "x" id, another derived point

Nothing else exists: no attributes, no powers, no names but those of FUNCTIONS, no text. What is not
known (NaN) and what is divided by zero has no value, and neither has anything made of it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LONGEST = 500
DEEPEST = 20
MOST_POINTS = 40

_TOKEN = re.compile(  # not translated: signs
    r"(?P<space>\s+)"
    r"|(?P<point>d[0-9]{1,18}:[A-Za-z][A-Za-z0-9_]{0,23}|x[0-9]{1,18})(?![A-Za-z0-9_:])"
    r"|(?P<number>(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(?:[eE][+-]?[0-9]{1,2})?)"
    r"(?![A-Za-z0-9_.:])"
    r"|(?P<name>[a-z]{1,10})(?![A-Za-z0-9_:])"
    # Signs as people write them, full-width ones among them.
    r"|(?P<sign>[-+*/\u00d7\u00f7\u2212(),\uff08\uff09\uff0c])",
    re.ASCII,
)
_SAME = {
    "\u00d7": "*",
    "\u00f7": "/",
    "\u2212": "-",
    "\uff08": "(",
    "\uff09": ")",
    "\uff0c": ",",
}  # not translated: signs


class Fault(Exception):
    """Why a formula cannot be taken. code: which of the reasons; at: position from 0; word: what."""

    def __init__(self, code: str, at: int, word: str = "") -> None:
        self.code, self.at, self.word = code, at, word
        super().__init__(f"{code} at {at}: {word}")


class Token(NamedTuple):
    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Node:
    """kind: number, point, or what is done with the parts; `text` is a point's id."""

    kind: str
    at: int
    parts: "tuple[Node, ...]" = ()
    number: float = 0.0
    text: str = ""


def _divided(above: Floats, below: Floats) -> Floats:
    return np.where(below == 0, np.nan, above / np.where(below == 0, np.nan, below))


def _root(value: Floats) -> Floats:
    return np.sqrt(np.where(value < 0, np.nan, value))


def _mean(*parts: Floats) -> Floats:
    return np.asarray(reduce(np.add, parts) / len(parts), np.float64)


# By name: the fewest and the most parts, and what is calculated.
FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any]]] = {
    "abs": (1, 1, np.abs),
    "sqrt": (1, 1, _root),
    "min": (1, MOST_POINTS, lambda *parts: reduce(np.minimum, parts)),
    "max": (1, MOST_POINTS, lambda *parts: reduce(np.maximum, parts)),
    "sum": (1, MOST_POINTS, lambda *parts: reduce(np.add, parts)),
    "mean": (1, MOST_POINTS, _mean),
}
_OPERATIONS: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": _divided,
    "negative": np.negative,
    **{name: calculate for name, (_least, _most, calculate) in FUNCTIONS.items()},
}
# The unit of the whole is that of its parts, which must agree.
_ALIKE = frozenset({"+", "-", "min", "max", "sum", "mean"})


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was understood. `points`: its points' ids, each with where it stands first."""

    root: Node
    points: Mapping[str, int] = field(default_factory=dict)

    def values(self, of: Mapping[str, Floats], size: int) -> Floats:
        """Its value for each of `size` moments, from arrays of its points' values; NaN is none."""
        with np.errstate(all="ignore"):
            found = np.broadcast_to(_value(self.root, of), (size,)).astype(np.float64)
        return np.where(np.isfinite(found), found, np.nan)

    @property
    def is_linear(self) -> bool:
        """Whether its value for means is the mean of its values."""
        return _is_linear(self.root)

    @property
    def is_scaled(self) -> bool:
        """Whether a number multiplies or divides something, so that the unit may be another."""
        return _is_scaled(self.root)

    def unit(self, of: Mapping[str, str]) -> str | None:
        """The unit of the result, None when it cannot be told. Raises Fault where units differ."""
        return _unit(self.root, of)


def parsed(text: str) -> Formula:
    """Raises Fault: long, character, end, value, bracket, name, parts, deep, points, none."""
    if len(text) > LONGEST:
        raise Fault("long", LONGEST)
    reader = _Reader(_tokens(text), len(text))
    root = reader.sum(0)
    if reader.token is not None:
        raise Fault("end", reader.token.at, reader.token.text)
    if not reader.points:
        raise Fault("none", 0)
    return Formula(root, reader.points)


def _tokens(text: str) -> list[Token]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Fault("character", at, text[at])
        kind = str(match.lastgroup)
        if kind != "space":
            found.append(Token(kind, _SAME.get(match.group(), match.group()), at))
        at = match.end()
    return found


class _Reader:
    """Goes through the tokens once, from left to right; deep nesting is refused on the way."""

    def __init__(self, tokens: Sequence[Token], length: int) -> None:
        self.tokens, self.length, self.place = tokens, length, 0
        self.points: dict[str, int] = {}

    @property
    def token(self) -> Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def take(self, *texts: str) -> Token | None:
        """The next token when it is one of these signs."""
        token = self.token
        if token is None or token.kind != "sign" or token.text not in texts:
            return None
        self.place += 1
        return token

    def sum(self, depth: int) -> Node:
        found = self.product(depth)
        while sign := self.take("+", "-"):
            found = Node(sign.text, sign.at, (found, self.product(depth)))
        return found

    def product(self, depth: int) -> Node:
        found = self.signed(depth)
        while sign := self.take("*", "/"):
            found = Node(sign.text, sign.at, (found, self.signed(depth)))
        return found

    def signed(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise Fault("deep", self.token.at if self.token else self.length)
        if sign := self.take("-"):
            return Node("negative", sign.at, (self.signed(depth + 1),))
        if self.take("+"):
            return self.signed(depth + 1)
        return self.value(depth)

    def value(self, depth: int) -> Node:
        token = self.token
        if token is None:
            raise Fault("value", self.length)
        self.place += 1
        if token.kind == "number":
            return Node("number", token.at, number=float(token.text))
        if token.kind == "point":
            self.points.setdefault(token.text, token.at)
            if len(self.points) > MOST_POINTS:
                raise Fault("points", token.at, str(MOST_POINTS))
            return Node("point", token.at, text=token.text)
        if token.kind == "name":
            return self.called(token, depth)
        if token.text == "(":
            found = self.sum(depth + 1)
            self.close(token)
            return found
        raise Fault("value", token.at, token.text)

    def called(self, name: Token, depth: int) -> Node:
        if name.text not in FUNCTIONS:
            raise Fault("name", name.at, name.text)
        opened = self.take("(")
        if opened is None:
            raise Fault("bracket", name.at + len(name.text), "(")
        parts = [self.sum(depth + 1)]
        while self.take(","):
            parts.append(self.sum(depth + 1))
        self.close(opened)
        least, most, _calculate = FUNCTIONS[name.text]
        if not least <= len(parts) <= most:
            raise Fault("parts", name.at, name.text)
        return Node(name.text, name.at, tuple(parts))

    def close(self, opened: Token) -> None:
        if self.take(")") is None:
            raise Fault("bracket", opened.at, "(")


def _value(node: Node, of: Mapping[str, Floats]) -> Any:
    if node.kind == "number":
        return np.float64(node.number)
    if node.kind == "point":
        return of[node.text]
    return _OPERATIONS[node.kind](*[_value(part, of) for part in node.parts])


def _unit(node: Node, of: Mapping[str, str]) -> str | None:
    if node.kind == "point":
        return of.get(node.text)
    units = [_unit(part, of) for part in node.parts]
    if node.kind in ("abs", "negative"):
        return units[0]
    if node.kind in _ALIKE:
        known = [unit for unit in units if unit is not None]
        if len(set(known)) > 1:
            other = next(part for part in node.parts if _unit(part, of) not in (None, known[0]))
            raise Fault("units", other.at, f"{known[0]} / {_unit(other, of)}")
        return known[0] if known else None
    if node.kind in ("*", "/") and units[1] is None and node.parts[1].kind == "number":
        return units[0]
    if node.kind == "*" and units[0] is None and node.parts[0].kind == "number":
        return units[1]
    return None


def _is_linear(node: Node) -> bool:
    if node.kind == "*":
        return any(map(_is_number, node.parts)) and all(map(_is_linear, node.parts))
    if node.kind == "/":
        return _is_number(node.parts[1]) and _is_linear(node.parts[0])
    known = ("number", "point", "+", "-", "negative", "sum", "mean")
    return node.kind in known and all(map(_is_linear, node.parts))


def _is_number(node: Node) -> bool:
    """Whether no point is in it."""
    return node.kind != "point" and all(map(_is_number, node.parts))


def _is_scaled(node: Node) -> bool:
    if node.kind in ("*", "/") and any(map(_is_number, node.parts)):
        return True
    return any(map(_is_scaled, node.parts))
