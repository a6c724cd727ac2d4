"""The one search of the frame: places and points, numbers of alarms, orders and tasks, pages."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from alarms.models import Alarm
from core.search import search_text, words_of
from devices.selectors import search as search_places
from devices.selectors.search import Found
from reports.selectors.frame import navigation_of
from sites.models import User
from workorders.models import Task, WorkOrder

# A number is asked for by three digits of it or more; by fewer nearly every number would be found.
_NUMBER = re.compile(r"\d{3,}")
MOST = 6


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found: where it is, what it is called, what else tells it apart."""

    url: str
    title: str
    place: str = ""
    icon: str = ""
    severity: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Hits of one kind, best first; `more` is the list that holds the rest."""

    key: str
    title: str
    hits: list[Hit] = field(default_factory=list)
    more: str = ""


def find(*, user: User, text: str) -> list[Group]:
    """Whatever the person may see in which every word of the text occurs; empty groups are left out.

    Without words: the pages alone.
    """
    words = words_of(text)
    groups = [_pages(user, words)]
    if words:
        found = search_places(user=user, text=text, limit=MOST)
        groups = [*_places(found, text), *_numbers(user, words), *groups]
    return [group for group in groups if group.hits]


def _places(found: Found, text: str) -> Iterable[Group]:
    sites = [
        Hit(
            reverse("reports:site-detail", args=[site.pk]),
            site.label,
            f"{site.number} · {site.enterprise.label}",
            "building-factory-2",
        )
        for site in found.sites
    ]
    devices = [
        Hit(
            f"{reverse('reports:live')}?device={device.pk}",
            device.label,
            _under(device.site.label, device.room, device.circuit),
            "cpu",
        )
        for device in found.devices
    ]
    points = [
        Hit(
            f"{reverse('reports:curves')}?point={hit.point.id}",
            f"{hit.point.name} {hit.point.code}",
            f"{hit.device.site.label} › {hit.device.label}",
            "chart-line",
        )
        for hit in found.points
    ]
    derived = [
        Hit(
            f"{reverse('reports:curves')}?point={point.id}",
            f"{point.name} {point.id}",
            point.row.site.label,
            "chart-line",
        )
        for point in found.derived
    ]
    lists = {
        "sites": (pgettext("plural", "站点"), sites, reverse("reports:site-list")),
        "devices": (pgettext("plural", "设备"), devices, reverse("reports:live")),
        "points": (pgettext("plural", "测点"), points, ""),
        "derived": (pgettext("plural", "计算测点"), derived, ""),
    }
    for key, (title, hits, address) in lists.items():
        has_more = key in found.has_more and address
        yield Group(key, title, hits, _with_words(address, text) if has_more else "")


def _under(*places: object) -> str:
    return " › ".join(str(getattr(place, "label", place)) for place in places if place)


def _with_words(address: str, text: str) -> str:
    return f"{address}?{urlencode({'q': text})}"


def _numbers(user: User, words: list[str]) -> Iterable[Group]:
    if not all(_NUMBER.search(word) for word in words):
        return
    condition = Q()
    for word in words:
        condition &= Q(number__icontains=word)
    yield Group("alarms", pgettext("plural", "告警"), _alarms(user, condition))
    orders, tasks = WorkOrder.objects.visible_to(user), Task.objects.visible_to(user)
    yield Group(
        "orders",
        pgettext("plural", "工单"),
        _work(orders.filter(condition), "workorders:order-detail", "clipboard-list"),
    )
    yield Group(
        "tasks",
        pgettext("plural", "任务"),
        _work(tasks.filter(condition), "workorders:task-detail", "checklist"),
    )


def _alarms(user: User, condition: Q) -> list[Hit]:
    alarms = Alarm.objects.visible_to(user).filter(condition).with_place().order_by("-number")
    return [
        Hit(
            reverse("alarms:alarm-detail", args=[alarm.pk]),
            f"{alarm.number} {alarm.rule.label}",
            _under(alarm.site.label, alarm.device),
            severity=alarm.severity,
            state=alarm.get_handling_display(),
        )
        for alarm in alarms[:MOST]
    ]


def _work(rows: Any, address: str, icon: str) -> list[Hit]:
    """Orders or tasks, the newest first."""
    return [
        Hit(
            reverse(address, args=[row.pk]),
            f"{row.number} {row.label}",
            row.site.label,
            icon,
            state=row.get_state_display(),
        )
        for row in rows.with_place().order_by("-number")[:MOST]
    ]


def _pages(user: User, words: list[str]) -> Group:
    pages = [
        Hit(item.url, item.label, icon=item.icon)
        for _title, items in navigation_of(user)
        for item in items
    ]
    pages += [
        Hit(reverse("workorders:my-work"), _("我的工作"), icon="user-check"),
        Hit(reverse("workorders:calendar"), _("日历"), icon="calendar"),
        Hit(reverse("sites:profile"), _("我的"), icon="user"),
        Hit(reverse("account_change_password"), _("修改密码"), icon="key"),
        Hit(reverse("mfa_index"), _("双因素身份认证"), icon="shield-lock"),
        Hit(reverse("reports:state-diagrams"), _("状态说明"), icon="help-circle"),
        Hit(reverse("reports:about"), _("关于"), icon="info-circle"),
    ]
    if user.is_staff:
        pages.append(Hit(reverse("admin:index"), _("后台管理"), icon="settings"))
    fitting = [page for page in pages if all(word in search_text(page.title) for word in words)]
    return Group("pages", _("页面"), fitting)
