"""Values of points as people read them: decimals, unit, words for states."""

import json
from math import isfinite

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from devices.models import PointCode
from devices.states import PointKind, link_words

register = template.Library()

STATE_UNIT = "0/1"
NOTHING = "—"


def words_of(code: str) -> dict[int, str]:
    """What 0 and 1 of a state point are called."""
    if code == "DI1":
        return {0: pgettext("breaker", "分闸"), 1: pgettext("breaker", "合闸")}
    if code == "DI2":
        return {0: pgettext("door", "关闭"), 1: pgettext("door", "打开")}
    if code == "online":
        return {0: _("离线"), 1: _("在线")}
    if code.startswith(("ALM", "OTI", "MOG", "WTI")):
        return {0: pgettext("contact", "正常"), 1: pgettext("contact", "动作")}
    return {0: pgettext("contact", "断开"), 1: pgettext("contact", "闭合")}


register.filter("link_words", link_words)


@register.filter
def state_words(point: PointCode) -> str:
    """The words of a state point as JSON for the script, '' for a measured one."""
    return json.dumps(words_of(point.code)) if point.kind == PointKind.EVENT else ""


@register.simple_tag
def value_of(value: float | None, point: PointCode | None) -> str:
    """The number with the point's decimals, or the state's word; a dash when there is none."""
    if value is None or not isfinite(value):
        return NOTHING
    if point is None:
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR2004
    if point.kind == PointKind.EVENT:
        return words_of(point.code).get(round(value), f"{value:g}")
    return f"{value:,.{point.decimals}f}"


@register.simple_tag
def measured(value: float | None, unit: str, point: PointCode | None = None) -> SafeString:
    """A value with its unit, grey after it; states have no unit."""
    text = value_of(value, point)
    if text == NOTHING or not unit or unit == STATE_UNIT:
        return format_html("{}", text)
    return format_html('{} <span class="faint">{}</span>', text, unit)


@register.filter
def unit_of(point: PointCode) -> str:
    """The unit to print; states and ratios have none."""
    return "" if point.kind == PointKind.EVENT else point.unit


def group_labels() -> dict[str, str]:
    """Names of the dictionary's groups, in the order of pages."""
    return {
        "input": _("开关量输入"),
        "output": _("继电器输出"),
        "voltage": _("电压与频率"),
        "current": _("电流"),
        "power": _("功率"),
        "residual": _("剩余电流"),
        "temperature": _("温度"),
        "energy": _("电能"),
        "quality": _("电能质量"),
        "status": _("运行状态"),
    }


@register.filter
def brief(value: float | None) -> str:
    """Any number in few letters, also one that is nonsense; a dash when there is none."""
    if value is None:
        return NOTHING
    size = abs(value)
    if size and not 1e-3 <= size < 1e10:
        return f"{value:.2g}"
    decimals = 1 if size >= 1000 else 2 if size >= 10 else 3
    return f"{value:,.{decimals}f}".rstrip("0").rstrip(".") if size else "0"
