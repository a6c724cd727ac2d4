"""Curves as charts.js draws them: panels by unit, bands of alarms, gaps."""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

from django.utils.translation import gettext as _

from reports.selectors.curves import Curve, Drawing, compare_word

# Up to so many units share one panel, each with its own axis.
AXES_PER_PANEL = 2


def as_chart(found: Drawing) -> dict[str, Any]:
    """The drawing as charts.js takes it."""
    query = found.query
    word = compare_word(query)
    return {
        "from": query.start.timestamp(),
        "to": query.end.timestamp(),
        "zone": query.zone,
        "panels": [
            {
                "axes": [axis_title(several, unit) for unit in units],
                "series": [_series(curve, units.index(curve.scale), word) for curve in several],
            }
            for units, several in panels(found.curves)
        ],
        "bands": [
            {
                "from": band.start,
                "to": band.end,
                "tone": band.alarm.severity,
                "label": band.alarm.rule.label,
                "point": f"{band.alarm.device_id}:{band.alarm.point_code or band.alarm.worst_code}",
            }
            for band in found.bands
        ],
    }


def panels(curves: Sequence[Curve]) -> list[tuple[list[str], list[Curve]]]:
    """Units with the curves on their axes: one panel for two units, else one per unit.

    States have a panel of their own, below.
    """
    measured = [curve for curve in curves if not curve.is_state]
    units = list(dict.fromkeys(curve.scale for curve in measured))
    groups = [units] if 0 < len(units) <= AXES_PER_PANEL else [[unit] for unit in units]
    found = [(group, [curve for curve in measured if curve.scale in group]) for group in groups]
    states = [curve for curve in curves if curve.is_state]
    return [*found, ([""], states)] if states else found


def axis_title(curves: Iterable[Curve], unit: str) -> str:
    """What an axis is of: the quantity when there is one, with its unit."""
    of_unit = [curve for curve in curves if curve.scale == unit]
    unit = unit.removesuffix("+")
    if of_unit and all(curve.is_state for curve in of_unit):
        return _("状态")
    names = {curve.point.name for curve in of_unit}
    known = {"V": _("电压"), "A": _("电流"), "kW": _("有功功率"), "°C": _("温度"), "kWh": _("电能")}
    name = names.pop() if len(names) == 1 else known.get(unit, "")
    return f"{name} ({unit})".strip() if unit else name


def _series(curve: Curve, axis: int, word: str) -> dict[str, Any]:
    return {
        "id": curve.point.id,
        "name": curve.name,
        "unit": curve.unit,
        "axis": axis,
        "decimals": curve.point.point.decimals,
        "phase": curve.point.point.phase,
        "is_state": curve.is_state,
        "at": [round(at, 3) for at in curve.series.at],
        "value": [told(value) for value in curve.series.value],
        "gaps": sorted([*curve.series.gaps, *curve.missing]),
        "said": [
            {
                "words": one.words,
                "from": one.start,
                "to": one.end,
                "left_out": [told(value) for value in (one.low, one.high) if value is not None],
            }
            for one in curve.said
        ],
        "limits": curve.limits,
        "compare": {
            "label": word,
            "at": [round(at, 3) for at in curve.compared_at],
            "value": [told(value) for value in curve.compared],
        }
        if word
        else None,
    }


def told(value: float | None) -> float | None:
    """A number for JSON, no longer than what was stored."""
    return round(value, 6) if value is not None and isfinite(value) else None
