"""Outputs of a template version: what may be switched from afar, as data."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.drivers.outputs import Command, StateAt
from devices.models.templates import TemplateVersion
from sites.models.names import name_for_reader

# An output that nobody has tried on a device is shown, never switched.
PROVEN = ("confirmed", "own")


class TemplateOutput(models.Model):
    """One output: the commands for on and off, and where its state is read back. Rows never change."""

    version = models.ForeignKey(
        TemplateVersion, models.CASCADE, related_name="outputs", verbose_name=_("模板版本")
    )
    code = models.CharField(_("编码"), max_length=24)
    name = models.CharField(_("名称"), max_length=80)
    name_en = models.CharField(_("英文名称"), max_length=80)
    function_code = models.PositiveSmallIntegerField(_("写功能码"))
    on_address = models.PositiveIntegerField(
        _("合的写入地址"), validators=[MaxValueValidator(65535)]
    )
    on_values = ArrayField(models.PositiveIntegerField(), verbose_name=_("合的写入值"))
    off_address = models.PositiveIntegerField(
        _("分的写入地址"), validators=[MaxValueValidator(65535)]
    )
    off_values = ArrayField(models.PositiveIntegerField(), verbose_name=_("分的写入值"))
    state_function_code = models.PositiveSmallIntegerField(_("回读功能码"))
    state_address = models.PositiveIntegerField(
        _("回读地址"), validators=[MaxValueValidator(65535)]
    )
    state_bit = models.PositiveSmallIntegerField(_("回读位"), null=True, blank=True)
    state_on = models.PositiveIntegerField(_("合的回读值"))
    state_off = models.PositiveIntegerField(_("分的回读值"))
    settle_ms = models.PositiveIntegerField(_("到位时限 (ms)"))
    confidence = models.CharField(_("可信度"), max_length=20)
    note = models.CharField(_("备注"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("遥控输出")
        verbose_name_plural = pgettext_lazy("plural", "遥控输出")
        ordering = ["version", "code"]
        constraints = [
            models.UniqueConstraint(fields=["version", "code"], name="output_code_per_version"),
            models.CheckConstraint(
                condition=Q(function_code__in=[5, 6, 15, 16]), name="output_writes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.label}"

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return name_for_reader(self.name, self.name_en)

    @property
    def is_proven(self) -> bool:
        """Whether the template says that the output was tried on a device."""
        return self.confidence in PROVEN

    @property
    def state(self) -> StateAt:
        """Where it is read back."""
        return StateAt(
            self.state_function_code,
            self.state_address,
            self.state_bit,
            self.state_on,
            self.state_off,
        )

    def command(self, *, is_on: bool) -> Command:
        """What to write."""
        if is_on:
            return Command(self.on_address, tuple(self.on_values))
        return Command(self.off_address, tuple(self.off_values))
