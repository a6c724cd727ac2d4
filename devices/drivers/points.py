"""The point dictionary: what a code means and in which unit it is stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import yaml

from devices.drivers.documents import Complaints, Section, compose, kind_of, scalar

KINDS = ("inst", "ctr", "ev", "attr")
GROUPS = (
    "voltage",
    "current",
    "power",
    "energy",
    "quality",
    "temperature",
    "residual",
    "input",
    "output",
    "status",
    "process",
)
DATA_CLASSES = ("safety", "load", "energy")
LONGEST_CODE = 24


class DictionaryError(ValueError):
    """The dictionary itself is wrong; the text lists every complaint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PointDef:
    """One quantity. kind: inst (instantaneous), ctr (counter), ev (state), attr (text).

    frozen_after_h: hours without a change after which it is frozen, None where it may stand still.
    largest_step: how far one sample can be from both its neighbours, None where anything can be.
    """

    code: str
    name_zh: str
    name_en: str
    unit: str
    kind: str
    group: str
    phase: str
    data_class: str
    decimals: int
    position: int
    frozen_after_h: int | None = None
    largest_step: float | None = None

    @property
    def is_counter(self) -> bool:
        """Whether it is stored among the counters, in double precision."""
        return self.kind == "ctr"


def load_points(path: Path) -> list[PointDef]:
    """All points of a dictionary file, in its order. Raises DictionaryError."""
    complaints = Complaints()
    root = compose(path.read_text(encoding="utf-8"), complaints)
    points: list[PointDef] = []
    if root is not None:
        top = Section(root, "", complaints)
        top.only("points")
        for entry in top.sections("points", is_required=True):
            for point in _expand(entry, len(points)):
                if any(point.code == other.code for other in points):
                    entry.wrong("code", "duplicate_point", value=point.code, first_line=0)
                points.append(point)
    if complaints:
        raise DictionaryError("\n".join(str(error) for error in complaints.in_order()))
    return points


def _expand(entry: Section, position: int) -> Iterator[PointDef]:
    """One point, or one per combination of `each`: {x} and {X} stand for the value and its capital.

    An inner list of two numbers [first, last] under `ranges` stands for all between.
    """
    entry.only(
        "code",
        "name_zh",
        "name_en",
        "unit",
        "kind",
        "group",
        "phase",
        "data_class",
        "decimals",
        "frozen_after_h",
        "largest_step",
        "each",
        "ranges",
    )
    code = entry.text("code", limit=60)
    name_zh, name_en = entry.text("name_zh"), entry.text("name_en")
    unit, phase = entry.text("unit", default=""), entry.text("phase", default="")
    kind = entry.choice("kind", KINDS, default="inst")
    group = entry.choice("group", GROUPS)
    data_class = entry.choice("data_class", DATA_CLASSES)
    decimals = entry.whole("decimals", 0, 6, default=1) or 0
    frozen_after_h = entry.whole("frozen_after_h", 1, 168, default=0) or None
    largest_step = entry.number("largest_step")
    for number, names in enumerate(_combinations(entry)):
        filled = {**names, **{name.upper(): text.upper() for name, text in names.items()}}
        point = PointDef(
            code=code.format_map(filled),
            name_zh=name_zh.format_map(filled),
            name_en=name_en.format_map(filled),
            unit=unit,
            kind=kind,
            group=group,
            phase=phase.format_map(filled),
            data_class=data_class,
            decimals=decimals,
            position=position + number,
            frozen_after_h=frozen_after_h,
            largest_step=largest_step,
        )
        if len(point.code) > LONGEST_CODE:
            entry.wrong("code", "too_long", length=len(point.code), limit=LONGEST_CODE)
        yield point


def _combinations(entry: Section) -> Iterator[dict[str, str]]:
    lists: dict[str, list[str]] = {}
    for key in ("each", "ranges"):
        section = entry.section(key)
        if section is None or not isinstance(section.node, yaml.MappingNode):
            continue
        for name_node, list_node in section.node.value:
            if not isinstance(list_node, yaml.SequenceNode):
                section.wrong(str(name_node.value), "not_a_list", found=kind_of(list_node))
                continue
            given = [scalar(item) for item in list_node.value]
            texts = range(given[0], given[1] + 1) if key == "ranges" else given
            lists[str(name_node.value)] = [str(text) for text in texts]
    for values in product(*lists.values()):
        yield dict(zip(lists, values, strict=True))
