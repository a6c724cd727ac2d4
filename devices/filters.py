"""Filters of gateways and devices, for pages and the REST API."""

from datetime import date, datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.filters import (
    AnyOfFilter,
    MomentFilter,
    SearchFilter,
    StableOrderingFilter,
    YesNoFilter,
)
from devices.drivers.coverage import RANKS
from devices.models import (
    ClockSetting,
    ControlOperation,
    Device,
    DeviceClock,
    DeviceTemplate,
    Gateway,
    Lockout,
)
from devices.selectors.templates import USES
from devices.states import (
    CONFIDENCE_WORDS,
    KIND_WORDS,
    ClockResult,
    ControlState,
    GatewayKind,
    kind_words,
)
from sites.filters import visible_sites
from sites.models import Circuit, Room
from sites.models.names import name_for_reader


def visible_gateways(request: HttpRequest | None) -> QuerySet[Any]:
    """Choices of a gateway filter."""
    if request is None:
        return Gateway.objects.none()
    return Gateway.objects.visible_to(request.user)


def visible_devices(request: HttpRequest | None) -> QuerySet[Any]:
    """Choices of a device filter."""
    if request is None:
        return Device.objects.none()
    return Device.objects.visible_to(request.user)


def visible_rooms(request: HttpRequest | None) -> QuerySet[Any]:
    """Choices of a room filter."""
    if request is None:
        return Room.objects.none()
    return Room.objects.visible_to(request.user)


def visible_circuits(request: HttpRequest | None) -> QuerySet[Any]:
    """Choices of a circuit filter."""
    if request is None:
        return Circuit.objects.none()
    return Circuit.objects.visible_to(request.user)


class LinkMomentFilter(MomentFilter):
    """Changed since: the row itself, or whether it answers."""

    def filter(self, qs: QuerySet[Any], value: datetime | date | None) -> QuerySet[Any]:
        if value is None:
            return qs
        since = self.moment(value)
        return qs.filter(Q(updated_at__gte=since) | Q(link_changed_at__gte=since))


class GatewayFilter(django_filters.FilterSet):
    """Gateways by name, serial, site and link."""

    q = SearchFilter(columns=["search_text", "site__search_text"])
    site = django_filters.ModelChoiceFilter(queryset=visible_sites, label=_("站点"))
    kind = django_filters.ChoiceFilter(choices=GatewayKind.choices, label=_("类型"))
    is_online = YesNoFilter(label=_("在线"))
    is_enabled = YesNoFilter(label=_("启用"))
    updated_since = LinkMomentFilter(field_name="updated_at", label=_("更新时间不早于"))
    ordering = StableOrderingFilter(
        fields=["name", "updated_at", "link_changed_at", "last_seen_at"], label=_("排序")
    )

    class Meta:
        model = Gateway
        fields: list[str] = []


class DeviceFilter(django_filters.FilterSet):
    """Devices by name, code, place, template and link."""

    q = SearchFilter(columns=["search_text", "site__search_text", "circuit__search_text"])
    site = django_filters.ModelChoiceFilter(queryset=visible_sites, label=_("站点"))
    room = django_filters.ModelChoiceFilter(queryset=visible_rooms, label=_("配电室"))
    circuit = django_filters.ModelChoiceFilter(queryset=visible_circuits, label=_("回路"))
    gateway = django_filters.ModelChoiceFilter(
        field_name="bus__gateway", queryset=visible_gateways, label=_("网关")
    )
    template = django_filters.ModelChoiceFilter(
        field_name="template_version__template",
        queryset=DeviceTemplate.objects.all(),
        to_field_name="key",
        label=_("设备模板"),
    )
    is_online = YesNoFilter(label=_("在线"))
    is_enabled = YesNoFilter(label=_("启用"))
    is_clock_off = YesNoFilter(method="by_clock", label=_("时钟偏差超过允许值"))
    updated_since = LinkMomentFilter(field_name="updated_at", label=_("更新时间不早于"))
    ordering = StableOrderingFilter(
        fields=["name", "code", "updated_at", "link_changed_at"], label=_("排序")
    )

    class Meta:
        model = Device
        fields: list[str] = []

    def by_clock(self, rows: QuerySet[Any], _name: str, value: bool) -> QuerySet[Any]:  # noqa: FBT001
        """Those whose meter's clock is off by more than the site tolerates, or the others."""
        off = Q(pk__in=DeviceClock.objects.readable().off().values("pk"))
        return rows.filter(off if value else ~off)


def vendors() -> list[tuple[str, str]]:
    """Makers of the library, named in the reader's language."""
    rows = DeviceTemplate.objects.order_by("vendor").values_list("vendor", "vendor_en").distinct()
    return [(vendor, name_for_reader(vendor, vendor_en)) for vendor, vendor_en in rows]


def kinds() -> list[tuple[str, str]]:
    """Kinds of equipment of the library."""
    rows = DeviceTemplate.objects.order_by("kind").values_list("kind", flat=True).distinct()
    return [(kind, kind_words(kind)) for kind in rows]


class KindField(forms.CharField):
    """A kind by its key; templates may name new ones, those that have a word are told by it."""

    choices = tuple(KIND_WORDS.items())


class KindFilter(django_filters.CharFilter):
    """A kind of equipment."""

    field_class = KindField


class TemplateFilter(django_filters.FilterSet):
    """Templates of the `library` by words, maker, kind, confidence and use."""

    q = SearchFilter(columns=["key", "vendor", "vendor_en", "model", "kind"])
    vendor = django_filters.CharFilter(max_length=80, label=_("厂家"))
    kind = KindFilter(max_length=20, label=_("设备类型"))
    confidence = django_filters.ChoiceFilter(
        choices=list(CONFIDENCE_WORDS.items()), method="by_confidence", label=_("可信度")
    )
    use = django_filters.ChoiceFilter(
        choices=[
            ("used", _("使用中")),
            ("unused", _("未使用")),
            ("behind", _("有设备使用旧版本")),
            ("retired", _("已停用")),
        ],
        method="by_use",
        label=_("使用情况"),
    )
    is_simulated = YesNoFilter(label=_("模拟设备"))
    ordering = StableOrderingFilter(
        fields=["vendor", "model", "key", "point_count", "device_count", "rank"], label=_("排序")
    )

    class Meta:
        model = DeviceTemplate
        fields: list[str] = []

    def by_confidence(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Those whose weakest register has it."""
        return rows.filter(rank=RANKS[value])

    def by_use(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Those that are used so by the person's devices."""
        return rows.filter(**USES[value])


class ClockFilter(django_filters.FilterSet):
    """Clocks of meters by device, place, and how they stand."""

    q = SearchFilter(columns=["device__search_text", "device__site__search_text"])
    site = django_filters.ModelChoiceFilter(
        field_name="device__site", queryset=visible_sites, label=_("站点")
    )
    state = django_filters.ChoiceFilter(
        choices=[
            ("off", _("偏差超过允许值")),
            ("failed", _("读取失败")),
            ("kept", _("校时未成功")),
            ("unread", _("尚未检查")),
        ],
        method="by_state",
        label=_("状态"),
    )
    ordering = StableOrderingFilter(fields=["drift_s", "checked_at"], label=_("排序"))

    class Meta:
        model = DeviceClock
        fields: list[str] = []

    def by_state(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Those that are off, could not be read, did not take a setting, or were never read."""
        if value == "off":
            return rows.filter(pk__in=DeviceClock.objects.off().values("pk"))
        if value == "failed":
            return rows.exclude(error="")
        if value == "unread":
            return rows.filter(checked_at=None, error="")
        latest = ClockSetting.objects.filter(device=OuterRef("pk")).order_by("-at").values("result")
        return rows.annotate(latest=Subquery(latest[:1])).filter(
            latest__in=[one for one in ClockResult.values if one != ClockResult.DONE]
        )


class ControlFilter(django_filters.FilterSet):
    """Remote operations by number, device, place, state, person and time."""

    q = SearchFilter(
        columns=["number", "permit_number", "device__search_text", "site__search_text"]
    )
    site = django_filters.ModelChoiceFilter(queryset=visible_sites, label=_("站点"))
    device = django_filters.ModelChoiceFilter(queryset=visible_devices, label=_("设备"))
    state = AnyOfFilter(choices=ControlState.choices, label=_("状态"))
    selected_from = MomentFilter(field_name="selected_at", label=_("选择时间起"))
    selected_to = MomentFilter(field_name="selected_at", is_end=True, label=_("选择时间止"))
    updated_since = MomentFilter(field_name="updated_at", label=_("更新时间不早于"))
    ordering = StableOrderingFilter(fields=["selected_at", "updated_at", "number"], label=_("排序"))

    class Meta:
        model = ControlOperation
        fields: list[str] = []


class LockoutFilter(django_filters.FilterSet):
    """Lock-outs by who, permit, place, and whether they are ended."""

    q = SearchFilter(
        columns=["worker", "permit_number", "reason", "site__search_text", "device__search_text"]
    )
    site = django_filters.ModelChoiceFilter(queryset=visible_sites, label=_("站点"))
    is_open = YesNoFilter(method="filter_is_open", label=_("未解除"))
    ordering = StableOrderingFilter(fields=["starts_at"], label=_("排序"))

    class Meta:
        model = Lockout
        fields: list[str] = []

    def filter_is_open(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:  # noqa: FBT001
        """Not ended, or ended."""
        return queryset.filter(ended_at__isnull=value)
