"""Topics of a broker with named places: `plant/{gateway}/meters/{device}`.

Levels are literal, a place, `+`, or a closing `#`. Source: MQTT 3.1.1 §4.7.
"""

import re
from collections.abc import Mapping

LONGEST = 250

_PLACE = re.compile(r"\{([a-z][a-z0-9_]{0,29})\}")


class Topic:
    """A pattern of topics; `filter` is what is subscribed to."""

    __slots__ = ("_levels", "filter", "places", "text")

    def __init__(self, text: str) -> None:
        """Raises ValueError with the level that cannot be read."""
        self.text = text
        self._levels = text.split("/")
        _check(self._levels, text)
        self.places = [found[1] for level in self._levels if (found := _PLACE.fullmatch(level))]
        if len(set(self.places)) < len(self.places):
            raise ValueError(max(self.places, key=self.places.count))
        self.filter = "/".join("+" if _PLACE.fullmatch(level) else level for level in self._levels)

    def match(self, topic: str) -> Mapping[str, str] | None:
        """What stands in the places of a topic, None for a topic of another kind."""
        told = topic.split("/")
        levels = self._levels
        if levels[-1] == "#":
            levels = levels[:-1]
            told = told[: len(levels)]
        if len(told) != len(levels):
            return None
        found = {}
        for level, word in zip(levels, told, strict=True):
            if place := _PLACE.fullmatch(level):
                found[place[1]] = word
            elif level not in ("+", word):
                return None
        return found


def _check(levels: list[str], text: str) -> None:
    if not text or len(text) > LONGEST or "\0" in text:
        raise ValueError(text[:40])
    if levels[0].startswith("$"):
        # Shared subscriptions and the broker's own topics.
        raise ValueError(levels[0])
    for place, level in enumerate(levels):
        if _PLACE.fullmatch(level) or level == "+":
            continue
        is_last = place == len(levels) - 1
        if (level == "#" and is_last) or not re.search(r"[{}+#]", level):
            continue
        raise ValueError(level)
