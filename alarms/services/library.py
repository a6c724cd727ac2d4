"""The rules that ship: a file of data, brought into the table once and edited there."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction

from alarms.models import Rule

PATH = Path(__file__).resolve().parent.parent / "library" / "rules.yaml"

# Words of the file, and the columns they fill.
_COLUMNS = {
    "kind": "kind",
    "level": "level",
    "points": "point_codes",
    "measure": "measure",
    "severity": "severity",
    "basis": "basis",
    "threshold": "threshold",
    "reset": "reset",
    "guard": "guard",
    "reference": "reference",
    "to_value": "to_value",
    "circuits": "circuit_kinds",
    "delay_s": "delay_s",
    "reset_delay_s": "reset_delay_s",
    "source": "source",
}
_TEXTS = ("name", "cause", "advice")


@dataclass(slots=True)
class Loaded:
    """Keys of rules by what was done with them."""

    created: list[str] = field(default_factory=list)
    reset: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


@transaction.atomic
def load_rules(*, path: Path = PATH, is_reset: bool = False) -> Loaded:
    """Create the rules of the file that are missing; those that are there are left as they are.

    is_reset: also bring those back to what the file says. Rules the file does not know are kept.
    Raises ValidationError when an entry is wrong, ValueError for a word that is not known.
    """
    done = Loaded()
    for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]:
        columns = _columns(entry)
        rule = Rule.objects.filter(key=entry["key"]).first()
        if rule is not None and not is_reset:
            done.kept.append(rule.key)
            continue
        (done.created if rule is None else done.reset).append(entry["key"])
        rule = rule or Rule(key=entry["key"])
        for name, value in columns.items():
            setattr(rule, name, value)
        rule.full_clean()
        rule.save()
    return done


def _columns(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry as columns; what it does not say gets the column's default."""
    unknown = entry.keys() - {"key"} - _COLUMNS.keys() - set(_TEXTS)
    if unknown:
        raise ValueError(f"{entry.get('key')}: unknown {sorted(unknown)}")
    columns: dict[str, Any] = {"is_enabled": True}
    untouched = Rule()
    for word, name in _COLUMNS.items():
        columns[name] = entry.get(word, getattr(untouched, name))
    for word in _TEXTS:
        columns[word] = entry[word]["zh"]
        columns[f"{word}_en"] = entry[word]["en"]
    return columns
