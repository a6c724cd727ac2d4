"""What the people of the demo write, from reports/library/demo_words.yaml."""

from functools import lru_cache
from random import Random
from typing import Any

import yaml

from reports.services.demo.document import LIBRARY


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """The file, parsed; nobody changes it."""
    return yaml.safe_load(LIBRARY.with_name("demo_words.yaml").read_text(encoding="utf-8"))


def of_rule(kind: str, key: str, random: Random) -> Any:
    """One of the entries for a rule; a grade of it without words of its own has the main one's."""
    found = words()[kind]
    named = (found.get(name) for name in (key, key.rstrip("2"), key.removesuffix("_W")))
    return random.choice(next(filter(None, named), found["other"]))


def one_of(kind: str, random: Random) -> str:
    """One of the entries."""
    return random.choice(words()[kind])
