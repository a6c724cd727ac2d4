"""History of master data: every change of a row's facts, by triggers, whoever writes and however.

An `insert` keeps the new row; an `update` and a `delete` keep the row as it was before. What came
after an update is the next event's row, or the present one, so no first state has to be kept.
"""

from collections.abc import Callable
from typing import TypeVar

import pghistory
from django.db import models

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
