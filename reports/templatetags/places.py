"""Small drawings of places: heat cells, loading bars, traces. Never by colour alone."""

from collections.abc import Sequence
from datetime import date, datetime
from math import isnan

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from devices.drivers.intervals import Interval
from reports.selectors.completeness import HeatRow

register = template.Library()

# Lower bounds of the steps of the heat table, per cent, from the best.
HEAT = (98.5, 90.0, 50.0, 0.0001, 0.0)
_WIDTH, _HEIGHT = 96.0, 24.0
# Loading of a transformer, per cent of its rating, from which it is drawn as high and as too high.
HIGH, TOO_HIGH = 80.0, 100.0


def _step(percent: float) -> int:
    return next(step for step, bound in enumerate(HEAT) if percent >= bound)


@register.simple_tag
def heat_hours(row: HeatRow) -> SafeString:
    """The hours of one day of the heat table; each number stands in its cell, shown when looked at."""
    day = f"{row.day:%m-%d}"
    cells = (_hour(day, hour, share.percent) for hour, share in enumerate(row.hours))
    return mark_safe("".join(cells))  # noqa: S308 - of numbers


def _hour(day: str, hour: int, percent: float | None) -> str:
    if percent is None:
        return '<td class="h-none"><span class="visually-hidden">—</span></td>'
    return (
        f'<td class="h-{_step(percent)}" title="{day} {hour:02d}:00 · {percent:.1f}%">'
        f"<span>{percent:.0f}</span></td>"
    )


@register.simple_tag
def day_cell(day: date, percent: float | None) -> SafeString:
    """One day of a point; its number always stands in the cell."""
    if percent is None:
        return mark_safe('<td class="h-none"><b>—</b></td>')  # noqa: S308 - a constant
    # Only all of them are a hundred.
    number = "100" if percent >= 100 else f"{min(percent, 99.9):.1f}"
    return format_html(
        '<td class="h-{}" title="{}"><b>{}</b></td>',
        _step(percent),
        f"{day:%m-%d} · {percent:.2f}%",
        number,
    )


@register.simple_tag
def online_bar(
    found: Sequence[Interval], start: datetime, end: datetime, percent: float | None
) -> SafeString:
    """A day as a bar: on line a high block, off line a low one, else nothing."""
    length = (end - start).total_seconds()
    rects = [
        (
            "share-good" if one.is_online else "bar-off",
            f"{100 * (one.start - start).total_seconds() / length:.2f}",
            f"{max(100 * one.length.total_seconds() / length, 0.6):.2f}",
            0 if one.is_online else 5,
            8 if one.is_online else 3,
        )
        for one in found
        if one.is_online is not None
    ]
    words = "—" if percent is None else _("在线率 %(percent)s%%") % {"percent": f"{percent:.1f}"}
    return format_html(
        '<svg class="online-bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" '
        'aria-label="{}"><rect class="share-all" width="100" height="8"></rect>{}</svg>',
        words,
        format_html_join(
            "", '<rect class="{}" x="{}" width="{}" y="{}" height="{}"></rect>', rects
        ),
    )


@register.simple_tag
def heat_legend() -> SafeString:
    """What the steps of the heat table mean."""
    words = ["≥ 98.5%", "90–98.5%", "50–90%", "< 50%", "0%"]
    rows = [(step, word) for step, word in enumerate(words)]
    steps = format_html_join("", '<span><i class="lg h-{}"></i>{}</span>', rows)
    return format_html('{}<span><i class="lg h-none"></i>{}</span>', steps, _("未投运或未统计"))


@register.simple_tag
def loading_bar(percent: float) -> SafeString:
    """How far a transformer is loaded; too high is told by class and, beside it, the number."""
    tone = "is-over" if percent >= TOO_HIGH else "is-high" if percent >= HIGH else ""
    return format_html(
        '<svg class="load-bar {}" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" '
        'aria-label="{}"><rect class="share-all" width="100" height="6"></rect>'
        '<rect class="load-part" width="{}" height="6"></rect></svg>',
        tone,
        _("负载率 %(percent)s%%") % {"percent": f"{percent:.1f}"},
        f"{min(percent, 100.0):.1f}",
    )


@register.simple_tag
def trace(values: Sequence[float]) -> SafeString | str:
    """A sparkline; a pause is a hole in it."""
    known = [value for value in values if not isnan(value)]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    step = _WIDTH / max(len(values) - 1, 1)
    parts: list[str] = []
    pen = "M"
    for place, value in enumerate(values):
        if isnan(value):
            pen = "M"
            continue
        y = _HEIGHT - 2 - (value - low) / span * (_HEIGHT - 4)
        parts.append(f"{pen}{place * step:.1f} {y:.1f}")
        pen = "L"
    return format_html(
        '<svg class="spark" viewBox="0 0 96 24" width="96" height="24" role="img" '
        'aria-label="{}"><path d="{}"></path></svg>',
        _("近 6 小时的变化"),
        "".join(parts),
    )
