"""What the people of the demo write, from reports/library/demo_words.yaml."""

from functools import lru_cache
from random import Random
from typing import Any

import yaml

from reports.services.demo.document import LIBRARY

Pair = list[str]


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """The file, parsed; nobody changes it."""
    return yaml.safe_load(LIBRARY.with_name("demo_words.yaml").read_text(encoding="utf-8"))


def of_rule(kind: str, key: str, random: Random) -> Any:
    """One of the entries for a rule; a stronger rule without words of its own has those of all."""
    found = words()[kind]
    return random.choice(found.get(key) or found.get(key.rstrip("2")) or found["other"])


def one_of(kind: str, random: Random) -> Pair:
    """One of the entries."""
    return random.choice(words()[kind])


def line(pair: Pair) -> str:
    """Both languages in one line."""
    return f"{pair[0]} · {pair[1]}"


def lines(pair: Pair) -> str:
    """Both languages, one below the other."""
    return f"{pair[0]}\n{pair[1]}"
