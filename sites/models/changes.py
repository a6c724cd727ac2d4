"""History of master data: every change of a row's facts, by triggers, whoever writes and however.

An `insert` keeps the new row; an `update` and a `delete` keep the row as it was before. What came
after an update is the next event's row, or the present one, so no first state has to be kept.
"""

from collections.abc import Callable
from typing import TypeVar

import pghistory
from django.db import connection, models

# So many may be committed before one that began earlier.
EVENTS = 200

Table = TypeVar("Table", bound=type[models.Model])

# Not facts that somebody decided: stamps, what follows from other columns, what polling writes.
PASSING = frozenset(
    {
        "created_at",
        "updated_at",
        "search_text",
        "is_online",
        "link_changed_at",
        "last_seen_at",
        "link_error",
    }
)


def keeps_changes(*, exclude: tuple[str, ...] = ()) -> Callable[[Table], Table]:
    """Class decorator: each change of the table's facts is on record (`<Model>Event`).

    An update of other columns alone writes nothing: the trigger's condition names the facts.
    """

    def decorate(model: Table) -> Table:
        skipped = PASSING.union(exclude)
        names = [
            field.name
            for field in model._meta.local_concrete_fields  # noqa: SLF001 - Django's documented name
            if field.name not in skipped
        ]
        return pghistory.track(
            pghistory.InsertEvent(),
            pghistory.UpdateEvent(row=pghistory.Old, condition=pghistory.AnyChange(*names)),
            pghistory.DeleteEvent(),
            fields=names,
            model_name=f"{model.__name__}Event",
        )(model)

    return decorate


def newest_change(*tables: type[models.Model]) -> str:
    """Text that differs when a fact of one of these tables has changed, a row has come or gone.

    The newest events of each, and the newest stamp where an index knows it: a few looks into indexes,
    however many rows there are. Not the newest event alone: of two who write at once, the one with
    the smaller key may be committed later.
    """
    looks = []
    for model in tables:
        name = model._meta.db_table  # noqa: SLF001 - Django's documented name
        newest = f"SELECT pgh_id FROM {name}event ORDER BY pgh_id DESC LIMIT {EVENTS}"  # noqa: S608 - no text from outside
        looks.append(f"(SELECT concat(max(pgh_id), ' ', sum(pgh_id)) FROM ({newest}) events)")  # noqa: S608
        if _has_indexed_stamp(model):
            looks.append(f"(SELECT max(updated_at) FROM {name})")  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(looks)}")
        return " ".join(map(str, cursor.fetchone()))


def _has_indexed_stamp(model: type[models.Model]) -> bool:
    stamps = (f for f in model._meta.local_concrete_fields if f.name == "updated_at")  # noqa: SLF001
    return any(getattr(field, "db_index", False) for field in stamps)
