"""How much room there is for the history, and who is told of it: the platform's own site."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sites.models import Site
from sites.models.changes import keeps_changes


@keeps_changes()
class StoragePlan(models.Model):
    """One row: the room for the database, and the days left below which it is scarce.

    `capacity_gb` counts when the data directory is not on this machine, or not all of the disk is
    ours; the thresholds are ours and unverified [K]. `site`: where alarms about the platform itself
    are raised; without it there are none.
    """

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    capacity_gb = models.PositiveIntegerField(
        _("数据库可用容量 (GB)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("留空则取数据库所在磁盘的剩余空间。"),
    )
    warn_days = models.PositiveIntegerField(
        _("剩余天数少于此值时提醒"),
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(3660)],
    )
    urgent_days = models.PositiveIntegerField(
        _("剩余天数少于此值时告急"),
        default=14,
        validators=[MinValueValidator(1), MaxValueValidator(3660)],
    )

    site = models.ForeignKey(
        Site,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("平台所在站点"),
        help_text=_(
            "平台自身的告警（磁盘、采样暂存与舍弃、采集停止）记在此站点，由该站点的人员处理；留空则不触发。"
        ),
    )

    class Meta:
        verbose_name = _("存储容量")
        verbose_name_plural = pgettext_lazy("plural", "存储容量")
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_storage_plan"),
            models.CheckConstraint(
                condition=models.Q(urgent_days__lte=models.F("warn_days")),
                name="storage_plan_urgent_after_warning",
                violation_error_message=_("告急的天数不能多于提醒的天数。"),
            ),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @classmethod
    def current(cls) -> "StoragePlan":
        """The row, or what it would say."""
        return cls.objects.first() or cls()
