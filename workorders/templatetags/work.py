"""What pages of orders and tasks draw by themselves."""

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()


@register.simple_tag
def elapsed(start: datetime, due: datetime, now: datetime) -> SafeString:
    """How much of the time from start to due is used, as a bar."""
    whole = max(1.0, (due - start).total_seconds())
    percent = min(100, max(0, round((now - start).total_seconds() / whole * 100)))
    css = "late" if now > due else "soon" if percent >= 80 else ""
    return format_html(
        '<svg class="sla-bar {}" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" '
        'aria-label="{}"><rect width="{}" height="6"></rect></svg>',
        css,
        _("已用时间 %(percent)d%%") % {"percent": percent},
        percent,
    )
