"""Data completeness: how many good samples each device gave in each hour of its site's days."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.models.equipment import Device, DeviceScopedQuerySet
from sites.models import Site, SiteScopedQuerySet


class Tally(models.Model):
    """Samples of one device on one day of its site, hour by hour from midnight.

    A day has 23, 24 or 25 hours where clocks change. `good`: samples that came and were valid at
    least in part. `expected`: period × time in service; it grows with the counting, so that a later
    change of the period or of the service does not change what was expected before.
    `counted_until`: the service up to here is in `expected`. Written only by services.tallies.
    """

    device = models.ForeignKey(
        Device, models.CASCADE, related_name="tallies", db_index=False, verbose_name=_("设备")
    )
    day = models.DateField(_("日期"))
    good = ArrayField(models.SmallIntegerField(), verbose_name=_("每小时有效采样数"))
    expected = ArrayField(models.FloatField(), verbose_name=_("每小时应采样数"))
    good_total = models.FloatField(_("有效采样数"), default=0)
    expected_total = models.FloatField(_("应采样数"), default=0)
    counted_until = models.DateTimeField(_("统计截至"))

    objects = DeviceScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("数据完整率统计")
        verbose_name_plural = pgettext_lazy("plural", "数据完整率统计")
        constraints = [
            models.UniqueConstraint(fields=["device", "day"], name="tally_per_device_and_day")
        ]
        indexes = [models.Index(fields=["day"], name="tally_day")]

    def __str__(self) -> str:
        return f"{self.device_id} {self.day}"


class SiteTally(models.Model):
    """The sum over the devices of a site on one of its days: what lists and the hall add up."""

    site = models.ForeignKey(
        Site, models.CASCADE, related_name="tallies", db_index=False, verbose_name=_("站点")
    )
    day = models.DateField(_("日期"))
    good = models.FloatField(_("有效采样数"))
    expected = models.FloatField(_("应采样数"))
    counted_until = models.DateTimeField(_("统计截至"))

    objects = SiteScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("站点数据完整率")
        verbose_name_plural = pgettext_lazy("plural", "站点数据完整率")
        constraints = [
            models.UniqueConstraint(fields=["site", "day"], name="tally_per_site_and_day")
        ]
        indexes = [models.Index(fields=["day"], name="site_tally_day")]

    def __str__(self) -> str:
        return f"{self.site_id} {self.day}"


class CountedZone(models.Model):
    """Up to when the samples of the sites of a time zone are counted."""

    zone = models.CharField(max_length=40, primary_key=True)
    counted_until = models.DateTimeField()

    def __str__(self) -> str:
        return self.zone


class LateHour(models.Model):
    """An hour (UTC) into which samples came after it was counted; `noted_at` grows with each batch."""

    hour = models.DateTimeField(primary_key=True)
    noted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.hour:%F %H}"
