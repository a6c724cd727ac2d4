"""Commissioning: what was last read of a device on trial, and who accepted it, having seen what."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.models.equipment import Device, DeviceScopedQuerySet
from devices.models.gateways import Bus
from devices.models.templates import TemplateVersion
from devices.states import CheckVerdict


class Seen(models.Model):
    """What a read at an address with a template version showed.

    `points`: code, unit, words, values by word order, used order, value and range at the primary
    side. `checks`: check, verdict, code, facts, proposed (drivers.wiring.Finding).
    """

    template_version = models.ForeignKey(
        TemplateVersion, models.PROTECT, related_name="+", verbose_name=_("模板版本")
    )
    bus = models.ForeignKey(
        Bus, models.SET_NULL, null=True, related_name="+", verbose_name=_("总线")
    )
    unit_id = models.PositiveSmallIntegerField(_("通信地址"))
    ct = models.FloatField(_("CT 变比"), default=1)
    pt = models.FloatField(_("PT 变比"), default=1)
    clamp_a = models.FloatField(_("钳形表读数 (A)"), null=True)
    read_at = models.DateTimeField(_("读取时间"))
    points = models.JSONField(_("测点"), default=list)
    checks = models.JSONField(_("核对"), default=list)

    class Meta:
        abstract = True

    @property
    def objections(self) -> list[dict[str, Any]]:
        """The checks that failed."""
        return [one for one in self.checks if one["verdict"] == CheckVerdict.FAILED]


class TrialRead(Seen):
    """The latest read of a device on trial; each read takes the place of the one before.

    `error`: the driver's word when nothing was read; points and checks are empty then.
    """

    device = models.OneToOneField(
        Device, models.CASCADE, related_name="trial", verbose_name=_("设备")
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("操作人"),
    )
    error = models.CharField(_("通信错误"), max_length=40, blank=True)

    objects = DeviceScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("试读")
        verbose_name_plural = pgettext_lazy("plural", "试读")

    def __str__(self) -> str:
        return f"{self.device_id} {self.read_at:%F %T}"


class AcceptanceQuerySet(DeviceScopedQuerySet):
    def standing(self) -> Self:
        """Those that nobody has withdrawn: they count for the connection rate."""
        return self.filter(withdrawn_at__isnull=True)


class Acceptance(Seen):
    """A device was accepted: by whom, when, with which template version, having seen what.

    Invariants (database): at most one stands per device; a withdrawal has a reason. Written only by
    services.commissioning; the seen facts never change.
    """

    device = models.ForeignKey(
        Device, models.CASCADE, related_name="acceptances", verbose_name=_("设备")
    )
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("验收人"),
    )
    accepted_at = models.DateTimeField(_("验收时间"))
    note = models.CharField(_("说明"), max_length=200, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("撤销人"),
    )
    withdrawn_at = models.DateTimeField(_("撤销时间"), null=True)
    withdrawn_reason = models.CharField(_("撤销原因"), max_length=200, blank=True)

    objects = AcceptanceQuerySet.as_manager()

    class Meta:
        verbose_name = _("设备验收")
        verbose_name_plural = pgettext_lazy("plural", "设备验收")
        ordering = ["-accepted_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["device"],
                condition=Q(withdrawn_at__isnull=True),
                name="one_acceptance_stands",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | ~Q(withdrawn_reason=""),
                name="withdrawal_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.device_id} {self.accepted_at:%F %T}"
