"""The one search of the frame: places and points, numbers of alarms and orders, pages."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from alarms.models import Alarm
from core.search import search_text, words_of
from devices.selectors import search as search_places
from devices.selectors.search import Found
from reports.selectors.frame import counts, navigation
from sites.models import User
from workorders.models import WorkOrder

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
    lists = {
        "sites": (pgettext("plural", "站点"), sites, reverse("reports:site-list")),
        "devices": (pgettext("plural", "设备"), devices, reverse("reports:live")),
        "points": (pgettext("plural", "测点"), points, ""),
    }
    for key, (title, hits, address) in lists.items():
        has_more = key in found.has_more and address
        yield Group(key, title, hits, _with_words(address, text) if has_more else "")


def _under(*places: object) -> str:
    return " › ".join(str(getattr(place, "label", place)) for place in places if place)


def _with_words(address: str, text: str) -> str:
    return f"{address}?{urlencode({'q': text})}"


def _numbers(user: User, words: list[str]) -> Iterable[Group]:
    condition = Q()
    for word in words:
        if not _NUMBER.search(word):
            return
        condition &= Q(number__icontains=word)
    alarms = Alarm.objects.visible_to(user).filter(condition).with_place().order_by("-number")
    yield Group(
        "alarms",
        pgettext("plural", "告警"),
        [
            Hit(
                reverse("alarms:alarm-detail", args=[alarm.pk]),
                f"{alarm.number} {alarm.rule.label}",
                _under(alarm.site.label, alarm.device),
                severity=alarm.severity,
                state=alarm.get_handling_display(),
            )
            for alarm in alarms[:MOST]
        ],
    )
    orders = WorkOrder.objects.visible_to(user).filter(condition).with_place().order_by("-number")
    yield Group(
        "orders",
        pgettext("plural", "工单"),
        [
            Hit(
                reverse("workorders:order-detail", args=[order.pk]),
                f"{order.number} {order.label}",
                order.site.label,
                "clipboard-list",
                state=order.get_state_display(),
            )
            for order in orders[:MOST]
        ],
    )


def _pages(user: User, words: list[str]) -> Group:
    pages = [
        Hit(item.url, item.label, icon=item.icon)
        for _title, items in navigation(counts(user))
        for item in items
    ]
    pages += [
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
