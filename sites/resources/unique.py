"""The model's own uniqueness, asked for all rows of a file at once instead of one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Taken:
    """A row whose facts another row has: one of the file (its line) or a stored one (0)."""

    row: Any
    names: tuple[str, ...]
    message: Any
    other_line: int


def taken_by_others(model: type[models.Model], lines: Sequence[tuple[int, Any]]) -> Iterator[Taken]:
    """Rows that would break a uniqueness of the model. lines: (line, row) of the whole file."""
    for names, message in _rules(model):
        seen: dict[tuple[Any, ...], int] = {}
        keys: list[tuple[tuple[Any, ...], Any]] = []
        for number, row in lines:
            key = tuple(_fact(row, name) for name in names)
            if None in key:
                continue
            if key in seen:
                yield Taken(row, names, message, seen[key])
                continue
            seen[key] = number
            keys.append((key, row))
        stored = _stored(model, names, keys, {row.pk for _line, row in lines})
        for key, row in keys:
            if key in stored:
                yield Taken(row, names, message, 0)


def _rules(model: type[models.Model]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What the model says may stand once: single fields, and constraints without a condition."""
    meta = model._meta  # noqa: SLF001 - Django's documented name
    for field in meta.concrete_fields:
        if field.unique and not field.primary_key:
            facts = {"label": field.verbose_name}
            yield (field.name,), _("%(label)s已被使用。") % facts
    for constraint in meta.constraints:
        if not isinstance(constraint, models.UniqueConstraint) or constraint.condition is not None:
            continue
        if constraint.fields:
            yield tuple(constraint.fields), constraint.violation_error_message


def _fact(row: Any, name: str) -> Any:
    """A value; of a reference its key, or the row itself while it has none."""
    field = row._meta.get_field(name)  # noqa: SLF001 - Django's documented name
    if isinstance(field, models.ForeignKey):
        key = getattr(row, field.attname)
        # Named here, it may be a row of the same file that is not stored yet.
        return key if key is not None else _unsaved(row, name)
    return getattr(row, name)


def _unsaved(row: Any, name: str) -> Any:
    other = row._state.fields_cache.get(name)  # noqa: SLF001 - no query for what is not there
    return None if other is None else ("new", id(other))


def _stored(
    model: type[models.Model],
    names: tuple[str, ...],
    keys: Sequence[tuple[tuple[Any, ...], Any]],
    mine: set[int | None],
) -> set[tuple[Any, ...]]:
    """Keys among these that stored rows outside the file have."""
    manager = model._default_manager  # noqa: SLF001 - Django's documented name
    firsts = sorted({key[0] for key, _row in keys if not isinstance(key[0], tuple)}, key=str)
    found: set[tuple[Any, ...]] = set()
    for start in range(0, len(firsts), _CHUNK):
        rows = manager.filter(**{f"{names[0]}__in": firsts[start : start + _CHUNK]})
        found |= {tuple(facts) for pk, *facts in rows.values_list("pk", *names) if pk not in mine}
    return found
