"""What every page's frame prints: navigation, counters, theme, zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from alarms.models import Alarm
from alarms.states import Handling, Severity
from core.quick import address
from reports.selectors.collection.access import may_operate
from sites.models import User, access_for
from sites.rules import Ability
from workorders.models import WorkOrder

# Pages with an entry of their own in an app whose other pages are about oneself.
OWN_SECTIONS = frozenset({"sheet"})
_DEVICE_SECTIONS = {
    "source": "gateway",
    "control": "control",
    "lockout": "control",
    "template": "template",
}


@dataclass(frozen=True, slots=True)
class Counts:
    """The counters of the frame; each is the length of a list that the person can open."""

    alarms_open: int = 0
    alarms_unverified: int = 0
    alarms_critical: int = 0
    orders_open: int = 0
    orders_mine: int = 0


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the navigation; `short` is its word in the phone's tab bar.

    `go` is the letter that reaches it after G.
    """

    key: str
    label: str
    short: str
    url: str
    icon: str
    counter: str = ""
    count: int = 0
    count_css: str = "count"
    go: str = ""


def counts(user: User | AnonymousUser, *, alarms: Mapping[str, int] | None = None) -> Counts:
    """Open alarms and orders of what the person may see, in two queries.

    alarms: those of the alarms, when the page has counted them already.
    """
    if not user.is_authenticated:
        return Counts()
    alarms = alarms or (
        Alarm.objects.visible_to(user)
        .open()
        .order_by()
        .aggregate(
            alarms_open=Count("pk"),
            alarms_unverified=Count("pk", filter=Q(handling=Handling.UNVERIFIED)),
            alarms_critical=Count("pk", filter=Q(severity=Severity.CRITICAL)),
        )
    )
    orders = (
        WorkOrder.objects.visible_to(user)
        .open()
        .order_by()
        .aggregate(orders_open=Count("pk"), orders_mine=Count("pk", filter=Q(assignee=user.pk)))
    )
    return Counts(**alarms, **orders)


def _items(found: Counts) -> dict[str, NavItem]:
    return {
        item.key: item
        for item in (
            NavItem(
                "hall",
                _("工作大厅"),
                pgettext("tab", "大厅"),
                address("reports:hall"),
                "layout-dashboard",
                go="h",
            ),
            NavItem(
                "site",
                pgettext("plural", "站点"),
                pgettext("tab", "站点"),
                address("reports:site-list"),
                "building-factory-2",
                go="s",
            ),
            NavItem(
                "live",
                _("实时数据"),
                pgettext("tab", "实时"),
                address("reports:live"),
                "list-tree",
                go="l",
            ),
            NavItem(
                "gateway",
                pgettext("plural", "网关"),
                pgettext("tab", "网关"),
                address("reports:gateway-list"),
                "wifi",
                go="n",
            ),
            NavItem(
                "template",
                pgettext("plural", "设备模板"),
                pgettext("tab", "模板"),
                address("reports:template-list"),
                "stack-2",
                go="m",
            ),
            NavItem(
                "curves",
                _("曲线分析"),
                pgettext("tab", "曲线"),
                address("reports:curves"),
                "chart-line",
                go="c",
            ),
            NavItem(
                "alarms",
                _("告警管理"),
                pgettext("tab", "告警"),
                address("alarms:alarm-list"),
                "bell",
                "alarms_open",
                found.alarms_open,
                "count count-alarm",
                go="a",
            ),
            NavItem(
                "workorders",
                pgettext("plural", "工单"),
                pgettext("tab", "工单"),
                address("workorders:order-list"),
                "clipboard-list",
                "orders_open",
                found.orders_open,
                go="w",
            ),
            NavItem(
                "sheet",
                _("档案导入导出"),
                pgettext("tab", "档案"),
                address("sites:sheet-page"),
                "table",
            ),
            NavItem(
                "tasks",
                pgettext("plural", "任务"),
                pgettext("tab", "任务"),
                address("workorders:task-list"),
                "checklist",
                go="t",
            ),
            NavItem(
                "control",
                pgettext("plural", "遥控操作"),
                pgettext("tab", "遥控"),
                address("devices:control-list"),
                "circuit-switch-open",
            ),
            NavItem(
                "collection",
                _("采集监视"),
                pgettext("tab", "采集"),
                address("reports:collection"),
                "activity",
            ),
            NavItem(
                "change", _("变更记录"), _("变更记录"), address("reports:change-list"), "history"
            ),
            NavItem("sites", _("我的"), pgettext("tab", "我的"), address("sites:profile"), "user"),
        )
    }


def navigation(
    items: Mapping[str, NavItem],
    *,
    is_manager: bool = False,
    may_control: bool = False,
    is_operator: bool = False,
) -> list[tuple[str, list[NavItem]]]:
    """Titled groups of the navigation, in order; only pages that exist and that he may open."""
    managed = [items["sheet"], items["change"]] if is_manager else []
    return [
        ("", [items["hall"]]),
        (
            _("监测"),
            [
                items["site"],
                items["live"],
                items["curves"],
                items["gateway"],
                *([items["collection"]] if is_operator else []),
            ],
        ),
        (
            _("运维"),
            [
                items["alarms"],
                items["workorders"],
                items["tasks"],
                *([items["control"]] if may_control else []),
            ],
        ),
        (pgettext("navigation", "档案"), [items["template"], *managed]),
    ]


def navigation_of(user: User) -> list[tuple[str, list[NavItem]]]:
    """The navigation as this person has it."""
    return navigation(_items(counts(user)), **_rights(user))


def tabs(items: Mapping[str, NavItem]) -> list[NavItem]:
    """Entries of the phone's tab bar."""
    return [items[key] for key in ("hall", "alarms", "workorders", "site", "sites")]


def _section(request: HttpRequest) -> str:
    """Which entry of the navigation the page belongs to."""
    match = request.resolver_match
    if match is None:
        return ""
    first = (match.url_name or "").split("-")[0]
    if match.namespace == "reports" or first in OWN_SECTIONS:
        return first
    if match.namespace == "devices":
        return _DEVICE_SECTIONS.get(first, match.namespace)
    if match.namespace == "workorders":
        return "tasks" if first in {"task", "plan"} else "workorders"
    return match.namespace


def _is_manager(user: User | AnonymousUser) -> bool:
    return access_for(user).has_anywhere(Ability.MANAGE_SITE)


def _may_control(user: User | AnonymousUser) -> bool:
    access = access_for(user)
    return access.has_anywhere(Ability.CONTROL) or access.has_anywhere(Ability.LOCK_OUT)


def _rights(user: User | AnonymousUser) -> dict[str, bool]:
    """What decides which pages there are for him."""
    return {
        "is_manager": _is_manager(user),
        "may_control": _may_control(user),
        "is_operator": may_operate(user),
    }


def _here(request: HttpRequest) -> str:
    """Where to come back to: this page, or the one whose form was refused here."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    return request.headers.get("Referer", "/")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of every page's frame; what costs a query is asked only when it is printed."""
    user = getattr(request, "user", AnonymousUser())
    found = cache(lambda: counts(user, alarms=getattr(request, "counted_alarms", None)))
    items = cache(lambda: _items(found()))
    return {
        "theme": getattr(user, "theme", User.Theme.AUTO),
        "density": getattr(user, "density", User.Density.COMFORTABLE),
        "zone": getattr(user, "timezone", settings.TIME_ZONE),
        "section": _section(request),
        "here": _here(request),
        "counts": found,
        # Printed twice: beside the page, and in the phone's menu.
        "navigation": cache(lambda: navigation(items(), **_rights(user))),
        "tabs": lambda: tabs(items()),
    }
