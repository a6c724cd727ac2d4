"""States and shares as rows of lists print them: shape, colour and word, hundreds of the same few."""

from functools import lru_cache
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from alarms.states import Handling
from core.icons import icon
from reports.selectors.completeness import Share

register = template.Library()

_HANDLINGS: dict[str, tuple[str, str]] = {
    Handling.UNVERIFIED: ("pill pill-outline", "point"),
    Handling.VERIFIED: ("pill pill-normal", "eye-check"),
    Handling.IN_ORDER: ("pill pill-info", "clipboard-list"),
    Handling.IGNORED: ("pill pill-maint", "bell-off"),
    Handling.ARCHIVED: ("pill", "archive"),
}


@lru_cache(maxsize=256)
def _pill(css: str, shape: SafeString, word: str) -> SafeString:
    return format_html('<span class="{}">{}{}</span>', css, shape, word)


@register.simple_tag
def handling(alarm: Any) -> SafeString:
    """How far people are with an alarm."""
    css, shape = _HANDLINGS[alarm.handling]
    return _pill(css, icon(shape), str(alarm.get_handling_display()))


@register.simple_tag
def conditions(site: Any) -> SafeString:
    """What is wrong at a site with conditions; that nothing is."""
    pills = []
    if site.is_offline:
        pills.append(_pill("pill", icon("plug-connected-x"), pgettext("site", "离线")))
    elif site.is_abnormal:
        pills.append(_pill("pill pill-major", icon("alert-triangle"), pgettext("site", "异常")))
    if site.has_defect:
        pills.append(_pill("pill pill-minor", icon("tool"), pgettext("site", "缺陷")))
    elif not site.is_abnormal:
        pills.append(_pill("pill pill-normal", icon("check"), pgettext("site", "正常")))
    return mark_safe(" ".join(pills))  # noqa: S308 - of escaped parts


@register.simple_tag
def share_of(share: Share) -> SafeString:
    """Data completeness as a bar with its number; below the target is said."""
    percent = share.percent
    if percent is None:
        return mark_safe('<span class="faint">—</span>')  # noqa: S308 - a constant
    return _share(f"{percent:.2f}", f"{percent:.1f}", _("低于目标") if share.is_low else "")


@lru_cache(maxsize=512)
def _share(width: str, number: str, low: str) -> SafeString:
    warning = (
        format_html(
            '{}<span class="visually-hidden">{}</span>', icon("alert-triangle", "ic-sm"), low
        )
        if low
        else ""
    )
    return format_html(
        '<span class="share{}"><svg class="share-bar" viewBox="0 0 100 6" '
        'preserveAspectRatio="none" aria-hidden="true"><rect class="share-all" width="100" '
        'height="6"></rect><rect class="share-good" width="{}" height="6"></rect></svg>'
        '<b class="num">{}%</b>{}</span>',
        " is-low" if low else "",
        width,
        number,
        warning,
    )
