"""What is known against stored samples, and what people said of them. Samples themselves stay as they came."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.models.equipment import Device, DeviceScopedQuerySet
from devices.states import FlagKind, RepairKind
from sites.models.changes import keeps_changes


class FlaggedStretch(models.Model):
    """Samples of one point in a row that are not believed, first and last included.

    Written only by services.judging. `is_excluded`: readers leave these samples out; a value that
    has not stood still for long enough is kept in mind without. `held_at`, `held_value`: the last
    reading of a counter before, as long as it may come back to it. Samples of kind `invalid` never
    had a number.
    """

    device = models.ForeignKey(
        Device, models.CASCADE, related_name="flagged", verbose_name=_("设备")
    )
    code = models.CharField(_("测点编码"), max_length=24)
    kind = models.CharField(_("类型"), max_length=10, choices=FlagKind)
    start_at = models.DateTimeField(_("起始时间"))
    end_at = models.DateTimeField(_("截止时间"))
    count = models.IntegerField(_("采样数"))
    low = models.FloatField(_("最小值"), null=True)
    high = models.FloatField(_("最大值"), null=True)
    is_excluded = models.BooleanField(default=True)
    held_at = models.DateTimeField(null=True)
    held_value = models.FloatField(null=True)
    found_at = models.DateTimeField(_("发现时间"))

    objects = DeviceScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("可疑数据")
        verbose_name_plural = pgettext_lazy("plural", "可疑数据")
        ordering = ["-start_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["device", "code", "kind", "start_at"], name="flagged_stretch_once"
            ),
            models.CheckConstraint(
                condition=Q(start_at__lte=F("end_at")), name="flagged_stretch_in_order"
            ),
        ]
        indexes = [
            models.Index(fields=["device", "end_at"], name="flagged_by_device"),
            models.Index(fields=["end_at"], name="flagged_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.device_id}:{self.code} {self.kind} {self.start_at:%F %T}"


# The numbers never change, and are of a class of data that not everybody sees.
@keeps_changes(exclude=("line_us", "line", "at_us", "values"))
class Repair(models.Model):
    """What an authorised person laid over the samples of a point, first and last included.

    Later ones lie over earlier ones and over what was flagged; an undone one counts for nothing.
    Written only by services.repairs. VALUE, INTERPOLATE: a line through two points in time
    (microseconds since 1970, value). SHEET: a value per sample. Invariant (database): an undone one
    says who, when and why.
    """

    device = models.ForeignKey(
        Device, models.CASCADE, related_name="repairs", verbose_name=_("设备")
    )
    code = models.CharField(_("测点编码"), max_length=24)
    kind = models.CharField(_("处理方式"), max_length=12, choices=RepairKind)
    start_at = models.DateTimeField(_("起始时间"))
    end_at = models.DateTimeField(_("截止时间"))
    count = models.IntegerField(_("采样数"))
    line_us = ArrayField(models.BigIntegerField(), size=2, default=list, blank=True)
    line = ArrayField(models.FloatField(), size=2, default=list, blank=True)
    at_us = ArrayField(models.BigIntegerField(), default=list, blank=True)
    values = ArrayField(models.FloatField(), default=list, blank=True)
    reason = models.CharField(_("原因"), max_length=200)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("操作人")
    )
    made_at = models.DateTimeField(_("登记时间"))
    undone_at = models.DateTimeField(_("撤销时间"), null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("撤销人"),
    )
    undone_reason = models.CharField(_("撤销原因"), max_length=200, blank=True)

    objects = DeviceScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("数据修正")
        verbose_name_plural = pgettext_lazy("plural", "数据修正")
        ordering = ["-made_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(start_at__lte=F("end_at")), name="repair_in_order"),
            models.CheckConstraint(
                condition=Q(undone_at=None, undone_by=None, undone_reason="")
                | (Q(undone_at__isnull=False, undone_by__isnull=False) & ~Q(undone_reason="")),
                name="undone_repair_says_who",
            ),
        ]
        indexes = [
            models.Index(fields=["device", "end_at"], name="repair_by_device"),
            models.Index(fields=["end_at"], name="repair_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.device_id}:{self.code} {self.kind} {self.start_at:%F %T}"

    @property
    def is_undone(self) -> bool:
        return self.undone_at is not None


class JudgedHour(models.Model):
    """How far the samples of an hour were judged: as many as `rows` say, up to a device."""

    hour = models.DateTimeField(primary_key=True)
    rows = models.BigIntegerField()
    until_device = models.BigIntegerField(default=0)
    is_done = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.hour:%F %H}"
