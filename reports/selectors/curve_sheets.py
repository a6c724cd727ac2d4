"""A table of curves as rows of a sheet: values as numbers, what is missing empty, marks beside."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from core.sheets import safe
from devices.states import Quality
from reports.selectors.curve_table import Block, Column, CurveTable, clock, known
from reports.selectors.curves import compare_word

# What has no value has a word all the same.
_WITHOUT = (Quality.BAD, Quality.SUSPECT)
Cells = list[str | float | int | None]


def head_of(table: CurveTable) -> list[str]:
    """The header: the zone of the times, each value with its unit, and its mark."""
    word, time, difference = compare_word(table.query), _("时间"), _("差值")
    quality = _("质量")
    head = [f"{time} ({table.query.zone})"]
    for column in table.columns:
        unit = f" ({column.unit})" if column.unit else ""
        head.append(f"{column.name}{unit}")
        head.append(f"{column.name} {_mark_word(table, column)}")
        if not table.is_raw:
            head.append(f"{column.name} {quality}")
        if word:
            head += [f"{column.name} {word}{unit}", f"{column.name} {difference}{unit}"]
    return [safe(text) for text in head]


def _mark_word(table: CurveTable, column: Column) -> str:
    if column.is_total:
        return _("有值的测点（共 %(parts)d 个）") % {"parts": column.parts}
    return _("质量") if table.is_raw else _("样本数")


def rows_of(table: CurveTable, block: Block) -> Iterator[Cells]:
    """The rows of one block."""
    on_clock = clock(table.query.zone)
    words = {quality.value: str(quality.label) for quality in Quality}
    for line, at in enumerate(block.at.tolist()):
        cells: Cells = [on_clock(at).isoformat(timespec="milliseconds" if at % 1 else "seconds")]
        for place in range(len(table.columns)):
            value = known(block.value[line, place])
            cells += [value, _mark(block, line, place, words)]
            if block.marks is not None:
                said = (words[quality] for quality in block.said(line, place))
                cells.append(" / ".join(said) or None)
            if block.compared is not None:
                other = known(block.compared[line, place])
                cells += [other, known(block.value[line, place] - block.compared[line, place])]
        yield cells


def _mark(block: Block, line: int, place: int, words: dict[int, str]) -> str | int | None:
    """Of a sample its quality, of a mean how many samples, of a total how many of its parts."""
    count = int(block.count[line, place])
    if block.quality is None:
        return count
    quality = int(block.quality[line, place])
    if quality == Quality.PARTIAL:
        # The sample lacks some points: this one, or others.
        quality = Quality.GOOD if count else Quality.BAD
    return words.get(quality) if count or quality in _WITHOUT else None
