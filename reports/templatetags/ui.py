"""The shared words of every template: icons, severities, moments, durations, numbers, bars."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.contrib.messages.storage.base import Message
from django.core.paginator import Page
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from alarms.states import Severity, Verdict
from core.http import UNDO
from core.icons import icon
from reports.selectors.months import StageFigures
from reports.selectors.towns import SiteCounts
from workorders.selectors import Stage, TaskStage
from workorders.states import State, TaskState

register = template.Library()

NOTHING = "—"
_SEVERITIES = frozenset(Severity.values)
_SEVERITY_ICONS = {
    "critical": "sev-critical",
    "major": "sev-major",
    "minor": "sev-minor",
    "info": "sev-info",
    "normal": "sev-normal",
    "offline": "plug-connected-x",
    "maint": "tool",
}


SITE_CLASSES = {
    "construction": "k1",
    "commissioning": "k2",
    "operation": "k5",
    "out_of_service": "kmaint",
}
# Of orders and of tasks: what both have is called the same.
STAGE_CLASSES: dict[str, str] = {
    State.NEW: "k1",
    State.ASSIGNED: "k2",
    State.IN_PROGRESS: "k3",
    State.ON_HOLD: "kminor",
    State.TO_ACCEPT: "k4",
    State.CLOSED: "k5",
    State.CANCELLED: "kmaint",
    TaskState.DONE: "k5",
}


register.simple_tag(icon)


@register.simple_tag
def sev(severity: str, word: str = "", classes: str = "sev") -> SafeString:
    """Severity or state as shape, colour and word; `word` replaces the severity's own label."""
    label = word or str(Severity(severity).label if severity in _SEVERITIES else severity)
    return _sev(severity, label, classes, icon(_SEVERITY_ICONS.get(severity, "point")))


@lru_cache(maxsize=512)
def _sev(severity: str, label: str, classes: str, shape: SafeString) -> SafeString:
    return format_html(
        '<span class="{} {}-{}">{}{}</span>',
        classes,
        classes.rsplit(maxsplit=1)[-1],
        severity,
        shape,
        label,
    )


@register.simple_tag
def severity_icon(severity: str) -> SafeString:
    """The shape of a severity alone; the word must stand beside it."""
    return icon(_SEVERITY_ICONS[severity])


@register.simple_tag
def icon_of(severity: str) -> SafeString:
    """The shape of a severity in its colour; the word must stand beside it."""
    return icon(_SEVERITY_ICONS[severity], f"mk-{severity}")


@register.simple_tag
def day_bars(days: Iterable[tuple[Any, int]]) -> SafeString:
    """Counts per day as bars with a sentence of the busiest day; empty days are a thin line."""
    rows = list(days)
    most = max((count for _day, count in rows), default=0) or 1
    width = 300 / max(len(rows), 1)
    bars = [
        (
            "on" if count else "off",
            f"{place * width + 1:.1f}",
            f"{46 - 44 * count / most if count else 45:.1f}",
            f"{width - 2:.1f}",
            f"{44 * count / most if count else 1:.1f}",
            f"{day:%m-%d}: {count}",
        )
        for place, (day, count) in enumerate(rows)
    ]
    busiest = max(rows, key=lambda row: row[1], default=None)
    words = _("每日触发次数，%(first)s 至 %(last)s") % {
        "first": f"{rows[0][0]:%m-%d}" if rows else "",
        "last": f"{rows[-1][0]:%m-%d}" if rows else "",
    }
    if busiest and busiest[1]:
        more = _("最多 %(count)d 次（%(day)s）") % {
            "count": busiest[1],
            "day": f"{busiest[0]:%m-%d}",
        }
        words = pgettext("between facts", "，").join((words, more))
    return format_html(
        '<svg class="day-bars" viewBox="0 0 300 46" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}</svg><p class="age day-bars-ends"><span>{}</span><span>{}</span></p>',
        words,
        format_html_join(
            "",
            '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
            bars,
        ),
        f"{rows[0][0]:%m-%d}" if rows else "",
        f"{rows[-1][0]:%m-%d}" if rows else "",
    )


@register.simple_tag
def pin_icon(state: str) -> SafeString:
    """The shape of a site on the map, for its legend."""
    return icon(_SEVERITY_ICONS[state], f"ic-sm mk-{state}")


@register.simple_tag
def severity_label(severity: str) -> str:
    """The word of a severity."""
    return str(Severity(severity).label)


@register.simple_tag
def stage_class(state: str) -> str:
    """The colour class of a stage in the life of an order or a task."""
    return STAGE_CLASSES[state]


@register.simple_tag
def stage_bar(stages: Iterable[Stage | StageFigures | TaskStage]) -> SafeString:
    """The stages of orders or tasks as one proportion bar."""
    parts = [(stage.count, STAGE_CLASSES[stage.state]) for stage in stages]
    words = pgettext("between facts", "，").join(
        f"{stage.state.label} {stage.count}" for stage in stages
    )
    return bar(parts, words)


@register.simple_tag
def site_class(state: str) -> str:
    """The colour class of a site's state."""
    return SITE_CLASSES[state]


@register.simple_tag
def site_bar(states: Iterable[tuple[str, str, int]]) -> SafeString:
    """Sites by state as one proportion bar."""
    rows = list(states)
    words = pgettext("between facts", "，").join(
        f"{label} {count}" for _state, label, count in rows
    )
    return bar([(count, SITE_CLASSES[state]) for state, _label, count in rows], words)


@register.simple_tag
def site_parts(counts: SiteCounts) -> SafeString:
    """Sites as one proportion bar: running well, abnormal, with a defect, not in operation."""
    words = [
        _("投运正常"),
        pgettext("site", "异常"),
        pgettext("site", "有缺陷"),
        pgettext("site", "未投运"),
    ]
    told = zip(words, counts.parts, strict=True)
    label = pgettext("between facts", "，").join(f"{word} {count}" for word, (count, _css) in told)
    return bar(counts.parts, label)


@register.simple_tag
def bar(parts: Iterable[tuple[float, str]], label: str) -> SafeString:
    """A proportion bar of (amount, class) pairs; empty when there is nothing to divide."""
    amounts = [(float(amount), css) for amount, css in parts if amount]
    total = sum(amount for amount, _css in amounts)
    left = 0.0
    rects = []
    for amount, css in amounts:
        width = amount / total * 100
        rects.append((css, f"{left:.2f}", f"{max(width - 0.35, 0.8):.2f}"))
        left += width
    return format_html(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}</svg>',
        label,
        format_html_join("", '<rect class="{}" x="{}" y="0" height="8" width="{}"></rect>', rects),
    )


@register.simple_tag(takes_context=True)
def when(context: Mapping[str, Any], at: datetime | None, style: str = "full") -> SafeString:
    """A moment in the page's zone: full, day, time, clock (with the day when it is not today)."""
    if at is None:
        return mark_safe(NOTHING)  # noqa: S308 - a constant
    zone = ZoneInfo(context.get("zone") or settings.TIME_ZONE)
    local = at.astimezone(zone)
    text = f"{local:%Y-%m-%d %H:%M:%S}"
    if style == "minute":
        text = f"{local:%Y-%m-%d %H:%M}"
    elif style == "day":
        text = f"{local:%Y-%m-%d}"
    elif style == "minute_of_day":
        text = f"{local:%H:%M}"
    elif style == "time":
        text = f"{local:%H:%M:%S}"
    elif style == "clock":
        is_today = local.date() == timezone.now().astimezone(zone).date()
        text = f"{local:%H:%M:%S}" if is_today else f"{local:%m-%d %H:%M}"
    # Numbers, and the short name of a zone: nothing to escape.
    return mark_safe(  # noqa: S308
        f'<time class="num" datetime="{at.isoformat(timespec="seconds")}"'
        f' title="{local:%Y-%m-%d %H:%M:%S} {local.tzname()}">{text}</time>'
    )


@register.simple_tag(takes_context=True)
def day_word(context: Mapping[str, Any], at: datetime | None) -> str:
    """The day of a moment in the page's zone: today, yesterday, or month and day."""
    if at is None:
        return NOTHING
    zone = ZoneInfo(context.get("zone") or settings.TIME_ZONE)
    day = at.astimezone(zone).date()
    days = (timezone.now().astimezone(zone).date() - day).days
    if days in {0, 1}:
        return _("昨天") if days else _("今天")
    return f"{day:%m-%d}" if days < 300 else f"{day:%Y-%m-%d}"


@register.simple_tag
def lasting(start: datetime | None, end: datetime | None = None) -> str:
    """How long from start to end (now when open), in words of at most two units."""
    if start is None:
        return NOTHING
    return duration(((end or timezone.now()) - start).total_seconds())


@register.simple_tag
def roughly(start: datetime | None, end: datetime) -> str:
    """How long from start to end in the largest unit alone, where there is little room."""
    if start is None:
        return NOTHING
    hours = int((end - start).total_seconds()) // 3600
    if hours < 1:
        return duration((end - start).total_seconds())
    if hours < 24:
        return ngettext("%(hours)d 小时", "%(hours)d 小时", hours) % {"hours": hours}
    return ngettext("%(days)d 天", "%(days)d 天", hours // 24) % {"days": hours // 24}


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds in words: 26 min, 1 h 5 min, 3 d 4 h."""
    if seconds is None:
        return NOTHING
    whole = max(0, int(seconds))
    if whole < 60:
        return _("%(seconds)d 秒") % {"seconds": whole}
    minutes = whole // 60
    if minutes < 60:
        return _("%(minutes)d 分") % {"minutes": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return _("%(hours)d 小时 %(minutes)d 分") % {"hours": hours, "minutes": minutes}
    days, hours = divmod(hours, 24)
    return ngettext("%(days)d 天 %(hours)d 小时", "%(days)d 天 %(hours)d 小时", days) % {
        "days": days,
        "hours": hours,
    }


@register.filter
def number(value: float | str | None, decimals: int = 1) -> str:
    """A number with its decimals and thousands; a dash when there is none (or no such fact)."""
    if value is None or isinstance(value, str) or not isfinite(value):
        return NOTHING
    return f"{value:,.{int(decimals)}f}"


@register.filter
def signed(value: float | None, decimals: int = 1) -> str:
    """A difference with its sign."""
    return NOTHING if value is None else f"{value:+,.{int(decimals)}f}"


@register.filter
def lookup(mapping: Mapping[Any, Any], key: Any) -> Any:
    """The value of a key that is itself a variable."""
    return mapping.get(key)


@register.filter
def of(points: Mapping[str, Any], alarm: Any) -> Any:
    """The point that an alarm is about, from the page's points by code."""
    return points.get(alarm.point_code or alarm.worst_code)


@register.filter
def minutes(value: int) -> str:
    """Minutes as a whole number of minutes or hours."""
    if value % 60:
        return _("%(minutes)d 分") % {"minutes": value}
    return ngettext("%(hours)d 小时", "%(hours)d 小时", value // 60) % {"hours": value // 60}


@register.filter
def hours(value: int) -> str:
    """Hours as hours, or as whole days from two on."""
    if value % 24 or value < 48:
        return ngettext("%(hours)d 小时", "%(hours)d 小时", value) % {"hours": value}
    return ngettext("%(days)d 天", "%(days)d 天", value // 24) % {"days": value // 24}


@register.filter
def moment_of(text: str, zone: str) -> str:
    """A moment kept as ISO text in a log row, in a zone."""
    return f"{datetime.fromisoformat(text).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


@register.filter
def verdict(value: str) -> str:
    """The label of a verdict kept in a log row."""
    return str(Verdict(value).label) if value in Verdict.values else value


@register.filter
def elided(page: Page[Any]) -> list[Any]:
    """Page numbers around the present one, with ellipses."""
    return list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1))


@register.simple_tag(takes_context=True)
def without(context: Mapping[str, Any], name: str) -> str:
    """The address of the page without one of its filters."""
    query = context["request"].GET.copy()
    query.pop(name, None)
    query.pop("page", None)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def toggled(context: Mapping[str, Any], name: str, value: str) -> str:
    """The address of the page with one value of a many-valued filter switched on or off."""
    query = context["request"].GET.copy()
    values = query.getlist(name)
    query.setlist(name, [v for v in values if v != value] if value in values else [*values, value])
    query.pop("page", None)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def hidden(context: Mapping[str, Any], names: str) -> SafeString:
    """Filters that a form does not show, carried on as hidden fields."""
    query = context["request"].GET
    pairs = [(name, value) for name in names.split() for value in query.getlist(name) if value]
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', pairs)


@register.filter
def initial(name: str) -> str:
    """First letter of a person's name, for the round badge."""
    return str(name)[:1].upper()


@register.filter
def undo_url(message: Message) -> str:
    """Where a message of success can be taken back, "" when it cannot."""
    tags = (message.extra_tags or "").split()
    return next((tag.removeprefix(UNDO) for tag in tags if tag.startswith(UNDO)), "")
