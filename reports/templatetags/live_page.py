"""Words of the live page: limits, for people and for its script."""

import json
from collections.abc import Iterable
from datetime import datetime
from math import floor
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from devices.models import PointCode
from devices.templatetags.points import words_of
from reports.selectors.device_table import told_limits
from reports.selectors.limits import Limit

register = template.Library()


@register.filter
def limits_json(limits: Iterable[Limit]) -> str:
    """What the script compares a new value with."""
    return json.dumps(told_limits(limits), ensure_ascii=False)


@register.filter
def limit_value(limit: Limit, point: PointCode) -> str:
    """The limit as the point is read: its decimals, or the state's word."""
    if limit.is_state:
        return words_of(point.code).get(round(limit.value), f"{limit.value:g}")
    return f"{limit.value:,.{point.decimals}f}"


@register.simple_tag
def moment_at(at_s: float, zone: str) -> SafeString:
    """A moment in epoch seconds, in a zone."""
    local = datetime.fromtimestamp(at_s, ZoneInfo(zone))
    return format_html(
        '<time class="num" datetime="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        f"{local:%m-%d %H:%M:%S}",
    )


@register.filter
def per_cent(share: float) -> str:
    """A share in per cent; never rounded up to a whole one."""
    return f"{floor(share * 1000) / 10:.1f} %"
