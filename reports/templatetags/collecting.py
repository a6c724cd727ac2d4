"""Tags of the page on collecting."""

from collections.abc import Iterable

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from reports.selectors.collection import DayRows

register = template.Library()

_WIDTH, _HEIGHT = 600, 90


@register.simple_tag
def row_bars(days: Iterable[DayRows]) -> SafeString:
    """Samples per day as bars; the sentence beside them says the range and the highest."""
    rows = list(days)
    most = max((day.rows for day in rows), default=0) or 1
    width = _WIDTH / max(len(rows), 1)
    bars = []
    for place, day in enumerate(rows):
        height = max(1.0, (_HEIGHT - 4) * day.rows / most)
        title = f"{day.day:%m-%d}: {day.rows:,}"
        css = "on" if day.rows else "off"
        left, top = f"{place * width + 1.5:.1f}", f"{_HEIGHT - height:.1f}"
        bars.append((css, left, top, f"{width - 3:.1f}", f"{height:.1f}", title))
    words = _("每日采样行数，最多 %(rows)s") % {"rows": f"{most:,}"}
    return format_html(
        '<svg class="day-bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}</svg>',
        _WIDTH,
        _HEIGHT,
        words,
        format_html_join(
            "",
            '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
            bars,
        ),
    )
