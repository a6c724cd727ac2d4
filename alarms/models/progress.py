"""How far the rules followed the samples, and which delays run."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from alarms.models.rules import Rule
from devices.models import Device


class Pending(models.Model):
    """A condition that holds but not yet for its delay: kept so that a restart does not forget it."""

    class Towards(models.TextChoices):
        RAISE = "raise", _("触发")
        RECOVER = "recover", _("恢复")

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="+")
    device = models.ForeignKey(Device, models.CASCADE, related_name="+")
    point_code = models.CharField(max_length=24)
    towards = models.CharField(max_length=8, choices=Towards)
    since = models.DateTimeField()

    class Meta:
        verbose_name = _("延时中的条件")
        verbose_name_plural = pgettext_lazy("plural", "延时中的条件")
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "device", "point_code"], name="one_pending_condition"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.device_id}:{self.point_code}"


class Watched(models.Model):
    """How far the rules have followed one device.

    `Pending` and the conditions of its alarms are those of this moment: samples after it are
    evaluated again by whoever comes next. Written by compare-and-swap together with what follows
    from the samples, so that of two evaluators one wins and a killed one loses nothing.
    """

    device = models.OneToOneField(Device, models.CASCADE, primary_key=True, related_name="+")
    until_s = models.FloatField(_("已评估至（秒）"), help_text=_("自 1970-01-01 UTC 起的秒数。"))

    class Meta:
        verbose_name = _("评估进度")
        verbose_name_plural = pgettext_lazy("plural", "评估进度")

    def __str__(self) -> str:
        return f"{self.device_id} {self.until_s:.3f}"
