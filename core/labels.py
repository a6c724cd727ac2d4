"""Words of choices for lists: Django's `get_…_display` works out every label of a field each time."""

from functools import cache
from typing import Any


class QuickLabels:
    """Mixin of a model: its `get_…_display` look one label up."""

    def _get_FIELD_display(self, field: Any) -> Any:  # noqa: N802 - Django's name
        value = getattr(self, field.attname)
        label = _labels(field).get(value, value)
        return None if label is None else str(label)


@cache
def _labels(field: Any) -> dict[Any, Any]:
    """Labels by value, in the reader's language once they are printed."""
    return dict(field.flatchoices)
