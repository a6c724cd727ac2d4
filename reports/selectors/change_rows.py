"""Events of many tables with the rows before and after them, and names of what they point to.

The tables have little in common but that each of their rows is a JSON object, so one query reads
them all however many kinds of rows a page of changes shows.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Model

from devices.models import Bus, TemplateVersion

_EVENTS = """
SELECT {kind}, to_jsonb(event)::text, to_jsonb(later)::text, to_jsonb(present)::text,
    context.metadata::text
FROM {events} event
LEFT JOIN LATERAL (
    SELECT * FROM {events} follower
    WHERE follower.pgh_obj_id = event.pgh_obj_id AND follower.pgh_id > event.pgh_id
        AND follower.pgh_label IN ('update', 'delete')
    ORDER BY follower.pgh_id LIMIT 1
) later ON true
LEFT JOIN {table} present ON present.{key} = event.pgh_obj_id
LEFT JOIN pghistory_context context ON context.id = event.pgh_context_id
WHERE event.pgh_id = ANY(%s)
"""
_ROWS = "SELECT {kind}, to_jsonb(found)::text FROM {table} found WHERE found.{key} = ANY(%s)"
# What a row's name reads of another table.
_NAMED_BY: dict[type[Model], str] = {Bus: "gateway", TemplateVersion: "template"}

References = dict[type[Model], set[int]]


@dataclass(frozen=True, slots=True)
class Found:
    """An event; the next one of the same row that keeps it as it was, else the present row."""

    kind: str
    event: Any
    later: Any | None
    present: Any | None
    facts: dict[str, Any]


def table_of(model: type[Model]) -> Any:
    """The table of the model's events."""
    return apps.get_model(model._meta.app_label, f"{model.__name__}Event")  # noqa: SLF001


def read(wanted: Mapping[str, Sequence[int]], models: Mapping[str, type[Model]]) -> list[Found]:
    """Events by kind and key. One query."""
    asked = {kind: keys for kind, keys in wanted.items() if keys}
    parts = [_statement(_EVENTS, kind, models[kind]) for kind in asked]
    found = []
    for kind, event, later, present, facts in _rows(parts, asked.values()):
        model = models[kind]
        table = table_of(model)
        found.append(
            Found(
                kind,
                _instance(table, event),
                _instance(table, later),
                _instance(model, present),
                json.loads(facts or "null") or {},
            )
        )
    return found


def names_of(references: References) -> dict[type[Model], dict[int, str]]:
    """Names of rows by table and key, in the reader's language. At most two queries."""
    rows = _in_bulk(references)
    needed: References = {}
    for model, path in _NAMED_BY.items():
        field: Any = model._meta.get_field(path)  # noqa: SLF001 - Django's documented name
        keys = {getattr(row, field.attname) for row in rows.get(model, {}).values()}
        needed.setdefault(field.related_model, set()).update(keys)
    behind = _in_bulk(needed)
    for model, path in _NAMED_BY.items():
        field = model._meta.get_field(path)  # noqa: SLF001 - Django's documented name
        for row in rows.get(model, {}).values():
            setattr(row, path, behind[field.related_model].get(getattr(row, field.attname)))
    return {model: {key: str(row) for key, row in found.items()} for model, found in rows.items()}


def _in_bulk(references: References) -> dict[type[Model], dict[int, Any]]:
    asked = {model._meta.label: (model, keys) for model, keys in references.items() if keys}  # noqa: SLF001
    parts = [_statement(_ROWS, label, model) for label, (model, _keys) in asked.items()]
    found: dict[type[Model], dict[int, Any]] = {}
    for label, facts in _rows(parts, (list(keys) for _model, keys in asked.values())):
        model = asked[label][0]
        row = _instance(model, facts)
        found.setdefault(model, {})[row.pk] = row
    return found


def _statement(template: str, kind: str, model: type[Model]) -> str:
    meta = model._meta  # noqa: SLF001 - Django's documented name
    quote = connection.ops.quote_name
    return template.format(
        kind=f"'{kind}'",
        table=quote(meta.db_table),
        events=quote(f"{meta.db_table}event"),
        key=quote(str(meta.pk.column)),
    )


def _rows(parts: Sequence[str], keys: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    if not parts:
        return
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), [list(one) for one in keys])
        yield from cursor.fetchall()


def _instance(model: Any, text: str | None) -> Any:
    """A row of the model from its JSON; numbers keep the digits that the table has."""
    if text is None:
        return None
    facts = json.loads(text, parse_float=str)
    fields = model._meta.concrete_fields  # noqa: SLF001 - Django's documented name
    return model(**{field.attname: field.to_python(facts[field.column]) for field in fields})
