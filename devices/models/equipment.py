"""Devices: what is read, where, and through which line."""

from typing import Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.search import Searchable
from devices.models.gateways import Bus, Gateway, Link
from devices.models.sources import DataSource
from devices.models.templates import PointCode, TemplateVersion
from sites.models import Circuit, Room, Site, SiteScopedQuerySet
from sites.models.changes import keeps_changes
from sites.models.places import Place


class DeviceQuerySet(SiteScopedQuerySet):
    def in_service(self) -> Self:
        """Devices that should answer, on a bus, or whose samples a source should send."""
        return self.filter(Q(bus__isnull=False) | Q(source__isnull=False), is_enabled=True)

    def heard(self) -> Self:
        """In service behind a gateway, or with a source, that is switched on as well."""
        is_on = Q(bus__gateway__is_enabled=True) | Q(source__is_enabled=True)
        return self.in_service().filter(is_on)

    def with_place(self) -> Self:
        """Site, room and circuit in the same query."""
        return self.select_related("site__enterprise", "site__team", "room", "circuit__transformer")


@keeps_changes()
class Device(Place, Link):  # noqa: DJ008 - Place has it
    """A measuring position: it keeps its id for ever, the physical meter is a child row.

    It is polled on a bus, or a source sends its samples; when that changes, id and history stay.
    Invariants (database): a unit address is used once per bus; a bus or a source, never both.
    """

    search_of = ("code", "name", "name_en")

    site = models.ForeignKey(Site, models.PROTECT, related_name="devices", verbose_name=_("站点"))
    room = models.ForeignKey(
        Room,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="devices",
        verbose_name=_("配电室"),
    )
    circuit = models.ForeignKey(
        Circuit,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="devices",
        verbose_name=_("回路"),
    )
    bus = models.ForeignKey(
        Bus,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="devices",
        verbose_name=_("总线"),
    )
    source = models.ForeignKey(
        DataSource,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="devices",
        verbose_name=_("数据源"),
        help_text=_("由数据源上送的设备没有总线。"),
    )
    unit_id = models.PositiveSmallIntegerField(
        _("通信地址"), default=1, validators=[MinValueValidator(0), MaxValueValidator(255)]
    )
    template_version = models.ForeignKey(
        TemplateVersion, models.PROTECT, related_name="devices", verbose_name=_("模板版本")
    )
    code = models.CharField(_("编号"), max_length=40, blank=True)
    is_enabled = models.BooleanField(_("启用"), default=True)
    is_simulated = models.BooleanField(_("模拟"), default=False)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = _("设备")
        verbose_name_plural = pgettext_lazy("plural", "设备")
        ordering = ["site_id", "code", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["bus", "unit_id"],
                name="unit_address_per_bus",
                violation_error_message=_("该总线上已有设备使用此通信地址。"),
            ),
            models.CheckConstraint(
                condition=Q(bus__isnull=True) | Q(source__isnull=True),
                name="device_bus_or_source",
                violation_error_message=_("总线和数据源只能选择其一。"),
            ),
        ]

    def clean(self) -> None:
        """Room, circuit, bus and source lie at the device's site. Raises ValidationError."""
        site = getattr(self, "site", None)
        found = {
            "room": self.room and self.room.site,
            "circuit": self.circuit and self.circuit.room.site,
            "bus": self.bus and self.bus.gateway.site,
            "source": self.source and self.source.site,
        }
        wrong = [name for name, where in found.items() if where is not None and where != site]
        if site is not None and wrong:
            raise ValidationError({name: _("所选项不属于该站点。") for name in wrong})

    @property
    def is_in_service(self) -> bool:
        """As the query set's `in_service`."""
        return self.is_enabled and (self.bus_id is not None or self.source_id is not None)

    @property
    def period_s(self) -> int:
        """Seconds between two samples; reads bus.gateway or source."""
        if self.bus is not None:
            return self.bus.gateway.period_s
        return self.source.period_s if self.source is not None else 60

    def point_id(self, code: str) -> str:
        """Public id of one point: `<device id>:<code>`."""
        return f"{self.pk}:{code}"


class DeviceScopedQuerySet(SiteScopedQuerySet):
    site_path = "device__site__"


@keeps_changes()
class Meter(models.Model):
    """The physical meter at a measuring position, from and to."""

    device = models.ForeignKey(
        Device, models.CASCADE, related_name="meters", verbose_name=_("设备")
    )
    serial = models.CharField(_("表号"), max_length=60)
    installed_at = models.DateTimeField(_("安装时间"))
    removed_at = models.DateTimeField(_("拆除时间"), null=True, blank=True)
    rolls_at = models.FloatField(
        _("满度 (kWh)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("表计显示归零时的读数，如 100000；不归零则留空。"),
    )

    objects = DeviceScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("表计")
        verbose_name_plural = pgettext_lazy("plural", "表计")
        ordering = ["device_id", "-installed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["device"],
                condition=Q(removed_at__isnull=True),
                name="one_meter_in_place",
                violation_error_message=_("该设备已有在装表计。"),
            )
        ]

    def __str__(self) -> str:
        return self.serial


@keeps_changes()
class Ratio(models.Model):
    """Transformer ratios of a device for a period; stored values are at the primary side."""

    device = models.ForeignKey(
        Device, models.CASCADE, related_name="ratios", verbose_name=_("设备")
    )
    ct = models.FloatField(_("CT 变比"), default=1, validators=[MinValueValidator(0.001)])
    pt = models.FloatField(_("PT 变比"), default=1, validators=[MinValueValidator(0.001)])
    valid_from = models.DateTimeField(_("生效时间"))
    valid_to = models.DateTimeField(_("失效时间"), null=True, blank=True)
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True)

    objects = DeviceScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("变比")
        verbose_name_plural = pgettext_lazy("plural", "变比")
        ordering = ["device_id", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["device"],
                condition=Q(valid_to__isnull=True),
                name="one_ratio_in_force",
                violation_error_message=_("该设备已有生效中的变比。"),
            ),
            models.CheckConstraint(condition=Q(ct__gt=0, pt__gt=0), name="ratio_positive"),
        ]

    def __str__(self) -> str:
        return f"CT {self.ct:g} PT {self.pt:g}"


@keeps_changes()
class PointOverride(Searchable):
    """What one device says differently about one point: a name, or that it is not connected."""

    device = models.ForeignKey(
        Device, models.CASCADE, related_name="overrides", verbose_name=_("设备")
    )
    point = models.ForeignKey(PointCode, models.PROTECT, verbose_name=_("测点"))
    name = models.CharField(_("名称"), max_length=80, blank=True)
    name_en = models.CharField(_("英文名称"), max_length=120, blank=True)
    is_enabled = models.BooleanField(_("启用"), default=True)
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True)

    objects = DeviceScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("测点覆盖")
        verbose_name_plural = pgettext_lazy("plural", "测点覆盖")
        constraints = [
            models.UniqueConstraint(fields=["device", "point"], name="override_per_point")
        ]

    def __str__(self) -> str:
        return f"{self.device_id}:{self.point_id}"


class LinkEvent(models.Model):
    """A gateway or device went offline or came back: one row each way."""

    gateway = models.ForeignKey(
        Gateway, models.CASCADE, null=True, blank=True, related_name="link_events"
    )
    device = models.ForeignKey(
        Device, models.CASCADE, null=True, blank=True, related_name="link_events"
    )
    site = models.ForeignKey(Site, models.CASCADE, related_name="link_events")
    at = models.DateTimeField(_("时间"))
    is_online = models.BooleanField(_("在线"))
    reason = models.CharField(_("原因"), max_length=40, blank=True)

    objects = SiteScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("通信事件")
        verbose_name_plural = pgettext_lazy("plural", "通信事件")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["site", "-at"], name="link_event_site_at")]
        constraints = [
            models.CheckConstraint(
                condition=Q(gateway__isnull=False) ^ Q(device__isnull=False),
                name="link_event_of_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {'up' if self.is_online else 'down'}"
