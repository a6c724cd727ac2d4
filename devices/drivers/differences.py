"""What differs between two versions of a register map, field by field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Facts = Mapping[str, Any]
# Follows from scale and unit: told only when nothing else explains it.
_DERIVED = "factor"
_EXPLAIN = frozenset({"scale", "unit"})


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """A version as plain facts: of the device as a whole, of registers by point, of outputs by code."""

    head: Facts
    registers: Mapping[str, Facts]
    outputs: Mapping[str, Facts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class RegisterChange:
    """One register or output whose fields changed; of a new or lost output all fields did."""

    code: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that differs; points in the order in which the version names them."""

    head: tuple[FieldChange, ...] = ()
    added: tuple[tuple[str, Facts], ...] = ()
    removed: tuple[tuple[str, Facts], ...] = ()
    changed: tuple[RegisterChange, ...] = ()
    outputs: tuple[RegisterChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.head or self.added or self.removed or self.changed or self.outputs)

    @property
    def has_other_points(self) -> bool:
        """Whether samples of the two versions hold different points."""
        return bool(self.added or self.removed)


def compare(before: VersionFacts, after: VersionFacts) -> Difference:
    """What a device would notice that goes from the one to the other."""
    return Difference(
        head=_changes(before.head, after.head),
        added=tuple((c, f) for c, f in after.registers.items() if c not in before.registers),
        removed=tuple((c, f) for c, f in before.registers.items() if c not in after.registers),
        changed=tuple(
            RegisterChange(code, changes)
            for code, facts in after.registers.items()
            if code in before.registers and (changes := _changes(before.registers[code], facts))
        ),
        outputs=tuple(
            RegisterChange(code, changes)
            for code in dict.fromkeys((*after.outputs, *before.outputs))
            if (changes := _changes(before.outputs.get(code, {}), after.outputs.get(code, {})))
        ),
    )


def _changes(before: Facts, after: Facts) -> tuple[FieldChange, ...]:
    known = dict.fromkeys((*after, *before))
    names = [name for name in known if before.get(name) != after.get(name)]
    if _DERIVED in names and not _EXPLAIN.isdisjoint(names):
        names.remove(_DERIVED)
    return tuple(FieldChange(name, before.get(name), after.get(name)) for name in names)
