"""Where the history stands: hours that are compacted, hours to do again, days handed over."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class CompactedHour(models.Model):
    """An hour (UTC) whose samples are in blocks. Written only by services.compacting.

    `is_checked`: every sample in the hot table was found in a block since. `differing`: devices of
    which that was not so at the latest check. `dropped_at`: since then the blocks are all there is.
    `is_rolled`: its quarters are in the roll-ups too. `is_folded`: they are in the rows of their day.
    """

    hour = models.DateTimeField(_("小时 (UTC)"), primary_key=True)
    blocks = models.IntegerField(_("数据块数"))
    rows = models.BigIntegerField(_("采样行数"))
    size_bytes = models.BigIntegerField(_("字节数"))
    compacted_at = models.DateTimeField(_("压缩时间"))
    is_checked = models.BooleanField(_("已核对"), default=False)
    differing = models.IntegerField(_("核对不符的设备数"), default=0)
    dropped_at = models.DateTimeField(_("原始行删除时间"), null=True)
    is_rolled = models.BooleanField(_("已汇总"), default=False)
    is_folded = models.BooleanField(_("汇总已按日合并"), default=False)

    class Meta:
        verbose_name = _("历史数据压缩记录")
        verbose_name_plural = pgettext_lazy("plural", "历史数据压缩记录")
        ordering = ["-hour"]
        indexes = [
            models.Index(
                fields=["hour"], condition=models.Q(is_folded=False), name="compacted_hour_to_fold"
            )
        ]

    def __str__(self) -> str:
        return f"{self.hour:%F %H}:00"


class SampleLoss(models.Model):
    """Samples given up while they waited for the tables and their disk had no room. Append-only.

    `thinned`: the last of their quarter hour stayed; `dropped`: nothing did. All of one shard, with
    times between `first_at` and `last_at`. Written only by services.keeping.
    """

    shard = models.PositiveSmallIntegerField(_("采集分片"))
    thinned = models.BigIntegerField(_("合并的采样数"))
    dropped = models.BigIntegerField(_("丢失的采样数"))
    first_at = models.DateTimeField(_("起始时间"))
    last_at = models.DateTimeField(_("截止时间"))
    noted_at = models.DateTimeField(_("记录时间"), db_index=True)

    class Meta:
        verbose_name = _("采样舍弃记录")
        verbose_name_plural = pgettext_lazy("plural", "采样舍弃记录")
        ordering = ["-noted_at"]

    def __str__(self) -> str:
        return f"{self.shard} {self.first_at:%F %H:%M}"


class ReopenedHour(models.Model):
    """An hour to compact again: samples came late; `noted_at` grows with each batch."""

    hour = models.DateTimeField(primary_key=True)
    noted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.hour:%F %H}"


class RolledDay(models.Model):
    """A calendar day of a zone to be rolled up, or that was (`rolled_at`); due again when noted anew.

    Written only by services.rolling.
    """

    zone = models.CharField(_("时区"), max_length=64)
    day = models.DateField(_("日期"))
    noted_at = models.DateTimeField(_("登记时间"))
    rolled_at = models.DateTimeField(_("汇总时间"), null=True)
    rows = models.IntegerField(_("行数"), default=0)
    size_bytes = models.BigIntegerField(_("字节数"), default=0)

    class Meta:
        verbose_name = _("日汇总记录")
        verbose_name_plural = pgettext_lazy("plural", "日汇总记录")
        ordering = ["-day", "zone"]
        constraints = [
            models.UniqueConstraint(fields=["zone", "day"], name="rolled_day_once"),
        ]
        indexes = [
            models.Index(fields=["day"], condition=models.Q(rolled_at=None), name="rolled_day_due")
        ]

    def __str__(self) -> str:
        return f"{self.day:%F} {self.zone}"


class Handover(models.Model):
    """One row at most: samples before `handed_until` are in blocks, and what came late beside.

    From there on the hot table is the truth. `handed_at`: since when; who reads by the old moment
    gets time to finish before anything is dropped.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    handed_until = models.DateTimeField()
    handed_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_handover")]

    def __str__(self) -> str:
        return f"{self.handed_until:%F %H}"

    @classmethod
    def moment(cls) -> datetime | None:
        """Up to where the blocks are the truth."""
        return cls.objects.values_list("handed_until", flat=True).first()
