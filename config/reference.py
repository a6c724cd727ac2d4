"""The API's description as pages need it: groups of operations, fields as rows, examples as run."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml
from django.conf import settings

from config.openapi import Document, document

EXAMPLES = settings.BASE_DIR / "docs" / "api" / "examples.yaml"
ANSWERS = settings.BASE_DIR / "docs" / "api" / "answers.json"
DEEPEST = 3
# The field's own word behind an English one.
_GLOSS = re.compile(r" \([\u4e00-\u9fff、]+\)")  # not translated: a range


@dataclass(frozen=True, slots=True)
class Row:
    """A field or parameter: `depth` says how far inside it is."""

    name: str
    kind: str
    depth: int = 0
    is_required: bool = False
    words: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A request that the tests send, and what was answered."""

    name: str
    method: str
    address: str
    body: Any
    form: bool
    status: int
    answer: Any

    @property
    def answer_text(self) -> str:
        """The answer as it is shown."""
        return "" if self.answer is None else json.dumps(self.answer, ensure_ascii=False, indent=2)

    def curl(self, root: str) -> str:
        """The request as a command; $TOKEN is the reader's."""
        lines = ["curl" if self.method == "GET" else f"curl -X {self.method}"]
        lines[0] += f" '{root}{self.address}'"
        if not self.address.startswith("/api/v1/tokens/") or self.method != "POST":
            lines.append('-H "Authorization: Bearer $TOKEN"')
        if self.form:
            lines += [f"-F '{name}={value}'" for name, value in self.body.items()]
        elif self.body is not None:
            lines.append("-H 'Content-Type: application/json'")
            text = json.dumps(self.body, ensure_ascii=False).replace("'", "'\\''")
            lines.append(f"-d '{text}'")
        return " \\\n  ".join(lines)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address."""

    key: str
    method: str
    path: str
    words: str
    words_zh: str
    text: str
    parameters: list[Row]
    body_kind: str
    body: list[Row]
    status: str
    answer_kind: str
    answer: list[Row]
    examples: list[Example]


@dataclass(frozen=True, slots=True)
class Group:
    """Operations on one kind of thing."""

    key: str
    operations: list[Operation] = field(default_factory=list)


@lru_cache(maxsize=1)
def groups() -> dict[str, Group]:
    """Every operation by group, in the order of the description."""
    told = yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))
    answers = json.loads(ANSWERS.read_text(encoding="utf-8")) if ANSWERS.exists() else {}
    found: dict[str, Group] = {}
    for path, operations in document()["paths"].items():
        for method, facts in operations.items():
            key = facts["operationId"]
            group = found.setdefault(facts["tags"][0], Group(facts["tags"][0]))
            made = _operation(path, method, facts, told.get(key, {}), answers.get(key, {}))
            group.operations.append(made)
    return found


def _operation(
    path: str, method: str, facts: Document, told: Document, answers: Document
) -> Operation:
    body_kind, body = _content(facts.get("requestBody", {}))
    status = next(code for code in facts["responses"] if code != "4XX")
    answer_kind, answer = _content(facts["responses"][status])
    return Operation(
        key=facts["operationId"],
        method=method.upper(),
        path=path,
        words=_GLOSS.sub("", facts["summary"]),
        words_zh=str(told.get("words") or facts["summary"]),
        text=facts.get("description", ""),
        parameters=[_parameter(each) for each in facts.get("parameters", ())],
        body_kind=body_kind,
        body=list(_fields(body)) if body else [],
        status=status,
        answer_kind=answer_kind,
        answer=list(_fields(answer)) if answer else [],
        examples=[Example(**answers[name]) for name in answers],
    )


def _content(holder: Document) -> tuple[str, Document]:
    kinds = holder.get("content", {})
    for kind, facts in kinds.items():
        return kind, facts.get("schema", {})
    return "", {}


def _parameter(facts: Document) -> Row:
    schema = _plain(facts["schema"])
    inner = _plain(schema.get("items", {}))
    return Row(
        facts["name"],
        _kind(schema),
        is_required=facts.get("required", False),
        words=facts.get("description", ""),
        choices=_choices(schema) or _choices(inner),
    )


def _plain(schema: Document) -> Document:
    """The schema itself, behind references and wrappers of one."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _plain(document()["components"]["schemas"][name]) | _beside(schema)
    for word in ("allOf", "oneOf", "anyOf"):
        options = [_plain(option) for option in schema.get(word, ())]
        options = [option for option in options if set(option.get("enum", [0])) - {"", None}]
        if options:
            return options[0] | _beside(schema)
    return schema


def _beside(schema: Document) -> Document:
    return {key: schema[key] for key in ("description", "nullable") if key in schema}


def _kind(schema: Document) -> str:
    kind = schema.get("type", "any")
    if kind == "array":
        kind = f"{_kind(_plain(schema.get('items', {})))}[]"
    elif schema.get("format") and schema["format"] not in {"double"}:
        kind = str(schema["format"])
    return f"{kind} | null" if schema.get("nullable") else str(kind)


def _choices(schema: Document) -> tuple[str, ...]:
    return tuple(str(value) for value in schema.get("enum", ()) if value not in {"", None})


def _fields(schema: Document, depth: int = 0) -> Iterator[Row]:
    """The fields of an object, or of the objects of a list, with what is inside them below."""
    schema = _plain(schema)
    if schema.get("type") == "array":
        yield from _fields(schema["items"], depth)
        return
    required = set(schema.get("required", ()))
    for name, facts in schema.get("properties", {}).items():
        plain = _plain(facts)
        inner = _plain(plain.get("items", {})) if plain.get("type") == "array" else plain
        yield Row(
            name,
            _kind(plain),
            depth,
            name in required,
            plain.get("description", ""),
            _choices(plain) or _choices(inner),
        )
        if inner.get("properties") and depth < DEEPEST:
            yield from _fields(inner, depth + 1)
