"""Writing what was planned: sheet by sheet, in bulk, in the caller's transaction."""

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import DatabaseError, connection, models, transaction
from django.utils.translation import gettext as _

from core.errors import Invalid
from sites.resources.planning import ADDED, CHANGED, Line, Part, Progress

logger = logging.getLogger(__name__)
BATCH = 500


def apply(parts: Iterable[Part], *, progress: Progress) -> int:
    """Write every added and changed row; how many. All or nothing.

    Raises Invalid when the database refuses what no single row shows: two people at once, two rows
    that exchange a unique fact, a ring.
    """
    parts = list(parts)
    total = sum(part.count(ADDED) + part.count(CHANGED) for part in parts)
    done = 0
    for part in parts:
        for lines in _steps(part):
            words = _("正在写入：%(sheet)s") % {"sheet": part.sheet.label}
            progress(done, total, words)
            _write(part, lines)
            done += len(lines)
        _tell(part)
    progress(total, total, _("写入完毕"))
    return done


def _steps(part: Part) -> Iterable[list[Line]]:
    """Batches that can be written at once: of one kind, and after the rows they point to."""
    waiting = [line for line in part.lines if line.status == ADDED]
    own = [c.name for c in part.sheet.columns if c.is_reference and c.target is part.sheet.model]
    while waiting:
        ready = [line for line in waiting if not any(_waits_for(line.row, name) for name in own)]
        for start in range(0, len(ready), BATCH):
            yield ready[start : start + BATCH]
        kept = {id(line) for line in ready}
        waiting = [line for line in waiting if id(line) not in kept]
        if not ready:
            raise Invalid(_("新增的行互为上级，无法写入。"))
    by_fields: dict[frozenset[str], list[Line]] = defaultdict(list)
    for line in part.lines:
        if line.status == CHANGED:
            by_fields[frozenset(line.changes)].append(line)
    for lines in by_fields.values():
        for start in range(0, len(lines), BATCH):
            yield lines[start : start + BATCH]


def _waits_for(row: Any, name: str) -> bool:
    other = row._state.fields_cache.get(name)  # noqa: SLF001 - no query for what is not there
    return other is not None and other.pk is None


def _write(part: Part, lines: Sequence[Line]) -> None:
    manager = part.sheet.model._default_manager  # noqa: SLF001 - Django's documented name
    rows = [line.row for line in lines]
    try:
        with transaction.atomic():
            if lines[0].old is None:
                manager.bulk_create(rows)
            else:
                _update(part.sheet.model, _fields(part.sheet.model, lines[0].changes, rows), rows)
    except (DatabaseError, ValueError) as error:
        logger.warning("sheets.refused sheet=%s error=%s", part.sheet.key, error)
        text = _("“%(sheet)s”第 %(first)d–%(last)d 行与已有数据冲突，没有保存任何内容。")
        facts = {"sheet": part.sheet.label, "first": lines[0].number, "last": lines[-1].number}
        raise Invalid(text % facts) from error


_UPDATE = """
UPDATE {table} SET {values} FROM unnest({lists}) AS fresh ({names}) WHERE {table}.{key} = fresh.{key}
"""
_LENGTH = re.compile(r"\(.*\)")


def _update(model: type[models.Model], names: Sequence[str], rows: Sequence[Any]) -> None:
    """Write these fields of all rows by one statement.

    bulk_update asks the database to compare each row with every other one of the batch.
    """
    meta = model._meta  # noqa: SLF001 - Django's documented name
    fields: list[Any] = [meta.pk, *(meta.get_field(name) for name in names)]
    quoted = [connection.ops.quote_name(field.column) for field in fields]
    statement = _UPDATE.format(
        table=connection.ops.quote_name(meta.db_table),
        key=quoted[0],
        values=", ".join(f"{name} = fresh.{name}" for name in quoted[1:]),
        # Without its length a text that is too long is refused instead of cut.
        lists=", ".join(
            f"%s::{_LENGTH.sub('', field.rel_db_type(connection))}[]" for field in fields
        ),
        names=", ".join(quoted),
    )
    values = [
        [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows]
        for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _fields(model: type[models.Model], names: Iterable[str], rows: Sequence[Any]) -> list[str]:
    """The changed fields, and those that a save would compute: stamps, words to search by."""
    computed = []
    for field in model._meta.concrete_fields:  # noqa: SLF001 - Django's documented name
        if type(field).pre_save is not models.Field.pre_save and not field.primary_key:
            for row in rows:
                setattr(row, field.attname, field.pre_save(row, False))  # noqa: FBT003 - Django's
            computed.append(field.name)
    return [*dict.fromkeys((*names, *computed))]


def _tell(part: Part) -> None:
    changed = [
        (line.old, line.row, frozenset(line.changes))
        for line in part.lines
        if line.status == CHANGED
    ]
    if changed:
        part.sheet.after(changed)
