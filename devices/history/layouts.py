"""Which array position is which point. Layout rows never change, so they are kept for good."""

from collections.abc import Collection
from dataclasses import dataclass

from devices.models import Layout

_kept: dict[int, "Positions"] = {}


@dataclass(frozen=True, slots=True)
class Positions:
    """Positions of the points of one layout, from 0."""

    value_codes: tuple[str, ...]
    counter_codes: tuple[str, ...]

    def column_of(self, code: str) -> tuple[str, int] | None:
        """Column name and position of a point; None when the layout has no such point."""
        if code in self.value_codes:
            return "values", self.value_codes.index(code)
        if code in self.counter_codes:
            return "counters", self.counter_codes.index(code)
        return None

    def counts(self, code: str) -> bool:
        """Whether the point, if it is there at all, is a counter."""
        return code not in self.value_codes

    def place_of(self, code: str) -> int | None:
        """Position of a point among all, values first; None when the layout has no such point."""
        place = self.column_of(code)
        if place is None:
            return None
        return place[1] + (len(self.value_codes) if place[0] == "counters" else 0)


def positions(layout_ids: Collection[int]) -> dict[int, Positions]:
    """The layouts by id; an id that does not exist is left out."""
    missing = set(layout_ids) - _kept.keys()
    if missing:
        _kept.update(
            (row.pk, Positions(tuple(row.value_codes), tuple(row.counter_codes)))
            for row in Layout.objects.filter(pk__in=missing)
        )
    return {pk: _kept[pk] for pk in layout_ids if pk in _kept}
