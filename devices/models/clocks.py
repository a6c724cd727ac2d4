"""Clocks of meters: how far each is off, and what was done about it."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Abs
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.models.equipment import Device, DeviceScopedQuerySet
from devices.states import ClockResult


class DeviceClockQuerySet(DeviceScopedQuerySet):
    def off(self) -> Self:
        """Those that are off by more than their site tolerates."""
        return self.annotate(off_s=Abs("drift_s")).filter(
            off_s__gt=F("device__site__clock_tolerance_s")
        )

    def readable(self) -> Self:
        """Those whose template says where the clock stands."""
        return self.exclude(device__template_version__clock={})


class DeviceClock(models.Model):
    """The clock of one device as it was read last. drift_s: seconds that it is ahead.

    error: why the last reading gave none; then `drift_s` and `checked_at` are of the one before.
    """

    device = models.OneToOneField(
        Device, models.CASCADE, primary_key=True, related_name="clock", verbose_name=_("设备")
    )
    due_at = models.DateTimeField(_("下次检查"), db_index=True)
    checked_at = models.DateTimeField(_("检查时间"), null=True)
    drift_s = models.FloatField(_("时钟偏差 (s)"), null=True)
    error = models.CharField(_("失败原因"), max_length=40, blank=True)

    objects = DeviceClockQuerySet.as_manager()

    class Meta:
        verbose_name = _("表计时钟")
        verbose_name_plural = pgettext_lazy("plural", "表计时钟")

    def __str__(self) -> str:
        return f"{self.device_id} {self.drift_s}"


class ClockSetting(models.Model):
    """One setting of a clock, entered before it is sent: at most one a day, whatever dies meanwhile.

    before_s, after_s: seconds ahead. by: null for the platform itself.
    """

    device = models.ForeignKey(
        Device, models.CASCADE, related_name="clock_settings", verbose_name=_("设备")
    )
    at = models.DateTimeField(_("时间"))
    before_s = models.FloatField(_("校时前偏差 (s)"))
    after_s = models.FloatField(_("校时后偏差 (s)"), null=True)
    result = models.CharField(
        _("结果"), max_length=10, choices=ClockResult, default=ClockResult.SENT
    )
    error = models.CharField(_("失败原因"), max_length=40, blank=True)
    by = models.ForeignKey(
        "sites.User", models.PROTECT, null=True, related_name="+", verbose_name=_("操作人")
    )

    objects = DeviceScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("校时记录")
        verbose_name_plural = pgettext_lazy("plural", "校时记录")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["device", "-at"], name="clock_setting_device_at")]
        constraints = [
            models.CheckConstraint(
                condition=Q(result__in=ClockResult.values), name="clock_setting_result_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.device_id} {self.at:%F %T} {self.result}"
