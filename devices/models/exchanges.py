"""Exchanges of meters: who put which in place of which, and what both displays showed."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.models.equipment import Device, DeviceScopedQuerySet, Meter, Ratio
from devices.models.templates import PointCode, TemplateVersion


class MeterScopedQuerySet(DeviceScopedQuerySet):
    site_path = "meter__device__site__"


class CounterReading(models.Model):
    """What one counter of a meter showed when it came and when it went, on its display.

    Not multiplied by a ratio; null where nobody wrote it down. Written by services.exchanges.
    """

    meter = models.ForeignKey(
        Meter, models.CASCADE, related_name="readings", verbose_name=_("表计")
    )
    point = models.ForeignKey(PointCode, models.PROTECT, related_name="+", verbose_name=_("测点"))
    first = models.FloatField(_("起始读数"), null=True)
    last = models.FloatField(_("结束读数"), null=True)

    objects = MeterScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("电能表读数")
        verbose_name_plural = pgettext_lazy("plural", "电能表读数")
        constraints = [
            models.UniqueConstraint(fields=["meter", "point"], name="reading_per_counter")
        ]

    def __str__(self) -> str:
        return f"{self.meter_id}:{self.point_id}"


class MeterExchange(models.Model):
    """One exchange. What it changed of the device is kept, so that it can be undone as a whole.

    Invariant (database): an undone one says who and when. `version_before`, `ratio_before`: null
    where nothing changed; what was put in force instead is `version_after`, `ratio_after`.
    """

    device = models.ForeignKey(
        Device, models.CASCADE, related_name="exchanges", verbose_name=_("设备")
    )
    at = models.DateTimeField(_("换表时间"))
    removed = models.ForeignKey(
        Meter, models.CASCADE, related_name="+", verbose_name=_("拆下的表计")
    )
    installed = models.ForeignKey(
        Meter, models.SET_NULL, null=True, related_name="+", verbose_name=_("装上的表计")
    )
    serial = models.CharField(_("新表号"), max_length=60)
    reason = models.CharField(_("换表原因"), max_length=200)
    version_before = models.ForeignKey(
        TemplateVersion, models.PROTECT, null=True, related_name="+", verbose_name=_("原模板版本")
    )
    version_after = models.ForeignKey(
        TemplateVersion, models.PROTECT, null=True, related_name="+", verbose_name=_("新模板版本")
    )
    ratio_before = models.ForeignKey(
        Ratio, models.SET_NULL, null=True, related_name="+", verbose_name=_("原变比")
    )
    ratio_after = models.ForeignKey(
        Ratio, models.SET_NULL, null=True, related_name="+", verbose_name=_("新变比")
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("操作人"),
    )
    recorded_at = models.DateTimeField(_("登记时间"))
    undone_at = models.DateTimeField(_("撤销时间"), null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("撤销人"),
    )

    objects = DeviceScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("换表记录")
        verbose_name_plural = pgettext_lazy("plural", "换表记录")
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(undone_at__isnull=False) | Q(undone_by__isnull=True),
                name="undone_exchange_says_when",
            )
        ]

    def __str__(self) -> str:
        return f"{self.device_id} {self.at:%F %T}"


class ExchangePhotoQuerySet(DeviceScopedQuerySet):
    site_path = "exchange__device__site__"


class ExchangePhoto(models.Model):
    """A picture of an exchange, encoded by us: a display, a seal, a plate. Never changed."""

    exchange = models.ForeignKey(
        MeterExchange, models.CASCADE, related_name="photos", verbose_name=_("换表记录")
    )
    image = models.ImageField(
        _("照片"), upload_to="exchanges/%Y/%m/", width_field="width_px", height_field="height_px"
    )
    thumbnail = models.ImageField(_("缩略图"), upload_to="exchanges/%Y/%m/")
    width_px = models.PositiveIntegerField(editable=False)
    height_px = models.PositiveIntegerField(editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("上传人")
    )
    at = models.DateTimeField(_("时间"))

    objects = ExchangePhotoQuerySet.as_manager()

    class Meta:
        verbose_name = _("照片")
        verbose_name_plural = pgettext_lazy("plural", "照片")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.exchange_id} {self.at:%F %T}"
